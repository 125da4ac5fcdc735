"""Exported networks as functions of images [B,224,224,3] float32 BGR -> coefficients [B,257]: for tests and timings."""
import os

from Deep3DFaceReconstruction.detection import mediapipe_models
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.networks import frozen_graph
from Deep3DFaceReconstruction.networks.formats import onnx_model, saved_model
from Deep3DFaceReconstruction.tf1 import tf


def load(path, threads=1):
    """Loads a network by the kind of its file.

    Args:
      path: .pb, .tflite, .onnx, or the folder of a SavedModel.
      threads: of the processor.
    Returns:
      function of images [B,224,224,3] float32, BGR, 0-255 -> [B,257] float32.
    Raises:
      InputError: another kind of file. AssetError: unusable, or the package that runs it is missing.
    """
    config = tf.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1,
                            device_count={'GPU': 0})
    if os.path.isdir(path):
        return saved_model.load(path, config)
    makers = {'.pb': lambda: _graph(path, config), '.tflite': lambda: _LiteNetwork(path, threads),
              '.onnx': lambda: _onnx(path, threads)}
    kind = os.path.splitext(path)[1]
    if kind not in makers:
        raise InputError('%s: expected a network (.pb, .tflite, .onnx or a SavedModel), got %s' % (
            path, kind or 'no extension'))
    return makers[kind]()


def _graph(path, config):
    function = frozen_graph.function_of(frozen_graph.load(path), path, config=config)
    return lambda images: function(images=images)


def _onnx(path, threads):
    runtime = onnx_model.optional('onnxruntime')
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    return lambda images: session.run([frozen_graph.OUTPUT_NAME + ':0'], {frozen_graph.INPUT_NAME + ':0': images})[0]


class _LiteNetwork:
    """A .tflite file, resized to each batch that it gets."""

    def __init__(self, path, threads):
        # TensorFlow 1.15 has no such argument, and always one thread.
        more = {} if tf.__version__.startswith('1.') else {'num_threads': threads}
        self._interpreter = mediapipe_models.interpreter(path, **more)
        self._shape = None

    def __call__(self, images):
        network = self._interpreter
        place = network.get_input_details()[0]['index']
        if images.shape != self._shape:
            network.resize_tensor_input(place, images.shape)
            network.allocate_tensors()
            self._shape = images.shape
        network.set_tensor(place, images)
        network.invoke()
        return network.get_tensor(network.get_output_details()[0]['index'])
