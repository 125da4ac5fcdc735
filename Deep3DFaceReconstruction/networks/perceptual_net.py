"""Which network tells people apart in the perceptual loss: FaceNet's or dlib's, or none."""
import glob
import os

from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks import checkpoints, dlib_resnet, r_net
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.tf1 import tf

CHOICES = ('auto', 'facenet', 'dlib', 'none')

# What 1 - cosine is multiplied by, so that one weight suits both networks. dlib's features share a large common
# part: two people are told apart at a distance of 0.6 between features of length 1.45, which is 1 - cosine =
# 0.6^2 / (2 * 1.45^2) = 0.086, where FaceNet's threshold (a squared distance of 1.1 on the unit sphere) is 0.55.
LOSS_SCALE = {'facenet': 1.0, 'dlib': 6.4, 'none': 0.0}


def facenet_checkpoint(folder=assets.ID_NET_DIR):
    """The prefix of the FaceNet checkpoint in a folder, or None if there is none."""
    found = sorted(glob.glob(os.path.join(folder, '*.index')))
    return checkpoints.find_checkpoint(found[-1]) if found else None


def choose(name, folder=assets.ID_NET_DIR):
    """Settles 'auto': facenet where its checkpoint has been put, else dlib, which is always installed.

    Args:
      name: one of CHOICES.
      folder: where FaceNet's checkpoint would be.
    Returns:
      'facenet', 'dlib' or 'none'.
    Raises:
      ValueError: another name.
      AssetError: facenet is asked for and its checkpoint is missing.
    """
    if name not in CHOICES:
        raise ValueError('id_net: expected one of %s, got %r' % (', '.join(CHOICES), name))
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
            return r_net.Perceptual_Net(images)


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
    """The network of a settled choice.

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
