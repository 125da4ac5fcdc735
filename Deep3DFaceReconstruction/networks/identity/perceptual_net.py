"""Networks that compare people, for the perceptual loss: the published `Perceptual_Net` (FaceNet), and dlib's.

Which of them to use is one of `conventions.ID_NETWORKS`. Variable names and shapes of Perceptual_Net are those of the
public FaceNet checkpoint 20170512-110547, which loads by name.
"""
import glob
import os

from Deep3DFaceReconstruction.conventions import ID_NETWORKS
from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks import checkpoints
from Deep3DFaceReconstruction.networks.identity import dlib_resnet
from Deep3DFaceReconstruction.networks.identity.inception_resnet_v1 import inception_resnet_v1
from Deep3DFaceReconstruction.networks.layers import MovingStatistics
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.tf1 import tf

# What 1 - cosine is multiplied by, so that one weight suits both networks. dlib's features share a large common
# part: two people are told apart at a distance of 0.6 between features of length 1.45, which is 1 - cosine =
# 0.6^2 / (2 * 1.45^2) = 0.086, where FaceNet's threshold (a squared distance of 1.1 on the unit sphere) is 0.55.
LOSS_SCALE = {'facenet': 1.0, 'dlib': 6.4, 'none': 0.0}


def Perceptual_Net(images, is_training=False, trainable=False):
    """Image to identity features: Inception-ResNet-v1 with a bottleneck of 128 (Schroff et al. 2015).

    Args:
      images: [B,224,224,3], BGR, 0-255 (clipped to this range); any numeric type.
      is_training: batch statistics in batch norm; the updates of its moving statistics are then in
        `tf.GraphKeys.UPDATE_OPS`.
      trainable: whether the variables are trained.
    Returns:
      [B,128] float32, not normalised.
    """
    images = (tf.clip_by_value(tf.cast(images, tf.float32), 0.0, 255.0) - 127.5) / 128.0
    statistics = MovingStatistics() if is_training else None
    features = inception_resnet_v1(images, 128, statistics, trainable)
    if is_training:
        tf.get_default_graph().get_collection_ref(tf.GraphKeys.UPDATE_OPS).extend(statistics.updates())
    return features


def facenet_checkpoint(folder=assets.ID_NET_DIR):
    """The prefix of the FaceNet checkpoint in a folder, or None if there is none."""
    found = sorted(glob.glob(os.path.join(folder, '*.index')))
    return checkpoints.find_checkpoint(found[-1]) if found else None


def choose(name, folder=assets.ID_NET_DIR):
    """Resolves 'auto': facenet where its checkpoint has been put, else dlib, which is always installed.

    Args:
      name: one of conventions.ID_NETWORKS.
      folder: where FaceNet's checkpoint would be.
    Returns:
      'facenet', 'dlib' or 'none'.
    Raises:
      ValueError: another name.
      AssetError: facenet is asked for and its checkpoint is missing.
    """
    if name not in ID_NETWORKS:
        raise ValueError('id_net: expected one of %s, got %r' % (', '.join(ID_NETWORKS), name))
    if name == 'auto':
        return 'facenet' if facenet_checkpoint(folder) else 'dlib'
    if name == 'facenet' and not facenet_checkpoint(folder):
        raise AssetError('%s: expected the FaceNet checkpoint 20170512-110547 (its .index and .data files), '
                         'got none; or use --id_net dlib' % folder)
    return name


class FaceNet:
    """Perceptual_Net with constant weights."""

    def __init__(self, values, source):
        """Takes the weights; names and shapes are checked when the network is built.

        Args:
          values: a `checkpoints.Checkpoint` or a dict {variable name: array}.
          source: the file, for messages.
        """
        self._values = values
        self._source = source

    def __call__(self, images, landmarks=None):
        """Features [B,128] of crops [B,224,224,3], BGR 0-255; landmarks are not needed.

        Raises:
          CheckpointError: the weights are not this network's.
        """
        del landmarks
        with checkpoints.frozen_variables(self._values, self._source, 'Perceptual_Net'):
            return Perceptual_Net(images)


class DlibNet:
    """dlib's network on the chips of the crops."""

    def __init__(self):
        """Reads the installed weights.

        Raises:
          AssetError: they are missing.
        """
        self._network = dlib_resnet.DlibIdNet()

    def __call__(self, images, landmarks=None):
        """Features [B,128] of crops [B,224,224,3], BGR 0-255; landmarks [B,68,2], y-up, place the chip."""
        images = tf.clip_by_value(images, 0.0, 255.0)
        return self._network(dlib_resnet.face_chips(images, landmarks))


def load(name, folder=assets.ID_NET_DIR):
    """The network of a resolved choice.

    Args:
      name: 'facenet', 'dlib' or 'none'.
      folder: where FaceNet's checkpoint is.
    Returns:
      a function of (images, landmarks) -> features [B,128], or None.
    Raises:
      AssetError: weights are missing or damaged.
    """
    if name == 'facenet':
        checkpoint = checkpoints.Checkpoint(facenet_checkpoint(folder))
        return FaceNet(checkpoint, checkpoint.prefix)
    return DlibNet() if name == 'dlib' else None
