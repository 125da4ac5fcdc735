"""C-Net: how far to trust each coefficient of identity that R-Net gives for one of several images of a person.

Deng et al. 2019, section 4. C-Net reads what R-Net has computed anyway: the map after the first residual block, which
shows blur and things in front of the face, and the pooled features, which know pose and expression. R-Net is a frozen
graph throughout, so nothing that trains C-Net can change it.
"""
import zlib
from typing import Any, NamedTuple

import numpy as np

from Deep3DFaceReconstruction import conventions
from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.networks import backbones, checkpoints, frozen_graph, notes, r_net
from Deep3DFaceReconstruction.networks.checkpoints import CheckpointError
from Deep3DFaceReconstruction.networks.layers import Style, Window, conv2d
from Deep3DFaceReconstruction.tf1 import tf

SCOPE = 'c_net'
CONFIDENCE_NAME, IDENTITY_NAME = 'confidence', 'set_identity'
# Of ResNet-50's features without the batch, and the ops whose outputs they are.
_MAPS, _POOLED = ('Relu', [28, 28, 256]), ('Mean', [1, 1, backbones.DEFAULT.features])
# With these widths it has 2.9 million parameters behind ResNet-50, the paper's 'about 3M'.
_MAP_WIDTH, _HIDDEN = 128, 1024
_MAP_CONVOLUTIONS = 3
_MAX_LOGIT = 16.0
_ID = conventions.COEFF_SLICES['id']


def C_Net(maps, pooled):
    """Features of R-Net to confidences.

    Three 3x3 convolutions of stride 2 and global pooling over the map; joined with the pooled features; two fully
    connected layers; a sigmoid. The last layer starts from zero, so that all confidences start as 0.5, and the weighted
    mean as the plain one.

    Args:
      maps: [B,28,28,256] float32, R-Net's after its first residual block; another trunk's have another size.
      pooled: [B,2048] float32, what R-Net's heads read; likewise.
    Returns:
      [B,80] float32, above 0 and below 1.
    """
    relu = Style(activation=tf.nn.relu)
    with tf.variable_scope(SCOPE):
        x = maps
        for number in range(_MAP_CONVOLUTIONS):
            x = conv2d(x, _MAP_WIDTH, Window((3, 3), 2), 'conv%d' % (number + 1), relu)
        x = tf.concat([tf.reduce_mean(x, [1, 2], keepdims=True), pooled[:, tf.newaxis, tf.newaxis]], 3)
        x = conv2d(x, _HIDDEN, Window((1, 1)), 'fc1', relu)
        x = conv2d(x, conventions.ID_DIM, Window((1, 1)), 'fc2', Style(initializer=tf.zeros_initializer()))
        # So that a confidence is never rounded to 0: their sum is divided by.
        return tf.sigmoid(tf.clip_by_value(x[:, 0, 0], -_MAX_LOGIT, _MAX_LOGIT))


def merge(confidence, identity):
    """The identity of a set (Deng et al. 2019, section 4): sum(c * alpha) / sum(c), coefficient by coefficient.

    Args:
      confidence: [..,K,80], positive.
      identity: [..,K,80], of K images of one person.
    Returns:
      [..,80] float32.
    """
    return tf.reduce_sum(confidence * identity, -2) / tf.reduce_sum(confidence, -2)


class Features(NamedTuple):
    """What R-Net computes for a batch; sizes are ResNet-50's."""
    coeff: Any   # [B,257]; the nine values of white light are repeated for the three channels
    maps: Any    # [B,28,28,256], after the first residual block
    pooled: Any  # [B,2048], what the heads read


class FrozenRNet:
    """R-Net as a frozen graph that gives its inner features too.

    Args:
      path: a .pb or a checkpoint, see `frozen_graph.load_any`.
    Attributes:
      path: the same.
      digest: an int that follows from its weights.
      notes: its notes.Notes.
    Raises:
      CheckpointError: missing or not R-Net.
    """

    def __init__(self, path):
        self.path = path
        self._graph_def = frozen_graph.load_any(path)
        self.digest = _digest(self._graph_def)
        self.notes = notes.of_graph(self._graph_def)

    def features(self, images):
        """Adds the graph to the current one.

        Args:
          images: [B,224,224,3] float32, BGR, 0-255.
        Returns:
          Features.
        Raises:
          CheckpointError: its features are not to be found, or this TensorFlow cannot run it.
        """
        known = {node.name for node in self._graph_def.node}
        names = [name for name in frozen_graph.FEATURE_NAMES if name in known]
        coeff, *found = frozen_graph.imported(self._graph_def, self.path, [frozen_graph.OUTPUT_NAME] + names, images)
        maps, pooled = found if len(found) == 2 else (_ancestor(coeff, *_MAPS), _ancestor(coeff, *_POOLED))
        width = coeff.shape.as_list()[-1] if coeff.shape.ndims == 2 else None
        if maps is None or pooled is None or width not in frozen_graph.WIDTHS:
            raise CheckpointError('%s: expected R-Net on the 50-layer ResNet, with one map %s and one mean of %d '
                                  'features, got another network' % (self.path, _MAPS[1], _POOLED[1][-1]))
        if width == conventions.WHITE_LIGHT_COEFF_DIM:
            coeff = tf.gather(coeff, r_net.FROM_WHITE_LIGHT, axis=1)
        return Features(coeff, maps, pooled[:, 0, 0])


