"""Where the eyes of a face look and whether they are closed: a FaceCrop and its fitted coefficients -> an EyeState.

The iris network says roughly where an iris is; it keeps too near to the middle of the opening. From there the gaze is
searched that parts the pixels between the lids best into a dark disc, the iris on the fitted eyeball, and a bright
rest (Otsu's criterion, 1979). Both eyes are searched together, as they look at one thing; then each for itself, not
far from there.
"""
from typing import NamedTuple

import cv2
import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import CAMERA_DISTANCE, CENTER, COEFF_SLICES, FOCAL, IMAGE_SIZE
from Deep3DFaceReconstruction.detection.mediapipe_models import IRIS_POINTS
from Deep3DFaceReconstruction.face_model.eyes import (
    MAX_BLINK,
    MAX_PITCH,
    MAX_YAW,
    EyeState,
    angles,
    direction,
    eyes_of,
    unknown_eyes,
)

# How many times larger the true yaw and pitch are than those of the network's iris: rendered faces of known gaze.
_NETWORK_STRETCH = (1.25, 1.4)
# Standard deviations, radians, from the network's answer, and of an eye from both; the weight of the contrast, 0-1.
_FROM_NETWORK, _FROM_BOTH, _CONTRAST = np.radians((12, 8)), np.radians((3, 2)), 4.0
_STEP = np.radians(2.5)
_SOFT_RIM = np.radians(3)
# Fewer pixels than this between the lids tell nothing.
_LEAST_PIXELS = 12
# Between the lids of an eye that is seen, bright and dark are further apart than this, of 255; behind a dark lens not.
_LEAST_RANGE = 15
# An eye's opening looks so far outwards, and is not seen any more from so far aside.
OUTWARDS, _HIDDEN_BEYOND = np.radians(15), np.radians(65)
# Height between the edges of the lids (dm) from which on an eye is open, and under which it is closed.
_OPEN, _CLOSED = 0.046, 0.032
# The lids of an eye as one loop: the lower lid, and back over the upper one.
_LOOP = list(range(9)) + list(range(15, 8, -1))
# Pairs of points in the middle of the loop around an opening: of the upper lid, below it of the lower one.
_MIDDLE_PAIRS = ((13, 3), (12, 4), (11, 5))
_FAR_CORNER = 8


