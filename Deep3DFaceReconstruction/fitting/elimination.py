"""Least squares of several views that share unknowns: each view's own unknowns are eliminated (Schur complement).

Of a view's normal equations [[A, B], [B', C]] (own, shared) with gradients (a, c), the shared unknowns are left with
C - B' A^-1 B and c - B' A^-1 a; the own ones follow their step s as A^-1 (a - B s).
"""
import numpy as np


class Eliminated:
    """One view without its own unknowns.

    Attributes:
      normal: [m,m] and gradient: [m], what is to be taken off those of the shared unknowns.
    """

    def __init__(self, own, across, gradient):
        """Args: own: [n,n]; across: [n,m]; gradient: [n], of the own unknowns."""
        solved = np.linalg.solve(own, np.concatenate([across, gradient[:, np.newaxis]], axis=1))
        self._follow, self._alone = solved[:, :-1], solved[:, -1]
        self.normal, self.gradient = across.T.dot(self._follow), across.T.dot(self._alone)

    def step(self, shared=None):
        """[n] the own unknowns' step where the shared ones make theirs [m], or stay."""
        return self._alone if shared is None else self._alone - self._follow.dot(shared)
