"""Flattens a chart into the plane without folds: Tutte's embedding with little stretch.

Every inner vertex lies at a weighted mean of its neighbours, the outer rim on a strictly convex curve; then no
triangle turns over, whatever the positive weights are (Tutte 1963; Floater 1997). The weights begin as mean value
coordinates (Floater 2003) and are made smaller where the map is stretched (Yoshizawa, Belyaev & Seidel 2004).
"""
import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve

STRETCH_ROUNDS = 12
# |x|^p + |y|^p = 1: between a circle, which wastes the corners of the texture, and a square, which distorts there.
RIM_POWER = 3.0
# In so many places along the curve the rim's first vertex is tried.
TURNS = 720
# A vertex's weight changes by this factor a round, at most.
_MAX_STEP = 4.0
_SMALLEST = 1e-12


def flatten(chart, positions, up=(0.0, 1.0, 0.0)):
    """Plane coordinates of a chart's vertices.

    Args:
      chart: charts.Chart with at least one rim.
      positions: [n,3] of the chart's vertices.
      up: the direction that is to point up on the plane.
    Returns:
      [n,2] float64; the same scale as the positions, the middle of the rim's box at the origin; triangles
      counter-clockwise.
    """
    positions = np.asarray(positions, np.float64)
    corners, points = _with_holes_filled(chart, positions)
    rim = chart.loops[0]
    plane = np.zeros([len(points), 2])
    a, b, c = (positions[chart.corners[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a).sum(axis=0)
    plane[rim] = _rim_curve(positions[rim], normal, np.asarray(up, np.float64))
    area3 = _areas(points, corners)
    weights = _mean_value_weights(points, corners)
    best, best_stretch = None, np.inf
    for _ in range(STRETCH_ROUNDS):
        plane = _solve(weights, plane, rim)
        stretch = _triangle_stretch(points, corners, plane)
        real = len(chart.corners)
        total = np.sqrt((area3[:real] * stretch[:real] ** 2).sum())
        if not total < best_stretch:
            break
        best, best_stretch = plane, total
        weights = weights.dot(sp.diags(1 / _vertex_stretch(stretch, area3, corners, len(points))))
    scale = np.sqrt(area3[:real].sum() / np.abs(_signed_areas(best, corners[:real])).sum())
    return best[:len(positions)] * scale


def _with_holes_filled(chart, positions):
    """Corners and points of the chart with a fan over each rim but the outer one."""
    corners, points = [chart.corners], [positions]
    for i, loop in enumerate(chart.loops[1:]):
        center = np.full(len(loop), len(positions) + i)
        corners.append(np.stack([np.roll(loop, -1), loop, center], axis=1))
        points.append(positions[loop].mean(axis=0, keepdims=True))
    return np.concatenate(corners), np.concatenate(points)


def _rim_curve(rim, normal, up):
    """[m,2] places of the rim's vertices [m,3] on a superellipse, by length along the rim, turned so that it fits best.

    Args:
      normal: the direction from which the chart is looked at; up: the direction that is to point up.
    """
    steps = np.linalg.norm(np.roll(rim, -1, axis=0) - rim, axis=1) + _SMALLEST
    along = (np.cumsum(steps) - steps) / steps.sum()
    seen = _looked_at(rim - np.average(rim, axis=0, weights=steps), normal, up)
    wide, high = np.maximum(np.ptp(seen, axis=0), _SMALLEST)
    aspect = np.clip(wide / high, 0.6, 1.6)
    angle = np.linspace(0, 2 * np.pi, 4001)
    curve = np.stack([-np.sin(angle), np.cos(angle)], axis=1)  # from the top, counter-clockwise
    curve /= (np.abs(curve) ** RIM_POWER).sum(axis=1, keepdims=True) ** (1 / RIM_POWER)
    curve *= [np.sqrt(aspect), 1 / np.sqrt(aspect)]
    length = np.append(0, np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1)))

    def placed(start):
        place = (along + start) % 1.0 * length[-1]
        return np.stack([np.interp(place, length, curve[:, k]) for k in range(2)], axis=1)

    starts = np.arange(TURNS) / TURNS
    fits = [(steps[:, np.newaxis] * placed(start) * seen).sum() for start in starts]
    return placed(starts[int(np.argmax(fits))])


