"""C-Net: it begins as the mean, weighs coefficient by coefficient, and its file says what its graph says."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.networks import c_net, checkpoints, frozen_graph, r_net
from Deep3DFaceReconstruction.tf1 import tf
from tests.networks.random_r_net import write_r_net
from tests.networks.reference import assign


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    return c_net.FrozenRNet(write_r_net(tmp_path_factory.mktemp('r_net')))


def random_features(count):
    """(maps, pooled, identities) of so many images."""
    random = np.random.RandomState(1)
    return (random.rand(count, 28, 28, 256).astype(np.float32), random.rand(count, 2048).astype(np.float32),
            random.randn(count, 80).astype(np.float32))


def trained(variables):
    """Values of C-Net's variables as if trained: {name: array}."""
    random = np.random.RandomState(2)
    return {v.op.name: (random.randn(*v.shape.as_list()) * 0.03).astype(np.float32) for v in variables}


def test_it_begins_as_the_mean_to_the_bit():
    maps, pooled, identity = random_features(10)
    with tf.Graph().as_default(), tf.Session() as session:
        confidence = c_net.C_Net(tf.constant(maps), tf.constant(pooled))
        session.run(tf.global_variables_initializer())
        got = session.run(confidence)
        np.testing.assert_array_equal(got, np.full([10, 80], 0.5, np.float32))
        for count in range(1, 11):
            np.testing.assert_array_equal(session.run(c_net.merge(got[:count], identity[:count])),
                                          session.run(tf.reduce_sum(identity[:count], 0) / np.float32(count)))
        assert sum(np.prod(v.shape.as_list()) for v in tf.trainable_variables()) == 2901456


