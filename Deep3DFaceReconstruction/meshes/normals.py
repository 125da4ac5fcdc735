"""Vertex normals as arrays."""
import numpy as np


def vertex_normals(positions, triangles):
    """[N,3] float32 unit normals: the normalised sum of the unit normals of the triangles around each vertex.

    The same as the decoder's Compute_norm, without a graph: a vector is normalised as x / sqrt(max(x.x, 1e-12)), so
    that triangles too small to have a direction count little. A vertex of degenerate triangles alone, or of none, gets
    a zero normal.

    Args:
      positions: [N,3].
      triangles: [F,3] int, counter-clockwise as seen from outside.
    """
    corners = np.asarray(positions, np.float64)[triangles]
    faces = _unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    sums = [np.bincount(np.ravel(triangles), np.repeat(faces[:, axis], 3), len(positions)) for axis in range(3)]
    return _unit(np.stack(sums, axis=1)).astype(np.float32)


def _unit(vectors):
    return vectors / np.sqrt(np.maximum((vectors ** 2).sum(axis=1, keepdims=True), 1e-12))
