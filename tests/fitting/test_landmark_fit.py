"""The landmark step of fitting: its derivative, its precision, and faces whose coefficients are known."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.fitting import landmark_fit
from Deep3DFaceReconstruction.fitting.dense_points import PointSet, point_set
from Deep3DFaceReconstruction.fitting.landmark_fit import Observed, fit_landmarks, isotropic, pose_start, yaw_starts
from Deep3DFaceReconstruction.numpy_decoder import key_vertices, project, rotation_matrix


@pytest.fixture(scope='module')
def points(test_model):
    return point_set(test_model, test_model.keypoints[:, np.newaxis], np.ones([68, 1]))


def _made(points, unknowns):
    """(pixels [68,2], depth [68] in pixels) of unknowns [150]."""
    moved = (points.mean + points.base.dot(unknowns[6:])).dot(rotation_matrix(unknowns[:3])) + unknowns[3:6]
    return project(moved), 101.5 * moved[:, 2]


def test_a_point_set_of_key_vertices_moves_as_they_do(test_model, points):
    key, coeff = key_vertices(test_model), np.random.RandomState(0).randn(144)
    np.testing.assert_allclose(points.mean + points.base.dot(coeff), key.shape(coeff), atol=1e-6)


def test_the_derivative_against_finite_differences(points):
    random = np.random.RandomState(1)
    values, landmarks = random.randn(150) * 0.2, random.uniform(0, 224, [68, 2])
    root = random.randn(136, 136) * 0.02
    observed = [Observed(points, landmarks, root.dot(root.T))]
    _, gradient, cost, count = landmark_fit._normal_equations(observed, values, 150)
    assert count == 136 and cost == pytest.approx(landmark_fit._cost(observed, values))
    for column in list(range(6)) + [6, 85, 86, 149]:
        offset = 1e-6 * np.eye(150)[column]
        numeric = (landmark_fit._cost(observed, values + offset) - landmark_fit._cost(observed, values - offset)) / 2e-6
        assert gradient[column] == pytest.approx(numeric, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize('yaw', [-1.0, 0.0, 0.9])
def test_finds_the_pose_that_made_the_landmarks(points, yaw):
    truth = np.concatenate([[0.2, yaw, -0.3, 0.1, -0.1, 0.4], 0.3 * np.random.RandomState(2).randn(144)])
    pixels, depth = _made(points, truth)
    found = fit_landmarks([Observed(points, pixels, isotropic(68, 0.3))], yaw_starts())
    coeff = found.coefficients()
    np.testing.assert_allclose(coeff[COEFF_SLICES['angles']], truth[:3], atol=0.05)
    np.testing.assert_array_equal(landmark_fit.unknowns(coeff), found.mean)
    assert np.linalg.norm(_made(points, found.mean)[0] - pixels, axis=1).mean() < 0.3
    assert found.misfit < 1
    start = pose_start(points, pixels, depth)
    np.testing.assert_allclose(start[:3], truth[:3], atol=0.15)


def test_precise_landmarks_win_over_others(points):
    """The mean of two contradicting sets, weighted by precision; errors that go together count once."""
    pixels, _ = _made(points, np.concatenate([[0, 0, 0, 0, 0, 0.0], np.zeros(144)]))
    start = [np.zeros(6)]
    together = np.linalg.inv(25 * np.kron(np.ones([68, 68]), np.eye(2)) + 0.01 * np.eye(136))
    apart = [Observed(points, pixels + [8, 0], together), Observed(points, pixels, isotropic(68, 5.0))]
    shift = fit_landmarks(apart, start).mean[3] * 101.5
    # 68 independent ones of 5 pixels are worth one of 5 / sqrt(68) = 0.6.
    assert 0.0 < shift < 0.35
    single = [Observed(points, pixels + [8, 0], isotropic(68, 5.0)), Observed(points, pixels, isotropic(68, 5.0))]
    assert fit_landmarks(single, start).mean[3] * 101.5 == pytest.approx(4, abs=0.3)


def test_points_without_an_opinion_leave_the_mean_face():
    points = PointSet(np.random.RandomState(3).randn(20, 3), np.zeros([20, 3, 144]))
    found = fit_landmarks([Observed(points, project(points.mean), isotropic(20, 2.0))], [np.zeros(6)])
    np.testing.assert_allclose(found.mean, 0, atol=1e-6)
    np.testing.assert_allclose(np.diag(found.precision)[6:], landmark_fit.PRIOR_PRECISION)


def test_deviations_are_those_of_the_errors(points):
    """Faces drawn from the prior, landmarks from their noise: errors over deviations are standard normal."""
    random, scores = np.random.RandomState(5), []
    for _ in range(12):
        shape = random.randn(144) / np.sqrt(landmark_fit.PRIOR_PRECISION)
        truth = np.concatenate([[0.1, 0.3, 0, 0, 0, 0], shape])
        pixels = _made(points, truth)[0] + 1.5 * random.randn(68, 2)
        found = fit_landmarks([Observed(points, pixels, isotropic(68, 1.5))], [truth[:6]])
        coeff = found.deviations()
        assert np.isnan(coeff[COEFF_SLICES['gamma']]).all() and (coeff[COEFF_SLICES['tex']] == 1).all()
        scores.append((found.mean - truth) / landmark_fit.unknowns(coeff))
    assert np.mean(np.square(scores)) == pytest.approx(1, abs=0.12)
    assert np.mean(np.square(scores)[:, :6]) == pytest.approx(1, abs=0.5)


def test_bounded_coefficients(points):
    """One-sided expressions of a face that has them negative stay at 0, and the others explain what they may not."""
    random = np.random.RandomState(6)
    truth = np.concatenate([[0.1, 0.3, 0, 0, 0, 0], 0.5 * random.randn(144)])
    truth[86:116] = -np.abs(truth[86:116])
    lower = np.full(150, -np.inf)
    lower[86:126] = 0
    observed = [Observed(points, _made(points, truth)[0], isotropic(68, 0.5))]
    free, found = (fit_landmarks(observed, [truth[:6]], lower=bounds) for bounds in (None, lower))
    assert (free.mean[86:126] < -0.1).any() and not free.pull.any()
    assert (found.mean >= lower).all() and (found.mean[86:116] == 0).any()
    assert found.misfit < landmark_fit.posterior(observed, np.maximum(free.mean, lower)).misfit
    held = found.mean <= lower
    assert (found.pull[held] >= 0).all() and found.pull[held].any() and not found.pull[~held].any()
    np.testing.assert_array_equal(found.gradient(found.mean), found.pull)
