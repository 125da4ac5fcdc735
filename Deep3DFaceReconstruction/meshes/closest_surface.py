"""The exact closest points of a triangle mesh, and its values there."""
from collections import namedtuple

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree

ClosestPoints = namedtuple('ClosestPoints', [
    'triangle',   # [P] int, the triangle that holds the closest point
    'weights',    # [P,3] float64, its barycentric coordinates there, none negative, summing to one
    'distance',   # [P] float64
])

_Group = namedtuple('_Group', ['index', 'middle', 'radius', 'tree'])  # triangles of about one size

# Triangles that are looked at first; their nearest bounds how far the search must reach.
_FIRST_LOOK = 8
_POINTS_AT_ONCE = 2048
_PAIRS_AT_ONCE = 1 << 16


def closest_points(points, vertices, triangles):
    """Finds the closest point of a mesh's surface for every given point; exact, not a nearest vertex.

    The search is bounded, then complete: the closest triangle lies within the distance to any triangle, so all
    triangles whose bounding sphere reaches that near are measured. Of triangles equally near, the first wins.

    Args:
      points: [P,3].
      vertices: [N,3], in the same frame and unit.
      triangles: [F,3] int, from 0; may be degenerate.
    Returns:
      ClosestPoints.
    Raises:
      ValueError: a wrong shape, no triangles, an index out of range, or numbers that are not finite.
    """
    points, vertices, triangles = _checked(points, vertices, triangles)
    corners = vertices[triangles]
    groups = _groups(corners)
    parts = [_closest(points[first:first + _POINTS_AT_ONCE], corners, groups)
             for first in range(0, len(points), _POINTS_AT_ONCE)]
    if not parts:
        return ClosestPoints(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0))
    return ClosestPoints(*(np.concatenate(part) for part in zip(*parts)))


def interpolation_matrix(closest, triangles, vertex_count):
    """Sparse [P, vertex_count]: what the mesh's vertices hold, interpolated at the closest points."""
    triangles = np.asarray(triangles)
    rows = np.repeat(np.arange(len(closest.triangle)), 3)
    return sp.csr_matrix((closest.weights.ravel(), (rows, triangles[closest.triangle].ravel())),
                         (len(closest.triangle), vertex_count))


