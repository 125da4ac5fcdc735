"""One face from where its track begins to where it ends: fits every frame and smooths what comes out."""
import collections

import numpy as np

from Deep3DFaceReconstruction.conventions import EX_DIM, GAMMA_DIM, IMAGE_SIZE
from Deep3DFaceReconstruction.motion import photometric, smoothing
from Deep3DFaceReconstruction.motion.frame_fit import POSE_DIM, camera_for

# The frequencies (Hz) of which half passes the smoother: a nod, a syllable or a blink, a change of the light.
POSE_CUTOFF, EXPRESSION_CUTOFF, LIGHT_CUTOFF = 4.0, 5.0, 2.0
LAG_SECONDS = 0.4
# One-euro: cutoff at rest (Hz), and what a unit of speed (radian, dm, deviation a second) adds to it.
_LIVE_CUTOFF, _LIVE_SLOPE = (1.5, 1.0, 0.5), (12.0, 1.5, 0.0)
_LIGHT_EVERY = 6        # frames between looks at the light, where the pixels are not fitted anyway
_OUTLIER = 3.0          # times the usual landmark error: a frame that says little
_USUAL = 0.05           # of a new frame, in the running mean of the landmark error
DIMENSIONS = (POSE_DIM, EX_DIM, GAMMA_DIM)


def _per_dimension(pose, expression, light):
    return np.repeat([pose, expression, light], DIMENSIONS)


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
        self._age, self._usual = 0, None
        self._pending = collections.deque()
        self._live = live
        if live:
            self._filter = (smoothing.OneEuro(_per_dimension(*_LIVE_CUTOFF), _per_dimension(*_LIVE_SLOPE))
                            if fitting.smooth else lambda time, values: values)
        else:
            self._smoother = smoothing.Lookahead(
                _per_dimension(*smoothing.strength(np.array([POSE_CUTOFF, EXPRESSION_CUTOFF, LIGHT_CUTOFF]), fps)),
                max(2, int(round(LAG_SECONDS * fps)))) if fitting.smooth else None

    def step(self, frame, points):
        """Takes the landmarks [K,2] of a frame, or None where the face is not found.

        Returns:
          list of (frame number, row [97] or None): what is known now of this and earlier frames; None: no face there.
        """
        if points is None:
            if self._live or self._smoother is None:
                return [(frame.number, None)]
            self._pending.append(frame.number)
            return []
        row, weight = self._fitted(frame, points)
        if self._live:
            return [(frame.number, self._filter(frame.time, row))]
        if self._smoother is None:
            return [(frame.number, row)]
        ready = []
        while self._pending:  # the face is back: the smoother fills the gap
            ready += self._smoother.push(self._pending.popleft(), row, 0.0)
        return ready + self._smoother.push(frame.number, row, weight)

    def finish(self):
        """The rest, when the track has ended: as `step` returns it."""
        if self._live or self._smoother is None:
            return []
        lost = [(number, None) for number in self._pending]
        self._pending.clear()
        return self._smoother.flush() + lost

    def _fitted(self, frame, points):
        """(row [97], weight 0-1) of one frame."""
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
        weight = 1.0 if fitted.error < _OUTLIER * self._usual else 0.1
        return np.concatenate([state, self._gamma]), weight


class Fitting:
    """What all followers of a clip share.

    Attributes: fit: frame_fit.FrameFit.  photometric: photometric.PhotometricTerm.  pixels: whether frames are fitted
    to their pixels as well.  smooth: whether rows are smoothed.
    """

    def __init__(self, fit, term, pixels, smooth=True):
        self.fit, self.photometric, self.pixels, self.smooth = fit, term, pixels, smooth
