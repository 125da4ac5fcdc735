"""The first step of fitting: pose, identity and expression from landmarks alone, with their noise as it is.

A maximum a posteriori estimate: expression coefficients are standard normal, identity coefficients have half of that
variance, and each set of landmarks has a bias and a precision of its own (dense_points.py). Levenberg-Marquardt in
NumPy on 6 + 144 unknowns, in the order of `Posterior`.
"""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.bounded_steps import bounded_step
from Deep3DFaceReconstruction.conventions import (
    CAMERA_DISTANCE,
    CENTER,
    COEFF_DIM,
    COEFF_SLICES,
    EX_DIM,
    FOCAL,
    ID_DIM,
    TEX_DIM,
)
from Deep3DFaceReconstruction.fitting.dense_points import PointSet
from Deep3DFaceReconstruction.meshes import registration

# Turns of the head (radians about y) to try where nothing tells: a profile's landmarks have a second, wrong minimum.
START_YAWS = (0.0, -0.7, 0.7)
POSE_DIM = 6
_UNKNOWNS = POSE_DIM + ID_DIM + EX_DIM
# Places of all 257 unknowns: those of Posterior.mean, then texture and light.
SHAPE = slice(0, _UNKNOWNS)
TEXTURE = slice(_UNKNOWNS, _UNKNOWNS + TEX_DIM)
LIGHT = slice(TEXTURE.stop, COEFF_DIM)
_RIGID_STEPS, _FULL_STEPS = 8, 12
# A step that lowers the cost by less than this share is the last one.
_CONVERGED = 1e-3
# Twice a standard normal's precision for the identity: the models' points of one name differ in a way that all points
# share, which their covariance does not hold and the fit would take for identity.
PRIOR_PRECISION = np.concatenate([np.full(ID_DIM, 2.0), np.ones(EX_DIM)])


class Observed(NamedTuple):
    """Landmarks of one kind, seen in the crop.

    Attributes:
      points: PointSet, K of them.
      pixels: [K,2] where they were found, pixels of the crop, y-up, their bias taken off.
      precision: [2K,2K], the inverse of their covariance.
    """

    points: PointSet
    pixels: np.ndarray
    precision: np.ndarray


class Linear(NamedTuple):
    """What is known of the shape besides landmarks: base . coefficients + offset is 0 up to a deviation.

    Attributes:
      base: [R,144].  offset: [R].  deviation: in the units of the offset.
    """

    base: np.ndarray
    offset: np.ndarray
    deviation: float


class Posterior(NamedTuple):
    """A normal distribution of pose and shape: angles, translation, 80 identity and 64 expression coefficients.

    Attributes:
      mean: [150] float64.
      precision: [150,150]; the prior is in it.
      misfit: mean squared residual in standard deviations, of a landmark's coordinate.
      pull: [150] the gradient at the mean of coefficients that a lower bound holds; 0 for all others.
    """

    mean: np.ndarray
    precision: np.ndarray
    misfit: float
    pull: np.ndarray = np.zeros(_UNKNOWNS)

    def gradient(self, values):
        """[150] of the negative logarithm of the density at unknowns [150]."""
        return self.precision.dot(values - self.mean) + self.pull

    def coefficients(self):
        """[257] float64, texture and light zero."""
        coeff = np.zeros(COEFF_DIM)
        coeff[COEFF_SLICES['angles']], coeff[COEFF_SLICES['translation']] = self.mean[:3], self.mean[3:POSE_DIM]
        coeff[COEFF_SLICES['id']] = self.mean[POSE_DIM:POSE_DIM + ID_DIM]
        coeff[COEFF_SLICES['ex']] = self.mean[POSE_DIM + ID_DIM:]
        return coeff

    def deviations(self):
        """[257] float64, standard deviations of the coefficients; a texture's is the prior's, NaN for the light."""
        values = self._replace(mean=np.sqrt(np.diag(np.linalg.inv(self.precision)))).coefficients()
        values[COEFF_SLICES['tex']], values[COEFF_SLICES['gamma']] = 1, np.nan
        return values


def unknowns(coeff):
    """[150] of coefficients [257], in the order of Posterior.mean."""
    return np.concatenate([coeff[COEFF_SLICES[name]] for name in ('angles', 'translation', 'id', 'ex')]).astype(
        np.float64)


def values_of(coeff):
    """[257] float64 unknowns of coefficients [257]."""
    return np.concatenate([unknowns(coeff), coeff[COEFF_SLICES['tex']], coeff[COEFF_SLICES['gamma']]])


def coefficients_of(values):
    """Unknowns [257], or their deviations, in the order of the coefficients."""
    coeff = np.zeros(COEFF_DIM)
    coeff[COEFF_SLICES['angles']], coeff[COEFF_SLICES['translation']] = values[:3], values[3:6]
    coeff[COEFF_SLICES['id']], coeff[COEFF_SLICES['ex']] = values[6:86], values[86:150]
    coeff[COEFF_SLICES['tex']], coeff[COEFF_SLICES['gamma']] = values[TEXTURE], values[LIGHT]
    return coeff.astype(np.float32)


def isotropic(count, deviation):
    """The precision [2K,2K] of K landmarks with independent errors of one standard deviation in pixels."""
    return np.eye(2 * count) / deviation ** 2


def fit_landmarks(observed, starts, known=(), lower=None):
    """The Posterior that landmarks leave.

    Args:
      observed: list of Observed.
      starts: list of [6] angles and translation to begin from; the best wins.
      known: list of Linear, which the last stage and the posterior heed.
      lower: [150] the least value of each unknown, at most 0, -inf where it is free; None: all are.
    """
    rigid = [_minimize(observed, np.concatenate([start, np.zeros(_UNKNOWNS - POSE_DIM)]), POSE_DIM, _RIGID_STEPS)
             for start in starts]
    best, _ = min(rigid, key=lambda solution: solution[1])
    best, _ = _minimize(observed, best, _UNKNOWNS, _FULL_STEPS, known, lower)
    return posterior(observed, best, known, lower)


