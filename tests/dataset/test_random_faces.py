"""Random coefficients: one-sided expressions."""
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.dataset.random_faces import DEFAULT_OPTIONS, CoefficientSampler
from Deep3DFaceReconstruction.face_model import load_face_model


def test_one_sided_expressions_are_drawn_on_their_side():
    model = load_face_model()
    free = CoefficientSampler(model, 3, DEFAULT_OPTIONS)(range(30))[:, COEFF_SLICES['ex']]
    lower = np.where(np.arange(64) < 20, 0, -np.inf).astype(np.float32)
    bounded = CoefficientSampler(model._replace(ex_lower=lower), 3, DEFAULT_OPTIONS)(range(30))[:, COEFF_SLICES['ex']]
    np.testing.assert_array_equal(bounded[:, :20], np.abs(free[:, :20]))
    np.testing.assert_array_equal(bounded[:, 20:], free[:, 20:])
