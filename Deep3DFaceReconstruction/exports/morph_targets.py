"""The shapes that a .glb file can take: ARKit's named ones where the face model has them, else its expression basis."""
from typing import Callable, NamedTuple, Tuple

import numpy as np

from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model.named_shapes import ExpressionMap, load_named_shapes

# What the named shapes do not reach of a face's own expression, at weight 1.
REST = 'expressionRest'
_SMALLEST_REST = 1e-5  # dm


class MorphTargets(NamedTuple):
    """Offsets of a face model's vertices.

    Attributes:
      names: of K shapes.
      moves: [K,N,3] float32, decimetres at weight 1.
      weights: function from expression coefficients [64] to weights [K] float64.
      basis: [3N,64] float, the expression basis, dm.
      lowest: the smallest weight that makes sense: 0, or -1 for components of a basis.
    """

    names: Tuple[str, ...]
    moves: np.ndarray
    weights: Callable
    basis: np.ndarray
    lowest: float

    def of_face(self, coefficients):
        """(names, moves [K,N,3], weights [K]) of a face with expression coefficients [64].

        The weights times the moves are its expression: where the shapes do not reach all of it, a last one is added
        that holds the rest, so that the file opens as the photo has it and is neutral with all weights at 0.
        """
        weights = np.asarray(self.weights(coefficients), np.float64)
        rest = self.basis.dot(coefficients).reshape(-1, 3) - np.tensordot(weights, self.moves, axes=1)
        if np.abs(rest).max() < _SMALLEST_REST:
            return self.names, self.moves, weights
        return self.names + (REST,), np.concatenate([self.moves, rest[np.newaxis]]), np.append(weights, 1.0)


def morph_targets(model):
    """MorphTargets of a face_model.FaceModel."""
    try:
        named = load_named_shapes(model)
    except FaceModelError:
        return component_targets(model)
    expression_map = ExpressionMap(model, named)
    return MorphTargets(tuple(named.names), named.moves, lambda coefficients: expression_map.weights(coefficients)[0],
                        np.asarray(model.ex_base), 0.0)


def component_targets(model):
    """The components of the expression basis: a weight is a coefficient, in standard deviations."""
    count = model.ex_dim
    moves = np.ascontiguousarray(np.asarray(model.ex_base)[:, :count].T).reshape(count, -1, 3)
    names = tuple('expression_%02d' % (k + 1) for k in range(count))
    return MorphTargets(names, moves, lambda coefficients: np.asarray(coefficients, np.float64)[:count],
                        np.asarray(model.ex_base), -1.0)
