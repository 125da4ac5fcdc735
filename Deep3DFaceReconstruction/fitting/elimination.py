"""Least squares of several views that share unknowns: each view's own unknowns are eliminated (Schur complement).

Of a view's normal equations [[A, B], [B', C]] (own, shared) with gradients (a, c), the shared unknowns are left with
C - B' A^-1 B and c - B' A^-1 a; the own ones follow their step s as A^-1 (a - B s).
"""
import numpy as np

from Deep3DFaceReconstruction.bounded_steps import bounded_step


class Eliminated:
    """One view without its own unknowns.

    Attributes:
      normal: [m,m] and gradient: [m], what is to be taken off those of the shared unknowns.
    """

    def __init__(self, own, across, gradient, room=None):
        """Args: own: [n,n]; across: [n,m]; gradient: [n], of the own unknowns; room: see bounded_steps.bounded_step.

        Own unknowns that their bounds hold while the shared ones stay are held while those move, too.
        """
        self._room = np.full(len(gradient), np.inf) if room is None else room
        self._alone = bounded_step(own, gradient, room)
        free = self._alone < self._room
        self._follow = np.zeros(across.shape)
        self._follow[free] = np.linalg.solve(own[np.ix_(free, free)], across[free])
        self.normal, self.gradient = across.T.dot(self._follow), across.T.dot(self._alone)

    def step(self, shared=None):
        """[n] the own unknowns' step where the shared ones make theirs [m], or stay."""
        return self._alone if shared is None else np.minimum(self._alone - self._follow.dot(shared), self._room)
