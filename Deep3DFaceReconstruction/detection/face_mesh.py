"""The dense landmarks of a face: Google's mesh in two passes, its irises, and the 68 landmarks read off it."""
import os
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.detection.mediapipe_models import Eyes, FaceMesh, IrisNetwork, Region, roll_of
from Deep3DFaceReconstruction.photo.alignment import POS
from Deep3DFaceReconstruction.photo.landmarks import face_tilt, standard_five_points

_DATA_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'face_mesh.npz')

# The mesh network looks at a square this many times as large as the face.
_MARGIN = 1.5
# Side of that square per pixel-per-decimetre of the face's scale: 1.5 times the mesh's height of 1.55 dm.
_SIDE_DM = 2.3
# Points of the mesh that make the five: corners of the eyes, tip of the nose, corners of the mouth.
_FIVE = ((33, 133), (263, 362), (4,), (61,), (291,))


class MeshFace(NamedTuple):
    """The dense landmarks of one face."""
    points: np.ndarray          # [468,2] pixels of the photo, y-down
    depth: np.ndarray           # [468] in the same pixels, towards the viewer, about their mean
    eyes: Eyes                  # irises and lids
    logit: float                # of there being a face: above 5 for almost all, about 15 in profile, 40 in front

    @property
    def irises(self):
        """[10,2]: centre and rim of the iris of the subject's right eye, then of the left one."""
        return self.eyes.irises

    @property
    def five_points(self):
        """[5,2]: the five points of alignment."""
        return five_of_mesh(self.points)

    @property
    def box(self):
        """(left, top, right, bottom) of the points."""
        return tuple(self.points.min(axis=0)) + tuple(self.points.max(axis=0))


def five_of_mesh(points):
    """The five points [5,2] of alignment among mesh points [468,2]."""
    return np.stack([points[list(rows)].mean(axis=0) for rows in _FIVE])


class MeshFinder:
    """Finds the dense landmarks of a face whose place is known. One object serves one thread."""

    def __init__(self):
        self._mesh, self._iris = FaceMesh(), IrisNetwork()

    def of_candidate(self, rgb, candidate):
        """The MeshFace of a detectors.Candidate in a photo [H,W,3] uint8."""
        return self._two_passes(rgb, region_of_candidate(candidate))

    def of_five_points(self, rgb, five_points):
        """The MeshFace about the five points [5,2] (y-down) of a face in a photo [H,W,3] uint8."""
        height = rgb.shape[0]
        up = np.stack([five_points[:, 0], height - 1 - five_points[:, 1]])
        center, scale = POS(up, standard_five_points().T)
        return self._two_passes(rgb, Region(np.array([center[0, 0], height - 1 - center[1, 0]]), _SIDE_DM * scale,
                                            np.radians(face_tilt(five_points))))

    def _two_passes(self, rgb, region):
        points, _, _ = self._mesh(rgb, region)
        points, depth, logit = self._mesh(rgb, region_of_mesh(points))
        return MeshFace(points, depth - depth.mean(), self._iris(rgb, points), logit)


def region_of_candidate(candidate):
    """The Region in which the network looks for the face of a detectors.Candidate."""
    across, box = candidate.points[1] - candidate.points[0], candidate.box
    return Region((box[:2] + box[2:]) / 2, _MARGIN * (box[2:] - box[:2]).max(), float(np.arctan2(across[1], across[0])))


def region_of_mesh(points):
    """The Region in which the network looks for a face whose mesh was at points [468,2], upright with it."""
    roll = roll_of(points)
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    upright = points.dot(turn)
    low, high = upright.min(axis=0), upright.max(axis=0)
    return Region(turn.dot((low + high) / 2), _MARGIN * float((high - low).max()), roll)


class MeshData(NamedTuple):
    """What tools/open_model/adapt.py learned about the mesh on synthetic heads.

    The noise is that of detected points against their true places, pixels of the crop, y-up, as bias and covariance
    factors F with covariance F F' + diag(own), tabulated over the yaw of faces turned to the image's left.
    """
    landmark_points: np.ndarray   # [68,K] int: the points of the mesh that a landmark is the weighted sum of
    landmark_weights: np.ndarray  # [68,K], rows sum to one
    mirror: np.ndarray            # [468] int: the point at the same place of the face's other side
    spread: np.ndarray            # [n] int: points that cover the face evenly, without its outline
    noise_yaws: np.ndarray        # [Y] degrees, not negative
    noise_bias: np.ndarray        # [Y,936]
    noise_factors: np.ndarray     # [Y,936,k]
    noise_own: np.ndarray         # [Y,936]

    def landmarks68(self, points):
        """The 68 landmarks [68,2] of mesh points [468,2]."""
        return np.einsum('lk,lkc->lc', self.landmark_weights, points[self.landmark_points])


def mesh_data():
    """Reads MeshData from the file beside this module."""
    with np.load(_DATA_FILE) as data:
        return MeshData(**{name: data[name].astype(np.int64 if data[name].dtype.kind == 'u' else np.float64)
                           for name in MeshData._fields})
