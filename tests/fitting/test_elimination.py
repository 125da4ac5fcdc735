"""Eliminated unknowns take the steps that the whole system gives them."""
import numpy as np

from Deep3DFaceReconstruction.fitting.elimination import Eliminated


def test_steps_are_those_of_the_whole_system():
    random = np.random.RandomState(0)
    own, shared, views = 4, 3, 2
    size = views * own + shared
    whole, gradient = np.zeros((size, size)), np.zeros(size)
    parts = []
    last = slice(views * own, size)
    for view in range(views):
        slope, residual = random.randn(12, own + shared), random.randn(12)
        rows = np.r_[view * own:(view + 1) * own, views * own:size]
        normal, pull = slope.T.dot(slope), slope.T.dot(residual)
        whole[np.ix_(rows, rows)] += normal
        gradient[rows] += pull
        parts.append(Eliminated(normal[:own, :own], normal[:own, own:], pull[:own]))
    expected = np.linalg.solve(whole, gradient)
    step = np.linalg.solve(whole[last, last] - sum(part.normal for part in parts),
                           gradient[last] - sum(part.gradient for part in parts))
    np.testing.assert_allclose(step, expected[last], atol=1e-9)
    np.testing.assert_allclose(np.concatenate([part.step(step) for part in parts]), expected[:views * own], atol=1e-9)
    np.testing.assert_allclose(parts[0].step(), parts[0].step(np.zeros(shared)))


def test_held_unknowns_stay_on_their_bounds():
    """What a bound holds is left out of the elimination: the shared unknowns' step is that of the rest alone."""
    random = np.random.RandomState(1)
    slope, residual = random.randn(20, 7), random.randn(20)
    whole, gradient = slope.T.dot(slope), slope.T.dot(residual)
    free = np.linalg.solve(whole[:4, :4], gradient[:4])
    room = np.full(4, np.inf)
    room[0] = free[0] - 1
    part = Eliminated(whole[:4, :4], whole[:4, 4:], gradient[:4], room)
    np.testing.assert_allclose(part.step()[0], room[0])
    rest = np.r_[1:7]
    expected = np.linalg.solve(whole[np.ix_(rest, rest)], gradient[rest] - room[0] * whole[rest, 0])
    step = np.linalg.solve(whole[4:, 4:] - part.normal, gradient[4:] - part.gradient)
    np.testing.assert_allclose(step, expected[3:], atol=1e-9)
    np.testing.assert_allclose(part.step(step), np.append(room[0], expected[:3]), atol=1e-9)
    room[1] = part.step(step)[1] - 0.1
    assert Eliminated(whole[:4, :4], whole[:4, 4:], gradient[:4], room).step(step)[1] <= room[1]
