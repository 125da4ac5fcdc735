"""One face from where its track begins to where it ends: fits every frame and smooths what comes out."""
import collections

import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES, EX_DIM, GAMMA_DIM, IMAGE_SIZE
from Deep3DFaceReconstruction.face_model.eyes import EyeState
from Deep3DFaceReconstruction.motion import photometric, smoothing
from Deep3DFaceReconstruction.motion.eye_reader import BLINK, EYES_DIM, GAZE, TrackedEyes
from Deep3DFaceReconstruction.motion.frame_fit import (
    ANGLES,
    EXPRESSION,
    POSE_DIM,
    STATE_DIM,
    TRANSLATION,
    camera_for,
)

# What a row holds of a face in a frame: the state, the light, the eyes (see eye_reader).
STATE, LIGHT = slice(0, STATE_DIM), slice(STATE_DIM, STATE_DIM + GAMMA_DIM)
EYES = slice(LIGHT.stop, LIGHT.stop + EYES_DIM)
ROW_DIM = EYES.stop
# The frequencies (Hz) of which half passes the smoother: a nod, a syllable, a change of the light, a glance, a blink.
CUTOFFS = np.array([3.0, 6.0, 2.0, 5.0, 7.0])
# Third differences where every frame is measured; gaze has gaps.
ORDERS = np.array([3, 3, 2, 2, 2])
LAG_SECONDS = 0.4
# One-euro: cutoff at rest (Hz), and what a unit of speed (radian, dm, deviation, weight a second) adds to it.
_LIVE_CUTOFF, _LIVE_SLOPE = (1.5, 1.0, 0.5, 1.5, 3.0), (12.0, 1.5, 0.0, 6.0, 3.0)
_FILLED = 0.01          # weight of a frame between two measured ones, interpolated
_LIGHT_EVERY = 6        # frames between looks at the light, where the pixels are not fitted anyway
_OUTLIER = 3.0          # times the usual landmark error: a frame that says little
_USUAL = 0.05           # of a new frame, in the running mean of the landmark error
_DIMENSIONS = (POSE_DIM, EX_DIM, GAMMA_DIM, GAZE.stop - GAZE.start, BLINK.stop - BLINK.start)


def _per_dimension(values):
    """[ROW_DIM] of one value each for pose, expression, light, gaze and blink."""
    return np.repeat(values, _DIMENSIONS)


def coefficients_of(person, state):
    """[257] of a people.Person in a state [70]; the light is 0."""
    coeff = np.zeros(COEFF_DIM)
    for name, values in (('id', person.identity), ('ex', state[EXPRESSION]), ('tex', person.texture),
                         ('angles', state[ANGLES]), ('translation', state[TRANSLATION])):
        coeff[COEFF_SLICES[name]] = values
    return coeff


def eye_state(row):
    """The face_model.eyes.EyeState of a row [103]."""
    eyes = np.asarray(row[EYES], np.float64)
    return EyeState(eyes[GAZE].reshape(2, 2), np.clip(np.nan_to_num(eyes[BLINK]), 0, None))


class Follower:
    """Fits and smooths one track.

    Attributes: person: people.Person.  camera: CropCamera of the track.
    """

    def __init__(self, person, five_points, fitting, fps, live=False):
        """Args: person: whose face it is; five_points: [5,2] in the first frame; fitting: a Fitting; fps: of the clip;
        live: give results at once."""
        self.person, self.camera = person, camera_for(five_points)
        self._fitting = fitting
        self._state = self._gamma = None
        self._eyes = TrackedEyes(fitting.eyes, fps) if fitting.eyes is not None else None
        self._age, self._usual = 0, None
        self._pending = collections.deque()
        self._live = live
        if live:
            self._filter = (smoothing.OneEuro(_per_dimension(_LIVE_CUTOFF), _per_dimension(_LIVE_SLOPE))
                            if fitting.smooth else lambda time, values: values)
        else:
            self._smoother = smoothing.Lookahead(
                _per_dimension(smoothing.strength(CUTOFFS, fps, ORDERS)), max(2, int(round(LAG_SECONDS * fps))),
                _per_dimension(ORDERS)) if fitting.smooth else None
        self._last = None

    def step(self, frame, points):
        """Takes the landmarks [K,2] of a frame, or None where the face is not found.

        Returns:
          list of (frame number, row [103] or None): what is known now of this and earlier frames; None: no face there.
        """
        if points is None:
            if self._live or self._smoother is None:
                return [(frame.number, None)]
            self._pending.append(frame.number)
            return []
        row, weights = self._fitted(frame, points)
        if self._live or self._smoother is None:
            row = np.where(weights > 0, row, np.nan)
            return [(frame.number, self._filter(frame.time, row) if self._live else row)]
        ready, lost = [], len(self._pending)
        for place in range(1, lost + 1):  # the face is back: the gap is filled
            between = self._last + place / (lost + 1.0) * (row - self._last)
            ready += self._smoother.push(self._pending.popleft(), between, _FILLED)
        self._last = row
        return self._bounded(ready + self._smoother.push(frame.number, row, weights))

    def finish(self):
        """The rest, when the track has ended: as `step` returns it."""
        if self._live or self._smoother is None:
            return []
        lost = [(number, None) for number in self._pending]
        self._pending.clear()
        return self._bounded(self._smoother.flush()) + lost

    def _bounded(self, results):
        """Results of the smoother, which may swing beyond the bounds of the expression."""
        for _, row in results:
            row[EXPRESSION] = self._fitting.fit.landmarks.within(row[EXPRESSION])
        return results

    def _fitted(self, frame, points):
        """(row [103], weights [103], 0-1) of one frame; the weight of what is unknown is 0."""
        fitting, person = self._fitting, self.person
        goal = fitting.fit.landmarks.goal(self.camera, points)
        fitted = fitting.fit.fit(person.neutral, goal, self._state)
        if fitted.error > 0.1 * IMAGE_SIZE and self._state is not None:
            fitted = fitting.fit.fit(person.neutral, goal)  # the last frame led astray
        state = fitted.state
        if fitting.pixels or self._age % _LIGHT_EVERY == 0:
            view = photometric.View(frame.rgb, self.camera, photometric.face_center(state))
            if fitting.pixels:
                state = fitting.fit.fit(person.neutral, goal, state, lambda guess: fitting.photometric.normal(
                    person.appearance, guess, view), photometric.LANDMARK_TRUST).state
            self._gamma = fitting.photometric.light(person.appearance, state, view)
        self._state = state
        self._age += 1
        self._usual = fitted.error if self._usual is None else (1 - _USUAL) * self._usual + _USUAL * fitted.error
        eyes, known = np.zeros(EYES_DIM), np.zeros(EYES_DIM)
        if self._eyes is not None:
            eyes, known = self._eyes.read(frame.rgb, points, self.camera, coefficients_of(person, state))
        weights = np.concatenate([np.ones(LIGHT.stop), known]) * (
            1.0 if fitted.error < _OUTLIER * self._usual else 0.1)
        return np.concatenate([state, self._gamma, eyes]), weights


class Fitting:
    """What all followers of a clip share.

    Attributes: fit: frame_fit.FrameFit.  photometric: photometric.PhotometricTerm.  pixels: whether frames are fitted
    to their pixels as well.  smooth: whether rows are smoothed.  eyes: eye_reader.EyeReader, or None: they are unknown.
    """

    def __init__(self, fit, term, pixels, smooth=True, eyes=None):
        self.fit, self.photometric, self.pixels, self.smooth, self.eyes = fit, term, pixels, smooth, eyes
