"""tools/export_network.py: what it writes, refuses and leaves alone."""
import os

import numpy as np
import pytest

from Deep3DFaceReconstruction.networks import frozen_graph
from Deep3DFaceReconstruction.networks.formats import onnx_model, runners
from Deep3DFaceReconstruction.system import exit_codes
from Deep3DFaceReconstruction.tf1 import tf
from tools import export_network


@pytest.fixture
def path(tmp_path):
    """The frozen graph of a network that takes images for what they are."""
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 224, 224, 3], 'input_imgs')
        tf.identity(tf.reduce_mean(images, [1, 2, 3])[:, tf.newaxis] * tf.ones([1, 257]), 'coeff')
    frozen_graph.save(graph.as_graph_def(), str(tmp_path / 'it.pb'))
    return str(tmp_path / 'it.pb')


def test_a_format_that_fails_does_not_stop_the_others(path, tmp_path, capsys):
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'it.onnx').write_text('mine')
    code = export_network.main([path, '--output', str(out), '--formats', 'onnx,int8,saved_model'])
    said = capsys.readouterr()
    assert code == exit_codes.SOME_FAILED
    assert said.out == 'saved_model: %s\n' % (out / 'it_saved_model')
    assert 'onnx: %s: expected no file, got one' % (out / 'it.onnx') in said.err
    assert 'int8: --formats int8: expected --images DIR' in said.err
    assert sorted(os.listdir(str(out))) == ['it.onnx', 'it_saved_model'] and (out / 'it.onnx').read_text() == 'mine'
    grey = np.full([2, 224, 224, 3], 7, np.float32)
    np.testing.assert_allclose(runners.load(str(out / 'it_saved_model'))(grey), np.full([2, 257], 7.0), rtol=1e-6)


def test_a_missing_package_is_one_line(path, tmp_path, capsys, monkeypatch):
    def missing(name):
        raise ImportError("No module named '%s'" % name)
    monkeypatch.setattr(onnx_model.importlib, 'import_module', missing)
    assert export_network.main([path, '--output', str(tmp_path / 'out'), '--formats', 'onnx']) == exit_codes.SOME_FAILED
    line, = capsys.readouterr().err.splitlines()
    assert "expected this Python package for ONNX, got: No module named 'tf2onnx.convert'" in line
    assert os.listdir(str(tmp_path / 'out')) == []


def test_no_network(tmp_path, capsys):
    assert export_network.main([str(tmp_path / 'none.pb'), '--output', str(tmp_path)]) == exit_codes.NOT_STARTED
    assert 'none.pb: expected a frozen graph (.pb), got' in capsys.readouterr().err


def test_an_unknown_format(capsys):
    with pytest.raises(SystemExit):
        export_network.parse_arguments(['it.pb', '--formats', 'onnx,coreml'])
    assert "expected all, or some of saved_model,float16,int8,onnx, got 'coreml'" in capsys.readouterr().err
