"""The shapes that a .glb file can take: ARKit's named ones where the face model has them, else its expression basis."""
from typing import Callable, NamedTuple, Tuple

import numpy as np

from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model.named_shapes import ExpressionMap, load_named_shapes


class MorphTargets(NamedTuple):
    """Offsets of a face model's vertices.

    Attributes:
      names: of K shapes.
      moves: [K,N,3] float32, decimetres at weight 1.
      weights: function from expression coefficients [64] to weights [K] float64.
    """

    names: Tuple[str, ...]
    moves: np.ndarray
    weights: Callable


def morph_targets(model):
    """MorphTargets of a face_model.FaceModel."""
    try:
        named = load_named_shapes(model)
    except FaceModelError:
        return component_targets(model)
    expression_map = ExpressionMap(model, named)
    return MorphTargets(tuple(named.names), named.moves, lambda coefficients: expression_map.weights(coefficients)[0])


def component_targets(model):
    """The components of the expression basis: a weight is a coefficient, in standard deviations."""
    count = model.ex_dim
    moves = np.ascontiguousarray(np.asarray(model.ex_base)[:, :count].T).reshape(count, -1, 3)
    names = tuple('expression_%02d' % (k + 1) for k in range(count))
    return MorphTargets(names, moves, lambda coefficients: np.asarray(coefficients, np.float64)[:count])
