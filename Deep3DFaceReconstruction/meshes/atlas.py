"""Texture coordinates for a whole mesh: its charts flattened and packed into the unit square."""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.meshes.charts import cut_into_charts, surface
from Deep3DFaceReconstruction.meshes.flattening import flatten

# Empty space around each chart, in parts of the square: two texels of a 512 texture.
MARGIN = 0.004
# Height of the strip at the bottom for everything but the largest chart.
STRIP = 0.15


class Atlas(NamedTuple):
    """Texture coordinates: M of them, as a vertex on a cut has several."""
    uv: np.ndarray         # [M,2] float32 in (0, 1), v up
    triangles: np.ndarray  # [F,3] int32, indices into uv; the order and the corners of the mesh's triangles
    vertices: np.ndarray   # [M] int32, the mesh vertex of each
    charts: np.ndarray     # [F] int32, the chart of each triangle; 0 is the largest


def build_atlas(positions, triangles, labels=None):
    """Texture coordinates without overlaps and without flipped triangles.

    The largest chart fills the square above a strip that holds the others, which are drawn larger the smaller they
    are, so that eyes have texels enough.

    Args:
      positions: [N,3] float, in whose shape the texture is to have little stretch.
      triangles: [F,3] int, from 0, wound counter-clockwise as seen from outside.
      labels: [F] int; triangles of different labels come into different charts. None: one label.
    Returns:
      Atlas.
    Raises:
      ValueError: no triangles, or one that repeats a vertex.
    """
    triangles = np.asarray(triangles)
    if not len(triangles):
        raise ValueError('triangles: expected at least one, got none')
    positions = np.asarray(positions, np.float64)
    charts = cut_into_charts(positions, triangles, labels)
    planes = [flatten(chart, positions[chart.vertices]) for chart in charts]
    areas = [surface(positions, triangles[chart.triangles]) for chart in charts]
    placed = _pack(planes, areas)
    corners = np.empty(triangles.shape, np.int32)
    numbers = np.empty(len(triangles), np.int32)
    first = 0
    for number, chart in enumerate(charts):
        corners[chart.triangles] = chart.corners + first
        numbers[chart.triangles] = number
        first += len(chart.vertices)
    return Atlas(np.concatenate(placed).astype(np.float32), corners,
                 np.concatenate([chart.vertices for chart in charts]).astype(np.int32), numbers)


def _pack(planes, areas):
    """The planes moved and scaled into the unit square, v up."""
    strip = STRIP if len(planes) > 1 else 0.0
    boxes = [np.ptp(plane, axis=0) for plane in planes]
    main = min((1 - 2 * MARGIN) / boxes[0][0], (1 - strip - 2 * MARGIN) / boxes[0][1])
    middle = np.array([0.5, strip + (1 - strip) / 2])
    placed = [(planes[0] - _box_middle(planes[0])) * main + middle]
    if len(planes) > 1:
        shrink = [(areas[0] / max(area, 1e-12)) ** 0.25 for area in areas[1:]]
        sizes = np.array([box * factor for box, factor in zip(boxes[1:], shrink)])
        scale, corners = _fit_shelves(sizes, strip)
        for plane, factor, corner in zip(planes[1:], shrink, corners):
            placed.append((plane - plane.min(axis=0)) * factor * scale + corner)
    return placed


def _box_middle(plane):
    return (plane.min(axis=0) + plane.max(axis=0)) / 2


def _fit_shelves(sizes, height):
    """(the largest common scale at which boxes [K,2] fit on shelves in a strip of width 1, lower left corners)."""
    low, high = 0.0, (height - 2 * MARGIN) / sizes[:, 1].max()
    best = _shelves(sizes * high)
    if best[0] <= height:
        return high, best[1]
    for _ in range(40):
        middle = (low + high) / 2
        used, _ = _shelves(sizes * middle)
        low, high = (middle, high) if used <= height else (low, middle)
    return low, _shelves(sizes * low)[1]


def _shelves(sizes):
    """(height used, corners [K,2]) of boxes on shelves of width 1, the highest first; infinite where one is wider."""
    if sizes[:, 0].max() > 1 - 2 * MARGIN:
        return np.inf, None
    corners = np.empty_like(sizes)
    x, y, row = MARGIN, MARGIN, 0.0
    for k in np.argsort(-sizes[:, 1], kind='stable'):
        if x + sizes[k, 0] + MARGIN > 1:
            x, y, row = MARGIN, y + row + MARGIN, 0.0
        corners[k] = x, y
        x += sizes[k, 0] + MARGIN
        row = max(row, sizes[k, 1])
    return y + row + MARGIN, corners