class GazeFinder:
    """Finds what the eyes of faces of one model do.

    Args:
      model: a face_model.FaceModel; of one without eyeballs every EyeState is unknown.
    Attributes:
      eyes: its face_model.eyes.Eyes, or None.
    """

    def __init__(self, model):
        self.eyes = eyes_of(model)
        self._gazes = np.stack(np.meshgrid(np.arange(-MAX_YAW, MAX_YAW + 1e-6, _STEP),
                                           np.arange(-MAX_PITCH, MAX_PITCH + 1e-6, _STEP), indexing='ij'), axis=-1)
        self._directions = direction(self._gazes).reshape(-1, 3).T.astype(np.float32)

    def of(self, crop, coeff):
        """The EyeState of a photo.crops.FaceCrop with coefficients [257]; unknown without an iris network."""
        if self.eyes is None or crop.irises is None or crop.lids is None:
            return unknown_eyes()
        return self.find(crop.bgr, crop.irises, crop.lids, self.seen(coeff), _in_photo(crop))

    def seen(self, coeff):
        """The SeenEyes of a face with coefficients [257]."""
        places = self.eyes.places(coeff)
        balls = tuple(_SeenBall(places.centers[side], places.radii[side], coeff) for side in range(2))
        return SeenEyes(balls, places.openings, np.array([_is_hidden(side, coeff) for side in range(2)]))

    def find(self, bgr, irises, lids, eyes, in_photo=(True, True), closed=None):
        """The EyeState of a face.

        Args:
          bgr: [224,224,3] uint8, the crop.
          irises: [10,2] and lids: [2,16,2], pixels of the crop, y-up, as in a FaceCrop.
          eyes: SeenEyes of the same face.
          in_photo: whether the photo has each eye whole.
          closed: [2] 0-1, how far each eye is closed, where it is known better than from the lids alone.
        """
        balls, loops = eyes.balls, np.asarray(lids)[:, _LOOP]
        if closed is None:
            closed = np.clip((_OPEN - eyes.lid_heights(lids)) / (_OPEN - _CLOSED), 0, 1)
        closed = np.array(closed, np.float64)
        seen = np.asarray(in_photo, bool) & ~eyes.hidden
        closed[~seen] = closed[seen].mean() if seen.any() else 0  # people blink with both eyes
        gaze = np.full([2, 2], np.nan)
        grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY).astype(np.float32)
        open_eyes = [side for side in np.flatnonzero(seen & (closed < 0.75)) if _shows_an_eye(grey, loops[side])]
        if len(open_eyes):
            first = np.mean([balls[side].gaze_at(irises[side * IRIS_POINTS // 2])[0] for side in open_eyes], axis=0)
            contrast = [self._contrast(grey, loops[side], balls[side]) for side in open_eyes]
            both = self._best(sum(contrast), np.clip(first * _NETWORK_STRETCH, (-MAX_YAW, -MAX_PITCH),
                                                     (MAX_YAW, MAX_PITCH)), _FROM_NETWORK)
            for side, own in zip(open_eyes, contrast):
                gaze[side] = self._best(own, both, _FROM_BOTH)
        return EyeState(gaze, self._blink(closed, eyes.openings))

    def _blink(self, closed, openings):
        """[2] weights of eyeBlink that bring the lids together by the shares `closed` of their openings (dm)."""
        if not closed.any():
            return np.zeros(2)
        reach = self.eyes.blink_openings()
        return np.where(reach > 0, np.clip(closed * openings / np.where(reach > 0, reach, 1), 0, MAX_BLINK), 0)

    def _contrast(self, grey, loop, ball):
        """How well an iris at each gaze parts the pixels inside a loop of lid points: shares of their variance."""
        rows, columns = np.nonzero(_inside(loop))
        if len(rows) < _LEAST_PIXELS:
            return np.zeros(self._gazes.shape[:2])
        values = grey[rows, columns]
        values = np.clip(values, *np.percentile(values, (3, 97)))
        looks = ball.direction_at(np.stack([columns + 0.5, IMAGE_SIZE - 0.5 - rows], axis=1)).astype(np.float32)
        apart = np.arccos(np.clip(looks.dot(self._directions), -1, 1))
        iris = np.clip((self.eyes.iris_angle - apart) / (2 * _SOFT_RIM) + 0.5, 0, 1)
        share = iris.mean(axis=0)
        dark = values.dot(iris) / len(values)
        parted = values.mean() * share - dark  # share (1 - share) (mean of the rest - mean of the iris)
        between = np.maximum(parted, 0) ** 2 / np.maximum(share * (1 - share), 1e-6)
        return (between / max(values.var(), 4.0)).reshape(self._gazes.shape[:2])

    def _best(self, contrast, center, deviation):
        """The gaze [2] of most contrast, held to a centre by a normal distribution; between the grid's points."""
        score = _CONTRAST * contrast - 0.5 * (((self._gazes - center) / deviation) ** 2).sum(axis=2)
        place = np.array(np.unravel_index(score.argmax(), score.shape))
        best = self._gazes[tuple(place)].copy()
        for axis in range(2):
            if 0 < place[axis] < score.shape[axis] - 1:
                step = np.eye(2, dtype=int)[axis]
                before, here, after = (score[tuple(place + k * step)] for k in (-1, 0, 1))
                best[axis] += 0.5 * _STEP * (after - before) / max(2 * here - before - after, 1e-9)
        return best


class SeenEyes(NamedTuple):
    """The eyes of a face as the crop's camera sees them.

    Attributes:
      balls: the _SeenBall of each eye.
      openings: [2] dm between the lids of the mesh.
      hidden: [2] bool, whether an eye looks away from the camera.
    """

    balls: tuple
    openings: np.ndarray
    hidden: np.ndarray

    def lid_heights(self, lids):
        """[2] dm, the height between the edges of each eye's lids [2,16,2] (pixels of the crop, y-up)."""
        return np.array([_height(loop, ball.scale) for loop, ball in zip(np.asarray(lids)[:, _LOOP], self.balls)])


class _SeenBall:
    """An eyeball as the crop's camera sees it.

    Attributes: scale: pixels per dm there.
    """

    def __init__(self, center, radius, coeff):
        self._rotation = numpy_decoder.rotation_matrix(np.asarray(coeff, np.float64)[COEFF_SLICES['angles']])
        self._center = center.dot(self._rotation) + coeff[COEFF_SLICES['translation']]
        self._radius = radius
        self.scale = FOCAL / (CAMERA_DISTANCE - self._center[2])

    def direction_at(self, pixels):
        """[n,3] unit vectors, head's frame, from the ball's centre to what pixels [n,2] (y-up) see of it."""
        rays = np.concatenate([(np.atleast_2d(pixels) - CENTER) / FOCAL, -np.ones([len(np.atleast_2d(pixels)), 1])],
                              axis=1)
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        start = np.array([0, 0, CAMERA_DISTANCE]) - self._center
        middle = rays.dot(start)
        depth = -middle - np.sqrt(np.maximum(middle ** 2 - start.dot(start) + self._radius ** 2, 0))
        away = (start + depth[:, np.newaxis] * rays).dot(self._rotation.T)
        return away / np.linalg.norm(away, axis=1, keepdims=True)

    def gaze_at(self, pixels):
        """[n,2] the gaze at which the middle of the iris is seen at pixels [n,2]."""
        return angles(self.direction_at(pixels))


def _shows_an_eye(grey, loop):
    """Whether there is anything to tell apart inside a loop [16,2] of lid points: not behind dark glasses."""
    values = grey[_inside(loop) > 0]
    return len(values) < _LEAST_PIXELS or float(np.ptp(np.percentile(values, (3, 97)))) > _LEAST_RANGE


def _in_photo(crop):
    """[2] bool: whether the photo of a FaceCrop has each eye whole."""
    if crop.lm_inside is None:
        return np.ones(2, bool)
    return np.array([crop.lm_inside[36:42].all(), crop.lm_inside[42:48].all()])


def _is_hidden(side, coeff):
    """Whether an eye of a head with these coefficients [257] looks away from the camera, or the nose hides it."""
    outwards = (-1, 1)[side] * np.sin(OUTWARDS)
    rotation = numpy_decoder.rotation_matrix(np.asarray(coeff, np.float64)[COEFF_SLICES['angles']])
    return np.array([outwards, 0, np.cos(OUTWARDS)]).dot(rotation)[2] < np.cos(_HIDDEN_BEYOND)


def _height(loop, scale):
    """dm between the lids in the middle of the loop [16,2] around an opening, at `scale` pixels per dm."""
    along = loop[_FAR_CORNER] - loop[0]
    up = np.array([-along[1], along[0]]) / max(np.linalg.norm(along), 1e-6)
    upper, lower = np.transpose(_MIDDLE_PAIRS)
    return float(abs((loop[upper] - loop[lower]).mean(axis=0).dot(up)) / scale)


def _inside(loop):
    """[224,224] uint8, 1 inside a loop of points (y-up) and not on its edge."""
    mask = np.zeros([IMAGE_SIZE, IMAGE_SIZE], np.uint8)
    corners = np.stack([loop[:, 0] - 0.5, IMAGE_SIZE - 0.5 - loop[:, 1]], axis=1)
    cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], 1, shift=4)
    return cv2.erode(mask, np.ones([3, 3], np.uint8))