def posterior(observed, mean, known=(), lower=None):
    """The Posterior about unknowns [150] where the landmarks are linearised; lower: see fit_landmarks."""
    hessian, gradient, cost, count = _normal_equations(observed, mean, _UNKNOWNS, known)
    shape = mean[POSE_DIM:]
    pull = np.zeros(_UNKNOWNS) if lower is None else np.where(mean <= lower, np.maximum(gradient, 0), 0)
    return Posterior(mean, hessian, float((2 * cost - shape.dot(shape)) / max(count, 1)), pull)


def pose_start(points, pixels, depth):
    """Angles and translation [6] from landmarks with depth: the similarity of the mean shape to them.

    Args:
      points: PointSet.  pixels: [K,2] of the crop, y-up.  depth: [K] in the same pixels, towards the viewer.
    """
    seen = np.concatenate([pixels, depth[:, np.newaxis]], axis=1)
    scale, rotation, shift = registration.similarity(points.mean, seen)
    return np.concatenate([_angles(rotation.T), (shift[:2] - CENTER) / scale, [CAMERA_DISTANCE - FOCAL / scale]])


def _angles(matrix):
    """[3] of the rotation Rz Ry Rx of column vectors."""
    return np.array([np.arctan2(matrix[2, 1], matrix[2, 2]), np.arcsin(np.clip(-matrix[2, 0], -1, 1)),
                     np.arctan2(matrix[1, 0], matrix[0, 0])])


def yaw_starts():
    """Starts of `fit_landmarks` for landmarks that say nothing of the pose by themselves."""
    return [np.array([0, yaw, 0, 0, 0, 0.0]) for yaw in START_YAWS]


def _minimize(observed, start, free, steps, known=(), lower=None):
    """Levenberg-Marquardt over the first `free` unknowns: (unknowns [150], cost)."""
    best, damping = start, 1e-3
    cost = _cost(observed, best, known)
    for _ in range(steps):
        hessian, gradient, _, _ = _normal_equations(observed, best, free, known)
        before = cost
        for _ in range(6):
            tried = best.copy()
            tried[:free] -= bounded_step(hessian + damping * np.diag(np.diag(hessian) + 1e-9), gradient,
                                         None if lower is None else best[:free] - lower[:free])
            cost_there = _cost(observed, tried, known)
            if cost_there < cost:
                best, cost, damping = tried, cost_there, 0.3 * damping
                break
            damping *= 10
        if before - cost <= _CONVERGED * before:
            break
    return best, cost


def _cost(observed, values, known=()):
    shape = values[POSE_DIM:]
    total = 0.5 * shape.dot(PRIOR_PRECISION * shape)
    for kind in observed:
        residual = (numpy_decoder.project(_moved(kind.points, values)[1]) - kind.pixels).ravel()
        total += 0.5 * residual.dot(kind.precision.dot(residual))
    for fact in known:
        total += 0.5 * ((fact.base.dot(shape) + fact.offset) ** 2).sum() / fact.deviation ** 2
    return total


def _moved(points, values):
    """(shape [K,3], the same after the rigid transform)."""
    shape = points.mean + points.base.dot(values[POSE_DIM:])
    return shape, shape.dot(numpy_decoder.rotation_matrix(values[:3])) + values[3:POSE_DIM]


def _normal_equations(observed, values, free, known=()):
    """(hessian [free,free], gradient [free], cost without `known`, number of coordinates), Gauss-Newton."""
    prior = np.concatenate([np.zeros(POSE_DIM), PRIOR_PRECISION])[:free]
    hessian, gradient = np.diag(prior), prior * values[:free]
    shape = values[POSE_DIM:]
    cost, count = 0.5 * shape.dot(PRIOR_PRECISION * shape), 0
    for kind in observed:
        pixels, slope = _projected(kind.points, values, free)
        residual = (pixels - kind.pixels).ravel()
        weighted = kind.precision.dot(np.concatenate([slope, residual[:, np.newaxis]], axis=1))
        hessian = hessian + slope.T.dot(weighted[:, :-1])
        gradient = gradient + slope.T.dot(weighted[:, -1])
        cost += 0.5 * residual.dot(weighted[:, -1])
        count += len(residual)
    for fact in known:
        residual = (fact.base.dot(shape) + fact.offset) / fact.deviation ** 2
        hessian[POSE_DIM:, POSE_DIM:] += fact.base.T.dot(fact.base) / fact.deviation ** 2
        gradient[POSE_DIM:] += fact.base.T.dot(residual)
    return hessian, gradient, cost, count


def _projected(points, values, free):
    """(pixels [K,2], their derivative [2K,free])."""
    shape, moved = _moved(points, values)
    slope = np.empty([len(shape), 3, free])
    for axis in range(3):
        slope[:, :, axis] = shape.dot(numpy_decoder.rotation_matrix_derivative(values[:3], axis))
    slope[:, :, 3:POSE_DIM] = np.eye(3)
    if free > POSE_DIM:
        rotation = numpy_decoder.rotation_matrix(values[:3])
        slope[:, :, POSE_DIM:] = np.matmul(rotation.T, points.base[:, :, :free - POSE_DIM])
    pixels = np.matmul(numpy_decoder.project_derivative(moved), slope)
    return numpy_decoder.project(moved), pixels.reshape(-1, free)