def _looked_at(points, normal, up):
    """[m,2] of points [m,3] seen against the normal, with `up` up; any direction up where it is the normal's own."""
    normal = normal / max(np.linalg.norm(normal), _SMALLEST)
    right = np.cross(up, normal)
    if np.linalg.norm(right) < 1e-3 * np.linalg.norm(up):
        right = np.cross(np.roll(up, 1), normal)
    right /= max(np.linalg.norm(right), _SMALLEST)
    return np.stack([points.dot(right), points.dot(np.cross(normal, right))], axis=1)


def _mean_value_weights(points, corners):
    """Sparse [n,n]: row i holds the weights of i's neighbours."""
    rows, columns, values = [], [], []
    for k in range(3):
        own, second, third = (corners[:, (k + step) % 3] for step in range(3))
        sides = [points[second] - points[own], points[third] - points[own]]
        lengths = [np.linalg.norm(side, axis=1) + _SMALLEST for side in sides]
        angle = np.arccos(np.clip((sides[0] * sides[1]).sum(axis=1) / (lengths[0] * lengths[1]), -1, 0.999999))
        half = np.tan(np.clip(angle, 1e-3, 3.1) / 2)
        rows += [own, own]
        columns += [second, third]
        values += [half / length for length in lengths]
    count = len(points)
    return sp.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), (count, count))


def _solve(weights, plane, rim):
    """[n,2]: each vertex that is not on the rim at the weighted mean of its neighbours."""
    free = np.ones(len(plane), bool)
    free[rim] = False
    if not free.any():
        return plane
    rows = weights[free]
    rows = sp.diags(1 / np.asarray(rows.sum(axis=1)).ravel()).dot(rows).tocsc()
    system = (sp.identity(free.sum(), format='csc') - rows[:, free]).tocsc()
    right = rows[:, ~free].dot(plane[~free])
    result = plane.copy()
    result[free] = spsolve(system, right, permc_spec='COLAMD').reshape(-1, 2)
    return result


def _areas(points, corners):
    a, b, c = (points[corners[:, k]] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def _signed_areas(plane, corners):
    a, b, c = (plane[corners[:, k]] for k in range(3))
    return ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2


def _triangle_stretch(points, corners, plane):
    """[f]: root mean square of the singular values of the map from the plane to the surface (Sander et al. 2001)."""
    a, b, c = (plane[corners[:, k]] for k in range(3))
    p, q, r = (points[corners[:, k]] for k in range(3))
    twice = 2 * _signed_areas(plane, corners)[:, None]
    twice = np.where(np.abs(twice) > _SMALLEST, twice, _SMALLEST)
    along_x = (p * (b - c)[:, 1:] + q * (c - a)[:, 1:] + r * (a - b)[:, 1:]) / twice
    along_y = (p * (c - b)[:, :1] + q * (a - c)[:, :1] + r * (b - a)[:, :1]) / twice
    return np.sqrt(((along_x ** 2).sum(axis=1) + (along_y ** 2).sum(axis=1)) / 2)


def _vertex_stretch(stretch, area, corners, count):
    """[n]: the stretch around each vertex, relative to its mean, within the limits of one step."""
    total = np.bincount(corners.ravel(), np.repeat(area, 3), count)
    square = np.bincount(corners.ravel(), np.repeat(area * stretch ** 2, 3), count)
    value = np.sqrt(square / np.maximum(total, _SMALLEST))
    return np.clip(value / np.median(value), 1 / _MAX_STEP, _MAX_STEP)
