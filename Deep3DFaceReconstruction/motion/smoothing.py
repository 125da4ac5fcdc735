"""Trajectories without jitter: a smoother that looks ahead for clips, the one-euro filter for cameras.

The smoother is penalised least squares (Whittaker 1923; Eilers 2003): it minimises, over the window around a frame,
sum_t w_t (x_t - y_t)^2 + strength * sum_t (difference of x of some order)^2. It is symmetric in time, so it does not
lag; a frame without a measurement has weight zero and is filled in. One-euro: Casiez et al., CHI 2012.
"""
import collections

import numpy as np


def strength(cutoff, fps, order=2):
    """The penalty at which a motion of `cutoff` Hz keeps half of its size: 1 / (2 sin(pi cutoff / fps))^(2 order)."""
    return (2 * np.sin(np.pi * np.minimum(cutoff / float(fps), 0.5))) ** (-2.0 * order)


def smooth(values, weights, strengths, orders=2):
    """The whole smoothed series.

    Args:
      values: [T,D] measurements; rows of weight 0 may hold anything finite.
      weights: [T] or [T,D], how much each row or value counts, 1 for a good measurement.
      strengths: [D], the penalty of each column.
      orders: [D] int or one for all, of the differences: 3 parts slow from quick more sharply than 2, but fills long
        gaps with curves.
    Returns:
      [T,D] float64; NaN in a column of which nothing is known.
    """
    values, weights = np.asarray(values, np.float64), np.asarray(weights, np.float64)
    count = len(values)
    weights = np.broadcast_to(weights.reshape(count, -1), values.shape)
    orders = np.broadcast_to(np.minimum(orders, count - 1), values.shape[1:])
    result = np.empty_like(values)
    _, first, alike = np.unique(np.vstack([strengths, orders, weights]), axis=1, return_index=True,
                                return_inverse=True)
    for place, column in enumerate(first):
        same = alike.ravel() == place
        mine = weights[:, column]
        if count > 2:
            difference = np.diff(np.eye(count), orders[column], axis=0)
            system = np.diag(mine) + strengths[column] * difference.T.dot(difference) + 1e-9 * np.eye(count)
            result[:, same] = np.linalg.solve(system, mine[:, None] * values[:, same])
        elif mine.all():
            result[:, same] = values[:, same]
        else:
            result[:, same] = mine.dot(values[:, same]) / max(mine.sum(), 1e-9)
        if not mine.any():
            result[:, same] = np.nan
    return result


class Lookahead:
    """Smooths measurements that come one by one, and gives each out `lag` frames later.

    A frame is smoothed over the window of `lag` frames to each side, whose ends are too far away to matter.
    """

    def __init__(self, strengths, lag, orders=2):
        """Args: strengths: [D]; lag: frames; orders: see smooth."""
        self._strengths, self._lag, self._orders = np.asarray(strengths, np.float64), lag, orders
        self._window = collections.deque()   # (key, values, weight)
        self._next = 0                       # place in the window of the frame to give out next

    def push(self, key, values, weight):
        """Takes a measurement [D] of weight [D] or one for all; returns a list of (key, smoothed [D]) ready now."""
        values = np.asarray(values, np.float64)
        self._window.append((key, values, np.broadcast_to(weight, values.shape)))
        ready = []
        while len(self._window) - self._next > self._lag:
            ready.append(self._give())
        return ready

    def flush(self):
        """The rest, when the series has ended: a list of (key, smoothed [D])."""
        ready = []
        if self._next < len(self._window):
            rows = self._smoothed()
            ready = [(self._window[place][0], rows[place]) for place in range(self._next, len(self._window))]
        self._window.clear()
        self._next = 0
        return ready

    def _smoothed(self):
        return smooth(np.stack([row[1] for row in self._window]), np.array([row[2] for row in self._window]),
                      self._strengths, self._orders)

    def _give(self):
        result = self._window[self._next][0], self._smoothed()[self._next]
        self._next += 1
        if self._next > self._lag:
            self._window.popleft()
            self._next -= 1
        return result


class OneEuro:
    """A low-pass filter whose cutoff rises with the speed: still faces do not shake, quick ones are not late."""

    def __init__(self, cutoff, slope, speed_cutoff=1.0):
        """Args: cutoff: [D] Hz at rest; slope: [D] Hz per unit of speed; speed_cutoff: Hz, of the speed itself."""
        self._cutoff, self._slope = np.asarray(cutoff, np.float64), np.asarray(slope, np.float64)
        self._speed_cutoff = speed_cutoff
        self._last = None

    def __call__(self, time, values):
        """Filtered [D] of a measurement [D] at a time in seconds; what is NaN stays as it was."""
        values = np.array(values, np.float64)
        if self._last is None or time <= self._last[0]:
            self._last = time, values, np.zeros_like(values)
            return values
        before, previous, speed = self._last
        values = np.where(np.isnan(values), previous, values)
        previous = np.where(np.isnan(previous), values, previous)
        step = time - before
        speed = speed + self._share(self._speed_cutoff, step) * ((values - previous) / step - speed)
        result = previous + self._share(self._cutoff + self._slope * np.abs(speed), step) * (values - previous)
        self._last = time, result, speed
        return result

    @staticmethod
    def _share(cutoff, step):
        return 1.0 / (1.0 + 1.0 / (2 * np.pi * cutoff * step))
