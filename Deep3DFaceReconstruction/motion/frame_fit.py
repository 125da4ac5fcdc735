"""Pose and expression of one frame, with the identity held fixed: least squares by Gauss-Newton, warm from the last.

The unknowns are 70 numbers: angles (radians), translation (dm), expression (standard deviations). Cost: squared
distances of the landmarks, less their bias, by their precision; squared expression coefficients; what photometric adds.
Expressions of a face model that has only one side of them stay at or above their least value.
"""
from typing import Callable, NamedTuple, Optional

import numpy as np
import scipy.linalg

from Deep3DFaceReconstruction.bounded_steps import bounded_step
from Deep3DFaceReconstruction.conventions import ALIGN_SCALE, CENTER, EX_DIM, EX_PRIOR_WEIGHT, IMAGE_SIZE
from Deep3DFaceReconstruction.fitting.elimination import Eliminated
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


class ModelPoints(NamedTuple):
    """Landmarks on a face model, and what is known of their error.

    A noise is a function of the head's yaw (radians) that returns (bias [P,2], precision [2P,2P]), pixels of the crop,
    y-up.

    Attributes:
      mean: [P,3] dm, about the mean vertex.
      identity, expression: [P,3,80] and [P,3,64], dm per standard deviation.
      rows: [P] int, which of a landmark reader's K points they are.
      noise: of the points of a person who is not known.
      jitter: of the points of a person whose `strays` are known.
      naming: [P,P] dm2, covariance of each coordinate of the strays; None: there are none.
      lower: [64] the least value of each expression coefficient, at most 0, -inf where it is free; None: all are.
    """

    mean: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    rows: np.ndarray
    noise: Callable
    jitter: Callable
    naming: Optional[np.ndarray]
    lower: Optional[np.ndarray] = None


class Fitted(NamedTuple):
    """The state [70] of a frame, and how far its landmarks are from the points: root mean square, crop pixels."""

    state: np.ndarray
    error: float


class LandmarkTerm:
    """Points of a face model against landmarks."""

    def __init__(self, points, noise):
        """Args: points: a ModelPoints; noise: one of its noises."""
        self._points, self._noise = points, noise
        self._lower = None
        if points.lower is not None and np.isfinite(points.lower).any():
            self._lower = np.full(STATE_DIM, -np.inf)
            self._lower[EXPRESSION] = points.lower

    def room(self, state):
        """[70] by how much a state may fall to its bounds, see bounded_steps; None: there are none."""
        return None if self._lower is None else state - self._lower

    def within(self, expressions):
        """Expression coefficients [...,64], those below their bounds raised to them."""
        return expressions if self._lower is None else np.maximum(expressions, self._lower[EXPRESSION])

    def neutral(self, identity):
        """[P,3] dm of an identity [80]."""
        return self._points.mean + self._points.identity.dot(identity)

    def goal(self, camera, points):
        """[P,2] crop pixels, y up, of a reader's points [K,2] seen by a CropCamera."""
        return camera.to_crop(points[self._points.rows])

    def shape(self, neutral, state):
        """[P,3] dm in the model's frame, and [P,3] after the rigid transform."""
        points = neutral + self._points.expression.dot(state[EXPRESSION])
        return points, points.dot(rotation_matrix(state[ANGLES])) + state[TRANSLATION]

    def residual(self, neutral, state, goal):
        """(residual [2P] pixels, the landmarks' bias taken off; precision [2P,2P]).

        Args:
          neutral: [P,3].  state: [70].  goal: [P,2] crop pixels, y up.
        """
        bias, precision = self._noise(state[1])
        return (project(self.shape(neutral, state)[1]) - goal + bias).ravel(), precision

    def slope(self, neutral, state, unknowns=STATE_DIM):
        """[2P,u] the derivative of the residual by the first `unknowns` numbers of the state; the noise stays."""
        points, moved = self.shape(neutral, state)
        jacobian = moved_jacobian(points, state[ANGLES], self._points.expression[:, :, :max(unknowns - POSE_DIM, 0)])
        return np.matmul(project_derivative(moved), jacobian).reshape(-1, unknowns)

    def normal(self, neutral, state, goal, unknowns=STATE_DIM):
        """(J^T P J [u,u], J^T P r [u], r^T P r) of the first `unknowns` numbers of the state."""
        residual, precision = self.residual(neutral, state, goal)
        slope = self.slope(neutral, state, unknowns)
        pulled = precision.dot(residual)
        return _squared(slope, precision), slope.T.dot(pulled), float(residual.dot(pulled))

    def with_identity(self, neutral, state, goal):
        """(J^T P J of the state [70,70], across [70,80], of the identity [80,80], J^T P r [70], [80])."""
        residual, precision = self.residual(neutral, state, goal)
        moved = self.shape(neutral, state)[1]
        identity = np.matmul(rotation_matrix(state[ANGLES]).T, self._points.identity)
        slope = np.concatenate([self.slope(neutral, state), np.matmul(project_derivative(moved), identity).reshape(
            len(residual), -1)], axis=1)
        normal, gradient = _squared(slope, precision), slope.T.dot(precision.dot(residual))
        return (normal[:STATE_DIM, :STATE_DIM], normal[:STATE_DIM, STATE_DIM:], normal[STATE_DIM:, STATE_DIM:],
                gradient[:STATE_DIM], gradient[STATE_DIM:])


def _squared(slope, precision):
    """J^T P J, in the precision's own accuracy: it decides the way, not where it ends."""
    slope = slope.astype(precision.dtype)
    return slope.T.dot(precision.dot(slope)).astype(np.float64)


