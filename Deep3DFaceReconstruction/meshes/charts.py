"""Cuts a triangle mesh into charts that can be flattened: pieces with the topology of a disk, holes allowed."""
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph

# Pieces that cannot be flattened are halved; after so many halvings a piece is a few triangles.
_MAX_HALVINGS = 40


class Chart(NamedTuple):
    """A piece of a mesh with its own vertices: n of them, f triangles."""
    triangles: np.ndarray  # [f] int, which triangles of the mesh, ascending
    corners: np.ndarray    # [f,3] int, indices into `vertices`
    vertices: np.ndarray   # [n] int, vertices of the mesh; one on a cut or a pinch may stand there twice
    loops: list            # rims, each [m] int indices into vertices in the triangles' direction; the longest first


def cut_into_charts(positions, triangles, labels=None):
    """Charts that together hold every triangle once.

    Triangles stay together where they share an edge and their labels agree. What is closed, or has a handle, is cut
    further: front from back first, then across its longest side.

    Args:
      positions: [N,3], where cuts go.
      triangles: [F,3] int, all wound the same way.
      labels: [F] int, or None where one label serves.
    Returns:
      list of Chart, the one with the largest surface first.
    Raises:
      ValueError: a triangle that repeats a vertex.
    """
    triangles = np.asarray(triangles)
    repeats = (triangles == np.roll(triangles, 1, axis=1)).any(axis=1)
    if repeats.any():
        raise ValueError('triangles: expected three different vertices each, got %s' % triangles[repeats.argmax()])
    labels = np.zeros(len(triangles), int) if labels is None else np.asarray(labels)
    charts, waiting = [], [(np.flatnonzero(labels == label), 0) for label in np.unique(labels)]
    while waiting:
        chosen, halvings = waiting.pop()
        for piece in _pieces(triangles, chosen):
            chart = _chart(triangles, piece)
            if _is_disk(chart) or halvings == _MAX_HALVINGS or len(piece) == 1:
                charts.append(chart)
            else:
                waiting.extend((half, halvings + 1) for half in _halves(positions, triangles, piece))
    return sorted(charts, key=lambda chart: (-surface(positions, triangles[chart.triangles]), chart.triangles[0]))


def surface(positions, triangles):
    """The area of triangles [F,3] of positions [N,3]."""
    a, b, c = (positions[triangles[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def _edges(triangles):
    """(start [3F], end [3F], key [3F] the same for both directions) of the triangles' sides in their order."""
    start, end = triangles.ravel(), np.roll(triangles, -1, axis=1).ravel()
    size = int(triangles.max()) + 1
    return start, end, np.minimum(start, end).astype(np.int64) * size + np.maximum(start, end)


def _shared_sides(triangles):
    """[K,2] pairs of sides (numbers 3 f + k) at which two triangles meet, run through in opposite directions."""
    start, _, key = _edges(triangles)
    order = np.argsort(key, kind='stable')
    _, first, count = np.unique(key[order], return_index=True, return_counts=True)
    first = first[count == 2]
    pairs = np.stack([order[first], order[first + 1]], axis=1)
    return pairs[start[pairs[:, 0]] != start[pairs[:, 1]]]


def _components(links, count):
    graph = sp.coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), (count, count))
    return csgraph.connected_components(graph, directed=False)[1]


def _pieces(triangles, chosen):
    """Lists of triangles that hang together by their sides."""
    label = _components(_shared_sides(triangles[chosen]) // 3, len(chosen))
    order = np.argsort(label, kind='stable')
    return np.split(chosen[order], np.cumsum(np.bincount(label))[:-1])


def _chart(triangles, piece):
    """The chart of a piece; a vertex around which its triangles do not hang together is doubled."""
    local = triangles[piece]
    pairs = _shared_sides(local)
    # At a shared side, the start of the one is the end of the other: the same vertex seen from two triangles.
    follow = pairs - pairs % 3 + (pairs + 1) % 3
    links = np.concatenate([np.stack([pairs[:, 0], follow[:, 1]], axis=1),
                            np.stack([follow[:, 0], pairs[:, 1]], axis=1)])
    label = _components(links, local.size)
    vertices = np.empty(label.max() + 1, np.int64)
    vertices[label] = local.ravel()
    corners = label.reshape(-1, 3)
    return Chart(piece, corners, vertices, _loops(corners))


def _loops(corners):
    """The rims of a piece."""
    start, end, _ = _edges(corners)
    inner = _shared_sides(corners).ravel()
    rim = np.ones(len(start), bool)
    rim[inner] = False
    following = dict(zip(start[rim].tolist(), end[rim].tolist()))
    loops = []
    while following:
        vertex, behind = following.popitem()
        loop = [vertex]
        while behind in following:
            loop.append(behind)
            behind = following.pop(behind)
        loops.append(np.array(loop))
    return sorted(loops, key=len, reverse=True)


def _is_disk(chart):
    """Whether filling every rim but one gives a disk: Euler's V - E + F is 2 less the number of rims, not 0."""
    edges = len(np.unique(_edges(chart.corners)[2]))
    euler = len(chart.vertices) - edges + len(chart.corners)
    return len(chart.loops) > 0 and euler == 2 - len(chart.loops)


def _halves(positions, triangles, piece):
    """Two parts of a piece: what faces +z and the rest, or what lies on either side of its middle."""
    a, b, c = (positions[triangles[piece, k]] for k in range(3))
    in_front = np.cross(b - a, c - a)[:, 2] > 0
    if not (0.2 < in_front.mean() < 0.8):
        center = (a + b + c) / 3
        axis = np.ptp(center, axis=0).argmax()
        in_front = center[:, axis] > np.median(center[:, axis])
    if in_front.all() or not in_front.any():
        in_front = np.arange(len(piece)) < len(piece) // 2
    return piece[in_front], piece[~in_front]
