"""Perceptual_Net against the published one; the choice of the identity network, and its two kinds."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks import checkpoints
from Deep3DFaceReconstruction.networks.identity import perceptual_net
from Deep3DFaceReconstruction.tf1 import tf
from tests.networks.reference import assert_equals_reference, fill, filled, golden, new_session


def test_it_equals_the_reference():
    assert_equals_reference('perceptual_net', perceptual_net.Perceptual_Net)


@pytest.mark.slow
def test_perceptual_net_clips_and_is_not_trained():
    with tf.Graph().as_default(), new_session() as session:
        images = tf.placeholder(tf.float32, [None, 224, 224, 3])
        output = perceptual_net.Perceptual_Net(images)
        assert not tf.trainable_variables()
        fill(session)
        wild = np.random.RandomState(0).uniform(-200, 500, [1, 224, 224, 3])
        np.testing.assert_allclose(session.run(output, {images: wild}),
                                   session.run(output, {images: np.clip(wild, 0, 255)}), rtol=1e-5, atol=1e-5)


def test_choice(tmp_path):
    folder = str(tmp_path)
    assert perceptual_net.choose('auto', folder) == 'dlib'
    assert perceptual_net.choose('none', folder) == 'none'
    assert perceptual_net.load('none', folder) is None
    with pytest.raises(AssetError, match=r'expected the FaceNet checkpoint .* got none'):
        perceptual_net.choose('facenet', folder)
    with pytest.raises(ValueError, match="expected one of auto, facenet, dlib, none, got 'vgg'"):
        perceptual_net.choose('vgg', folder)
    checkpoints.save_checkpoint(str(tmp_path / 'model-20170512-110547.ckpt-250000'), {'a': np.zeros(3)})
    assert perceptual_net.choose('auto', folder) == 'facenet'
    assert perceptual_net.choose('facenet', folder) == 'facenet'


@pytest.mark.slow
def test_facenet_reads_its_checkpoint_and_gives_the_reference_features(tmp_path):
    variables, figures = golden('perceptual_net')
    values = {n: filled(n, s).astype(np.float32) for n, s in variables.items()}
    checkpoints.save_checkpoint(str(tmp_path / 'model-20170512-110547.ckpt-250000'), values)
    net = perceptual_net.load('facenet', str(tmp_path))
    with tf.Graph().as_default(), new_session() as session:
        got = session.run(net(tf.constant(figures['input_bgr'])))
        assert not tf.global_variables()
    expected = figures['output']
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_facenet_of_another_network_is_named(tmp_path):
    checkpoints.save_checkpoint(str(tmp_path / 'x.ckpt'), {'a': np.zeros(3)})
    net = perceptual_net.load('facenet', str(tmp_path))
    with tf.Graph().as_default(), pytest.raises(checkpoints.CheckpointError,
                                                match=r'x\.ckpt: expected the weights of Perceptual_Net, but 490 of'):
        net(tf.zeros([1, 224, 224, 3]))


def test_dlib_takes_crops_and_gives_gradients():
    net = perceptual_net.load('dlib')
    crops = np.random.RandomState(0).uniform(-20, 280, [2, 224, 224, 3]).astype(np.float32)
    with tf.Graph().as_default(), new_session() as session:
        images = tf.constant(crops)
        features = net(images)
        got, clipped, gradient = session.run([features, net(tf.clip_by_value(images, 0, 255)),
                                              tf.gradients(tf.reduce_sum(features), images)[0]])
    assert got.shape == (2, 128)
    np.testing.assert_array_equal(got, clipped)
    assert np.isfinite(gradient).all() and np.abs(gradient[:, 60:160, 60:160]).mean() > 0
    assert not gradient[crops > 255].any()
