"""Gauss-Newton steps of coefficients with a least value, such as the one-sided expressions of a face model.

Where FaceModel.ex_lower is 0, a negative coefficient is a shape that no face makes. The quadratic of each step is
minimized under its bounds, so the other coefficients explain what the bounded ones may not.
"""
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES

# Exchanges of all wrong signs at once that may fail to lower their number; then one at a time, which always ends.
_PATIENCE = 3
# A multiplier this far below zero, relative to its coefficient's own curvature, is rounding.
_ROUNDING = 1e-10


def lower_bounds(model):
    """[257] float64: the least value of each coefficient of a face_model.FaceModel, -inf where it is free."""
    lower = np.full(COEFF_DIM, -np.inf)
    lower[COEFF_SLICES['ex']] = model.ex_lower
    return lower


def bounded_step(hessian, gradient, room=None):
    """The step s to be taken off the unknowns: minimizes s'Hs/2 - g's where s <= room.

    Block principal pivoting (Judice and Pires 1994): coefficients beyond their bound are fixed on it, those that the
    quadratic pulls back are freed, all at once, until none is wrong.

    Args:
      hessian: [n,n], positive definite.  gradient: [n].
      room: [n], unknowns less their lower bounds; inf where there is none. None: no bounds.
    Returns:
      [n]; without bounds in the way, the solution of H s = g.
    """
    step = np.linalg.solve(hessian, gradient)
    if room is None or (step <= room).all():
        return step
    fixed, fewest, patience = np.zeros(len(step), bool), len(step) + 1, _PATIENCE
    slack = _ROUNDING * np.diag(hessian)
    while True:
        wrong = np.where(fixed, gradient - hessian.dot(step) < -slack, step > room)
        count = int(wrong.sum())
        if not count:
            return step
        if count < fewest:
            fewest, patience = count, _PATIENCE
        elif patience:
            patience -= 1
        else:
            wrong[:np.flatnonzero(wrong)[-1]] = False
        fixed ^= wrong
        step = np.where(fixed, room, 0.0)
        pull = gradient[~fixed] - hessian[np.ix_(~fixed, fixed)].dot(room[fixed])
        step[~fixed] = np.linalg.solve(hessian[np.ix_(~fixed, ~fixed)], pull)
