"""Closest points of a mesh: optimality on each triangle, brute force over all, rims, interpolation."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.meshes import closest_surface

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float64)
TWO = np.array([[0, 1, 2], [0, 2, 3]])


def _soup(seed, triangles=400, points=300):
    """Triangles of very different sizes and shapes, some degenerate, and points near and far."""
    random = np.random.RandomState(seed)
    vertices = random.randn(triangles, 1, 3) + random.choice([0.01, 0.1, 1.0], (triangles, 1, 1)) * random.randn(
        triangles, 3, 3)
    vertices[0] = vertices[0, :1]                                            # a point
    vertices[1, 2] = 0.3 * vertices[1, 0] + 0.7 * vertices[1, 1]             # a line
    places = np.concatenate([random.randn(points, 3), 30 * random.randn(points // 10, 3), vertices[2]])
    return places, vertices.reshape(-1, 3), np.arange(3 * triangles).reshape(-1, 3)


def test_the_closest_point_of_a_triangle_is_optimal():
    points, vertices, triangles = _soup(0)
    points, corners = points[:len(points) // 2 * 2][:330], vertices[triangles][:330]
    weights, square = closest_surface.on_triangles(points, corners)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    place = (weights[:, :, None] * corners).sum(axis=1)
    np.testing.assert_allclose(square, ((points - place) ** 2).sum(axis=1), atol=1e-10)
    # A triangle is convex: a point of it is the closest one exactly if no corner lies on the near side of it.
    ahead = np.einsum('pc,pkc->pk', points - place, corners - place[:, None])
    assert ahead.max() < 1e-9


@pytest.mark.parametrize('seed', [0, 1])
def test_the_search_finds_what_brute_force_finds(seed):
    points, vertices, triangles = _soup(seed)
    found = closest_surface.closest_points(points, vertices, triangles)
    weights, square = (np.stack(part) for part in zip(*(
        closest_surface.on_triangles(np.broadcast_to(point, (len(triangles), 3)), vertices[triangles])
        for point in points)))
    np.testing.assert_array_equal(found.triangle, square.argmin(axis=1))
    np.testing.assert_array_equal(found.weights, weights[np.arange(len(points)), found.triangle])
    np.testing.assert_array_equal(found.distance, np.sqrt(square.min(axis=1)))


def test_few_triangles_many_points_and_none():
    points = np.random.RandomState(0).rand(5000, 3) + [0, 0, 1]
    found = closest_surface.closest_points(points, SQUARE, TWO)
    np.testing.assert_allclose(found.distance, points[:, 2], rtol=1e-12)
    empty = closest_surface.closest_points(np.zeros((0, 3)), SQUARE, TWO)
    assert [part.shape for part in empty] == [(0,), (0, 3), (0,)]


def test_the_first_of_equally_near_triangles_wins():
    found = closest_surface.closest_points([[0.5, 0.5, 1.0]], SQUARE, TWO)
    assert found.triangle[0] == 0
    np.testing.assert_allclose(found.distance, 1)


def test_linear_fields_are_interpolated_exactly():
    points = np.random.RandomState(1).rand(50, 3)
    found = closest_surface.closest_points(points, SQUARE, TWO)
    matrix = closest_surface.interpolation_matrix(found, TWO, len(SQUARE))
    np.testing.assert_allclose(matrix.dot(SQUARE), points * [1, 1, 0], atol=1e-12)


def test_the_rim_is_where_one_triangle_ends():
    points = [[0.5, -1, 0], [2, 2, 0], [-1, 0.5, 0], [0.3, 0.6, 0.2], [0.5, 0.5, 1]]
    found = closest_surface.closest_points(points, SQUARE, TWO)
    # The last lies over the diagonal, an edge of both triangles.
    np.testing.assert_array_equal(closest_surface.on_rim(found, TWO), [True, True, True, False, False])


@pytest.mark.parametrize('points, vertices, triangles, message', [
    (np.zeros((2, 2)), SQUARE, TWO, r'points: expected shape \[any,3\], got \[2, 2\]'),
    (np.full((1, 3), np.nan), SQUARE, TWO, 'points: expected finite numbers, got NaN'),
    (np.zeros((1, 3)), np.full((4, 3), np.inf), TWO, 'vertices: expected finite numbers'),
    (np.zeros((1, 3)), SQUARE, TWO[:0], 'triangles: expected whole numbers, at least one triangle'),
    (np.zeros((1, 3)), SQUARE, TWO.astype(float), 'triangles: expected whole numbers'),
    (np.zeros((1, 3)), SQUARE, TWO + 1, r'triangles: expected indices in \[0, 4\), got \[1, 4\]'),
])
def test_bad_input_is_named(points, vertices, triangles, message):
    with pytest.raises(ValueError, match=message):
        closest_surface.closest_points(points, vertices, triangles)
