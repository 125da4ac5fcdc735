"""Analytic values and gradients of the losses; the published figures are in test_face_decoder.py."""
import numpy as np
import pytest

from Deep3DFaceReconstruction import losses
from Deep3DFaceReconstruction.tf1 import tf


def evaluate(function, *arrays):
    """Value and gradients of a scalar function of float32 arrays."""
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = [tf.constant(array, tf.float32) for array in arrays]
        value = function(*tensors)
        gradients = [g if g is not None else tf.zeros([]) for g in tf.gradients(value, tensors)]
        return session.run([value, gradients])


def assert_gradient(function, arrays, which=0, step=1e-2, rtol=1e-2):
    """Against a central difference along a random direction."""
    rng = np.random.RandomState(0)
    direction = rng.randn(*arrays[which].shape)
    _, gradients = evaluate(function, *arrays)
    ends = []
    for sign in (1, -1):
        moved = [a + sign * step * direction if i == which else a for i, a in enumerate(arrays)]
        ends.append(evaluate(function, *moved)[0])
    np.testing.assert_allclose((gradients[which] * direction).sum(), (ends[0] - ends[1]) / (2 * step), rtol=rtol)


def pictures(seed=0):
    rng = np.random.RandomState(seed)
    return rng.uniform(0, 255, [2, 5, 6, 3]), rng.uniform(0, 255, [2, 5, 6, 3]), rng.rand(2, 5, 6, 1)


def test_photo_is_the_weighted_mean_distance():
    photo, render, mask = pictures()
    value, gradients = evaluate(losses.Photo_loss, photo, render, mask)
    distance = np.linalg.norm(photo - render, axis=3)
    np.testing.assert_allclose(value, (distance * mask[..., 0]).sum() / 255 / mask.sum(), rtol=1e-5)
    np.testing.assert_array_equal(gradients[2], 0)  # none through the mask
    assert_gradient(losses.Photo_loss, [photo, render, mask], which=1)


def test_photo_gradient_is_zero_where_colours_agree():
    photo, render, mask = pictures()
    render[:, :2] = photo[:, :2]
    _, gradients = evaluate(losses.Photo_loss, photo, render, mask)
    assert np.isfinite(gradients[1]).all()
    np.testing.assert_array_equal(gradients[1][:, :2], 0)
    assert (gradients[1][:, 2:] != 0).all()


def test_photo_of_an_empty_mask_is_zero():
    photo, render, mask = pictures()
    value, gradients = evaluate(losses.Photo_loss, photo, render, 0 * mask)
    assert value == 0 and not gradients[1].any()


def test_landmark_weights_and_value():
    weights = losses.landmark_weights()
    assert sorted(np.flatnonzero(weights == 20)) == [28, 29, 30] + list(range(60, 68)) and weights.sum() == 57 + 220
    label = np.zeros([2, 68, 2])
    moved = label.copy()
    moved[0, 30] = [3, 4]  # 25 px^2, 20 times
    moved[1, 0] = [1, 0]
    value, _ = evaluate(losses.Landmark_loss, moved, label)
    np.testing.assert_allclose(value, (20 * 25 + 1) / (68. * 2), rtol=1e-6)


@pytest.mark.parametrize('scale, expected', [(3.0, 0.0), (-2.0, 2.0)])
def test_perceptual_sees_direction_alone(scale, expected):
    feature = np.random.RandomState(0).randn(4, 128)
    value, _ = evaluate(losses.Perceptual_loss, feature, scale * feature)
    np.testing.assert_allclose(value, expected, atol=1e-6)


def test_perceptual_of_orthogonal_features_is_one():
    value, _ = evaluate(losses.Perceptual_loss, np.eye(2, 4), np.eye(2, 4)[::-1])
    np.testing.assert_allclose(value, 1)


def test_regulation():
    value, gradients = evaluate(losses.Regulation_loss, np.full([2, 80], 2.), np.ones([2, 64]), np.ones([2, 80]))
    np.testing.assert_allclose(value, 320 + 0.8 * 64 + 1.7e-2 * 80, rtol=1e-6)
    np.testing.assert_allclose(gradients[0], 2 * 2 / 2.)


def test_reflectance_is_the_variance_over_the_skin():
    rng = np.random.RandomState(0)
    texture, skin = rng.uniform(0, 255, [2, 50, 3]), (rng.rand(50) > 0.5).astype(float)
    value, _ = evaluate(losses.Reflectance_loss, texture, skin)
    expected = np.mean([(texture[i, skin > 0] / 255).var(axis=0).sum() for i in range(2)])
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert_gradient(losses.Reflectance_loss, [texture, skin], step=1)


def test_gamma_vanishes_for_white_light():
    white = np.tile(np.random.RandomState(0).randn(2, 9), [1, 3])
    assert evaluate(losses.Gamma_loss, white)[0] < 1e-12
    gamma = np.zeros([1, 27])
    gamma[0, 0] = 3  # red alone: 2, -1, -1 from the mean
    np.testing.assert_allclose(evaluate(losses.Gamma_loss, gamma)[0], 6 / 27., rtol=1e-6)
