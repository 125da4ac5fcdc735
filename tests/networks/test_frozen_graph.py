"""Frozen graphs: R-Net frozen gives its reference figures, and what is wrong with a file is named."""
import os

import numpy as np
import pytest

from Deep3DFaceReconstruction.networks import checkpoints, frozen_graph, r_net
from Deep3DFaceReconstruction.tf1 import tf
from tests.networks.reference import filled, golden

LFS = b'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 240873459\n'


@pytest.fixture(scope='module')
def values():
    """R_Net's variables under the reference's filling rule."""
    variables, _ = golden('r_net')
    return {n: filled(n, s).astype(np.float32) for n, s in variables.items()}


@pytest.fixture(scope='module')
def figures():
    return golden('r_net')[1]


def close(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_a_frozen_checkpoint_gives_the_reference_coefficients(tmp_path, values, figures):
    prefix, pb = str(tmp_path / 'iter_3.ckpt'), str(tmp_path / 'out' / 'FaceReconModel.pb')
    checkpoints.save_checkpoint(prefix, dict(values, global_step=np.int64(3)))
    frozen_graph.save(frozen_graph.load_any(prefix), pb)
    assert os.listdir(str(tmp_path / 'out')) == ['FaceReconModel.pb']
    with frozen_graph.CoefficientNetwork(frozen_graph.load_any(pb), pb) as network:
        close(network(figures['input_bgr']), figures['output'])
        nine = np.concatenate([figures['input_bgr']] * 5)[:9]
        close(network(nine), np.concatenate([figures['output']] * 5)[:9])
        assert network(nine[:0]).shape == (0, 257)


def test_white_light_is_recognised_and_spread_over_the_channels(values, figures):
    white = dict(values)
    white['fc-gamma/weights'] = values['fc-gamma/weights'][..., :9]
    white['fc-gamma/biases'] = values['fc-gamma/biases'][:9]
    with frozen_graph.CoefficientNetwork(frozen_graph.freeze_r_net(white, 'white'), 'white') as network:
        got = network(figures['input_bgr'])
    expected = figures['output'].copy()
    expected[:, 227:254] = np.tile(expected[:, 227:236], 3)
    close(got, expected)
    assert r_net.FROM_WHITE_LIGHT.tolist() == (
        list(range(227)) + 3 * list(range(227, 236)) + [236, 237, 238])


def test_freezing_another_network_is_refused(values):
    wrong = {n: v for n, v in values.items() if not n.startswith('fc-Z')}
    with pytest.raises(checkpoints.CheckpointError,
                       match=r'it: expected the weights of R_Net, but 2 of its 279 variables are missing '
                             r'\(fc-Z/biases, fc-Z/weights\)'):
        frozen_graph.freeze_r_net(wrong, 'it')


def write_graph(path, build):
    with tf.Graph().as_default() as graph:
        build()
        frozen_graph.save(graph.as_graph_def(), path)


def sums(batch, width, name='coeff'):
    """A graph whose coefficients are the image's mean times 0, 1, 2, ..."""
    def build():
        images = tf.placeholder(tf.float32, [batch, 224, 224, 3], name='input_imgs')
        mean = tf.reduce_mean(images, [1, 2, 3])
        tf.identity(mean[:, None] * tf.range(width, dtype=tf.float32), name=name)
    return build


def test_a_graph_of_a_fixed_batch_size_takes_any_number(tmp_path):
    path = str(tmp_path / 'x.pb')
    write_graph(path, sums(2, 257))
    images = np.arange(5)[:, None, None, None] * np.ones([1, 224, 224, 3])
    with frozen_graph.CoefficientNetwork(frozen_graph.load(path), path) as network:
        np.testing.assert_allclose(network(images), np.arange(5)[:, None] * np.arange(257)[None], rtol=1e-5)


def test_faulty_graphs_are_named(tmp_path):
    path = str(tmp_path / 'x.pb')
    with pytest.raises(checkpoints.CheckpointError, match=r'x\.pb: expected a frozen graph \(.pb\), got: No such file'):
        frozen_graph.load_any(path)
    write_graph(path, sums(None, 257))
    with open(path, 'rb') as f:
        whole = f.read()
    unreadable = 'got one that cannot be read'
    for contents, got in ((b'\x89PNG this is no graph', unreadable), (whole[:len(whole) // 2], unreadable),
                          (b'', 'got an empty file'), (b'no graph either', "got a text file .'no graph either'"),
                          (b'<html><title>Quota</title>', 'got a saved web page'), (LFS, 'got a git-lfs pointer')):
        with open(path, 'wb') as f:
            f.write(contents)
        with pytest.raises(checkpoints.CheckpointError, match=r'x\.pb: expected a frozen TensorFlow graph, ' + got):
            frozen_graph.load(path)
    write_graph(path, sums(None, 257, name='other'))
    with pytest.raises(checkpoints.CheckpointError, match=r'x\.pb: .* with the output coeff:0, got one of'):
        frozen_graph.load(path)
    write_graph(path, sums(None, 199))
    with pytest.raises(checkpoints.CheckpointError, match=r'x\.pb: expected coeff:0 of shape \[B,257\].*199\]'):
        frozen_graph.CoefficientNetwork(frozen_graph.load(path), path)


@pytest.mark.parametrize('width, known, outputs', [(257, True, 257), (239, True, 239), (257, False, None)])
def test_the_number_of_outputs_is_told(tmp_path, width, known, outputs):
    path = str(tmp_path / 'x.pb')

    def build():
        images = tf.placeholder(tf.float32, [None, 224, 224, 3], 'input_imgs')
        coeff = tf.fill([tf.shape(images)[0], width], 0.0)
        tf.identity(tf.ensure_shape(coeff, [None, width]) if known else tf.placeholder_with_default(coeff, None),
                    'coeff')
    write_graph(path, build)
    with frozen_graph.CoefficientNetwork(frozen_graph.load(path), path) as network:
        assert network.outputs == outputs


def test_a_graph_with_an_unknown_op_is_named(tmp_path):
    path = str(tmp_path / 'x.pb')
    write_graph(path, sums(None, 257))
    graph_def = frozen_graph.load(path)
    graph_def.node[1].op = 'NoSuchOp'
    with pytest.raises(checkpoints.CheckpointError, match=r'x\.pb: TensorFlow .* cannot load this graph'):
        frozen_graph.CoefficientNetwork(graph_def, path)


def test_default_attributes_which_an_older_tensorflow_may_not_know_are_left_out(tmp_path):
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 224, 224, 3], name='input_imgs')
        maps = tf.nn.depthwise_conv2d(images, np.ones([3, 3, 3, 1], np.float32), [1, 2, 2, 1], 'SAME')
        tf.reduce_mean(maps, [1, 2], name='coeff')
    written = graph.as_graph_def()
    path = str(tmp_path / 'it.pb')
    frozen_graph.save(written, path)
    read = frozen_graph.load(path)
    kept = {node.name: set(node.attr) for node in read.node}
    before = {node.name: set(node.attr) for node in written.node}
    assert kept.keys() == before.keys()
    assert 'dilations' in before['depthwise'] and kept['depthwise'] == {'T', 'padding', 'strides'}
    photo = np.random.RandomState(0).uniform(0, 255, [1, 224, 224, 3]).astype(np.float32)
    results = []
    for number, graph_def in enumerate((written, read)):
        with frozen_graph.function_of(graph_def, str(number)) as function:
            results.append(function(images=photo))
    np.testing.assert_array_equal(*results)


def test_an_export_that_fails_leaves_nothing(tmp_path):
    no_graph = tf.GraphDef()
    no_graph.node.add(name='a', op='NoSuchOp')
    with pytest.raises((ValueError, tf.errors.NotFoundError), match='NoSuchOp'):
        frozen_graph.save(no_graph, str(tmp_path / 'x.pb'))
    assert os.listdir(str(tmp_path)) == []
