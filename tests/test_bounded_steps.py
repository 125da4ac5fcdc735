"""Steps under lower bounds: SciPy's answer, the conditions of the minimum, nothing without bounds."""
import numpy as np
import pytest
from scipy.optimize import lsq_linear

from Deep3DFaceReconstruction.bounded_steps import bounded_step, lower_bounds
from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.face_model import load_face_model


def _quadratic(seed, size=40):
    random = np.random.RandomState(seed)
    root = random.randn(size + 10, size)
    return root.T.dot(root) + 0.1 * np.eye(size), 10 * random.randn(size), random


@pytest.mark.parametrize('seed', range(8))
def test_the_minimum_under_bounds(seed):
    hessian, gradient, random = _quadratic(seed)
    room = np.where(random.rand(len(gradient)) < 0.7, random.exponential(0.3, len(gradient)), np.inf)
    room[:3] = 0
    step = bounded_step(hessian, gradient, room)
    root = np.linalg.cholesky(hessian).T
    expected = lsq_linear(root, np.linalg.solve(root.T, gradient), (np.full(len(room), -np.inf), room + 1e-12),
                          method='bvls', tol=1e-14).x
    np.testing.assert_allclose(step, expected, atol=1e-7)
    assert (step <= room).all()
    pull = gradient - hessian.dot(step)
    on_bound = step == room
    assert on_bound.any() and (pull[on_bound] > -1e-6).all()
    np.testing.assert_allclose(pull[~on_bound], 0, atol=1e-8)


def test_coefficients_below_their_bound_come_back():
    hessian, gradient, _ = _quadratic(9)
    room = np.full(len(gradient), np.inf)
    room[:5] = -0.5
    assert (bounded_step(hessian, gradient, room)[:5] <= -0.5).all()


@pytest.mark.parametrize('room', [None, np.full(40, np.inf)])
def test_without_bounds_it_is_newtons_step(room):
    hessian, gradient, _ = _quadratic(3)
    np.testing.assert_array_equal(bounded_step(hessian, gradient, room), np.linalg.solve(hessian, gradient))


def test_bounds_of_a_face_model():
    model = load_face_model()
    assert (lower_bounds(model) == -np.inf).all()
    one_sided = np.where(np.arange(64) < 53, 0, -np.inf).astype(np.float32)
    lower = lower_bounds(model._replace(ex_lower=one_sided))
    np.testing.assert_array_equal(lower[COEFF_SLICES['ex']], one_sided)
    assert (np.delete(lower, np.r_[COEFF_SLICES['ex']]) == -np.inf).all()
