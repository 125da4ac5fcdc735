"""The first step of fitting: pose, identity and expression from 68 landmarks alone.

Least squares on the same landmark loss and prior as training, in NumPy: 136 residuals of the key vertices
against the detected landmarks, one for each coefficient's prior.
"""
import numpy as np
from scipy.optimize import least_squares

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES, EX_DIM, EX_PRIOR_WEIGHT, ID_DIM
from Deep3DFaceReconstruction.numpy_decoder import (
    key_vertices,
    project,
    project_derivative,
    rotation_matrix,
    rotation_matrix_derivative,
)

# Turns of the head (radians about y) to try: the landmarks of a profile have a second, wrong minimum.
START_YAWS = (0.0, -0.7, 0.7)
POSE_DIM = 6


class LandmarkFit:
    """Fits the 68 key vertices of a face model to landmarks.

    Args:
      model: a face_model.FaceModel.
      prior_weight: weight of |alpha|^2 + 0.8 |beta|^2 against the mean square landmark distance in pixels^2.
    """

    def __init__(self, model, prior_weight):
        self._key_vertices = key_vertices(model)
        prior = np.concatenate([np.ones(ID_DIM), np.full(EX_DIM, EX_PRIOR_WEIGHT)])
        self._prior = np.sqrt(prior_weight * prior)

    def __call__(self, landmarks, weights):
        """Coefficients [257] float64, texture and light zero.

        Args:
          landmarks: [68,2] pixels of the crop, y up.
          weights: [68], relative weights, mean 1.
        """
        root = np.sqrt(weights / len(landmarks))[:, None]
        rigid = min((self._solve(np.array([0, yaw, 0, 0, 0, 0.]), landmarks, root) for yaw in START_YAWS),
                    key=lambda solution: solution.cost)
        full = self._solve(np.concatenate([rigid.x, np.zeros(ID_DIM + EX_DIM)]), landmarks, root)
        coeff = np.zeros(COEFF_DIM)
        coeff[COEFF_SLICES['angles']] = full.x[:3]
        coeff[COEFF_SLICES['translation']] = full.x[3:POSE_DIM]
        coeff[COEFF_SLICES['id']] = full.x[POSE_DIM:POSE_DIM + ID_DIM]
        coeff[COEFF_SLICES['ex']] = full.x[POSE_DIM + ID_DIM:]
        return coeff

    def _solve(self, start, landmarks, root):
        return least_squares(self._residuals, start, self._jacobian, method='trf', x_scale='jac', max_nfev=50,
                             args=(landmarks, root))

    def _points(self, unknowns):
        if len(unknowns) == POSE_DIM:
            return self._key_vertices.mean
        return self._key_vertices.shape(unknowns[POSE_DIM:])

    def _residuals(self, unknowns, landmarks, root):
        points = self._points(unknowns).dot(rotation_matrix(unknowns[:3])) + unknowns[3:POSE_DIM]
        return np.concatenate([(root * (project(points) - landmarks)).ravel(),
                               self._prior[:len(unknowns) - POSE_DIM] * unknowns[POSE_DIM:]])

    def _jacobian(self, unknowns, landmarks, root):
        points = self._points(unknowns)
        rotation = rotation_matrix(unknowns[:3])
        moved = points.dot(rotation) + unknowns[3:POSE_DIM]
        to_pixels = project_derivative(moved) * root[:, :, None]

        count = len(unknowns) - POSE_DIM
        moves = np.empty([len(points), 3, len(unknowns)])  # d moved point / d unknown
        for axis in range(3):
            moves[:, :, axis] = points.dot(rotation_matrix_derivative(unknowns[:3], axis))
        moves[:, :, 3:POSE_DIM] = np.eye(3)
        if count:
            base = self._key_vertices.base.reshape(len(points), 3, -1)
            moves[:, :, POSE_DIM:] = np.einsum('kjc,ji->kic', base, rotation)
        pixels = np.matmul(to_pixels, moves).reshape(-1, len(unknowns))
        prior = np.concatenate([np.zeros([count, POSE_DIM]), np.diag(self._prior[:count])], axis=1)
        return np.concatenate([pixels, prior])