def moved_jacobian(points, angles, expression):
    """[K,3,6+E] d (rigidly moved point) / d state, for points [K,3] and their expression basis [K,3,E]."""
    jacobian = np.empty((len(points), 3, POSE_DIM + expression.shape[2]))
    for axis in range(3):
        jacobian[:, :, axis] = points.dot(rotation_matrix_derivative(angles, axis))
    jacobian[:, :, TRANSLATION] = np.eye(3)
    jacobian[:, :, POSE_DIM:] = np.matmul(rotation_matrix(angles).T, expression)
    return jacobian


def joint_identity(term, goals, states, identity, shares=None, rounds=6):
    """One identity from several frames of a person: Gauss-Newton on all of it, each frame's state eliminated.

    Args:
      term: LandmarkTerm.  goals: list of [K,2] crop pixels, y up.  states: list of [70] to start from.
      identity: [80] to start from, and the prior's mean.
      shares: [n] how much each frame counts, with a sum of one; None: alike.
    Returns:
      (identity [80], list of states).
    """
    states, center = [state.copy() for state in states], identity
    # A landmark's bias is the same in every frame: ten frames do not know ten times as much as one.
    shares = np.full(len(goals), 1.0 / len(goals)) if shares is None else shares
    state_prior = np.zeros(STATE_DIM)
    state_prior[EXPRESSION] = EX_PRIOR_WEIGHT
    for _ in range(rounds):
        neutral = term.neutral(identity)
        normal, gradient, parts = np.eye(len(identity)), identity - center, []
        for state, goal, share in zip(states, goals, shares):
            own, across, shared, slope, identity_slope = [share * part for part in term.with_identity(
                neutral, state, goal)]
            own = own + np.diag(state_prior + 1e-9)
            part = Eliminated(own, across, slope + state_prior * state, term.room(state))
            normal += shared - part.normal
            gradient += identity_slope - part.gradient
            parts.append(part)
        step = np.linalg.solve(normal, gradient)
        identity = identity - step
        states = [state - part.step(step) for state, part in zip(states, parts)]
        if np.abs(step).max() < 1e-3:
            break
    return identity, states


def strays(fit, neutral, goals, states, naming, shares=None):
    """[P,3] dm: how a person's landmarks lie beside their places on the face model, by all views together.

    Args:
      fit: FrameFit.  neutral: [P,3].  goals: list of [P,2].  states: list of [70].  naming: see ModelPoints.
      shares: see joint_identity.
    """
    # What is common to all views is known once, not once per view: as in joint_identity.
    shares = np.full(len(goals), 1.0 / len(goals)) if shares is None else shares
    normal = np.kron(np.linalg.inv(naming), np.eye(3))
    pull = np.zeros(len(normal))
    for goal, state, share in zip(goals, states, shares):
        residual, precision = fit.landmarks.residual(neutral, state, goal)
        _, moved = fit.landmarks.shape(neutral, state)
        by_point = np.matmul(project_derivative(moved), rotation_matrix(state[ANGLES]).T)   # [P,2,3]
        slope = scipy.linalg.block_diag(*by_point)
        normal += share * slope.T.dot(precision.dot(slope))
        pull -= share * slope.T.dot(precision.dot(residual))
    return np.linalg.solve(normal, pull).reshape(-1, 3)


class FrameFit:
    """Fits frames of people whose identity is known."""

    def __init__(self, points, noise=None):
        """Args: points: a ModelPoints; noise: one of its noises, the jitter by default."""
        self.landmarks = LandmarkTerm(points, noise or points.jitter)
        self._prior = np.zeros(STATE_DIM)
        self._prior[EXPRESSION] = EX_PRIOR_WEIGHT

    def start(self, neutral, goal):
        """A first state [70] from landmarks [P,2] (crop pixels, y up): the best rigid pose of three starts."""
        best = None
        for yaw in START_YAWS:
            state = np.zeros(STATE_DIM)
            state[1] = yaw
            for _ in range(_FIRST_STEPS):
                normal, gradient, cost = self.landmarks.normal(neutral, state, goal, POSE_DIM)
                step = np.linalg.solve(normal + 1e-6 * np.eye(POSE_DIM), gradient)
                state[:POSE_DIM] -= step * min(1.0, 0.5 / max(np.abs(step[:3]).max(), 1e-9))
                if np.abs(step).max() < _SETTLED:
                    break
            if best is None or cost < best[0]:
                best = cost, state
        return best[1]

    def fit(self, neutral, goal, state=None, extra=None, trust=1.0):
        """Fits one frame.

        Args:
          neutral: [P,3] of the person, see LandmarkTerm.neutral.
          goal: [P,2] landmarks, crop pixels, y up, see LandmarkTerm.goal.
          state: [70] to start from, such as the last frame's; None: unknown.
          extra: function of the state -> (J^T J [70,70], J^T r [70]) of further residuals, or None.
          trust: factor of the landmarks' precision.
        Returns:
          Fitted.
        """
        warm, landmarks = state is not None, self.landmarks
        state = state.copy() if warm else self.start(neutral, goal)
        normal = None
        for _ in range(_STEPS if warm else _FIRST_STEPS):
            residual, precision = landmarks.residual(neutral, state, goal)
            slope = landmarks.slope(neutral, state)
            gradient = trust * slope.T.dot(precision.dot(residual)) + self._prior * state
            if normal is None or not warm:  # near the end it hardly changes
                normal = trust * _squared(slope, precision) + np.diag(self._prior + 1e-9)
            system = normal
            if extra is not None:
                more, pull = extra(state)
                system, gradient = normal + more, gradient + pull
            step = bounded_step(system, gradient, landmarks.room(state))
            state -= step
            if np.abs(step).max() < _SETTLED:
                break
        residual, _ = landmarks.residual(neutral, state, goal)
        return Fitted(state, float(np.sqrt((residual ** 2).sum() / len(goal))))
