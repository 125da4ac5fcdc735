"""R-Net as a TensorFlow Lite file: weights as float16, or weights and activations as int8.

The input has batch size 1; an interpreter can resize it.
"""
import contextlib
import importlib
import os
import sys

import numpy as np

from Deep3DFaceReconstruction import conventions
from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks import frozen_graph
from Deep3DFaceReconstruction.networks.checkpoints import CheckpointError
from Deep3DFaceReconstruction.tf1 import tf

_SIZE = conventions.IMAGE_SIZE
_POOLED = frozen_graph.FEATURE_NAMES[1]


def float16(graph_def, source):
    """The bytes of a .tflite file whose weights are stored as float16; it computes in float32.

    Args:
      graph_def: see frozen_graph.load_any.
      source: the file it comes from, for messages.
    Raises:
      AssetError: TensorFlow cannot convert the graph.
    """
    with tf.Graph().as_default(), tf.Session() as session:
        images = tf.placeholder(tf.float32, [1, _SIZE, _SIZE, 3], frozen_graph.INPUT_NAME)
        coeff, = frozen_graph.imported(graph_def, source, (frozen_graph.OUTPUT_NAME,), images)
        converter = tf.lite.TFLiteConverter.from_session(session, [images], [coeff])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        with _conversion(source):
            return converter.convert()


def int8(graph_def, source, crops):
    """The bytes of a .tflite file whose trunk computes with int8; input, heads and output are float32.

    A tensor of int8 has one step for all its values. The coefficients share one tensor but not one range: a step that
    suits the light would move the face by pixels.

    Args:
      graph_def: the frozen graph of an R-Net that this program has exported.
      source: the file it comes from, for messages.
      crops: [N,224,224,3] float32, by which the ranges of the activations are measured.
    Raises:
      AssetError: TensorFlow is older than 2, or cannot convert the graph; or another program's network.
    """
    if tf.__version__.startswith('1.'):
        raise AssetError('%s: expected TensorFlow 2 for an int8 export, got %s' % (source, tf.__version__))
    weights, biases = linear_heads(graph_def, source)
    with tf.Graph().as_default(), tf.Session() as session:
        images = tf.placeholder(tf.float32, [1, _SIZE, _SIZE, 3], frozen_graph.INPUT_NAME)
        pooled, = frozen_graph.imported(graph_def, source, (_POOLED,), images)
        coeff = tf.add(tf.matmul(tf.reshape(pooled, [-1, len(weights)]), weights), biases, frozen_graph.OUTPUT_NAME)
        converter = tf.lite.TFLiteConverter.from_session(session, [images], [coeff])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([crop[np.newaxis]] for crop in crops)
        lite = importlib.import_module('tensorflow').lite.experimental  # not in the 1.x interface
        # The heads are the only fully connected layer: left out, they stay float32.
        left_out = lite.QuantizationDebugOptions(denylisted_ops=['FULLY_CONNECTED'])
        with _conversion(source):
            return lite.QuantizationDebugger(
                converter=converter, debug_dataset=converter.representative_dataset,
                debug_options=left_out).get_nondebug_quantized_model()


def linear_heads(graph_def, source):
    """The heads of a frozen R-Net as one matrix, measured by unit features.

    Returns:
      (weights [K,257], biases [257]) float32 of the pooled features.
    Raises:
      CheckpointError: the graph does not name its pooled features.
    """
    means = [node.input[0] for node in graph_def.node if node.name == _POOLED]
    if not means:
        raise CheckpointError('%s: expected a network that train.py exported, got one that does not name its pooled '
                              'features' % source)
    with tf.Graph().as_default(), tf.Session() as session:
        pooled, coeff = frozen_graph.imported(graph_def, source, (_POOLED, frozen_graph.OUTPUT_NAME))
        fed = tf.get_default_graph().get_tensor_by_name(means[0] + ':0')
        count = pooled.shape.as_list()[-1]
        zero, units = np.zeros([1, 1, 1, count], np.float32), np.eye(count, dtype=np.float32)
        biases = session.run(coeff, {fed: zero})[0]
        return session.run(coeff, {fed: units.reshape(count, 1, 1, count)}) - biases, biases


@contextlib.contextmanager
def _conversion(source):
    """Finds the converter that TensorFlow 1.15 runs as a program, and turns what it raises into one line."""
    path = os.environ.get('PATH', '')
    os.environ['PATH'] = os.pathsep.join([os.path.dirname(sys.executable), path])
    try:
        yield
    except Exception as error:  # ConverterError, RuntimeError, ValueError: a different one with each version
        lines = [line for line in str(error).splitlines() if line.strip()]
        raise AssetError('%s: TensorFlow %s cannot convert this graph to TensorFlow Lite (%s)' % (
            source, tf.__version__, lines[-1] if lines else type(error).__name__))
    finally:
        os.environ['PATH'] = path
