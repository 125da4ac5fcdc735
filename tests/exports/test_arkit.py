"""NAME_arkit.json: the weights that the coefficients stand for, and the pose."""
import json

import numpy as np
import pytest

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.exports.arkit import ArkitWriter, ShapeWeights
from Deep3DFaceReconstruction.face_model import arkit, named_shapes
from Deep3DFaceReconstruction.face_model.eyes import SIDES, EyeState, eyes_of, unknown_eyes
from Deep3DFaceReconstruction.system import assets


def test_the_file_holds_the_weights_and_the_pose(tmp_path):
    model = face_model.load_face_model(assets.OPEN_MODEL)
    between = named_shapes.ExpressionMap(model, named_shapes.load_named_shapes(model))
    weights = np.zeros((1, 52))
    weights[0, arkit.NAMES.index('jawOpen')] = 0.7
    coeff = np.zeros(COEFF_DIM, np.float32)
    coeff[COEFF_SLICES['ex']] = between.coefficients(weights)[0]
    coeff[COEFF_SLICES['angles']] = np.radians([5, -20, 0])
    ArkitWriter(model).write(coeff, str(tmp_path / 'ann'))
    document = json.loads((tmp_path / 'ann_arkit.json').read_text())
    assert tuple(document['blendShapes']) == arkit.NAMES
    assert document['blendShapes']['jawOpen'] == pytest.approx(0.7, abs=0.1)
    assert max(document['blendShapes'], key=document['blendShapes'].get) == 'jawOpen'
    np.testing.assert_allclose(document['rotationDegrees'], [5, -20, 0], atol=1e-3)


def test_a_model_without_named_shapes_says_so(test_model_dict, tmp_path):
    import scipy.io
    path = str(tmp_path / 'plain.mat')
    scipy.io.savemat(path, test_model_dict)
    with pytest.raises(FaceModelError, match='expected a face model with named shapes'):
        ArkitWriter(face_model.load_face_model(path)).weights(np.zeros(COEFF_DIM, np.float32))


def test_closed_lids_are_closed_by_the_named_shapes_too():
    """Lids that the expression half closes and eyeBlink shuts: the names, which hold less of the former, shut them."""
    model = face_model.load_face_model(assets.OPEN_MODEL)
    eyes, shapes = eyes_of(model), ShapeWeights(model)
    opened = np.array([eyes.opened_by(move) for move in np.moveaxis(model.ex_base.reshape(-1, 3, 64), 2, 0)])
    coeff = np.zeros(COEFF_DIM)
    opening = eyes.places(coeff).openings
    # The smallest expression that lowers both lids half the way; the names follow it by sparse shapes.
    expression = np.linalg.lstsq(opened.T, -0.5 * opening, rcond=None)[0]
    coeff[COEFF_SLICES['ex']] = expression
    left = eyes.places(coeff).openings
    np.testing.assert_allclose(left, 0.5 * opening, rtol=0.05)
    weights = shapes.weights(expression, [EyeState(np.zeros((2, 2)), left / eyes.blink_openings())])[0]
    moves = np.tensordot(weights, named_shapes.load_named_shapes(model).moves, 1)
    np.testing.assert_allclose((opening + eyes.opened_by(moves)) / opening, 0, atol=0.1)
    half = shapes.weights(expression, [EyeState(np.zeros((2, 2)), 0.5 * left / eyes.blink_openings())])[0]
    blinks = [arkit.NAMES.index('eyeBlink' + side) for side in SIDES]
    alone = shapes.weights(expression, [unknown_eyes()])[0]
    np.testing.assert_allclose((half - alone)[blinks], 0.5 * (weights - alone)[blinks], rtol=1e-6)
