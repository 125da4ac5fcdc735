"""dlib's HOG detector and 68-point predictor as a reader (landmark_readers.py)."""
import cv2
import dlib
import numpy as np

from Deep3DFaceReconstruction.conventions import EX_DIM, ID_DIM
from Deep3DFaceReconstruction.detection.dlib_models import DlibFaces, FaceRect
from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.motion.frame_fit import ModelPoints
from Deep3DFaceReconstruction.motion.tracking import Place
from Deep3DFaceReconstruction.numpy_decoder import key_vertices
from Deep3DFaceReconstruction.photo.landmarks import JAW, face_tilt, five_from_68

# The jaw line is an outline, not a set of vertices; but its middle stays on the chin, and says how far the jaw is open.
JAW_WEIGHT = 0.1
CHIN, CHIN_WEIGHT = [7, 8, 9], 1.0
# Lids and lips are edges that the predictor finds well, and expressions hang on them.
LIDS, LID_WEIGHT = [37, 38, 40, 41, 43, 44, 46, 47], 5.0
LIPS, LIP_WEIGHT = slice(48, 68), 1.5
EYE_CORNERS, INNER_LIPS = ((36, 39), (45, 42)), (62, 66)
# Of another dlib landmark, pixels^2 of the crop: what balances the prior as the fitting of photos does.
DLIB_VARIANCE = 3.4
# dlib's square in terms of the five points: eyes to mouth are so many times shorter than its side, and the square's
# middle lies this share of that distance from the eyes' middle to the mouth's.
_SIDE, _MIDDLE = 2.1, 0.5
_UPRIGHT = 15.0          # degrees
_DETECT_SIDE = 320       # pixels, of the longest side of what is searched first, then doubled
_VERIFY_SIDE = 100       # pixels, of the face in the patch that is checked
_LEAST_SCORE = -0.4      # of dlib's HOG, for a face that is known to be near


class DlibReader:
    """dlib's HOG detector and its 68-point predictor: a reader. One object serves one thread."""

    def __init__(self):
        self._finder = DlibFaces()
        self._hog = dlib.get_frontal_face_detector()

    def detect(self, rgb):
        """See landmark_readers."""
        for side in (_DETECT_SIDE, 2 * _DETECT_SIDE):
            scale = side / max(rgb.shape[:2])
            small = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), None, fx=scale, fy=scale,
                               interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
            rects = self._hog.run(small, 0, 0.0)[0]
            if rects:
                places = [Place(np.array([rect.center().x, rect.center().y]) / scale, rect.width() / scale, 0.0)
                          for rect in rects]
                return sorted(places, key=lambda place: -place.side)
        return []

    def read(self, rgb, place):
        """See landmark_readers."""
        low, high = place.center - place.side / 2, place.center + place.side / 2
        try:
            points = self._finder.landmarks68(rgb, FaceRect(low[0], low[1], high[0], high[1], 0.0, place.tilt))
        except LandmarkError:
            return None
        five = five_from_68(points)
        return points if np.linalg.norm(five[:2].mean(axis=0) - five[3:].mean(axis=0)) > 4 else None

    def is_face(self, rgb, points):
        """See landmark_readers."""
        place = self.place_of(points)
        scale = _VERIFY_SIDE / place.side
        size = 2 * _VERIFY_SIDE
        turn = cv2.getRotationMatrix2D(tuple(place.center), place.tilt, scale)
        turn[:, 2] += size / 2 - place.center
        patch = cv2.warpAffine(rgb, turn, (size, size), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        return len(self._hog.run(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), 0, _LEAST_SCORE)[0]) > 0

    def place_of(self, points):
        """See landmark_readers."""
        five = five_from_68(points)
        eyes, mouth = five[:2].mean(axis=0), five[3:].mean(axis=0)
        tilt = face_tilt(five)
        return Place(eyes + _MIDDLE * (mouth - eyes), _SIDE * float(np.linalg.norm(mouth - eyes)),
                     tilt if abs(tilt) > _UPRIGHT else 0.0)

    def five_points(self, points):
        """See landmark_readers."""
        return five_from_68(points)

    def eye_corners(self, points):
        """See landmark_readers."""
        return points[np.array(EYE_CORNERS)]

    def mouth_opening(self, points):
        """See landmark_readers."""
        return float(np.linalg.norm(points[INNER_LIPS[0]] - points[INNER_LIPS[1]]))

    def on_model(self, model):
        """See landmark_readers."""
        keys = key_vertices(model)
        base = keys.base.reshape(len(keys.mean), 3, ID_DIM + EX_DIM)
        weights = np.ones(len(keys.mean))
        weights[JAW] = JAW_WEIGHT
        weights[CHIN] = CHIN_WEIGHT
        weights[LIDS] = LID_WEIGHT
        weights[LIPS] = LIP_WEIGHT
        constant = np.zeros((len(weights), 2)), np.diag(np.repeat(weights / DLIB_VARIANCE, 2))

        def noise(yaw):
            return constant
        return ModelPoints(keys.mean, base[:, :, :ID_DIM], base[:, :, ID_DIM:], np.arange(len(weights)), noise, noise,
                           None, model.ex_lower)
