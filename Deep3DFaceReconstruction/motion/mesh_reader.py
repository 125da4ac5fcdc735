"""Google's face mesh as a reader (landmark_readers.py): 468 points in one pass, also of a face seen from the side."""
import numpy as np

from Deep3DFaceReconstruction.conventions import ID_DIM
from Deep3DFaceReconstruction.detection.detectors import FaceDetector
from Deep3DFaceReconstruction.detection.face_mesh import five_of_mesh, mesh_data, region_of_candidate, region_of_mesh
from Deep3DFaceReconstruction.detection.mediapipe_models import (
    DETECTORS,
    LEFT_EYE,
    RIGHT_EYE,
    FaceMesh,
    Region,
    model_file,
)
from Deep3DFaceReconstruction.fitting.dense_points import DenseLandmarks
from Deep3DFaceReconstruction.motion.frame_fit import ModelPoints
from Deep3DFaceReconstruction.motion.tracking import Place

# The mesh network's logit from which there may be a face, and from which there is one.
LEAST_LOGIT, SURE_LOGIT = 0.0, 5.0
# The mesh network marks all points this share of its square too far to the left, whichever way the head is turned: its
# points of an image and of the mirror image lie twice as far apart (90 synthetic heads: 0.70 +- 0.05 of 192 pixels).
_LEFTWARDS = 0.70 / 192
# Of the detector's covariance, the share that changes from frame to frame with pose and expression; the rest is a
# person's own. Beside it, each point strays by so many pixels of the crop. Measured on made clips.
PASSING, OWN_JITTER = 0.03, 1.0
# The mouth's motion shows on the rims of the lips, outer and inner.
LIPS = (0, 13, 14, 17, 37, 39, 40, 61, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185, 191, 267, 269, 270, 291,
        308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409, 415)
INNER_LIPS = (13, 14)     # their middle, upper and lower
# Radians between tabulated noises.
_YAW_STEP = np.radians(10.0)
_MOST_YAW = np.radians(80.0)


class MeshReader:
    """Google's detectors and 468-point mesh. One object serves one thread.

    Raises:
      AssetError: they are not installed.
    """

    def __init__(self):
        for name in DETECTORS:
            model_file('face_detection_' + name)
        self._detector, self._mesh = FaceDetector(), FaceMesh()

    def detect(self, rgb):
        """See landmark_readers."""
        places = [_place(region_of_candidate(candidate)) for candidate in self._detector(rgb)]
        return sorted(places, key=lambda place: -place.side)

    def read(self, rgb, place):
        """See landmark_readers."""
        region = _region(place)
        points, _, logit = self._mesh(rgb, region)
        points = points + _LEFTWARDS * region.side * np.array([np.cos(region.roll), np.sin(region.roll)])
        return points if logit >= LEAST_LOGIT else None

    def is_face(self, rgb, points):
        """See landmark_readers."""
        return self._mesh(rgb, region_of_mesh(points))[2] >= SURE_LOGIT

    def place_of(self, points):
        """See landmark_readers."""
        return _place(region_of_mesh(points))

    def five_points(self, points):
        """See landmark_readers."""
        return five_of_mesh(points)

    def eye_corners(self, points):
        """See landmark_readers."""
        return points[np.array([RIGHT_EYE, LEFT_EYE])]

    def mouth_opening(self, points):
        """See landmark_readers."""
        return float(np.linalg.norm(points[INNER_LIPS[0]] - points[INNER_LIPS[1]]))

    def on_model(self, model):
        """See landmark_readers."""
        dense = DenseLandmarks(model, np.union1d(mesh_data().spread, LIPS))
        identity, expression = dense.points.base[:, :, :ID_DIM], dense.points.base[:, :, ID_DIM:]

        def jitter(yaw):
            bias, covariance = dense.detection_noise(yaw)
            return bias, np.linalg.inv(PASSING * covariance + OWN_JITTER ** 2 * np.eye(len(covariance)))
        return ModelPoints(dense.points.mean, identity, expression, dense.rows, _Noise(dense.noise), _Noise(jitter),
                           dense.naming, model.ex_lower)


class _Noise:
    """A noise tabulated over the yaw and interpolated, so that it does not jump as the head turns; in float32."""

    def __init__(self, noise):
        self._noise, self._table = noise, {}

    def __call__(self, yaw):
        place = np.clip(yaw, -_MOST_YAW, _MOST_YAW) / _YAW_STEP
        low = int(np.floor(place))
        share = np.float32(place - low)
        bias, precision = self._at(low)
        if share < 1e-6:
            return bias, precision
        next_bias, next_precision = self._at(low + 1)
        return bias + share * (next_bias - bias), precision + share * (next_precision - precision)

    def _at(self, step):
        if step not in self._table:
            bias, precision = self._noise(step * _YAW_STEP)
            self._table[step] = bias.astype(np.float32), precision.astype(np.float32)
        return self._table[step]


def _place(region):
    return Place(region.center, region.side, float(np.degrees(region.roll)))


def _region(place):
    return Region(place.center, place.side, float(np.radians(place.tilt)))
