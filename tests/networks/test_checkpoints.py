"""Checkpoints and frozen graphs: what is written comes back, and what is wrong is named."""
import os

import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks import checkpoints, frozen_graph, r_net
from Deep3DFaceReconstruction.tf1 import tf
from tests.networks import test_r_net

LFS = b'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 240873459\n'


@pytest.fixture(scope='module')
def values():
    """R_Net's variables under the reference's filling rule."""
    variables, _ = test_r_net.golden('r_net')
    return {n: test_r_net.filled(n, s).astype(np.float32) for n, s in variables.items()}


@pytest.fixture(scope='module')
def figures():
    return test_r_net.golden('r_net')[1]


def close(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def small():
    return {'a/weights': np.arange(6, dtype=np.float32).reshape(2, 3), 'global_step': np.int64(7)}


# Checkpoints.

def test_a_checkpoint_comes_back(tmp_path):
    prefix = str(tmp_path / 'sub' / 'iter_7.ckpt')
    checkpoints.save_checkpoint(prefix, small())
    assert sorted(os.listdir(str(tmp_path / 'sub'))) == ['iter_7.ckpt.data-00000-of-00001', 'iter_7.ckpt.index']
    for path in (prefix, prefix + '.index', prefix + '.data-00000-of-00001', prefix + '.meta',
                 str(tmp_path / 'sub')):
        checkpoint = checkpoints.Checkpoint(path)
        assert checkpoint.prefix == prefix
        assert checkpoint.shapes == {'a/weights': [2, 3], 'global_step': []}
        np.testing.assert_array_equal(checkpoint['a/weights'], small()['a/weights'])
        assert checkpoint['global_step'] == 7


@pytest.mark.parametrize('version', [1, 2])
def test_tensorflows_own_saver_is_read_and_reads(tmp_path, version):
    prefix = str(tmp_path / 'resnet_v1_50.ckpt')
    with tf.Graph().as_default(), tf.Session() as session:
        weights = tf.get_variable('a/weights', [2, 3])
        saver = tf.train.Saver(write_version=version)
        checkpoints.assign(session, [weights], small())
        saver.save(session, prefix)
        checkpoints.assign(session, [weights], {'a/weights': np.zeros([2, 3])})
        checkpoints.restore(session, prefix, [weights], 'the test')
        np.testing.assert_array_equal(session.run(weights), small()['a/weights'])
        ours = str(tmp_path / 'ours.ckpt')
        checkpoints.save_checkpoint(ours, {'a/weights': np.full([2, 3], 5, np.float32)})
        saver.restore(session, ours)
        assert (session.run(weights) == 5).all()


def test_the_newest_checkpoint_is_the_one_with_the_highest_number(tmp_path):
    for step in (9, 100, 20):
        checkpoints.save_checkpoint(str(tmp_path / ('iter_%d.ckpt' % step)), small())
    assert [n for n, _ in checkpoints.list_checkpoints(str(tmp_path))] == [9, 20, 100]
    assert checkpoints.find_checkpoint(str(tmp_path)).endswith('iter_100.ckpt')
    checkpoints.remove_checkpoint(str(tmp_path / 'iter_100.ckpt'))
    assert checkpoints.find_checkpoint(str(tmp_path)).endswith('iter_20.ckpt')


def test_an_unfinished_checkpoint_is_none_and_is_swept_away(tmp_path, monkeypatch):
    prefix = str(tmp_path / 'iter_1.ckpt')
    renamed = []

    def die_at_the_index(source, target):
        if target.endswith('.index'):
            raise KeyboardInterrupt
        renamed.append(target)

    monkeypatch.setattr(checkpoints.os, 'replace', die_at_the_index)
    monkeypatch.setattr(checkpoints.shutil, 'rmtree', lambda *_, **__: None)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save_checkpoint(prefix, small())
    monkeypatch.undo()
    assert renamed == [prefix + '.data-00000-of-00001']
    assert len(os.listdir(str(tmp_path))) == 1
    with pytest.raises(checkpoints.CheckpointError, match='got none in it'):
        checkpoints.find_checkpoint(str(tmp_path))
    checkpoints.remove_partial(str(tmp_path))
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize('name', ['x.ckpt', 'x.ckpt.index', 'x.ckpt.data-00000-of-00001'])
def test_a_missing_checkpoint_is_named(tmp_path, name):
    path = str(tmp_path / name)
    with pytest.raises(AssetError, match=r'%s: expected a TensorFlow checkpoint .*x\.ckpt\.index' % path):
        checkpoints.Checkpoint(path)


def test_a_damaged_checkpoint_is_named(tmp_path):
    prefix = str(tmp_path / 'x.ckpt')
    checkpoints.save_checkpoint(prefix, {'a': np.random.RandomState(0).randn(100, 100)})
    data = prefix + '.data-00000-of-00001'
    with open(data, 'r+b') as f:
        f.truncate(1000)
    with pytest.raises(checkpoints.CheckpointError, match=r'x\.ckpt: a cannot be read'):
        checkpoints.Checkpoint(prefix)['a']
    os.unlink(data)
    with pytest.raises(checkpoints.CheckpointError, match=r'x\.ckpt: '):
        checkpoints.Checkpoint(prefix)['a']
    with open(data, 'wb') as f:
        f.write(LFS)
    with pytest.raises(checkpoints.CheckpointError,
                       match=r'x\.ckpt: a cannot be read \(got a git-lfs pointer.* as x\.ckpt\.data-00000-of-00001\)'):
        checkpoints.Checkpoint(prefix)['a']
    os.unlink(data)
    for contents, got in ((b'no\0table', 'got one that cannot be read'), (LFS, r'got a git-lfs .* as x\.ckpt\.index'),
                          (b'<html>', r'got a saved web page \(HTML\) as x\.ckpt\.index')):
        with open(prefix + '.index', 'wb') as f:
            f.write(contents)
        with pytest.raises(checkpoints.CheckpointError, match=r'x\.ckpt: expected a TensorFlow checkpoint, ' + got):
            checkpoints.Checkpoint(prefix)


def test_another_file_under_the_name_of_a_checkpoint_of_the_old_format(tmp_path):
    path = tmp_path / 'resnet_v1_50.ckpt'
    for contents, got in ((b'\x1f\x8b\x08', 'a gzip archive'), (b'<!doctype html>', 'a saved web page'),
                           (b'', 'an empty file')):
        path.write_bytes(contents)
        with pytest.raises(checkpoints.CheckpointError,
                           match=r'resnet_v1_50\.ckpt: expected a TensorFlow checkpoint, got ' + got):
            checkpoints.Checkpoint(str(path))


def test_a_checkpoint_of_another_network_is_named_with_what_differs(tmp_path):
    prefix = str(tmp_path / 'x.ckpt')
    checkpoints.save_checkpoint(prefix, small())
    with tf.Graph().as_default(), tf.Session() as session:
        variables = [tf.get_variable('a/weights', [2, 4])] + [tf.get_variable(n, [1]) for n in 'bcdef']
        with pytest.raises(checkpoints.CheckpointError,
                           match=r'x\.ckpt: expected the weights of R_Net, but 5 of its 6 variables are missing '
                                 r'\(b, c, d and 2 more\); 1 have another shape '
                                 r'\(a/weights: expected \[2, 4\], got \[2, 3\]\)'):
            checkpoints.restore(session, prefix, variables, 'R_Net')


# Frozen graphs.

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


def test_an_export_that_fails_leaves_nothing(tmp_path):
    class Unwritable:
        def SerializeToString(self):
            raise RuntimeError('no')
    with pytest.raises(RuntimeError):
        frozen_graph.save(Unwritable(), str(tmp_path / 'x.pb'))
    assert os.listdir(str(tmp_path)) == []
