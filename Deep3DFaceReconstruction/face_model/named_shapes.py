"""Named expressions: ARKit's 52 shapes of a face model, and the way between them and expression coefficients.

Enters: a FaceModel of a kind that has names (the open model, ICT-FaceKit). Leaves: displacements by name, weights
0-1 from coefficients, coefficients from weights. The arrays are read when they are asked for, not with the model.
"""
from typing import NamedTuple

import numpy as np
import scipy.linalg
from scipy.optimize import lsq_linear, nnls
from scipy.spatial.transform import Rotation

from Deep3DFaceReconstruction.errors import FaceModelError, InputError
from Deep3DFaceReconstruction.face_model import arkit, open_model
from Deep3DFaceReconstruction.face_model.converters import ict_facekit
from Deep3DFaceReconstruction.meshes.registration import sphere_fit
from Deep3DFaceReconstruction.system.mat_file import MatFile

# What a weight of 1 must explain of a shape to be worth its place: the cost of the weights' sum (L1, so sparse).
SPARSITY = 0.02
# The error of an offset, dm, and the number of points of a face whose errors are independent: how far the prior
# (coefficients are standard deviations) may bend the least-squares coefficients.
OFFSET_ERROR, INDEPENDENT_POINTS = 0.01, 500


class NamedShapes(NamedTuple):
    """Displacements of the full mesh at weight 1, dm, and what pairs of them add at the product of their weights."""

    names: tuple             # of K shapes
    moves: np.ndarray        # [K,N,3] float32
    pairs: np.ndarray        # [P,2], places in names
    corrections: np.ndarray  # [P,N,3] float32

    def weights(self, values, where='weights'):
        """[K] from {name: weight}; clamped as `allowed` says.

        Raises:
          InputError: an unknown name, or a weight that is not a number; `where` is named.
        """
        weights = np.zeros(len(self.names))
        for name, value in values.items():
            if name not in self.names:
                raise InputError('%s: expected the name of a shape, such as %s, got %s'
                                 % (where, ', '.join(self.names[:3]), name))
            if not np.isfinite(value):
                raise InputError('%s: expected a number from 0 to 1 for %s, got %s' % (where, name, value))
            weights[self.names.index(name)] = value
        return self.allowed(weights)

    def allowed(self, weights):
        """Weights [...,K] clamped to 0-1, and mouthClose to jawOpen: it closes what the jaw opens, not more."""
        weights = np.clip(weights, 0.0, 1.0)
        if arkit.CLOSING in self.names and arkit.OPENING in self.names:
            closing, opening = self.names.index(arkit.CLOSING), self.names.index(arkit.OPENING)
            weights[..., closing] = np.minimum(weights[..., closing], weights[..., opening])
        return weights

    def offset(self, weights):
        """[N,3] float64 dm that the weights [K] add to a face, clamped as `allowed` says."""
        weights = self.allowed(weights)
        total = np.tensordot(weights, self.moves, axes=1)
        if len(self.pairs):
            total += np.tensordot(weights[self.pairs].prod(axis=1), self.corrections, axes=1)
        return total


def load_named_shapes(model):
    """The named shapes of a face model.

    Args:
      model: a FaceModel of the open model's .npz, or of ICT-FaceKit's .mat, whose own names are mapped to ARKit's
        (the two sides of browInnerUp and cheekPuff become one).
    Returns:
      NamedShapes.
    Raises:
      FaceModelError: the model has no named shapes. AssetError: its file cannot be read.
    """
    if model.path.endswith('.npz'):
        return NamedShapes(*open_model.load_named(model.path))
    mat = MatFile(model.path, FaceModelError, 'a face model')
    if 'exNames' not in mat:
        raise FaceModelError('%s: expected a face model with named shapes (the open model, ICT-FaceKit), got one '
                             'without' % model.path)
    own = [str(name).strip() for name in np.ravel(mat['exNames'])]
    turns = np.asarray(mat['exEyeTurns']) if 'exEyeTurns' in mat else np.zeros([len(own), 6])
    shapes = {}
    for name, column, turn in zip(own, np.asarray(model.ex_base, np.float32).T, turns):
        move = column.reshape(-1, 3) / ict_facekit.WEIGHT_PER_DEVIATION + _eye_moves(model, turn)
        name = _arkit_name(name)
        shapes[name] = shapes[name] + move if name in shapes else move
    names = tuple(sorted(shapes, key=lambda name: (name not in arkit.NAMES, name)))
    count = len(model.meanshape)
    return NamedShapes(names, np.stack([shapes[name] for name in names]), np.zeros((0, 2), np.int64),
                       np.zeros((0, count, 3), np.float32))