def on_rim(closest, triangles):
    """[P] bool: the closest point lies on an edge that belongs to one triangle only, the surface's end."""
    triangles = np.asarray(triangles, np.int64)
    # Edge k of a triangle lies opposite corner k.
    ends = np.sort(np.stack([np.roll(triangles, -1, axis=1), np.roll(triangles, -2, axis=1)], axis=2), axis=2)
    key = ends[:, :, 0] * (triangles.max() + 1) + ends[:, :, 1]
    _, number, count = np.unique(key.ravel(), return_inverse=True, return_counts=True)
    is_rim = (count == 1)[number.reshape(triangles.shape)]
    rim_vertex = np.zeros(triangles.max() + 1, bool)
    rim_vertex[ends[is_rim].ravel()] = True
    found, zero = triangles[closest.triangle], closest.weights <= 0
    at_corner = zero.sum(axis=1) == 2
    corner = np.take_along_axis(found, closest.weights.argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.where(at_corner, rim_vertex[corner], (zero & is_rim[closest.triangle]).any(axis=1))


def _checked(points, vertices, triangles):
    points, vertices = np.asarray(points, np.float64), np.asarray(vertices, np.float64)
    triangles = np.asarray(triangles)
    for name, array in (('points', points), ('vertices', vertices), ('triangles', triangles)):
        if array.ndim != 2 or array.shape[1] != 3:
            raise ValueError('%s: expected shape [any,3], got %s' % (name, list(array.shape)))
        if array.dtype.kind == 'f' and not np.isfinite(array).all():
            raise ValueError('%s: expected finite numbers, got NaN or infinity' % name)
    if not len(triangles) or triangles.dtype.kind not in 'iu':
        raise ValueError('triangles: expected whole numbers, at least one triangle, got %s of shape %s'
                         % (triangles.dtype, list(triangles.shape)))
    if triangles.min() < 0 or triangles.max() >= len(vertices):
        raise ValueError('triangles: expected indices in [0, %d), got [%d, %d]'
                         % (len(vertices), triangles.min(), triangles.max()))
    return points, vertices, triangles


def _groups(corners):
    """Triangles [F,3,3] by the octave of their size: a few large ones would widen the search among all others."""
    # The sphere around the bounding box's middle reaches every corner.
    middle = 0.5 * (corners.min(axis=1) + corners.max(axis=1))
    radius = np.sqrt(((corners - middle[:, None]) ** 2).sum(axis=2).max(axis=1))
    octave = np.frexp(radius)[1]
    members = [np.flatnonzero(octave == value) for value in np.unique(octave)]
    # The largest group first: what it finds bounds the search in the others.
    return [_Group(index, middle[index], radius[index], cKDTree(middle[index]))
            for index in sorted(members, key=len, reverse=True)]


def _closest(points, corners, groups):
    """(triangle [p], weights [p,3], distance [p]) of a few points."""
    best = (np.zeros(len(points), np.int64), np.zeros((len(points), 3)), np.full(len(points), np.inf))
    for group in groups:
        best = _closer(points, corners, group, best)
    return best[0], best[1], np.sqrt(best[2])


def _closer(points, corners, group, best):
    """(triangle [p], weights [p,3], squared distance [p]) of the closest of a group and what was found before."""
    count = min(_FIRST_LOOK, len(group.index))
    near = group.tree.query(points, k=count)[1].reshape(len(points), count)
    owner = np.repeat(np.arange(len(points)), count)
    _, square = on_triangles(points[owner], corners[group.index[near.ravel()]])
    # A little slack, so that rounding cannot shut out the best one.
    reach = np.sqrt(np.minimum(square.reshape(near.shape).min(axis=1), best[2])) * (1 + 1e-9) + 1e-12
    lists = group.tree.query_ball_point(points, reach + group.radius.max())
    length = np.fromiter((len(row) for row in lists), np.int64, len(points))
    local = np.fromiter((number for row in lists for number in row), np.int64, length.sum())
    owner = np.repeat(np.arange(len(points)), length)
    possible = np.linalg.norm(points[owner] - group.middle[local], axis=1) <= reach[owner] + group.radius[local]
    owner, triangle = owner[possible], group.index[local[possible]]

    weights, square = np.empty((len(owner), 3)), np.empty(len(owner))
    for first in range(0, len(owner), _PAIRS_AT_ONCE):
        part = slice(first, first + _PAIRS_AT_ONCE)
        weights[part], square[part] = on_triangles(points[owner[part]], corners[triangle[part]])
    known = np.flatnonzero(np.isfinite(best[2]))
    owner, triangle = np.append(owner, known), np.append(triangle, best[0][known])
    weights, square = np.concatenate([weights, best[1][known]]), np.append(square, best[2][known])
    order = np.lexsort((triangle, square, owner))
    first = order[np.searchsorted(owner[order], np.arange(len(points)))]
    return triangle[first], weights[first], square[first]


def on_triangles(points, corners):
    """The closest point of one triangle for each point.

    The foot of the perpendicular where it lies inside, else the nearest of the closest points of the three edges.

    Args:
      points: [P,3].  corners: [P,3,3], the triangle's three corners.
    Returns:
      (barycentric weights [P,3], squared distance [P]).
    """
    offset = corners - points[:, None]
    side = np.roll(corners, -1, axis=1) - corners
    normal = np.cross(side[:, 0], side[:, 1])
    square = (normal ** 2).sum(axis=1)
    # The weight of a corner is the share of the triangle opposite to it: corner k against side k + 1.
    across = np.cross(offset, np.roll(offset, -1, axis=1))
    area = np.roll(np.einsum('pkc,pc->pk', across, normal), -1, axis=1)
    inside = (area >= 0).all(axis=1) & (square > 0)
    total = area.sum(axis=1, keepdims=True)
    inside &= total[:, 0] > 0
    best = area / np.where(total > 0, total, 1.0)
    best_square = np.where(inside, ((best[:, :, None] * offset).sum(axis=1) ** 2).sum(axis=1), np.inf)
    for k in range(3):
        along = side[:, k]
        length = (along ** 2).sum(axis=1)
        place = np.clip(-np.einsum('pc,pc->p', offset[:, k], along) / np.where(length > 0, length, 1.0), 0, 1)
        distance = ((offset[:, k] + place[:, None] * along) ** 2).sum(axis=1)
        nearer = distance < best_square
        best_square = np.where(nearer, distance, best_square)
        edge = np.zeros_like(best)
        edge[:, k], edge[:, (k + 1) % 3] = 1 - place, place
        best = np.where(nearer[:, None], edge, best)
    return best, best_square