def test_the_order_of_a_set_changes_nothing():
    maps, pooled, identity = random_features(4)
    order = [2, 0, 3, 1]
    with tf.Graph().as_default(), tf.Session() as session:
        inputs = [tf.placeholder(tf.float32, x.shape) for x in (maps, pooled, identity)]
        confidence = c_net.C_Net(*inputs[:2])
        merged = c_net.merge(confidence, inputs[2])
        assign(session, trained(tf.global_variables()))
        one, other = (session.run((confidence, merged), dict(zip(inputs, (maps[o], pooled[o], identity[o]))))
                      for o in (np.arange(4), order))
    assert one[0].min() > 0 and one[0].max() < 1 and np.ptp(one[0]) > 0.1
    np.testing.assert_allclose(one[0][order], other[0], rtol=1e-5)
    np.testing.assert_allclose(one[1], other[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(one[1], (one[0] * identity).sum(0) / one[0].sum(0), rtol=1e-4, atol=1e-5)


def test_confidences_are_never_rounded_to_zero():
    maps, pooled, identity = random_features(2)
    with tf.Graph().as_default(), tf.Session() as session:
        confidence = c_net.C_Net(tf.constant(maps), tf.constant(pooled))
        values = {v.op.name: np.zeros(v.shape.as_list(), np.float32) for v in tf.global_variables()}
        values['c_net/fc2/biases'] -= 1e4
        assign(session, values)
        got, merged = session.run([confidence, c_net.merge(confidence, identity)])
    assert (got > 0).all()
    np.testing.assert_allclose(merged, identity.mean(0), atol=1e-6)


def test_gradient_of_the_weighted_mean_by_finite_differences():
    random = np.random.RandomState(3)
    logits, identity, direction = random.randn(3, 2, 4, 80)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float64, logits.shape)
        loss = tf.reduce_sum(tf.square(c_net.merge(tf.sigmoid(x), tf.constant(identity)) - 0.3))
        gradient = session.run(tf.gradients(loss, x)[0], {x: logits})
        step = 1e-5
        ahead, behind = (session.run(loss, {x: logits + sign * step * direction}) for sign in (1, -1))
    np.testing.assert_allclose((gradient * direction).sum(), (ahead - behind) / (2 * step), rtol=1e-7)


@pytest.mark.slow
def test_the_file_says_what_the_graph_says(network, tmp_path):
    """For more images than one run takes, and for one alone, of which the merged identity is its own."""
    images = np.random.RandomState(4).uniform(0, 255, [frozen_graph.CHUNK + 1, 224, 224, 3]).astype(np.float32)
    path = str(tmp_path / 'CNetModel.pb')
    with tf.Graph().as_default(), tf.Session() as session:
        features = network.features(tf.constant(images))
        confidence = c_net.C_Net(features.maps, features.pooled)
        assert [v for v in tf.global_variables() if not v.op.name.startswith('c_net/')] == []
        values = trained(tf.global_variables())
        assign(session, values)
        coeff, weights, merged = session.run([features.coeff, confidence,
                                              c_net.merge(confidence, features.coeff[:, :80])])
    frozen_graph.save(c_net.freeze(values, 'values', network), path)
    assert frozen_graph.is_own(path)
    with c_net.SetNetwork(path) as exported:
        got, alone = exported(images), exported(images[:1])
    np.testing.assert_allclose(got.coeff, coeff, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got.confidence, weights, rtol=1e-4)
    np.testing.assert_allclose(got.identity, merged, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(alone.identity, coeff[0, :80], rtol=1e-4, atol=1e-5)
    assert np.ptp(weights) > 0.01


@pytest.mark.slow
def test_a_digest_tells_networks_apart(network, tmp_path):
    assert c_net.FrozenRNet(network.path).digest == network.digest
    frozen_graph.save(frozen_graph.load_any(network.path), str(tmp_path / 'same.pb'))
    assert c_net.FrozenRNet(str(tmp_path / 'same.pb')).digest == network.digest
    checkpoint = checkpoints.Checkpoint(network.path)
    values = {name: checkpoint[name] for name in checkpoint.shapes}
    values['fc-id/biases'] = values['fc-id/biases'] + np.float32(1e-3)
    checkpoints.save_checkpoint(str(tmp_path / 'iter_2.ckpt'), values)
    assert c_net.FrozenRNet(str(tmp_path / 'iter_2.ckpt')).digest != network.digest


@pytest.mark.slow
def test_white_light_is_spread_over_the_channels(network, tmp_path):
    checkpoint = checkpoints.Checkpoint(network.path)
    values = {name: checkpoint[name] for name in checkpoint.shapes}
    for name in ('fc-gamma/weights', 'fc-gamma/biases'):
        values[name] = values[name][..., :r_net.WHITE_GAMMA]
    values['fc-gamma/biases'] = np.arange(9, dtype=np.float32)
    checkpoints.save_checkpoint(str(tmp_path / 'iter_3.ckpt'), values)
    with tf.Graph().as_default(), tf.Session() as session:
        coeff = session.run(c_net.FrozenRNet(str(tmp_path / 'iter_3.ckpt')).features(tf.zeros([1, 224, 224, 3])).coeff)
    np.testing.assert_array_equal(coeff[0, 227:254], np.tile(np.arange(9), 3))


def test_what_is_not_an_r_net_is_named(tmp_path):
    path = str(tmp_path / 'x.pb')
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 224, 224, 3], name='input_imgs')
        tf.identity(tf.reduce_mean(images, [1, 2, 3])[:, None] * tf.ones([257]), name='coeff')
        frozen_graph.save(graph.as_graph_def(), path)
    with tf.Graph().as_default(), pytest.raises(
            checkpoints.CheckpointError, match=r'x\.pb: expected R-Net on the 50-layer ResNet, with one map .* got'):
        c_net.FrozenRNet(path).features(tf.zeros([1, 224, 224, 3]))
    with pytest.raises(checkpoints.CheckpointError, match=r'x\.pb: .* with the output set_identity:0'):
        c_net.SetNetwork(path)


@pytest.mark.slow
def test_what_is_not_a_c_net_is_named(network):
    with pytest.raises(checkpoints.CheckpointError,
                       match=r'it: expected the weights of C_Net, but 10 of its 10 variables are missing'):
        c_net.freeze({}, 'it', network)
