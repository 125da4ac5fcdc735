"""TensorFlow Lite files answer as the frozen graph, as far as their numbers allow."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks import frozen_graph
from Deep3DFaceReconstruction.networks.checkpoints import CheckpointError
from Deep3DFaceReconstruction.networks.formats import runners, tflite
from Deep3DFaceReconstruction.tf1 import tf

is_tf1 = tf.__version__.startswith('1.')


def written(data, tmp_path):
    path = str(tmp_path / 'it.tflite')
    with open(path, 'wb') as file:
        file.write(data)
    return path


@pytest.mark.slow
def test_float16(network, relative_error, tmp_path):
    """A rounded weight is off by up to 2^-12 of itself, independently of the others, in each of 28 layers."""
    data = tflite.float16(network.graph_def, network.path)
    run = runners.load(written(data, tmp_path))
    assert relative_error(run(network.images)) < np.sqrt(28) * 2.0 ** -12
    np.testing.assert_allclose(run(network.images[:1])[0], run(network.images)[0], rtol=1e-4, atol=1e-4)
    # Half of four bytes a weight; beside the weights there are some 100 tensors.
    assert len(data) < 0.55 * len(network.graph_def.SerializeToString())


@pytest.mark.slow
@pytest.mark.skipif(is_tf1, reason='needs TensorFlow 2')
def test_int8(network, relative_error, tmp_path):
    """A step is 1/255 of a tensor's range, an error up to half of it, in each of 28 layers; ranges of activations are
    some times their root mean square."""
    data = tflite.int8(network.graph_def, network.path, network.images)
    run = runners.load(written(data, tmp_path))
    assert relative_error(run(network.images)) < np.sqrt(28) * 4 / 255 / np.sqrt(12)
    assert len(data) < 0.5 * len(network.graph_def.SerializeToString())


@pytest.mark.skipif(not is_tf1, reason='TensorFlow 2 can')
def test_int8_needs_tensorflow_2(network):
    with pytest.raises(AssetError, match='it.pb: expected TensorFlow 2 for an int8 export, got 1.15'):
        tflite.int8(network.graph_def, network.path, network.images)


def test_the_heads_as_one_matrix(network):
    """They give the graph's coefficients from its own features."""
    weights, biases = tflite.linear_heads(network.graph_def, network.path)
    function = frozen_graph.function_of(network.graph_def, network.path, frozen_graph.FEATURE_NAMES[1])
    features = function(images=network.images)[:, 0, 0]
    np.testing.assert_allclose(features.dot(weights) + biases, network.coeff, rtol=1e-4, atol=1e-3)


def test_another_programs_network_is_refused(network):
    other = tf.GraphDef()
    other.node.extend(node for node in network.graph_def.node if node.name != 'pooled')
    with pytest.raises(CheckpointError, match='other.pb: expected a network that train.py exported'):
        tflite.linear_heads(other, 'other.pb')
