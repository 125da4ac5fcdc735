"""R-Net as a TensorFlow SavedModel: signature `serving_default`, input_imgs -> coeff."""
import os
import shutil
import tempfile

from Deep3DFaceReconstruction.networks import frozen_graph
from Deep3DFaceReconstruction.networks.checkpoints import CheckpointError
from Deep3DFaceReconstruction.system.files import TEMPORARY_PREFIX
from Deep3DFaceReconstruction.tf1 import tf


def save(graph_def, source, folder):
    """Writes FOLDER, under a temporary name that is then renamed.

    Args:
      graph_def: see frozen_graph.load_any.
      source: the file it comes from, for messages.
      folder: must not exist.
    Raises:
      CheckpointError: TensorFlow cannot load the graph. OSError: the folder cannot be written.
    """
    parent = os.path.dirname(os.path.abspath(folder))
    os.makedirs(parent, exist_ok=True)
    scratch = tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=parent)
    try:
        made = os.path.join(scratch, 'model')
        with tf.Graph().as_default():
            images, coeff = frozen_graph.imported(graph_def, source,
                                                  (frozen_graph.INPUT_NAME, frozen_graph.OUTPUT_NAME))
            with tf.Session(config=tf.ConfigProto(device_count={'GPU': 0})) as session:
                tf.saved_model.simple_save(session, made, {frozen_graph.INPUT_NAME: images},
                                           {frozen_graph.OUTPUT_NAME: coeff})
        os.rename(made, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def load(folder, config=None):
    """The SavedModel as a function of images [B,224,224,3] -> coefficients.

    Args:
      config: a tf.ConfigProto for the session.
    Raises:
      CheckpointError: it is not a SavedModel with that signature.
    """
    graph = tf.Graph()
    session = tf.Session(graph=graph, config=config)
    try:
        loaded = tf.saved_model.loader.load(session, ['serve'], folder)
        signature = loaded.signature_def['serving_default']
        images = signature.inputs[frozen_graph.INPUT_NAME].name
        coeff = signature.outputs[frozen_graph.OUTPUT_NAME].name
    except (OSError, RuntimeError, KeyError, tf.errors.OpError) as error:
        raise CheckpointError('%s: expected a SavedModel with the input %s and the output %s, got: %s' % (
            folder, frozen_graph.INPUT_NAME, frozen_graph.OUTPUT_NAME, str(error).split('\n')[0]))
    return lambda batch: session.run(coeff, {images: batch})
