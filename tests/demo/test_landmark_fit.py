"""The landmark step of fitting: its derivative, and faces whose coefficients are known."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.demo.landmark_fit import LandmarkFit
from Deep3DFaceReconstruction.numpy_decoder import project, rotation_matrix


@pytest.fixture(scope='module')
def fit(test_model):
    return LandmarkFit(test_model, prior_weight=1e-3)


def test_jacobian_against_finite_differences(fit):
    rng = np.random.RandomState(1)
    unknowns, landmarks = rng.randn(150) * 0.2, rng.uniform(0, 224, [68, 2])
    root = np.sqrt(rng.uniform(0.5, 2, [68, 1]))
    analytic, step = fit._jacobian(unknowns, landmarks, root), 1e-6
    for column in list(range(6)) + [6, 85, 86, 149]:
        offset = step * np.eye(150)[column]
        numeric = (fit._residuals(unknowns + offset, landmarks, root)
                   - fit._residuals(unknowns - offset, landmarks, root)) / (2 * step)
        np.testing.assert_allclose(analytic[:, column], numeric, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('yaw', [-1.0, 0.0, 0.9])
def test_finds_the_pose_that_made_the_landmarks(fit, yaw):
    rng = np.random.RandomState(2)
    truth = np.concatenate([[0.2, yaw, -0.3, 0.1, -0.1, 0.4], 0.3 * rng.randn(144)])
    points = fit._points(truth).dot(rotation_matrix(truth[:3])) + truth[3:6]
    landmarks = project(points)
    coeff = fit(landmarks, np.ones(68))
    np.testing.assert_allclose(coeff[COEFF_SLICES['angles']], truth[:3], atol=0.05)
    unknowns = np.concatenate([coeff[COEFF_SLICES[name]] for name in ('angles', 'translation', 'id', 'ex')])
    refitted = fit._points(unknowns).dot(rotation_matrix(unknowns[:3])) + unknowns[3:6]
    error = np.linalg.norm(project(refitted) - landmarks, axis=1)
    assert error.mean() < 0.2
