"""Catmull-Clark: partition of unity, planes stay planes, a cube's known limit, tables of faces."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.meshes import subdivision

CUBE = np.array([[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]])
CUBE_CORNERS = np.array([[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1],
                         [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]], np.float64)


def _grid(side):
    index = np.arange((side + 1) ** 2).reshape(side + 1, side + 1)
    quads = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=2).reshape(-1, 4)
    return quads, np.stack(np.divmod(np.arange((side + 1) ** 2), side + 1), axis=1).astype(np.float64)


def test_one_level_of_a_cube_follows_the_published_rules():
    quads, matrix = subdivision.catmull_clark(CUBE, 8)
    points = matrix.dot(CUBE_CORNERS)
    assert quads.shape == (24, 4) and points.shape == (8 + 12 + 6, 3)
    # Corner: (F + 2R + (n-3)P)/n with F = 1/3, R = 2/3 of the corner, n = 3; edge: (2 + 2/2)/4 of the midpoint.
    np.testing.assert_allclose(points[:8], CUBE_CORNERS * 5 / 9, atol=1e-12)
    np.testing.assert_allclose(np.sort(np.abs(points[8:20]), axis=1), [[0, 0.75, 0.75]] * 12, atol=1e-12)
    np.testing.assert_allclose(np.sort(np.abs(points[20:]), axis=1), [[0, 0, 1]] * 6, atol=1e-12)
    # Windings are kept: the surface still encloses a positive volume.
    triangles = points[subdivision.split_quads(quads)]
    assert np.linalg.det(triangles).sum() / 6 > 1


@pytest.mark.parametrize('scheme', [subdivision.catmull_clark, subdivision.midpoint_split])
def test_rows_sum_to_one_and_affine_maps_commute(scheme):
    quads, points = _grid(3)
    fine, matrix = subdivision.subdivide(quads, len(points), 2, scheme)
    np.testing.assert_allclose(np.asarray(matrix.sum(axis=1)).ravel(), 1, atol=1e-12)
    assert len(fine) == 16 * len(quads)
    turn = np.array([[0.3, -1.0], [2.0, 0.7]])
    np.testing.assert_allclose(matrix.dot(points.dot(turn) + 5), matrix.dot(points).dot(turn) + 5, atol=1e-12)
    corners = matrix.dot(points)[fine]
    one, other = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    area = (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2
    assert (area * np.sign(area.sum()) > 0).all()


def test_children_of_both_schemes_correspond():
    quads, points = _grid(4)
    smooth, matrix = subdivision.subdivide(quads, len(points), 2)
    flat, flat_matrix = subdivision.subdivide(quads, len(points), 2, subdivision.midpoint_split)
    np.testing.assert_array_equal(smooth, flat)
    # Inside a regular grid smoothing changes nothing.
    inner = (np.abs(flat_matrix.dot(points) - 2) < 0.9).all(axis=1)
    np.testing.assert_allclose(matrix.dot(points)[inner], flat_matrix.dot(points)[inner], atol=1e-12)


def test_no_vertex_has_more_than_eight_triangles():
    quads, matrix = subdivision.subdivide(CUBE, 8, 2)
    triangles = subdivision.split_quads(quads)
    table = subdivision.vertex_face_table(triangles, matrix.shape[0])
    assert table.shape == (matrix.shape[0], 8)
    for vertex in (0, 7, 8, 25, matrix.shape[0] - 1):
        expected = np.flatnonzero((triangles == vertex).any(axis=1))
        np.testing.assert_array_equal(table[vertex][table[vertex] < len(triangles)], expected)


def test_the_rim_is_evened_out_and_nothing_else_moves():
    quads, points = _grid(6)
    triangles = subdivision.split_quads(quads)
    points = points + 0.3 * np.random.RandomState(0).rand(*points.shape)
    moved = subdivision.rim_smoothing(triangles, len(points), 3).dot(points)
    rim = (np.stack(np.divmod(np.arange(49), 7), axis=1) % 6 == 0).any(axis=1)
    np.testing.assert_array_equal(moved[~rim], points[~rim])
    assert np.linalg.norm(moved[rim] - points[rim], axis=1).min() > 0


@pytest.mark.parametrize('quads, message', [
    (np.zeros((2, 3), int), r'expected shape \[Q,4\], got \(2, 3\)'),
    (np.array([[0, 1, 2, 9]]), r'expected indices in \[0, 4\), got \[0, 9\]'),
    (np.array([[0, 1, 2, 3]] * 3), 'expected at most two faces on an edge, found 3'),
])
def test_bad_quads_are_named(quads, message):
    with pytest.raises(ValueError, match=message):
        subdivision.catmull_clark(quads, 4)


def test_too_many_faces_are_named():
    fan = np.array([[0, k, k + 1] for k in range(1, 11)])
    with pytest.raises(ValueError, match='expected at most 8 around a vertex, found 10 around vertex 0'):
        subdivision.vertex_face_table(fan, 12)
