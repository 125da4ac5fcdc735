"""Frozen graphs (.pb): reading, running and writing them; R-Net as `input_imgs:0` -> `coeff:0`, its published form."""
import numpy as np

from Deep3DFaceReconstruction import conventions
from Deep3DFaceReconstruction.errors import one_line
from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.networks import backbones, checkpoints, notes, r_net
from Deep3DFaceReconstruction.networks.checkpoints import CheckpointError
from Deep3DFaceReconstruction.system import file_kinds
from Deep3DFaceReconstruction.system.files import atomic_write
from Deep3DFaceReconstruction.tf1 import tf

INPUT_NAME = 'input_imgs'
OUTPUT_NAME = 'coeff'
# backbones.Features, in graphs that this program has made.
FEATURE_NAMES = ('maps', 'pooled')
# An attribute of the output node that only graphs of this program have; TensorFlow ignores such a name.
_OWN_MARK = '_Deep3DFaceReconstruction'

# How many coefficients R-Net gives: with coloured or with white light.
WIDTHS = (conventions.COEFF_DIM, conventions.WHITE_LIGHT_COEFF_DIM)

# Images per run. On CPUs the maps of eight images are what the caches still hold; more is slower.
CHUNK = 8


def load(path, output=OUTPUT_NAME):
    """Reads a frozen graph and checks what can be seen without running it.

    Args:
      path: the .pb file.
      output: name of the node that the caller wants; the input is always `input_imgs`.
    Returns:
      a GraphDef.
    Raises:
      CheckpointError: missing, not a graph, or a graph without that input or output.
    """
    try:
        with open(path, 'rb') as f:
            data = f.read()
    except OSError as error:
        raise CheckpointError('%s: expected a frozen graph (.pb), got: %s' % (path, one_line(error)))
    graph_def, fault = _parse(data)
    if fault:
        raise CheckpointError('%s: expected a frozen TensorFlow graph, %s' % (
            path, file_kinds.got(path, 'got one that cannot be read (%s)' % fault)))
    names = {node.name for node in graph_def.node}
    for name, role in ((INPUT_NAME, 'input'), (output, 'output')):
        if name not in names:
            raise CheckpointError('%s: expected a frozen graph with the %s %s:0, got one of %d nodes without it'
                                  % (path, role, name, len(names)))
    return graph_def


def _parse(data):
    """(GraphDef, None), or (GraphDef without nodes, what is wrong, in words)."""
    graph_def = tf.GraphDef()
    try:
        graph_def.ParseFromString(data)
    except Exception as error:  # protobuf's DecodeError has no public home that both versions share
        return tf.GraphDef(), one_line(error)
    # Other files' bytes may well parse, as fields that no graph has.
    return graph_def, None if graph_def.node else 'no nodes in it'


def save(graph_def, path):
    """Writes a GraphDef to a temporary file, then renames it.

    TensorFlow 1.15 reads what a later TensorFlow has written.

    Raises:
      OSError: it cannot be written.
    """
    with atomic_write(path) as temporary, open(temporary, 'wb') as f:
        f.write(_without_defaults(graph_def).SerializeToString())


def _without_defaults(graph_def):
    """The same graph without the attributes that have their default values, of which an older TensorFlow may not know.

    `notes` and the mark of the program's own graphs stay.
    """
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name='')
        graph_def = tf.train.export_meta_graph(graph=graph, strip_default_attrs=True).graph_def
    for node in graph_def.node:
        node.attr.pop('_output_shapes', None)
    return graph_def


def is_own(path):
    """Whether a file is a frozen graph that this program made."""
    try:
        with open(path, 'rb') as f:
            nodes = _parse(f.read())[0].node
    except OSError:
        return False
    return any(_OWN_MARK in node.attr for node in nodes)


def function_of(graph_def, source, output=OUTPUT_NAME, config=None):
    """A frozen graph as a GraphFunction of `images` -> the output's array.

    Args:
      graph_def: see `load`.
      source: the file it comes from, for messages.
      output: name of the output node.
      config: a tf.ConfigProto for the session.
    Raises:
      CheckpointError: this TensorFlow cannot run it.
    """
    def build():
        images, result = imported(graph_def, source, (INPUT_NAME, output))
        return {'images': images}, result
    return GraphFunction(build, config)


def imported(graph_def, source, names, images=None):
    """Adds a frozen graph to the current one.

    Args:
      graph_def: see `load`.
      source: the file it comes from, for messages.
      names: of the nodes that are wanted.
      images: a tensor that takes the input's place, or None. With it, the nodes get a name scope of their own.
    Returns:
      the first output of each of these nodes.
    Raises:
      CheckpointError: this TensorFlow cannot run it.
    """
    try:
        return tf.import_graph_def(graph_def, None if images is None else {INPUT_NAME + ':0': images},
                                   [name + ':0' for name in names], name='' if images is None else 'frozen')
    except (ValueError, tf.errors.OpError) as error:
        raise CheckpointError('%s: TensorFlow %s cannot load this graph (%s)'
                              % (source, tf.__version__, one_line(error)))


