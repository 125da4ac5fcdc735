"""Catmull-Clark subdivision as one sparse matrix, and the triangles and vertex-face table of the result.

Subdivision is linear in the vertex positions: a mean shape and its bases are all refined by the same
matrix. Source of the rules: Catmull and Clark, 'Recursively generated B-spline surfaces on arbitrary
topological meshes', 1978; the boundary follows the cubic B-spline of its own vertices.
"""
import collections

import numpy as np
import scipy.sparse as sp

_Edges = collections.namedtuple('_Edges', 'ends of_corner is_inner')


def _edges(quads, vertex_count):
    """The undirected edges: ends [E,2], the edge from each corner to the next [Q,4], two faces or one [E]."""
    after = np.roll(quads, -1, axis=1)
    key = np.minimum(quads, after) * vertex_count + np.maximum(quads, after)
    unique, of_corner, face_count = np.unique(key.ravel(), return_inverse=True, return_counts=True)
    if face_count.max() > 2:
        raise ValueError('quads: expected at most two faces on an edge, found %d' % face_count.max())
    ends = np.stack([unique // vertex_count, unique % vertex_count], axis=1)
    return _Edges(ends, of_corner.reshape(quads.shape), face_count == 2)


def _mean_matrix(index, columns):
    """[R, columns] sparse: row r is the mean of the columns index[r]."""
    rows, width = index.shape
    data = np.full(rows * width, 1.0 / width)
    return sp.csr_matrix((data, (np.repeat(np.arange(rows), width), index.ravel())), (rows, columns))


def _diagonal(values):
    return sp.diags(np.asarray(values, np.float64))


def _quad_children(quads, of_corner, vertex_count, edge_count):
    """The four children of every quad; each starts at its old corner: corner, edge, face, edge before."""
    edge = vertex_count + of_corner
    face = np.broadcast_to(vertex_count + edge_count + np.arange(len(quads))[:, None], quads.shape)
    return np.stack([quads, edge, face, np.roll(edge, 1, axis=1)], axis=2).reshape(-1, 4)


def _check_quads(quads, vertex_count):
    quads = np.asarray(quads, np.int64)
    if quads.ndim != 2 or quads.shape[1] != 4:
        raise ValueError('quads: expected shape [Q,4], got %s' % (quads.shape,))
    if quads.size and (quads.min() < 0 or quads.max() >= vertex_count):
        raise ValueError('quads: expected indices in [0, %d), got [%d, %d]'
                         % (vertex_count, quads.min(), quads.max()))
    return quads


def catmull_clark(quads, vertex_count):
    """One level of Catmull-Clark subdivision.

    Args:
      quads: [Q,4] vertex indices from 0.
      vertex_count: number of vertices n; vertices that no quad uses stay as they are.
    Returns:
      (children, matrix): [4Q,4] quads of the finer mesh, each starting at the old corner that it keeps, and
      the sparse [n + E + Q, n] matrix whose rows are the old vertices, then edges, then faces.
    Raises:
      ValueError: a wrong shape, an index out of range, or an edge with more than two faces.
    """
    quads = _check_quads(quads, vertex_count)
    edges = _edges(quads, vertex_count)
    edge_count, quad_count = len(edges.ends), len(quads)

    face_point = _mean_matrix(quads, vertex_count)
    midpoint = _mean_matrix(edges.ends, vertex_count)
    faces_of_edge = sp.csr_matrix(
        (np.full(4 * quad_count, 0.5), (edges.of_corner.ravel(), np.repeat(np.arange(quad_count), 4))),
        (edge_count, quad_count))
    inner, rim = _diagonal(edges.is_inner), _diagonal(~edges.is_inner)
    edge_point = inner.dot(0.5 * midpoint + 0.5 * faces_of_edge.dot(face_point)) + rim.dot(midpoint)

    valence = np.bincount(edges.ends.ravel(), minlength=vertex_count).astype(np.float64)
    on_rim = np.zeros(vertex_count, bool)
    on_rim[edges.ends[~edges.is_inner]] = True
    loose = valence == 0
    n = np.where(loose, 1.0, valence)
    vertex_faces = _incidence(quads, vertex_count)
    vertex_edges = _incidence(edges.ends, vertex_count)
    smooth = (_diagonal(1 / n ** 2).dot(vertex_faces.dot(face_point) + 2 * vertex_edges.dot(midpoint))
              + _diagonal((n - 3) / n))
    crease = _diagonal(np.full(vertex_count, 0.5)) + 0.25 * vertex_edges.dot(rim).dot(midpoint)
    vertex_point = (_diagonal(~loose & ~on_rim).dot(smooth) + _diagonal(on_rim).dot(crease) + _diagonal(loose))

    children = _quad_children(quads, edges.of_corner, vertex_count, edge_count)
    return children, sp.vstack([vertex_point, edge_point, face_point]).tocsr()


def _incidence(elements, vertex_count):
    """[n, R] sparse 0/1: which elements (rows of an index array) a vertex belongs to."""
    rows, width = elements.shape
    return sp.csr_matrix((np.ones(rows * width), (elements.ravel(), np.repeat(np.arange(rows), width))),
                         (vertex_count, rows))


def midpoint_split(quads, vertex_count):
    """Like `catmull_clark`, with the same order of children, but without smoothing: old vertices stay."""
    quads = _check_quads(quads, vertex_count)
    edges = _edges(quads, vertex_count)
    children = _quad_children(quads, edges.of_corner, vertex_count, len(edges.ends))
    return children, sp.vstack([sp.identity(vertex_count), _mean_matrix(edges.ends, vertex_count),
                                _mean_matrix(quads, vertex_count)]).tocsr()


def subdivide(quads, vertex_count, levels, scheme=catmull_clark):
    """`levels` levels of `scheme`: ([Q 4^levels, 4] quads, sparse [N, n] matrix)."""
    quads, matrix = np.asarray(quads, np.int64), sp.identity(vertex_count, format='csr')
    for _ in range(levels):
        quads, step = scheme(quads, matrix.shape[0])
        matrix = step.dot(matrix)
    return quads, matrix


def split_quads(quads):
    """[2Q,3] triangles of subdivided quads, cut along the diagonal between the two edge points.

    That diagonal avoids the old vertex, so that a vertex of the coarse mesh keeps its valence and every
    other vertex has at most eight triangles: as many as `point_buf` has columns.
    """
    return np.stack([quads[:, [0, 1, 3]], quads[:, [1, 2, 3]]], axis=1).reshape(-1, 3)


def vertex_face_table(triangles, vertex_count, columns=8):
    """[N, columns] int64: the triangles around each vertex in ascending order, `len(triangles)` where none.

    Raises:
      ValueError: a vertex has more than `columns` triangles.
    """
    vertex = triangles.ravel()
    order = np.argsort(vertex, kind='stable')
    count = np.bincount(vertex, minlength=vertex_count)
    if count.max() > columns:
        raise ValueError('triangles: expected at most %d around a vertex, found %d around vertex %d'
                         % (columns, count.max(), count.argmax()))
    slot = np.arange(len(vertex)) - np.repeat(np.cumsum(count) - count, count)
    table = np.full((vertex_count, columns), len(triangles), np.int64)
    table[vertex[order], slot] = order // 3
    return table


def rim_smoothing(triangles, vertex_count, rounds):
    """Sparse [N,N] matrix that evens out the mesh's rim and leaves every other vertex where it is.

    In each round a rim vertex moves half way to the mean of its neighbours along the rim.
    """
    ends = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2)
    ends.sort(axis=1)
    unique, faces = np.unique(ends, axis=0, return_counts=True)
    first, second = unique[faces == 1].T
    links = sp.csr_matrix((np.ones(2 * len(first)), (np.concatenate([first, second]),
                                                     np.concatenate([second, first]))), (vertex_count,) * 2)
    degree = np.asarray(links.sum(axis=1)).ravel()
    on_rim = degree > 0
    step = (_diagonal(np.where(on_rim, 0.5, 1.0))
            + _diagonal(np.where(on_rim, 0.5 / np.maximum(degree, 1), 0.0)).dot(links))
    result = sp.identity(vertex_count, format='csr')
    for _ in range(rounds):
        result = step.dot(result)
    return result.tocsr()
