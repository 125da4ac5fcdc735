"""R_Net and Perceptual_Net against the published implementation's variables and outputs."""
import json
import os

import numpy as np
import pytest

from Deep3DFaceReconstruction import conventions
from Deep3DFaceReconstruction.networks import perceptual_net, r_net
from Deep3DFaceReconstruction.tf1 import tf
from tests import GOLDEN


def filled(name, shape, seed=11):
    """The value of a variable under the reference's filling rule."""
    h = (sum(ord(c) * (i + 1) for i, c in enumerate(name)) + seed) % 100003
    q = np.random.RandomState(h)
    if name.endswith('moving_variance'):
        return q.uniform(0.6, 1.4, shape)
    if name.endswith('gamma'):
        return q.uniform(0.6, 1.2, shape)
    if name.endswith(('moving_mean', 'beta', 'biases')):
        return q.randn(*shape) * 0.05
    return q.randn(*shape) * np.sqrt(1.6 / np.prod(shape[:-1]))


def assign(session, values):
    """Gives the variables of the session's graph their values by name, in one run."""
    variables = tf.global_variables()
    session.run([v.initializer for v in variables],
                {v.initializer.inputs[1]: values[v.op.name].astype(np.float32) for v in variables})


def fill(session):
    """Fills every variable of the session's graph by that rule."""
    assign(session, {v.op.name: filled(v.op.name, v.shape.as_list()) for v in tf.global_variables()})


def new_session():
    return tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=2, inter_op_parallelism_threads=2))


def golden(name):
    with open(os.path.join(GOLDEN, name + '_variables.json')) as f:
        variables = {n: s for n, s in json.load(f)}
    return variables, np.load(os.path.join(GOLDEN, name + '.npz'))


@pytest.mark.parametrize('name,build', [('r_net', r_net.R_Net), ('perceptual_net', perceptual_net.Perceptual_Net)])
def test_network_equals_reference(name, build):
    variables, figures = golden(name)
    with tf.Graph().as_default(), new_session() as session:
        images = tf.placeholder(tf.float32, [None, 224, 224, 3])
        output = build(images)
        assert {v.op.name: v.shape.as_list() for v in tf.global_variables()} == variables
        fill(session)
        got = session.run(output, {images: figures['input_bgr']})
        row = session.run(output, {images: figures['input_bgr'][1:]})
    expected = figures['output']
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(row, got[1:], rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_r_net_starts_from_zero_coefficients():
    with tf.Graph().as_default(), new_session() as session:
        output = r_net.R_Net(tf.random_uniform([1, 224, 224, 3], 0, 255, seed=1))
        assert output.shape.as_list()[-1] == conventions.COEFF_DIM
        session.run(tf.global_variables_initializer())
        assert not session.run(output).any()


def test_white_light_has_nine_gamma_values():
    with tf.Graph().as_default():
        output = r_net.R_Net(tf.zeros([2, 224, 224, 3], tf.uint8), gamma=9)
        assert output.shape.as_list()[-1] == conventions.WHITE_LIGHT_COEFF_DIM
        shapes = {v.op.name: v.shape.as_list() for v in tf.global_variables()}
    assert shapes['fc-gamma/weights'] == [1, 1, 2048, 9]
    assert shapes['fc-XY/biases'] == [2]


def test_another_gamma_is_refused():
    with tf.Graph().as_default(), pytest.raises(ValueError, match=r'expected 27 .* or 9 .* got 3'):
        r_net.R_Net(tf.zeros([1, 224, 224, 3]), gamma=3)


def test_training_updates_the_moving_statistics_by_the_decay():
    rng = np.random.RandomState(0)
    batch = rng.uniform(0, 255, [2, 224, 224, 3]).astype(np.float32)
    with tf.Graph().as_default(), new_session() as session:
        r_net.R_Net(tf.constant(batch), is_training=True)
        updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        assert len(updates) == 2 * sum('moving_mean' in v.op.name for v in tf.global_variables())
        session.run(tf.global_variables_initializer())
        variables = {v.op.name: v for v in tf.global_variables()}
        weights = session.run(variables['resnet_v1_50/conv1/weights'])
        session.run(updates)
        mean, variance = session.run([variables['resnet_v1_50/conv1/BatchNorm/moving_mean'],
                                      variables['resnet_v1_50/conv1/BatchNorm/moving_variance']])
    # The first layer by hand: patches of the image padded by 3, times the weights.
    padded = np.pad(batch, [(0, 0), (3, 3), (3, 3), (0, 0)], 'constant')
    windows = np.stack([padded[:, i:i + 224:2, j:j + 224:2] for i in range(7) for j in range(7)], 3)
    conv = np.tensordot(windows.reshape(-1, 147).astype(np.float64), weights.reshape(147, 64), 1)
    np.testing.assert_allclose(mean, 0.003 * conv.mean(0), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(variance, 0.997 + 0.003 * conv.var(0, ddof=1), rtol=1e-3)


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
