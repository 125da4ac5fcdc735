"""The eyes of face models: angles and vectors, eyeballs that turn about their centres, lids that meet."""
import numpy as np
import pytest

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.conventions import COEFF_DIM
from Deep3DFaceReconstruction.face_model import eyes as eyes_room
from Deep3DFaceReconstruction.face_model import named_shapes
from Deep3DFaceReconstruction.face_model.eyes import EyeState, eyes_of, unknown_eyes
from tests.face_model.tiny_model import tiny_model


@pytest.fixture(scope='module')
def eyes(open_model):
    return eyes_of(open_model)


@pytest.fixture(scope='module')
def coeff():
    values = 0.7 * np.random.RandomState(3).randn(COEFF_DIM)
    values[144:] = 0
    return values


def test_angles_and_directions_are_inverse():
    gaze = np.random.RandomState(0).uniform(-1.2, 1.2, [50, 2])
    np.testing.assert_allclose(eyes_room.angles(3 * eyes_room.direction(gaze)), gaze, atol=1e-12)
    np.testing.assert_allclose(eyes_room.direction([[0.1, 0], [0, 0.1]])[[0, 1], [0, 1]], np.sin(0.1))


def test_an_unknown_eye_turns_with_the_other():
    np.testing.assert_array_equal(eyes_room.shown_gaze([[np.nan] * 2, [0.2, 0.1]]), [[0.2, 0.1]] * 2)
    np.testing.assert_array_equal(eyes_room.shown_gaze(unknown_eyes().gaze), np.zeros([2, 2]))


def test_pupils_look_along_the_gaze_and_nothing_else_moves(open_model, eyes, coeff):
    gaze = np.array([[0.4, -0.2], [0.3, 0.1]])
    offset = eyes.offset(coeff, EyeState(gaze, np.zeros(2)))
    assert not offset[open_model.part < 2].any() and not offset[open_model.part > 3].any()
    places = eyes.places(coeff)
    for ball, where, center, turned in zip(eyes.eyeballs, places.balls, places.centers, gaze):
        whole = ball.share == 1
        before, after = where - center, where + offset[ball.vertices] - center
        np.testing.assert_allclose(np.linalg.norm(after, axis=1), np.linalg.norm(before, axis=1), atol=1e-6)
        pupil = whole & (before[:, 2] > 0.985 * np.linalg.norm(before, axis=1))
        np.testing.assert_allclose(eyes_room.angles(after[pupil].mean(axis=0)),
                                   turned + eyes_room.angles(before[pupil].mean(axis=0)), atol=0.02)


def test_straight_eyes_change_nothing(eyes, coeff):
    assert not eyes.offset(coeff, unknown_eyes()).any()
    assert not eyes.offset(coeff, EyeState(np.zeros([2, 2]), np.zeros(2))).any()


def test_a_blink_brings_the_lids_together(open_model, eyes, coeff):
    places = eyes.places(coeff)
    weights = places.openings / eyes.blink_openings()
    assert (places.openings > 0.03).all() and (weights > 0.5).all() and (weights < eyes_room.MAX_BLINK).all()
    offset = eyes.offset(coeff, EyeState(np.full([2, 2], np.nan), weights))
    lids = open_model.keypoints[[37, 38, 43, 44]], open_model.keypoints[[41, 40, 47, 46]]
    closing = (offset[lids[1], 1] - offset[lids[0], 1]).reshape(2, 2).mean(axis=1)
    np.testing.assert_allclose(closing, places.openings, atol=1e-6)


def test_look_weights_are_shares_of_a_shapes_own_turn(open_model, eyes):
    named = named_shapes.load_named_shapes(open_model)
    weights = eyes.look_weights(named, EyeState(np.radians([[10, 5], [10, 5]]), np.zeros(2)))
    assert len(weights) == 8
    # To the subject's left: the right eye inwards, the left one outwards.
    assert 0.3 < weights['eyeLookInRight'] < 0.7 and 0.3 < weights['eyeLookOutLeft'] < 0.7
    assert weights['eyeLookUpRight'] > 0.3 and weights['eyeLookUpLeft'] > 0.3
    assert all(weights[name] == 0 for name in weights if name not in (
        'eyeLookInRight', 'eyeLookOutLeft', 'eyeLookUpRight', 'eyeLookUpLeft'))


def test_a_model_without_eyeballs_has_no_eyes():
    assert eyes_of(face_model.from_mat_dict(tiny_model())) is None
