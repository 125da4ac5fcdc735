"""The training graph's losses against the published implementation's figures, and its parts."""
import numpy as np
import pytest

from Deep3DFaceReconstruction import pictures
from Deep3DFaceReconstruction.dataset.data_loader import Batch
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.networks.identity import perceptual_net
from Deep3DFaceReconstruction.reconstruction_model import LossWeights, ModelOptions, ReconstructionModel
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training.graph import model_options
from Deep3DFaceReconstruction.training.options import parse_train

OPTIONS = model_options(parse_train([]))


def batch_of(figures):
    return Batch(tf.constant(figures['target_bgr'], tf.float32), tf.constant(figures['landmark_label']),
                 tf.constant(figures['attention'] / 255.0, tf.float32), tf.constant([b''] * 3))


def test_losses_and_their_gradient_equal_the_reference(golden, test_model):
    figures = golden('face_decoder')
    features = [figures['id_label'], figures['id_feature']]  # asked for the input first, then for the rendering
    with tf.Graph().as_default(), tf.Session() as session:
        model = ReconstructionModel(test_model, OPTIONS, 'facenet', lambda *_: tf.constant(features.pop(0)))
        coeff = tf.constant(figures['coeff'])
        losses = model.compute_losses(batch_of(figures), Face3D(test_model).Reconstruction_Block(coeff, True))
        got = session.run(losses)
        gradient = session.run(tf.gradients(losses.total, coeff)[0])
    for name in ('photo', 'landmark', 'perceptual', 'regulation', 'reflectance', 'gamma', 'total'):
        np.testing.assert_allclose(getattr(got, name), figures[name + '_loss'], rtol=1e-4, err_msg=name)
    expected = figures['grad_coeff_total']
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    distance = np.linalg.norm(figures['landmark_p'] - figures['landmark_label'], axis=2).mean()
    np.testing.assert_allclose(got.landmark_px, distance, rtol=1e-4)


@pytest.mark.slow
def test_perceptual_loss_through_dlib_follows_its_gradient(golden, test_model):
    """A step against the gradient makes the rendered face more like the input's, as the features say."""
    figures = golden('face_decoder')
    with tf.Graph().as_default(), tf.Session() as session:
        options = ModelOptions(LossWeights(0, 0, 1, 0, 0, 0, 0.8, 1.7e-2))
        model = ReconstructionModel(test_model, options, 'dlib', perceptual_net.load('dlib'))
        coeff = tf.placeholder(tf.float32, [3, 257])
        losses = model.compute_losses(batch_of(figures), Face3D(test_model).Reconstruction_Block(coeff, True))
        np.testing.assert_allclose(*session.run([losses.total, losses.perceptual * perceptual_net.LOSS_SCALE['dlib']],
                                                {coeff: figures['coeff']}), rtol=1e-6)
        gradient, before = session.run([tf.gradients(losses.total, coeff)[0], losses.total], {coeff: figures['coeff']})
        texture = np.zeros_like(gradient)
        texture[:, 144:224] = gradient[:, 144:224]  # smooth in the picture, where moving edges are not
        step = 0.01 / np.linalg.norm(texture)
        after = session.run(losses.total, {coeff: figures['coeff'] - step * texture})
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(before - after, 0.01 * np.linalg.norm(texture), rtol=0.2)


@pytest.mark.parametrize('light_dim,width', [(27, 257), (9, 239)])
def test_validation_shares_the_variables_and_starts_from_the_mean_face(test_model, light_dim, width):
    landmarks = np.random.RandomState(0).uniform(60, 160, [1, 68, 2]).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        batch = Batch(tf.random_uniform([1, 224, 224, 3], 0, 255, seed=1), tf.constant(landmarks),
                      tf.ones([1, 224, 224, 1]), tf.constant([b'']))
        model = ReconstructionModel(test_model, OPTIONS._replace(light_dim=light_dim))
        train = model(batch, is_training=True)
        count = len(tf.global_variables())
        val = model(batch, is_training=False)
        assert len(tf.global_variables()) == count == 279
        assert train.coeff.shape.as_list()[1] == width
        session.run(tf.global_variables_initializer())
        losses, shown = session.run([val.losses, pictures.comparison(batch.images, val.reconstruction)])
    assert losses.perceptual == losses.regulation == losses.gamma == 0
    assert shown.shape == (1, 224, 448, 3) and shown.dtype == np.uint8
    outside = shown[0, :3]
    np.testing.assert_array_equal(outside[:, :224], outside[:, 224:])


def test_weight_decay_is_half_the_sum_of_squared_kernels(test_model):
    with tf.Graph().as_default(), tf.Session() as session:
        batch = Batch(tf.ones([1, 224, 224, 3]), tf.ones([1, 68, 2]), tf.ones([1, 224, 224, 1]), tf.constant([b'']))
        kernel = tf.get_variable('a/weights', initializer=tf.constant([[3.0, 4.0]]))
        tf.get_variable('a/biases', initializer=tf.constant([9.0]))
        decoded = Face3D(test_model).Reconstruction_Block(tf.zeros([1, 257]), True)
        plain = ReconstructionModel(test_model, OPTIONS).compute_losses(batch, decoded, True)
        decayed = ReconstructionModel(test_model, OPTIONS._replace(weight_decay=0.5))
        session.run(tf.global_variables_initializer())
        training, validation, without = session.run([
            decayed.compute_losses(batch, decoded, True).total, decayed.compute_losses(batch, decoded, False).total,
            plain.total])
        np.testing.assert_allclose(training - without, 0.5 * 12.5, rtol=1e-3)
        assert validation == without
        assert kernel is not None


def test_a_mesh_outside_the_photo_has_no_photometric_loss_and_a_finite_gradient(golden, test_model):
    """Photo_loss is 0 there, as published: the total is what the other losses say, and they pull the mesh back."""
    figures = golden('face_decoder')
    far = figures['coeff'].copy()
    far[:, 254] = 100.0  # 10 m to the side
    half = np.concatenate([figures['coeff'][:1], far[1:]])
    with tf.Graph().as_default(), tf.Session() as session:
        model = ReconstructionModel(test_model, OPTIONS)
        coeff = tf.placeholder(tf.float32, [3, 257])
        losses = model.compute_losses(batch_of(figures), Face3D(test_model).Reconstruction_Block(coeff, True))
        gradient = tf.gradients(losses.total, coeff)[0]
        outside, pull = session.run([losses, gradient], {coeff: far})
        partly = session.run(losses, {coeff: half})
    w = OPTIONS.weights
    assert np.isnan(outside.photo) and partly.photo > 0
    np.testing.assert_allclose(outside.total, w.landmark * outside.landmark + w.regulation * outside.regulation
                               + w.reflectance * outside.reflectance + w.gamma * outside.gamma, rtol=1e-5)
    assert np.isfinite(pull).all() and (pull[:, 254] > 0).all()
