"""Where a face model has the points of the dense landmark mesh, and how far its detector strays from them.

The open model's file holds the places; another model gets them by registration: the open model's mean face is brought
onto the other's by their 68 landmarks, and each point goes to the closest place of the surface.
"""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import ALIGN_SCALE
from Deep3DFaceReconstruction.detection.face_mesh import mesh_data
from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.meshes import registration
from Deep3DFaceReconstruction.meshes.closest_surface import closest_points
from Deep3DFaceReconstruction.system import assets

# Points that two face models call by one name lie this far apart (standard deviation, dm), neighbours within the
# second number alike; each point strays by the third besides.
NAMING, NAMING_REACH, NAMING_OWN = 0.03, 0.25, 0.05
# Slack of the warp between models at the 68 landmarks: models place them to within a few millimetres alike.
_WARP_SLACK = 0.02
# The noise is tabulated at yaws this many degrees apart.
_YAW_STEP = 10.0


class PointSet(NamedTuple):
    """Places of a face model's surface that move with its coefficients."""
    mean: np.ndarray  # [K,3] float64, dm, about the mean vertex
    base: np.ndarray  # [K,3,144] float64, dm per standard deviation; identity, then expression


def point_set(model, vertices, weights):
    """The PointSet of weighted means of vertices.

    Args:
      model: a face_model.FaceModel.  vertices: [K,n] int.  weights: [K,n], rows sum to one.
    """
    mean = model.meanshape[vertices] - numpy_decoder.mean_offset(model)
    rows = 3 * np.asarray(vertices)[:, :, np.newaxis] + np.arange(3)
    base = np.concatenate([model.id_base[rows], model.ex_base[rows]], axis=3)
    return PointSet(np.einsum('kn,knc->kc', weights, mean), np.einsum('kn,kncj->kcj', weights, base.astype(np.float64)))


def dense_places(model):
    """(vertices [478,3] int, weights [478,3]): the 468 mesh points and ten iris points on a face model's surface.

    Raises:
      AssetError: the open model's file is missing or has no such points.
    """
    vertices, weights = _open_places()
    if model.path == assets.OPEN_MODEL:
        return vertices, weights
    source = load_face_model(assets.OPEN_MODEL)
    marks, goal = source.meanshape[source.keypoints], model.meanshape[model.keypoints]
    scale, rotation, shift = registration.similarity(marks, goal)
    places = np.einsum('kn,knc->kc', weights, source.meanshape[vertices].astype(np.float64))
    warp = registration.smooth_warp(scale * marks.dot(rotation) + shift, goal, np.full(len(marks), _WARP_SLACK * scale))
    places = warp(scale * places.dot(rotation) + shift)
    found = np.zeros(vertices.shape, np.int64), np.zeros(weights.shape)
    parts = source.part[vertices].max(axis=1)
    for part in np.unique(parts):
        # A lid's point belongs on the lid, though the eyeball may be nearer.
        rows, triangles = np.flatnonzero(parts == part), model.triangles[model.part[model.triangles[:, 0]] == part]
        triangles = triangles if len(triangles) else model.triangles
        closest = closest_points(places[rows], model.meanshape, triangles)
        found[0][rows], found[1][rows] = triangles[closest.triangle], closest.weights
    return found


def _open_places():
    try:
        with np.load(assets.OPEN_MODEL) as data:
            return data['dense_vertices'].astype(np.int64), data['dense_weights'].astype(np.float64)
    except (OSError, ValueError, KeyError):
        raise AssetError('%s: expected the open face model with dense landmarks, got none; restore it from git or '
                         'type: python -m tools.open_model' % assets.OPEN_MODEL)


class DenseLandmarks:
    """The mesh points that the fit uses, on a face model, with what is known of their error.

    Args:
      model: a face_model.FaceModel.
      rows: which of the 468 to use; by default those that cover the face evenly.
    Attributes:
      rows: [K] which of the 468.  points: their PointSet.
      naming: [K,K] dm2, covariance of each coordinate of the points' places among people.
    """

    def __init__(self, model, rows=None):
        self._data = mesh_data()
        self.rows = self._data.spread if rows is None else np.asarray(rows)
        vertices, weights = dense_places(model)
        self.points = point_set(model, vertices[self.rows], weights[self.rows])
        apart = ((self.points.mean[:, np.newaxis] - self.points.mean) ** 2).sum(axis=2)
        self.naming = (NAMING ** 2 * np.exp(-apart / (2 * NAMING_REACH ** 2))
                       + NAMING_OWN ** 2 * np.eye(len(self.rows)))
        self._table = {}

    def noise(self, yaw):
        """(bias [K,2], precision [2K,2K]) of the detected points of a face, pixels of the crop, y-up.

        Args:
          yaw: radians, as in the coefficients.
        """
        step = int(np.clip(np.rint(np.degrees(yaw) / _YAW_STEP), -8, 8))
        if step not in self._table:
            bias, covariance = self.detection_noise(np.radians(step * _YAW_STEP))
            self._table[step] = bias, np.linalg.inv(covariance + ALIGN_SCALE ** 2 * np.kron(self.naming, np.eye(2)))
        return self._table[step]

    def detection_noise(self, yaw):
        """(bias [K,2], covariance [2K,2K]) of the detected points where their places on this face are known.

        Args:
          yaw: radians, as in the coefficients.
        """
        bias, covariance = self._at(abs(np.degrees(yaw)))
        if yaw < 0:
            bias, covariance = _mirrored(bias, covariance, self._data.mirror)
        chosen = (2 * self.rows[:, np.newaxis] + np.arange(2)).ravel()
        return bias[self.rows], covariance[np.ix_(chosen, chosen)]

    def _at(self, yaw):
        """(bias [468,2], covariance [936,936]) at a yaw in degrees, not negative."""
        data = self._data
        place = np.interp(yaw, data.noise_yaws, np.arange(len(data.noise_yaws)))
        first = min(int(place), len(data.noise_yaws) - 2)
        bias, covariance = 0.0, 0.0
        for k, share in ((first, 1 - place + first), (first + 1, place - first)):
            factors = data.noise_factors[k]
            bias = bias + share * data.noise_bias[k]
            covariance = covariance + share * (factors.dot(factors.T) + np.diag(data.noise_own[k]))
        return bias.reshape(-1, 2), covariance


def _mirrored(bias, covariance, mirror):
    """Noise of the mirror image: another order of points, x the other way."""
    chosen = (2 * mirror[:, np.newaxis] + np.arange(2)).ravel()
    signs = np.tile([-1.0, 1.0], len(mirror))
    return bias[mirror] * [-1, 1], covariance[np.ix_(chosen, chosen)] * signs[:, np.newaxis] * signs
