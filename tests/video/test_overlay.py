"""The overlay is the decoder's own image at the camera's place; the pixels' residuals lead back to the truth."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.motion import photometric
from Deep3DFaceReconstruction.motion.dlib_reader import DlibReader
from Deep3DFaceReconstruction.motion.following import BLINK, EYES, LIGHT, ROW_DIM
from Deep3DFaceReconstruction.motion.frame_fit import ANGLES, EXPRESSION, TRANSLATION, CropCamera, FrameFit
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.video.overlay import Overlay
from tests.video.made_clip import landmarks_of, person_of


@pytest.fixture(scope='module')
def model():
    return load_face_model(assets.OPEN_MODEL)


@pytest.fixture(scope='module')
def person(model):
    return person_of(model)


def _row(random):
    row = np.zeros(ROW_DIM)
    row[ANGLES], row[TRANSLATION] = [0.05, -0.3, 0.1], [0.1, -0.05, 0.2]
    row[EXPRESSION] = 0.3 * random.randn(64)
    row[[70, 79, 88]] = 0.1
    return row


def _drawn(model, person, row, camera, size=224):
    rgb = np.full((size, size, 3), 40, np.uint8)
    Overlay(model).draw(rgb, person, row, camera)
    return rgb


def test_at_the_crop_it_is_the_decoders_image(model, person):
    row = _row(np.random.RandomState(0))
    coeff = np.zeros((1, COEFF_DIM), np.float32)
    for name, values in (('id', person.identity), ('ex', row[EXPRESSION]), ('tex', person.texture),
                         ('angles', row[ANGLES]), ('translation', row[TRANSLATION]), ('gamma', row[LIGHT])):
        coeff[0, COEFF_SLICES[name]] = values

    def build():
        face = Face3D(model)
        given = tf.placeholder(tf.float32, [1, COEFF_DIM])
        geometry = face.Geometry_block(given)
        return {'coeff': given}, {'image': face.Render_block(geometry.face_shape_t, geometry.face_color)[0]}
    with GraphFunction(build) as decoder:
        expected = decoder(coeff=coeff)['image'][0]
    drawn = _drawn(model, person, row, CropCamera(1.0, 0.0, 0.0)).astype(float)
    inside = expected[..., 3] > 0
    inside[1:-1, 1:-1] &= inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    error = np.abs(drawn - expected[..., :3])[inside].mean()
    assert error < 1.0
    # One pixel beside would show.
    assert np.abs(drawn[:, 1:] - expected[:, :-1, :3])[inside[:, :-1]].mean() > 1.8 * error


def test_a_larger_camera_draws_the_same_face_larger(model, person):
    row = _row(np.random.RandomState(1))
    small = _drawn(model, person, row, CropCamera(1.0, 0.0, 0.0)).astype(float)
    large = _drawn(model, person, row, CropCamera(0.5, 0.0, 0.0), 448).astype(float)
    halved = large.reshape(224, 2, 224, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - small).mean() < 1.0


def test_a_blink_darkens_the_eyes_and_nothing_else(model, person):
    row = _row(np.random.RandomState(1))
    row[EXPRESSION] = 0
    open_eyes = _drawn(model, person, row, CropCamera(1.0, 0.0, 0.0)).astype(float)
    row[EYES][BLINK] = 1.0
    shut = _drawn(model, person, row, CropCamera(1.0, 0.0, 0.0)).astype(float)
    changed = np.abs(shut - open_eyes).max(axis=2) > 12
    rows, columns = np.nonzero(changed)
    eyes = landmarks_of(model, person.identity, row[None, :70], CropCamera(1.0, 0.0, 0.0))[0][36:48]
    assert changed.sum() > 60
    assert (np.abs(np.stack([columns, rows], axis=1)[:, None] - eyes).min(axis=1).max(axis=1) < 20).all()
    assert shut[changed].mean() < open_eyes[changed].mean()


def test_pixels_lead_from_wrong_landmarks_back_to_the_truth(model, person):
    row = _row(np.random.RandomState(2))
    camera = CropCamera(0.8, -20.0, -30.0)
    rgb = _drawn(model, person, row, camera, 320)
    fit, term = FrameFit(DlibReader().on_model(model)), photometric.PhotometricTerm(model)
    looks = term.appearance(person.shape, person.identity, person.albedo)
    true = landmarks_of(model, person.identity, row[None, :70], camera)[0]
    wrong = true + 1.5 * np.random.RandomState(3).randn(68, 2) + [1.0, -0.8]
    neutral, goal = fit.landmarks.neutral(person.identity), camera.to_crop(wrong)
    alone = fit.fit(neutral, goal).state
    view = photometric.View(rgb, camera, photometric.face_center(alone))
    together = fit.fit(neutral, goal, alone, lambda state: term.normal(looks, state, view),
                       photometric.LANDMARK_TRUST).state

    def error(state):
        return np.linalg.norm(landmarks_of(model, person.identity, state[None], camera)[0] - true, axis=1).mean()
    assert error(together) < 0.8 * error(alone)
    np.testing.assert_allclose(term.light(looks, together, view)[[0, 9, 18]], 0.1, atol=0.08)
    albedo, share = term.delit(looks, together, view)
    assert np.abs((albedo - looks.albedo)[share[:, 0] > 0.5]).mean() < 12
