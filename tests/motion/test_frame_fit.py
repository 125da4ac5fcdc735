"""The fit of a frame finds the state that made its landmarks; the camera of a track goes there and back."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import IMAGE_SIZE
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.motion import frame_fit
from Deep3DFaceReconstruction.motion.frame_fit import ModelPoints
from Deep3DFaceReconstruction.numpy_decoder import key_vertices, project
from Deep3DFaceReconstruction.photo import alignment
from Deep3DFaceReconstruction.photo.landmarks import five_from_68
from Deep3DFaceReconstruction.system import assets


@pytest.fixture(scope='module')
def points():
    keys = key_vertices(load_face_model(assets.OPEN_MODEL))
    base = keys.base.reshape(-1, 3, 144)
    # Errors of a tenth of a pixel that neighbours share in part, about a bias.
    bias = 0.5 * np.random.RandomState(9).randn(68, 2)
    covariance = 0.01 * np.kron(0.5 * np.eye(68) + 0.5 * np.exp(-np.abs(np.subtract.outer(range(68), range(68)))),
                                np.eye(2))

    def noise(yaw):
        return bias, np.linalg.inv(covariance)
    return ModelPoints(keys.mean, base[:, :, :80], base[:, :, 80:], np.arange(68), noise, noise, 1e-4 * np.eye(68))


def _seen(points, term, neutral, state):
    """Where a detector of this bias sees the points."""
    return project(term.shape(neutral, state)[1]) + points.noise(0.0)[0]


def _state(random):
    state = np.concatenate([0.3 * random.randn(3), 0.1 * random.randn(3), 0.5 * random.randn(64)])
    return state


def test_the_camera_of_a_track_is_that_of_alignment():
    random = np.random.RandomState(0)
    five = np.array([[310, 200], [390, 205], [350, 250], [320, 300], [385, 298]]) + random.randn(5, 2)
    camera = frame_fit.camera_for(five)
    np.testing.assert_allclose(camera.from_crop(camera.to_crop(five)), five, atol=1e-9)
    image = alignment.Image.new('RGB', (640, 480))
    from Deep3DFaceReconstruction.photo.landmarks import standard_five_points, to_y_up
    _, in_crop, _ = alignment.align_img(image, five, standard_five_points())
    # Alignment rounds to whole pixels, and counts pixels from their centres.
    np.testing.assert_allclose(camera.to_crop(five) - 0.5, to_y_up(in_crop), atol=1.6)


def test_the_derivative_is_that_of_finite_differences(points):
    random = np.random.RandomState(1)
    term, state = frame_fit.LandmarkTerm(points, points.noise), _state(random)
    neutral = term.neutral(random.randn(80))
    goal = 100 + 10 * random.randn(68, 2)

    def cost(at):
        bias, precision = points.noise(at[1])
        residual = (project(term.shape(neutral, at)[1]) - goal + bias).ravel()
        return 0.5 * residual.dot(precision.dot(residual))
    normal, gradient, twice = term.normal(neutral, state, goal)
    assert twice == pytest.approx(2 * cost(state))
    np.testing.assert_allclose(normal, normal.T, rtol=1e-6)
    for unknown in (0, 1, 2, 3, 4, 5, 6, 30, 69):
        step = np.zeros(70)
        step[unknown] = 1e-5
        difference = (cost(state + step) - cost(state - step)) / 2e-5
        assert gradient[unknown] == pytest.approx(difference, rel=1e-4, abs=1e-2)


def test_a_frame_is_fitted_from_nothing_and_from_the_last(points):
    random = np.random.RandomState(2)
    fit, true = frame_fit.FrameFit(points), _state(random)
    neutral = fit.landmarks.neutral(0.5 * random.randn(80))
    goal = _seen(points, fit.landmarks, neutral, true)
    found = fit.fit(neutral, goal)
    assert found.error < 0.3
    np.testing.assert_allclose(found.state[:3], true[:3], atol=0.03)
    again = fit.fit(neutral, goal, found.state)
    assert np.abs(again.state - found.state).max() < 1e-3


def test_identity_comes_from_many_frames_together(points):
    random = np.random.RandomState(3)
    fit = frame_fit.FrameFit(points)
    term, true = fit.landmarks, 0.8 * random.randn(80)
    states = [_state(random) for _ in range(8)]
    goals = [_seen(points, term, term.neutral(true), state) for state in states]
    start = [fit.fit(term.neutral(np.zeros(80)), goal).state for goal in goals]
    identity, fitted = frame_fit.joint_identity(term, goals, start, np.zeros(80))
    alone, _ = frame_fit.joint_identity(term, goals[:1], start[:1], np.zeros(80))

    def error(guess):
        return np.linalg.norm(term.neutral(guess) - term.neutral(true), axis=1).mean()
    assert error(identity) < 0.6 * error(alone) < 0.6 * error(np.zeros(80)) + 0.02
    assert max(np.sqrt(((_seen(points, term, term.neutral(identity), state) - goal) ** 2).mean())
               for state, goal in zip(fitted, goals)) < 0.5


def test_what_all_views_show_beside_the_model_is_the_persons_own(points):
    random = np.random.RandomState(4)
    fit = frame_fit.FrameFit(points)
    neutral, own = fit.landmarks.neutral(0.5 * random.randn(80)), 0.01 * random.randn(68, 3)
    states = [_state(random) for _ in range(6)]
    goals = [_seen(points, fit.landmarks, neutral + own, state) for state in states]
    found = frame_fit.strays(fit, neutral, goals, states, points.naming)
    assert np.corrcoef(found[:, :2].ravel(), own[:, :2].ravel())[0, 1] > 0.95
    # Known too well, nothing is left to be a person's own.
    assert np.abs(frame_fit.strays(fit, neutral, goals, states, 1e-10 * np.eye(68))).max() < 1e-5


def test_five_points_of_the_model_land_in_the_middle_of_the_crop(points):
    landmarks = project(points.mean) * [1, -1] + [0, IMAGE_SIZE]
    camera = frame_fit.camera_for(five_from_68(landmarks - 0.5))
    assert camera.scale == pytest.approx(1.0, abs=0.06)