def freeze_r_net(values, source):
    """The frozen graph of R-Net; its trunk and whether light is white are seen from the variables.

    Args:
      values: a `checkpoints.Checkpoint` or a dict {variable name: array}; other variables are ignored.
      source: the file they come from, for messages.
    Returns:
      a GraphDef: input_imgs [B,224,224,3] float32 (BGR, 0-255) -> coeff [B,257] ([B,239] for white light).
    Raises:
      CheckpointError: they are not R-Net's.
    """
    shapes, known = checkpoints.shapes_of_values(values), notes.of_values(values)
    gamma = r_net.WHITE_GAMMA if shapes.get('fc-gamma/biases') == [r_net.WHITE_GAMMA] else r_net.FULL_GAMMA
    backbone = backbones.of_variables(shapes, known.input_size)
    size = conventions.IMAGE_SIZE
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, size, size, 3], name=INPUT_NAME)
        with checkpoints.frozen_variables(values, source, 'R_Net'):
            features = backbones.features_of(images, backbone)
            coeff = r_net.regress(features.pooled, gamma)
        for tensor, name in zip(tuple(features) + (coeff,), FEATURE_NAMES + (OUTPUT_NAME,)):
            tf.identity(tensor, name=name)
    return marked(graph.as_graph_def(), known)


def marked(graph_def, known, output=OUTPUT_NAME):
    """The same GraphDef with the mark by which `is_own` knows it, and with notes.Notes, at the node `output`."""
    for node in graph_def.node:
        if node.name == output:
            node.attr[_OWN_MARK].b = True
            notes.write(known, node)
    return graph_def


def load_any(path):
    """The frozen graph of R-Net from a .pb file or from a checkpoint.

    Args:
      path: a .pb file, else what `checkpoints.find_checkpoint` takes.
    Returns:
      a GraphDef.
    Raises:
      CheckpointError: missing or not R-Net.
    """
    if path.endswith('.pb'):
        return load(path)
    checkpoint = checkpoints.Checkpoint(path)
    return freeze_r_net(checkpoint, checkpoint.prefix)


class CoefficientNetwork:
    """A frozen R-Net as a function of any number of images.

    Attributes:
      outputs: how many coefficients the graph gives, 257 or 239; None where that is seen only when it runs.
    """

    def __init__(self, graph_def, source, config=None):
        """Imports the graph.

        Args:
          graph_def: see `load_any`.
          source: the file it comes from, for messages.
          config: a tf.ConfigProto for the session.
        Raises:
          CheckpointError: this TensorFlow cannot run it, or the output has another width.
        """
        self._source = source
        self._function = function_of(graph_def, source, config=config)
        shape = self._function.outputs.shape
        shape = shape.as_list() if shape.ndims is not None else None
        _check_width(shape, source)
        self.outputs = shape[1] if shape else None
        shape = self._function.inputs['images'].shape
        # A graph frozen for one batch size is fed batches of just that size.
        self._fixed = shape.as_list()[0] if shape.ndims else None

    def __call__(self, images):
        """Coefficients of any number of images.

        Args:
          images: [B,224,224,3], BGR, 0-255.
        Returns:
          [B,257] float32; the nine values of white light are repeated for the three channels.
        Raises:
          CheckpointError: the output has another width.
        """
        chunk = self._fixed or CHUNK
        rows = [np.zeros([0, conventions.COEFF_DIM], np.float32)]
        for start in range(0, len(images), chunk):
            batch = np.asarray(images[start:start + chunk])
            count = len(batch)
            if self._fixed and count < chunk:
                batch = np.concatenate([batch, np.zeros((chunk - count,) + batch.shape[1:], batch.dtype)])
            coeff = self._function(images=batch)
            _check_width(coeff.shape, self._source)
            if coeff.shape[1] == conventions.WHITE_LIGHT_COEFF_DIM:
                coeff = coeff[:, r_net.FROM_WHITE_LIGHT]
            rows.append(coeff[:count])
        return np.concatenate(rows)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._function.close()


def _check_width(shape, source):
    """Raises CheckpointError unless the output is [B,257] or [B,239], as far as is known."""
    if shape is not None and (len(shape) != 2 or shape[1] not in WIDTHS + (None,)):
        raise CheckpointError('%s: expected coeff:0 of shape [B,%d] (or [B,%d], white light), got %s'
                              % ((source,) + WIDTHS + (list(shape),)))
