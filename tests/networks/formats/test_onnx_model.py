"""ONNX, where its packages are installed: equal to the graph; elsewhere the message says what to install."""
import importlib.util

import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks.formats import onnx_model, runners

installed = all(importlib.util.find_spec(name) for name in ('tf2onnx', 'onnx', 'onnxruntime', 'requests'))


@pytest.mark.slow
@pytest.mark.skipif(not installed, reason='needs requirements-export.txt')
def test_it_answers_as_the_graph(network, tmp_path):
    """float32 throughout: equal up to the order of sums."""
    path = str(tmp_path / 'it.onnx')
    with open(path, 'wb') as file:
        file.write(onnx_model.onnx_bytes(network.graph_def, network.path))
    run = runners.load(path)
    np.testing.assert_allclose(run(network.images), network.coeff, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(run(network.images[:1]), network.coeff[:1], rtol=1e-4, atol=1e-4)
    meta = onnx_model.optional('onnx').load(path).metadata_props
    assert {entry.key: entry.value for entry in meta} == {'face_model': 'a face model'}


def test_a_missing_package_is_named():
    with pytest.raises(AssetError, match='no_such_package: expected this Python package for ONNX.*'
                                         'type: pip install -r requirements-export.txt'):
        onnx_model.optional('no_such_package')
