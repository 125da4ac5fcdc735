"""Gradient-domain blending: the correction that brings a patch's border to what is around it and fades inwards.

Perez, Gangnet & Blake, "Poisson Image Editing", SIGGRAPH 2003, here of logarithms, so that a correction is a factor,
and with mixed boundary conditions: where hair, collar or background lie beside the patch, they do not pull at it.
"""
import cv2
import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import cg

from Deep3DFaceReconstruction.surface import texture_fill

# The correction is smooth: it is solved for at this many pixels along the longer side.
_SIDE = 128


def correction(wanted, border, patch, reach):
    """[h,w,C] float32: the screened membrane, laplacian(c) = c / reach^2, with c = wanted on the border.

    Elsewhere at the patch's rim its derivative is zero. Outside of the patch, its values go on.

    Args:
      wanted: [h,w,C] float32.  border: [h,w] bool, where the correction is given.  patch: [h,w] bool.
      reach: pixels over which it fades.
    """
    scale = min(1.0, _SIDE / max(patch.shape))
    size = tuple(max(int(round(length * scale)), 2) for length in patch.shape[::-1])
    weight = cv2.resize(np.float32(border), size, interpolation=cv2.INTER_AREA)
    given = cv2.resize(wanted * border[:, :, np.newaxis], size, interpolation=cv2.INTER_AREA)
    given = given.reshape(weight.shape + wanted.shape[2:]) / np.maximum(weight, 1e-3)[:, :, np.newaxis]
    fixed = weight > 0.1
    inside = (cv2.resize(np.float32(patch), size, interpolation=cv2.INTER_AREA) > 0.05) | fixed
    if not fixed.any():
        return np.zeros_like(wanted)
    result = np.zeros(given.shape, np.float32)
    result[inside] = _solved(inside, fixed[inside], given[inside], 1 / max(reach * scale, 1e-3) ** 2)
    result = texture_fill.spread(result, inside, rounds=0)
    return cv2.resize(result, patch.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(wanted.shape)


def _solved(inside, fixed, given, screening):
    """[K,C] of the K pixels inside [h,w]: given [K,C] where fixed [K], else the screened membrane."""
    count = int(inside.sum())
    number = np.full(inside.shape, -1)
    number[inside] = np.arange(count)
    pairs = np.concatenate([np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1),
                            np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1)])
    pairs = pairs[(pairs >= 0).all(axis=1)]
    links = sp.coo_matrix((np.ones(len(pairs)), pairs.T), (count, count))
    links = links + links.T
    matrix = (sp.diags(np.asarray(links.sum(axis=1)).ravel() + screening) - links).tocsr()[~fixed]
    result = given.copy()
    right = -matrix[:, fixed].dot(np.float64(given[fixed]))
    result[~fixed] = np.stack([_positive_solution(matrix[:, ~fixed], column) for column in right.T], axis=1)
    return result


def _positive_solution(matrix, right):
    """[n] float64: x with matrix x = right, of a symmetric positive definite sparse matrix [n,n].

    Conjugate gradients, since SuperLU of SciPy 1.7 crashes on some of these matrices. The second round solves for what
    the first has left, to a relative residual of 1e-10.
    """
    result = np.zeros(len(right))
    for _ in range(2):
        result += cg(matrix, right - matrix.dot(result))[0]
    return result
