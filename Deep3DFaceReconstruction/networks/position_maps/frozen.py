"""The position-map network as a frozen graph: `input_imgs:0` [B,224,224,3] -> `position:0` [B,256,256,3]."""
import numpy as np

from Deep3DFaceReconstruction.conventions import IMAGE_SIZE
from Deep3DFaceReconstruction.networks import checkpoints, frozen_graph, notes
from Deep3DFaceReconstruction.networks.position_maps import encoder_decoder
from Deep3DFaceReconstruction.tf1 import tf

OUTPUT_NAME = 'position'
PURPOSE = 'the position-map network'


def freeze(values, source):
    """The frozen graph of a position-map network; its width is seen from the variables.

    Args:
      values: a `checkpoints.Checkpoint` or a dict {variable name: array}; other variables are ignored.
      source: the file they come from, for messages.
    Returns:
      a GraphDef.
    Raises:
      CheckpointError: they are not those of a position-map network.
    """
    first = checkpoints.shapes_of_values(values).get(encoder_decoder.SCOPE + '/first/weights')
    base = first[-1] if first else encoder_decoder.BASE_CHANNELS
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, IMAGE_SIZE, IMAGE_SIZE, 3], name=frozen_graph.INPUT_NAME)
        with checkpoints.frozen_variables(values, source, PURPOSE):
            position = encoder_decoder.position_net(images, base, None)
        tf.identity(position, name=OUTPUT_NAME)
    return frozen_graph.marked(graph.as_graph_def(), notes.of_values(values), OUTPUT_NAME)


class PositionNetwork:
    """A frozen position-map network as a function of any number of crops.

    Args:
      path: the .pb file.
      model: the face_model.FaceModel whose atlas the maps are to be read by.
      config: a tf.ConfigProto for the session.
    Raises:
      CheckpointError: missing, another network, or one of another face model.
    """

    def __init__(self, path, model, config=None):
        graph_def = frozen_graph.load(path, OUTPUT_NAME)
        notes.check_face_model(notes.of_graph(graph_def), path, model)
        self._function = frozen_graph.function_of(graph_def, path, OUTPUT_NAME, config)

    def __call__(self, images):
        """Position maps [B,256,256,3] float32 of crops [B,224,224,3], BGR, 0-255; see encoder_decoder.position_net."""
        chunks = [images[start:start + frozen_graph.CHUNK] for start in range(0, len(images), frozen_graph.CHUNK)]
        return np.concatenate([self._function(images=chunk) for chunk in chunks])