def _eye_moves(model, turn):
    """[N,3] float32 dm: how the eyeballs of the mean face move when turned by the rotation vectors [6], right, left."""
    moves = np.zeros(model.meanshape.shape, np.float32)
    for number, vector in zip(open_model.EYE_PARTS, np.reshape(turn, (2, 3))):
        ball = np.flatnonzero(model.part == number)
        if len(ball) and vector.any():
            places = model.meanshape[ball].astype(np.float64)
            center = sphere_fit(places)[0]
            moves[ball] = Rotation.from_rotvec(vector).apply(places - center) - (places - center)
    return moves


def _arkit_name(name):
    """ARKit's name of one of ICT-FaceKit's shapes: eyeBlink_L is eyeBlinkLeft, browInnerUp_L part of browInnerUp."""
    for suffix, side in (('_L', 'Left'), ('_R', 'Right')):
        if name.endswith(suffix):
            stem = name[:-len(suffix)]
            return stem if stem in arkit.NAMES else stem + side
    return name


class ExpressionMap:
    """Between the expression coefficients of a face model and the weights of its named shapes.

    Attributes: names, a tuple of K.
    """

    def __init__(self, model, named):
        """Args: model: a FaceModel; named: its NamedShapes."""
        self.names = named.names
        moves = named.moves.reshape(len(self.names), -1).astype(np.float64)
        base = np.asarray(model.ex_base, np.float64)
        # Weights as sums of non-negative parts: mouthClose comes with as much of jawOpen, so it never exceeds it.
        self._parts = np.eye(len(self.names))
        if arkit.CLOSING in self.names and arkit.OPENING in self.names:
            self._parts[self.names.index(arkit.OPENING), self.names.index(arkit.CLOSING)] = 1
        self._moving = np.flatnonzero(moves.any(axis=1))
        parts = self._parts[:, self._moving]
        gram = parts.T.dot(moves.dot(moves.T)).dot(parts)
        size = np.trace(gram) / len(gram)
        self._root = scipy.linalg.cholesky(gram + 1e-6 * size * np.eye(len(gram)))
        self._cross = parts.T.dot(moves.dot(base))
        self._cost = SPARSITY * np.diag(gram)
        self._lower = model.ex_lower.astype(np.float64)
        prior = len(base) // 3 * OFFSET_ERROR ** 2 / INDEPENDENT_POINTS
        self._back = np.linalg.solve(base.T.dot(base) + prior * np.eye(base.shape[1]), base.T.dot(moves.T)).T

    def weights(self, coefficients):
        """[S,K] weights 0-1 whose shapes come nearest to the offsets of expression coefficients [S,64].

        Sparse non-negative least squares: the sum of squared distances over the mesh, plus SPARSITY of a shape's own
        square per unit of its weight. Corrections of pairs are left out.
        """
        goals = scipy.linalg.solve_triangular(self._root, self._cross.dot(np.atleast_2d(coefficients).T)
                                              - self._cost[:, None], trans='T').T
        amounts = np.zeros((len(goals), len(self._moving)))
        for row, goal in enumerate(goals):
            amounts[row] = nnls(self._root, goal)[0]
            if amounts[row].max() > 1:
                amounts[row] = np.clip(lsq_linear(self._root, goal, (0.0, 1.0), method='bvls').x, 0, 1)
        return np.clip(amounts.dot(self._parts[:, self._moving].T), 0, 1)

    def coefficients(self, weights):
        """[S,64] expression coefficients nearest to weights [S,K]: least squares over the mesh, and the prior; none
        below the model's bound."""
        return np.maximum(np.atleast_2d(weights).dot(self._back), self._lower)
