"""R_Net against the published implementation's variables and outputs."""
import numpy as np
import pytest

from Deep3DFaceReconstruction import conventions
from Deep3DFaceReconstruction.networks import r_net
from Deep3DFaceReconstruction.tf1 import tf
from tests.networks.reference import assert_equals_reference, new_session


def test_it_equals_the_reference():
    assert_equals_reference('r_net', r_net.R_Net)


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
