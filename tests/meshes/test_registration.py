"""Similarity: exact recovery, optimality, no mirror images. Warp: exact at points, affine maps, far away."""
import numpy as np

from Deep3DFaceReconstruction.meshes import registration


def _turn(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])


def test_a_similarity_is_found_again():
    points = np.random.RandomState(0).randn(7, 3)
    scale, rotation, shift = registration.similarity(points, 2.5 * points.dot(_turn(2.0)) + [1, 2, 3])
    np.testing.assert_allclose(scale, 2.5, rtol=1e-12)
    np.testing.assert_allclose(rotation, _turn(2.0), atol=1e-12)
    np.testing.assert_allclose(shift, [1, 2, 3], atol=1e-12)


def test_a_mirror_image_is_fitted_by_a_rotation():
    random = np.random.RandomState(1)
    points, goal = random.randn(2, 9, 3)
    goal = points * [-1, 1, 1] + 0.1 * goal
    scale, rotation, shift = registration.similarity(points, goal)
    np.testing.assert_allclose(np.linalg.det(rotation), 1, rtol=1e-12)
    residual = goal - scale * points.dot(rotation) - shift
    moved = goal - residual
    # Stationary: no shift, growth or turn makes the squared residual smaller.
    np.testing.assert_allclose(residual.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose((residual * moved).sum(), 0, atol=1e-12)
    np.testing.assert_allclose(np.cross(moved, residual).sum(axis=0), 0, atol=1e-12)


def test_a_warp_meets_its_points_and_keeps_affine_maps():
    random = np.random.RandomState(2)
    points, places = random.randn(12, 3), 3 * random.randn(40, 3)
    goal = points + 0.2 * random.randn(12, 3)
    np.testing.assert_allclose(registration.smooth_warp(points, goal, 0.0)(points), goal, atol=1e-10)
    affine = random.randn(3, 3)
    warp = registration.smooth_warp(points, points.dot(affine) + 1, 0.5)
    np.testing.assert_allclose(warp(places), places.dot(affine) + 1, atol=1e-9)


def test_slack_lets_a_point_fall_short():
    random = np.random.RandomState(3)
    points = random.randn(12, 3)
    goal = points.copy()
    goal[0] += 1
    miss = [np.linalg.norm(registration.smooth_warp(points, goal, np.eye(12)[0] * slack)(points[:1]) - goal[0])
            for slack in (0, 1, 100)]
    assert miss[0] < 1e-10 < miss[1] < miss[2]
    # Without slack the others stay where they are.
    np.testing.assert_allclose(registration.smooth_warp(points, goal, np.eye(12)[0] * 100)(points[1:]), goal[1:],
                               atol=1e-9)


def test_sphere_fit_finds_a_cap():
    random = np.random.RandomState(6)
    direction = random.randn(200, 3)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    center, radius = registration.sphere_fit(np.array([1, 2, 3]) + 0.4 * direction[direction[:, 2] > 0.5])
    np.testing.assert_allclose(center, [1, 2, 3], atol=1e-9)
    np.testing.assert_allclose(radius, 0.4)