def _digest(graph_def):
    """A checksum of a graph's float32 constants."""
    checksum = 0
    for node in sorted(graph_def.node, key=lambda node: node.name):
        if node.op == 'Const' and node.attr['dtype'].type == tf.float32.as_datatype_enum:
            checksum = zlib.crc32(tf.make_ndarray(node.attr['value'].tensor).tobytes(), checksum)
    return checksum


def _ancestor(tensor, kind, shape):
    """The only output of an op of this kind and shape (without the batch) that a tensor is computed from, or None.

    Names are of no use: the published .pb has others than this program gives.
    """
    seen, waiting, found = set(), [tensor.op], []
    while waiting:
        op = waiting.pop()
        if op.name in seen:
            continue
        seen.add(op.name)
        waiting.extend(source.op for source in op.inputs)
        if op.type == kind and op.outputs[0].shape.ndims and op.outputs[0].shape.as_list()[1:] == shape:
            found.append(op.outputs[0])
    return found[0] if len(found) == 1 else None


def freeze(values, source, network):
    """The frozen graph of R-Net and C-Net together, for a set of any size.

    Args:
      values: a `checkpoints.Checkpoint` or a dict {variable name: array} with C-Net's variables.
      source: the file they come from, for messages.
      network: FrozenRNet that C-Net was trained with.
    Returns:
      a GraphDef: input_imgs [K,224,224,3] float32 (BGR, 0-255), images of one person -> coeff [K,257] of each,
      confidence [K,80], set_identity [80].
    Raises:
      CheckpointError: they are not C-Net's.
    """
    size = conventions.IMAGE_SIZE
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, size, size, 3], name=frozen_graph.INPUT_NAME)
        features = network.features(images)
        with checkpoints.frozen_variables(values, source, 'C_Net'):
            confidence = tf.identity(C_Net(features.maps, features.pooled), name=CONFIDENCE_NAME)
        coeff = tf.identity(features.coeff, name=frozen_graph.OUTPUT_NAME)
        tf.identity(merge(confidence, coeff[:, _ID]), name=IDENTITY_NAME)
    return frozen_graph.marked(graph.as_graph_def(), network.notes)


class SetCoefficients(NamedTuple):
    """What SetNetwork says of a set of K images."""
    coeff: np.ndarray       # [K,257] float32, R-Net's for each image by itself
    confidence: np.ndarray  # [K,80] float32, 0-1
    identity: np.ndarray    # [80] float32, of the person


class SetNetwork:
    """A graph that `freeze` made, as a function of the images of one person.

    Args:
      path: the .pb.
      config: a tf.ConfigProto for the session.
    Attributes:
      notes: notes.Notes of R-Net.
    Raises:
      CheckpointError: missing, or another graph.
    """

    def __init__(self, path, config=None):
        graph_def = frozen_graph.load(path, IDENTITY_NAME)
        self.notes = notes.of_graph(graph_def)

        def build():
            names = (frozen_graph.INPUT_NAME, frozen_graph.OUTPUT_NAME, CONFIDENCE_NAME, IDENTITY_NAME)
            images, coeff, confidence, identity = frozen_graph.imported(graph_def, path, names)
            return ({'images': images, 'coeff': coeff, 'confidence': confidence},
                    {'images': (coeff, confidence), 'identity': identity})
        self._function = GraphFunction(build, config)

    def __call__(self, images):
        """SetCoefficients of [K,224,224,3], BGR, 0-255, K >= 1. Memory does not grow with K but for the images."""
        parts = [self._function.fetch('images', images=np.asarray(images[start:start + frozen_graph.CHUNK]))
                 for start in range(0, len(images), frozen_graph.CHUNK)]
        coeff, confidence = (np.concatenate(part) for part in zip(*parts))
        identity = self._function.fetch('identity', coeff=coeff, confidence=confidence)
        return SetCoefficients(coeff, confidence, identity)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._function.close()
