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
