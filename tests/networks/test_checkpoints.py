"""Checkpoints: what is written is read back, and what is wrong is named."""
import os

import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks import checkpoints
from Deep3DFaceReconstruction.tf1 import tf

LFS = b'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 240873459\n'


def small():
    return {'a/weights': np.arange(6, dtype=np.float32).reshape(2, 3), 'global_step': np.int64(7)}


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
