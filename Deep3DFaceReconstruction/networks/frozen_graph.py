"""R-Net as a frozen graph (.pb): `input_imgs:0` -> `coeff:0`, the published form; and running it."""
import numpy as np

from Deep3DFaceReconstruction import conventions
from Deep3DFaceReconstruction.errors import one_line
from Deep3DFaceReconstruction.networks import checkpoints, r_net
from Deep3DFaceReconstruction.system import file_kinds
from Deep3DFaceReconstruction.system.files import written_aside
from Deep3DFaceReconstruction.tf1 import tf

INPUT_NAME = 'input_imgs'
OUTPUT_NAME = 'coeff'

# Images per run. On CPUs the maps of eight images are what the caches still hold; more is slower.
CHUNK = 8


def freeze_r_net(values, source):
    """The frozen graph of R-Net; white light or not is seen from the width of `fc-gamma`.

    Args:
      values: a `checkpoints.Checkpoint` or a dict {variable name: array}; other variables are ignored.
      source: the file they come from, for messages.
    Returns:
      a GraphDef: input_imgs [B,224,224,3] float32 (BGR, 0-255) -> coeff [B,257] ([B,239] for white light).
    Raises:
      CheckpointError: they are not R-Net's.
    """
    shapes = values.shapes if isinstance(values, checkpoints.Checkpoint) else {
        name: list(value.shape) for name, value in values.items()}
    white = shapes.get('fc-gamma/biases') == [r_net.WHITE_GAMMA]
    size = conventions.IMAGE_SIZE
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, size, size, 3], name=INPUT_NAME)
        with checkpoints.frozen_variables(values, source, 'R_Net'):
            coeff = r_net.R_Net(images, gamma=r_net.WHITE_GAMMA if white else r_net.FULL_GAMMA)
        tf.identity(coeff, name=OUTPUT_NAME)
        return graph.as_graph_def()


def save(graph_def, path):
    """Writes a GraphDef, aside first.

    Raises:
      OSError: it cannot be written.
    """
    with written_aside(path) as aside, open(aside, 'wb') as f:
        f.write(graph_def.SerializeToString())


def parse(data):
    """The graph in the bytes of a .pb file.

    Returns:
      (GraphDef, None), or (GraphDef without nodes, what is wrong, in words).
    """
    graph_def = tf.GraphDef()
    try:
        graph_def.ParseFromString(data)
    except Exception as error:  # protobuf's DecodeError has no public home that both versions share
        return tf.GraphDef(), one_line(error)
    # Other files' bytes may well parse, as fields that no graph has.
    return graph_def, None if graph_def.node else 'no nodes in it'


def load(path):
    """Reads a frozen R-Net and checks what can be seen without running it.

    Args:
      path: the .pb file.
    Returns:
      a GraphDef.
    Raises:
      CheckpointError: missing, no graph, no `input_imgs` or `coeff`, or unknown to this TensorFlow.
    """
    try:
        with open(path, 'rb') as f:
            data = f.read()
    except OSError as error:
        raise checkpoints.CheckpointError('%s: expected a frozen graph (.pb), but it cannot be read (%s)'
                                          % (path, one_line(error)))
    graph_def, fault = parse(data)
    if fault:
        raise checkpoints.CheckpointError('%s: expected a frozen TensorFlow graph, %s' % (
            path, file_kinds.came(path, 'but it is none (%s)' % fault)))
    names = {node.name for node in graph_def.node}
    for name, role in ((INPUT_NAME, 'input'), (OUTPUT_NAME, 'output')):
        if name not in names:
            raise checkpoints.CheckpointError(
                '%s: expected a frozen graph with the %s %s:0, got one of %d nodes without it'
                % (path, role, name, len(names)))
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


def _check_width(shape, source):
    """Raises CheckpointError unless the output is [B,257] or [B,239], as far as is known."""
    widths = (conventions.COEFF_DIM, conventions.WHITE_LIGHT_COEFF_DIM)
    if shape is not None and (len(shape) != 2 or shape[1] not in widths + (None,)):
        raise checkpoints.CheckpointError('%s: expected coeff:0 of shape [B,%d] (or [B,%d], white light), got %s'
                                          % ((source,) + widths + (list(shape),)))


class CoefficientNetwork:
    """A frozen R-Net in a session of its own.

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
        with tf.Graph().as_default() as graph:
            try:
                self._images, self._coeff = tf.import_graph_def(
                    graph_def, name='', return_elements=[INPUT_NAME + ':0', OUTPUT_NAME + ':0'])
            except (ValueError, tf.errors.OpError) as error:
                raise checkpoints.CheckpointError(
                    '%s: TensorFlow %s cannot load this graph (%s)'
                    % (source, tf.__version__, one_line(error)))
        shape = self._coeff.shape.as_list() if self._coeff.shape.ndims is not None else None
        _check_width(shape, source)
        self.outputs = shape[1] if shape else None
        shape = self._images.shape
        # A graph frozen for one batch size is fed batches of just that size.
        self._fixed = shape.as_list()[0] if shape.ndims else None
        self._session = tf.Session(graph=graph, config=config)

    def __call__(self, images):
        """Coefficients of any number of images.

        Args:
          images: [B,224,224,3], BGR, 0-255.
        Returns:
          [B,257] float32; the nine values of white light are repeated for the three channels.
        Raises:
          CheckpointError: the graph puts out another width.
        """
        chunk = self._fixed or CHUNK
        rows = [np.zeros([0, conventions.COEFF_DIM], np.float32)]
        for start in range(0, len(images), chunk):
            batch = np.asarray(images[start:start + chunk])
            count = len(batch)
            if self._fixed and count < chunk:
                batch = np.concatenate([batch, np.zeros((chunk - count,) + batch.shape[1:], batch.dtype)])
            coeff = self._session.run(self._coeff, {self._images: batch})
            _check_width(coeff.shape, self._source)
            if coeff.shape[1] == conventions.WHITE_LIGHT_COEFF_DIM:
                coeff = coeff[:, r_net.FROM_WHITE_LIGHT]
            rows.append(coeff[:count])
        return np.concatenate(rows)

    def close(self):
        """Frees the session."""
        self._session.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
