"""Closes the lips of a mean face that is modelled with its mouth slightly open, and keeps them closed in everybody.

The gap between the lips is a linear function of the vertices, so one sparse matrix closes a mean face and every
identity component alike. Expressions are left as they are: they open the mouth.
"""
import numpy as np
import scipy.sparse as sp

# Among the 68, from 0: the edges of the lips from corner to corner.
_UPPER, _LOWER = (60, 61, 62, 63, 64), (60, 67, 66, 65, 64)
# The line of contact is followed in so many steps from corner to corner.
_STEPS = 20
# A lip's edge lies this near to the line between the landmarks, and not further behind it (dm).
_NEAR, _BEHIND = 0.06, 0.15
# How far above and below the line of contact the lips move along, less and less (dm); about a lip's height.
_REACH = 0.1
# What lies nearer to the line of contact moves all the way (dm).
_TOUCHING = 0.01
# The edges are known at some vertices only; this much of pressure closes what is left between them (dm).
_PRESSURE = 0.003


def closing(vertices, keypoints):
    """What makes lips meet half way: a sparse matrix [N,N] for the y coordinates of a mean and of identity components,
    and [N] dm to be added to those of the mean.

    Args:
      vertices: [N,3] mean face, dm, y up, face along +z.
      keypoints: [68] int.
    Returns:
      (matrix, added); the identity and 0 for vertices away from the lips.
    """
    x, y = vertices[:, 0], vertices[:, 1]
    middle = _line(vertices, keypoints)
    upper, lower = _edges(vertices, keypoints, middle)
    count = len(vertices)
    top, bottom = _along(upper, x, count), _along(lower, x, count)
    beside = y - (top + bottom).dot(y) / 2
    share = np.clip(1 - (np.abs(beside) - _TOUCHING) / _REACH, 0, 1)
    share = share ** 2 * (3 - 2 * share)
    inside = (x > vertices[keypoints[60], 0]) & (x < vertices[keypoints[64], 0])
    moves = np.where(inside, np.where(beside > 0, -0.5, 0.5) * share, 0.0)
    return (sp.identity(count) + sp.diags(moves).dot(top - bottom)).tocsr(), _PRESSURE * moves


def _line(vertices, keypoints):
    """The function of x that runs between the lips."""
    ends = (vertices[keypoints[list(_UPPER)], :2] + vertices[keypoints[list(_LOWER)], :2]) / 2
    return lambda x: np.interp(x, ends[:, 0], ends[:, 1])


def _edges(vertices, keypoints, middle):
    """For each lip the vertices of its edge, (numbers, their x), the corners of the mouth included, from left to right.

    The edge of the upper lip is its lowest vertex in each step, that of the lower lip its highest.
    """
    x, y, z = vertices.T
    corners = keypoints[[60, 64]]
    front = np.interp(x, x[keypoints[list(_UPPER)]], np.minimum(z[keypoints[list(_UPPER)]],
                                                                z[keypoints[list(_LOWER)]]))
    near = np.flatnonzero((np.abs(y - middle(x)) < _NEAR) & (z > front - _BEHIND)
                          & (x > x[corners[0]]) & (x < x[corners[1]]))
    step = ((x[near] - x[corners[0]]) / (x[corners[1]] - x[corners[0]]) * _STEPS).astype(int)
    edges = []
    for sign in (1, -1):
        mine = sign * (y[near] - middle(x[near])) > 0
        rows, steps = near[mine], step[mine]
        order = np.lexsort((sign * y[rows], steps))
        first = np.unique(steps[order], return_index=True)[1]
        edge = np.concatenate([corners[:1], rows[order[first]], corners[1:]])
        edges.append((edge, x[edge]))
    return edges


def _along(edge, x, count):
    """Sparse [N,N]: the y of an edge, interpolated at every x."""
    numbers, places = edge
    order = np.argsort(places, kind='stable')
    numbers, places = numbers[order], places[order]
    after = np.clip(np.searchsorted(places, x), 1, len(places) - 1)
    share = np.clip((x - places[after - 1]) / np.maximum(places[after] - places[after - 1], 1e-9), 0, 1)
    rows = np.arange(len(x))
    return sp.csr_matrix((np.concatenate([1 - share, share]),
                          (np.concatenate([rows, rows]), np.concatenate([numbers[after - 1], numbers[after]]))),
                         (len(x), count))
