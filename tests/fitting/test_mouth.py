"""What the mouth's look says: closed lips and teeth that meet, on drawn mouths and in the model's own geometry."""
import types

import cv2
import numpy as np
import pytest

from Deep3DFaceReconstruction.face_model import load_face_model, open_model
from Deep3DFaceReconstruction.face_model.named_shapes import load_named_shapes
from Deep3DFaceReconstruction.fitting import mouth
from Deep3DFaceReconstruction.photo.landmarks import to_y_up
from Deep3DFaceReconstruction.system import assets


@pytest.fixture(scope='module')
def model():
    return load_face_model(assets.OPEN_MODEL)


def draw(opening, colour):
    """(crop, landmarks): grey skin with a mouth 40 pixels wide that is open by `opening` pixels and filled."""
    landmarks = np.full([68, 2], 112.0)
    landmarks[[31, 35]] = [[100, 120], [124, 120]]
    x, half = np.array([92, 102, 112, 122, 132, 122, 112, 102]), opening / 2
    landmarks[60:68] = np.stack([x, 150 + half * np.array([0, -1, -1, -1, 0, 1, 1, 1])], axis=1)
    image = np.full([224, 224, 3], 120, np.uint8)
    cv2.fillPoly(image, [np.rint(landmarks[60:68]).astype(np.int32)], colour)
    return types.SimpleNamespace(bgr=image), to_y_up(landmarks)


def height(model, vertices, coeff):
    base = np.concatenate([model.id_base, model.ex_base], axis=1)[1::3]
    return model.meanshape[vertices, 1] + base[vertices].dot(coeff)


def solved(fact):
    """The smallest coefficients [144] with which the fact holds."""
    return np.linalg.lstsq(fact.base, -fact.offset, rcond=None)[0]


def test_teeth_meet(model):
    fact, = mouth.MouthFacts(model).of(*draw(12, (230, 235, 240)))
    teeth = np.flatnonzero(model.part == open_model.PARTS.index('teeth'))
    middle = teeth[np.abs(model.meanshape[teeth, 0]) < 0.1]
    named = load_named_shapes(model)
    drop = named.moves[named.names.index('jawOpen')][middle, 1]
    lower, upper = middle[drop < drop.min() / 2], middle[drop >= drop.min() / 2]  # the jaw takes the lower row with it
    bottom = upper[np.argsort(model.meanshape[upper, 1])[:4]]
    top = lower[np.argsort(-model.meanshape[lower, 1])[:4]]

    def opening(coeff):
        return height(model, bottom, coeff).mean() - height(model, top, coeff).mean()

    assert abs(opening(solved(fact))) < 1e-4
    # One component of the basis opens the jaw; the fact sees it in the same measure.
    coeff = np.eye(144)[np.abs(fact.base[0]).argmax()]
    assert opening(coeff) - opening(0 * coeff) == pytest.approx(fact.base[0].dot(coeff), rel=1e-4)


def test_closed_lips_meet_as_they_do_in_the_neutral_face(model):
    fact, = mouth.MouthFacts(model).of(*draw(0, (40, 40, 90)))
    np.testing.assert_array_equal(fact.offset, 0)
    assert fact.base.shape == (3, 144) and np.abs(fact.base).max() > 0.01


@pytest.mark.parametrize('opening, colour', [(12, (20, 20, 60)), (1.5, (230, 235, 240))])
def test_a_dark_or_a_hardly_open_mouth_says_nothing(model, opening, colour):
    assert mouth.MouthFacts(model).of(*draw(opening, colour)) == ()


def test_without_landmarks_or_teeth_nothing_is_known_of_them(model):
    assert mouth.MouthFacts(model).of(draw(12, (230, 235, 240))[0], None) == ()
    plain = model._replace(part=np.zeros_like(model.part))
    assert mouth.MouthFacts(plain).of(*draw(12, (230, 235, 240))) == ()
