"""dlib's inner landmarks in the fit: their bias, and what it is worth on heads that dlib sees."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.fitting import inner_landmarks
from Deep3DFaceReconstruction.fitting.dense_points import PointSet
from Deep3DFaceReconstruction.numpy_decoder import key_vertices
from Deep3DFaceReconstruction.photo.landmarks import INNER, flip_permutation
from Deep3DFaceReconstruction.system import assets


@pytest.fixture(scope='module')
def model():
    return load_face_model(assets.OPEN_MODEL)


def _points(model):
    return PointSet(key_vertices(model).mean[INNER], np.zeros([51, 3, 144]))


def test_the_bias_is_that_of_mirror_images_and_spares_the_brows(model):
    bias = inner_landmarks.InnerLandmarks(model, _points(model)).bias
    whole = np.concatenate([np.zeros([17, 2]), bias])
    np.testing.assert_allclose(whole[flip_permutation()] * [-1, 1], whole, atol=1e-4)
    assert not bias[:10].any() and 0.5 < np.sqrt((bias[10:] ** 2).mean()) < 3


def test_what_is_observed_is_the_landmarks_less_the_bias(model):
    inner = inner_landmarks.InnerLandmarks(model, _points(model))
    landmarks = np.random.RandomState(0).uniform(0, 224, [68, 2])
    seen = inner.observed(landmarks)
    np.testing.assert_allclose(seen.pixels + inner.bias, landmarks[17:])
    # 51 points that move together are worth little more than one.
    together = np.tile([1.0, 0.0], 51)
    deviation = together.dot(seen.precision).dot(together) ** -0.5
    assert deviation == pytest.approx(np.hypot(inner_landmarks.COMMON, inner_landmarks.DEVIATION / np.sqrt(51)))


def test_the_points_of_another_model_have_no_bias(model):
    other = model._replace(path='other.mat')
    assert not inner_landmarks.InnerLandmarks(other, _points(other)).bias.any()
