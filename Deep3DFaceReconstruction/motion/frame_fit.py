"""Pose and expression of one frame, with the identity held fixed: least squares by Gauss-Newton, warm from the last.

The unknowns are 70 numbers: angles (radians), translation (dm), expression (standard deviations). Cost: squared
distances of the landmarks over their variance, squared expression coefficients, and what photometric adds.
"""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import ALIGN_SCALE, CENTER, EX_DIM, EX_PRIOR_WEIGHT, IMAGE_SIZE
from Deep3DFaceReconstruction.numpy_decoder import (
    project,
    project_derivative,
    rotation_matrix,
    rotation_matrix_derivative,
)
from Deep3DFaceReconstruction.photo.alignment import POS
from Deep3DFaceReconstruction.photo.landmarks import standard_five_points

POSE_DIM = 6
STATE_DIM = POSE_DIM + EX_DIM
ANGLES, TRANSLATION, EXPRESSION = slice(0, 3), slice(3, POSE_DIM), slice(POSE_DIM, STATE_DIM)

# Turns of the head (radians about y) from which an unknown pose is looked for.
START_YAWS = (0.0, -0.7, 0.7)
_STEPS, _FIRST_STEPS = 4, 20
_SETTLED = 1e-4   # of the largest step, radians, dm or deviations


class CropCamera(NamedTuple):
    """Where the program's 224-pixel camera looks in the frames of one track; it stays where the face was first.

    A place x of the frame (pixels, 0 at the image's left or upper edge) is (x - corner) * scale in the crop, y-down.
    """

    scale: float
    left: float
    top: float

    def to_crop(self, points):
        """Pixels of the frame [...,2], the first pixel's centre at (0, 0), y-down -> of the crop as `project`, y-up."""
        points = np.asarray(points, np.float64) + 0.5
        x, y = (points[..., 0] - self.left) * self.scale, (points[..., 1] - self.top) * self.scale
        return np.stack([x, IMAGE_SIZE - y], axis=-1)

    def from_crop(self, points):
        """The inverse of to_crop."""
        points = np.asarray(points, np.float64)
        return np.stack([points[..., 0] / self.scale + self.left,
                         (IMAGE_SIZE - points[..., 1]) / self.scale + self.top], axis=-1) - 0.5


def camera_for(five_points):
    """The CropCamera that alignment gives to five points [5,2], pixels of the frame, y-down."""
    (t0, t1), size = POS((np.asarray(five_points) * [1, -1]).T, standard_five_points().T)
    scale = ALIGN_SCALE / size
    return CropCamera(float(scale), float(t0[0] + 0.5 - CENTER / scale), float(-t1[0] + 0.5 - CENTER / scale))


class Fitted(NamedTuple):
    """The state [70] of a frame, and how far its landmarks are from the points: root mean square, crop pixels."""

    state: np.ndarray
    error: float


class LandmarkTerm:
    """Points of a face model against landmarks.

    Attributes: weights [K], 1 / pixels^2.
    """

    def __init__(self, points):
        """Args: points: a landmark_readers.ModelPoints."""
        self._points = points
        self.weights = points.precision

    def neutral(self, identity):
        """[K,3] dm of an identity [80]."""
        return self._points.mean + self._points.identity.dot(identity)

    def shape(self, neutral, state):
        """[K,3] dm in the model's frame, and [K,3] after the rigid transform."""
        points = neutral + self._points.expression.dot(state[EXPRESSION])
        return points, points.dot(rotation_matrix(state[ANGLES])) + state[TRANSLATION]

    def normal(self, neutral, state, goal, weights, unknowns=STATE_DIM):
        """(J^T J [u,u], J^T r [u], squared error) of the first `unknowns` numbers of the state.

        Args:
          neutral: [K,3].  state: [70].  goal: [K,2] crop pixels, y up.  weights: [K].
        """
        points, moved = self.shape(neutral, state)
        jacobian = moved_jacobian(points, state[ANGLES], self._points.expression)[:, :, :unknowns]
        pixels = np.matmul(project_derivative(moved), jacobian)
        residual = project(moved) - goal
        root = np.sqrt(weights)[:, None]
        flat = (pixels * root[:, :, None]).reshape(-1, unknowns)
        return flat.T.dot(flat), flat.T.dot((residual * root).ravel()), (residual ** 2).sum(axis=1)

    def with_identity(self, neutral, state, goal, share):
        """(J^T J of the state [70,70], across [70,80], of the identity [80,80], J^T r [70], [80]), share times each."""
        points, moved = self.shape(neutral, state)
        identity = np.matmul(rotation_matrix(state[ANGLES]).T, self._points.identity)
        jacobian = np.concatenate([moved_jacobian(points, state[ANGLES], self._points.expression), identity], axis=2)
        root = np.sqrt(share * self.weights)[:, None]
        flat = (np.matmul(project_derivative(moved), jacobian) * root[:, :, None]).reshape(-1, jacobian.shape[2])
        normal, slope = flat.T.dot(flat), flat.T.dot(((project(moved) - goal) * root).ravel())
        return (normal[:STATE_DIM, :STATE_DIM], normal[:STATE_DIM, STATE_DIM:], normal[STATE_DIM:, STATE_DIM:],
                slope[:STATE_DIM], slope[STATE_DIM:])


