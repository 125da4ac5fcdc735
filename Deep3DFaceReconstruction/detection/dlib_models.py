"""dlib's face detectors and its 68-point predictor.

All points are (x, y) in pixels, y down, of the image they were found in; `landmarks` says what they mean.
"""
from collections import namedtuple

import cv2
import dlib
import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.conventions import IMAGE_SIZE
from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo.landmarks import face_tilt, five_from_68
from Deep3DFaceReconstruction.system.assets import dlib_model

# Pixels, y down, right and bottom outside; score: the detector's confidence, larger is surer; tilt: degrees by which
# the face leans clockwise, as seen; the rectangle is that of the face turned upright about the rectangle's centre.
FaceRect = namedtuple('FaceRect', ['left', 'top', 'right', 'bottom', 'score', 'tilt'])
FaceRect.__new__.__defaults__ = (0.0,)

# Detection works on an image reduced to this longest side: time and memory stay bounded, whatever the photo.
_HOG_SIDE = 1280
_CNN_SIDE = 800
# Up to this side the image is doubled first, as HOG needs faces of 80 pixels.
_HOG_SMALL_SIDE = 640
# What scores less than this is a face only if nothing scores more.
_SURE = 0.3
# Rectangles that share more than this of their joint area are one face.
_SAME_FACE = 0.4

# The predictor sees each face in a square patch: the rectangle scaled to this width, this much of it around.
_PATCH_FACE = 256
_PATCH_BORDER = 0.5
# HOG and the predictor know faces that are upright to about this many degrees.
_UPRIGHT_DEGREES = 15.0
# A rectangle that scores less, or comes from the CNN, may be that of a tilted face: HOG looks at it turned.
_UPRIGHT_SCORE = 1.2
_TILTS = (0.0, -30.0, 30.0, -60.0, 60.0, -90.0, 90.0)
_TILT_FACE = 128  # pixels
# HOG takes some tilt for upright and scores it nearly alike: a turned face has to score this much better.
_TILT_ADVANTAGE = 0.3

# The rectangle that HOG, on average, gives to a face in the aligned crop.
_CROP_RECT = FaceRect(40.0, 40.0, 184.0, 184.0, 0.0)


class DlibFaces:
    """dlib's models, each loaded from `face_recognition_models` when first needed, once per object.

    One object serves one thread.
    """

    def __init__(self):
        self._hog = None
        self._cnn = None
        self._predictor = None

    def detect_faces(self, rgb, small=False):
        """Finds faces: HOG first; where it finds none, HOG at twice the size, then the CNN.

        Faces may be tilted by up to about 90 degrees.

        Args:
          rgb: [H, W, 3] uint8.
          small: look for small faces beside large ones at once (for group photos).
        Returns:
          list of FaceRect, largest first, doubtful ones left out beside sure ones; empty if no face is found.
          They may reach beyond the image.
        """
        side = max(rgb.shape[:2])
        reduced, scale = _reduced(rgb, _HOG_SIDE)
        rects = []
        if side > _HOG_SMALL_SIDE and not small:
            rects = self._hog_faces(reduced, scale, 0)
        if not rects:
            rects = self._hog_faces(reduced, scale, 1)
        if not rects:
            rects = self._cnn_faces(*_reduced(rgb, _CNN_SIDE))
            # The CNN knows tilted faces too, and its score does not tell them.
            return [self._turned(rgb, rect) for rect in _largest_first(rects)]
        rects = _largest_first(rects)
        turned = [rect if rect.score >= _UPRIGHT_SCORE else self._turned(rgb, rect) for rect in rects]
        return [new if new.tilt else rect for rect, new in zip(rects, turned)]

    def landmarks68(self, rgb, rect):
        """The 68 landmarks of one face.

        The face is brought to one size first, so that points have sub-pixel precision in small images;
        outside the image is black.

        Args:
          rgb: [H, W, 3] uint8.
          rect: FaceRect.
        Returns:
          [68, 2] float64.
        """
        points = self._predict(rgb, rect)
        tilt = face_tilt(five_from_68(points))
        if abs(tilt - rect.tilt) > _UPRIGHT_DEGREES:
            points = self._predict(rgb, rect._replace(tilt=tilt))
        return points

    def crop_landmarks68(self, crop_rgb, five_points=None):
        """The 68 landmarks of the face in an aligned crop, which is where alignment put it.

        Args:
          crop_rgb: [224, 224, 3] uint8.
          five_points: [5, 2] in the crop, y-down: they tell how far the face is tilted, which alignment leaves as it
            is. Faces tilted by more than about 30 degrees need them.
        Returns:
          [68, 2] float64, crop pixels, y-down.
        """
        if np.shape(crop_rgb) != (IMAGE_SIZE, IMAGE_SIZE, 3):
            raise LandmarkError('expected an aligned crop [%d, %d, 3], got %s'
                                % (IMAGE_SIZE, IMAGE_SIZE, list(np.shape(crop_rgb))))
        tilt = 0.0 if five_points is None else face_tilt(five_points)
        return self.landmarks68(crop_rgb, _CROP_RECT._replace(tilt=tilt if abs(tilt) > _UPRIGHT_DEGREES else 0.0))

    def _predict(self, rgb, rect):
        if self._predictor is None:
            self._predictor = dlib.shape_predictor(dlib_model('shape_predictor_68_face_landmarks.dat'))
        patch = _Patch(rgb, rect, _PATCH_FACE, rect.tilt)
        shape = self._predictor(patch.pixels, dlib.rectangle(*patch.rectangle))
        return patch.to_image(np.array([(point.x, point.y) for point in shape.parts()], np.float64))

    def _turned(self, rgb, rect):
        """The rectangle as HOG sees it when the face is turned upright; itself where that is not clearly better."""
        best, best_score = rect, -np.inf
        for tilt in _TILTS:
            patch = _Patch(rgb, rect, _TILT_FACE, tilt)
            rects, scores, _ = self._hog.run(patch.pixels, 0, 0.0)
            for found, score in zip(rects, scores):
                if score - _TILT_ADVANTAGE * (tilt != 0) > best_score:
                    best_score = score - _TILT_ADVANTAGE * (tilt != 0)
                    center = patch.to_image(np.array([[found.center().x, found.center().y]]))[0]
                    best = _square(center, found.width() / patch.scale, score, tilt)
        return best

    def _hog_faces(self, rgb, scale, upsample):
        if self._hog is None:
            self._hog = dlib.get_frontal_face_detector()
        rects, scores, _ = self._hog.run(rgb, upsample, 0.0)
        return [_scaled(rect, score, scale) for rect, score in zip(rects, scores)]

    def _cnn_faces(self, rgb, scale):
        if self._cnn is None:
            self._cnn = dlib.cnn_face_detection_model_v1(dlib_model('mmod_human_face_detector.dat'))
        return [_scaled(found.rect, found.confidence, scale) for found in self._cnn(rgb, 0)]


