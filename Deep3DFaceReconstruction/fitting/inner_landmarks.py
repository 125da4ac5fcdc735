"""dlib's inner 51 landmarks beside the dense mesh: what they add to it, and how far they stray.

Where dlib sees a landmark is not where a face model has the vertex of that name: on the bridge of the nose, at the
lips and at the inner corners of the eyes they lie 1 to 4 pixels apart, on all faces alike. Taken at their word, dlib's
points widen every nose and raise every lip; the mean of the difference on synthetic heads is taken off instead.
"""
import os

import numpy as np

from Deep3DFaceReconstruction.fitting.landmark_fit import Observed
from Deep3DFaceReconstruction.photo.landmarks import INNER
from Deep3DFaceReconstruction.system import assets

BIAS_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'dlib_bias.npz')
# The landmarks fix mouth and eyes: their own and their common deviation, pixels of the crop, and the turn of the head
# (degrees) up to which dlib knows faces.
DEVIATION, COMMON, MOST_TURN = 3.0, 2.0, 32.0


class InnerLandmarks:
    """The inner 51 of a face model, to be seen by dlib.

    Args:
      model: a face_model.FaceModel. The bias is known of the open model's points alone; another model's have none.
      points: dense_points.PointSet of its 51.
    Attributes:
      bias: [51,2] pixels of the crop, y-up: dlib's landmarks less the model's points.
    """

    def __init__(self, model, points):
        self._points = points
        self.bias = np.zeros((len(points.mean), 2))
        if model.path == assets.OPEN_MODEL:
            with np.load(BIAS_FILE) as data:
                self.bias = data['bias'].astype(np.float64)
        covariance = DEVIATION ** 2 * np.eye(len(self.bias)) + COMMON ** 2
        self._precision = np.kron(np.linalg.inv(covariance), np.eye(2))

    def observed(self, landmarks):
        """The landmark_fit.Observed of dlib's 68 landmarks [68,2], pixels of the crop, y-up."""
        return Observed(self._points, landmarks[INNER] - self.bias, self._precision)