def moved_jacobian(points, angles, expression):
    """[K,3,70] d (rigidly moved point) / d state, for points [K,3] and their expression basis [K,3,64]."""
    jacobian = np.empty((len(points), 3, STATE_DIM))
    for axis in range(3):
        jacobian[:, :, axis] = points.dot(rotation_matrix_derivative(angles, axis))
    jacobian[:, :, TRANSLATION] = np.eye(3)
    jacobian[:, :, EXPRESSION] = np.matmul(rotation_matrix(angles).T, expression)
    return jacobian


def joint_identity(term, goals, states, identity, rounds=6):
    """One identity from several frames of a person: Gauss-Newton on all of it, each frame's state eliminated.

    Args:
      term: LandmarkTerm.  goals: list of [K,2] crop pixels, y up.  states: list of [70] to start from.
      identity: [80] to start from, and the prior's mean.
    Returns:
      (identity [80], list of states).
    """
    states, center = [state.copy() for state in states], identity
    # A landmark's bias is the same in every frame: ten frames do not know ten times as much as one.
    share = min(1.0, 1.0 / len(goals))
    state_prior = np.zeros(STATE_DIM)
    state_prior[EXPRESSION] = EX_PRIOR_WEIGHT
    for _ in range(rounds):
        neutral = term.neutral(identity)
        normal, gradient, parts = np.eye(len(identity)), identity - center, []
        for state, goal in zip(states, goals):
            own, across, shared, slope, identity_slope = term.with_identity(neutral, state, goal, share)
            own = own + np.diag(state_prior + 1e-9)
            slope = slope + state_prior * state
            solved = np.linalg.solve(own, np.concatenate([across, slope[:, None]], axis=1))
            normal += shared - across.T.dot(solved[:, :-1])
            gradient += identity_slope - across.T.dot(solved[:, -1])
            parts.append(solved)
        step = np.linalg.solve(normal, gradient)
        identity = identity - step
        for place, solved in enumerate(parts):
            states[place] = states[place] - (solved[:, -1] - solved[:, :-1].dot(step))
        if np.abs(step).max() < 1e-3:
            break
    return identity, states


class FrameFit:
    """Fits frames of people whose identity is known."""

    def __init__(self, points):
        """Args: points: a landmark_readers.ModelPoints."""
        self.landmarks = LandmarkTerm(points)
        self._prior = np.zeros(STATE_DIM)
        self._prior[EXPRESSION] = EX_PRIOR_WEIGHT

    def start(self, neutral, goal):
        """A first state [70] from landmarks [K,2] (crop pixels, y up): the best rigid pose of three starts."""
        best = None
        for yaw in START_YAWS:
            state = np.zeros(STATE_DIM)
            state[1] = yaw
            for _ in range(_FIRST_STEPS):
                normal, gradient, error = self.landmarks.normal(neutral, state, goal, self.landmarks.weights, POSE_DIM)
                step = np.linalg.solve(normal + 1e-6 * np.eye(POSE_DIM), gradient)
                state[:POSE_DIM] -= step * min(1.0, 0.5 / max(np.abs(step[:3]).max(), 1e-9))
                if np.abs(step).max() < _SETTLED:
                    break
            cost = self.landmarks.weights.dot(error)
            if best is None or cost < best[0]:
                best = cost, state
        return best[1]

    def fit(self, neutral, goal, state=None, extra=None, trust=1.0):
        """Fits one frame.

        Args:
          neutral: [K,3] of the person, see LandmarkTerm.neutral.
          goal: [K,2] landmarks, crop pixels, y up.
          state: [70] to start from, such as the last frame's; None: unknown.
          extra: function of the state -> (J^T J [70,70], J^T r [70]) of further residuals, or None.
          trust: factor of the landmarks' weights.
        Returns:
          Fitted.
        """
        weights = self.landmarks.weights
        steps = _STEPS if state is not None else _FIRST_STEPS
        state = self.start(neutral, goal) if state is None else state.copy()
        for _ in range(steps):
            normal, gradient, _ = self.landmarks.normal(neutral, state, goal, trust * weights)
            if extra is not None:
                more, slope = extra(state)
                normal, gradient = normal + more, gradient + slope
            step = np.linalg.solve(normal + np.diag(self._prior + 1e-9), gradient + self._prior * state)
            state -= step
            if np.abs(step).max() < _SETTLED:
                break
        error = ((project(self.landmarks.shape(neutral, state)[1]) - goal) ** 2).sum(axis=1)
        return Fitted(state, float(np.sqrt(weights.dot(error) / weights.sum())))
