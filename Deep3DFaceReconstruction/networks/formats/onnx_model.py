"""R-Net as an ONNX file, by tf2onnx; neither it nor onnxruntime is needed for anything else."""
import importlib

from Deep3DFaceReconstruction.errors import AssetError, one_line
from Deep3DFaceReconstruction.networks import frozen_graph, notes

REQUIREMENTS = 'requirements-export.txt'
OPSET = 13


def optional(name):
    """The Python package of that name.

    Raises:
      AssetError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise AssetError('%s: expected this Python package for ONNX, got: %s; type: pip install -r %s'
                         % (name, one_line(error), REQUIREMENTS))


def onnx_bytes(graph_def, source):
    """The bytes of an .onnx file, any batch size; the name of the face model is in its metadata.

    Args:
      graph_def: see frozen_graph.load_any.
      source: the file it comes from, for messages.
    Raises:
      AssetError: a package is missing, or cannot convert the graph.
    """
    convert, checker = optional('tf2onnx.convert'), optional('onnx.checker')
    try:
        model, _ = convert.from_graph_def(graph_def, input_names=[frozen_graph.INPUT_NAME + ':0'],
                                          output_names=[frozen_graph.OUTPUT_NAME + ':0'], opset=OPSET)
        known = notes.of_graph(graph_def)
        entry = model.metadata_props.add()
        entry.key, entry.value = 'face_model', known.face_model or 'unknown'
        checker.check_model(model)
    except (ValueError, RuntimeError, AttributeError, checker.ValidationError) as error:
        raise AssetError('%s: tf2onnx cannot convert this graph (%s)' % (source, one_line(error)))
    return model.SerializeToString()