def _reduced(rgb, longest_side):
    """(image of at most this longest side, factor from its pixels to the original's)."""
    height, width = rgb.shape[:2]
    scale = max(height, width) / longest_side
    if scale <= 1.0:
        return np.ascontiguousarray(rgb), 1.0
    size = (max(int(round(width / scale)), 1), max(int(round(height / scale)), 1))
    return np.array(Image.fromarray(rgb).resize(size, Image.BILINEAR, reducing_gap=2.0)), scale


def _scaled(rect, score, scale):
    return FaceRect(rect.left() * scale, rect.top() * scale, (rect.right() + 1) * scale,
                    (rect.bottom() + 1) * scale, float(score))


def _largest_first(rects):
    least = min(_SURE, max((rect.score for rect in rects), default=_SURE))
    rects = [rect for rect in rects if rect.score >= least]
    kept = []
    for rect in sorted(rects, key=lambda r: (-_area(r), r.left, r.top)):
        if all(_overlap(rect, other) <= _SAME_FACE for other in kept):
            kept.append(rect)
    return kept


def _area(rect):
    return max(rect.right - rect.left, 0.0) * max(rect.bottom - rect.top, 0.0)


def _overlap(a, b):
    inner = FaceRect(max(a.left, b.left), max(a.top, b.top),
                     min(a.right, b.right), min(a.bottom, b.bottom), 0.0)
    shared = _area(inner)
    return shared / max(_area(a) + _area(b) - shared, 1e-9)


def _square(center, side, score, tilt):
    (x, y), half = center, side / 2
    return FaceRect(x - half, y - half, x + half, y + half, float(score), tilt)


class _Patch:
    """The square around a face, scaled and turned upright; what lies outside the image is black.

    Attributes:
      pixels: [side, side, 3] uint8.
      rectangle: the face's left, top, right, bottom in it, int.
      scale: patch pixels per image pixel.
    """

    def __init__(self, rgb, rect, face_width, tilt):
        width = max(rect.right - rect.left, rect.bottom - rect.top)
        if not width > 0:
            raise LandmarkError('expected a face rectangle with an area, got %s' % (tuple(rect),))
        border = int(np.ceil(width * _PATCH_BORDER))
        left, top = int(np.floor(rect.left)) - border, int(np.floor(rect.top)) - border
        size = int(np.ceil(width)) + 2 * border
        side = int(round(face_width * (1 + 2 * _PATCH_BORDER)))
        self.scale = side / size
        self._origin = np.array([left, top])
        self.pixels = np.array(Image.fromarray(_window(rgb, left, top, size)).resize((side, side), Image.BILINEAR))
        corners = (np.array(rect[:4]) - [left, top, left, top]) * self.scale
        self.rectangle = [int(round(corner)) for corner in corners]
        self._turn = None
        if tilt:
            center = ((corners[0] + corners[2]) / 2, (corners[1] + corners[3]) / 2)
            self._turn = cv2.getRotationMatrix2D(center, tilt, 1.0)
            self.pixels = cv2.warpAffine(self.pixels, self._turn, (side, side), flags=cv2.INTER_LINEAR)

    def to_image(self, points):
        """[n, 2] points of the patch -> of the image."""
        if self._turn is not None:
            points = (points - self._turn[:, 2]) @ np.linalg.inv(self._turn[:, :2]).T
        # Pixel centres: the centre of the first source pixel is half a source pixel from the patch's edge.
        return (points + 0.5) / self.scale - 0.5 + self._origin


def _window(rgb, left, top, size):
    """The square [size, size, 3] at (left, top) of an image; what lies outside is black."""
    height, width = rgb.shape[:2]
    window = np.zeros((size, size, 3), np.uint8)
    x0, x1 = max(left, 0), min(left + size, width)
    y0, y1 = max(top, 0), min(top + size, height)
    if x0 < x1 and y0 < y1:
        window[y0 - top:y1 - top, x0 - left:x1 - left] = rgb[y0:y1, x0:x1]
    return window
