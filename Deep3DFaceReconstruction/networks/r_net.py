"""The two networks of the method: R-Net regresses the coefficients, the perceptual network compares people.

Variable names and shapes are those of the published TensorFlow 1.x program, so that its checkpoints, the
public `resnet_v1_50.ckpt` and the public FaceNet checkpoint 20170512-110547 load by name.
"""
import numpy as np

from Deep3DFaceReconstruction import conventions
from Deep3DFaceReconstruction.networks import layers
from Deep3DFaceReconstruction.networks.inception_resnet_v1 import inception_resnet_v1
from Deep3DFaceReconstruction.networks.resnet_v1 import BN_DECAY, resnet_v1_50
from Deep3DFaceReconstruction.tf1 import tf

FULL_GAMMA = 3 * conventions.SH_TERMS
WHITE_GAMMA = conventions.SH_TERMS

# Which of the 239 coefficients of white light gives each of the 257: the nine lighting terms come three times
# (`Face3D.Split_coeff` does the same inside a graph).
_GAMMA = conventions.COEFF_SLICES['gamma'].start
FROM_WHITE_LIGHT = np.r_[:_GAMMA, np.tile(np.r_[_GAMMA:_GAMMA + WHITE_GAMMA], 3),
                         _GAMMA + WHITE_GAMMA:conventions.WHITE_LIGHT_COEFF_DIM].astype(np.int32)


def coefficient_heads(gamma=FULL_GAMMA):
    """The heads of R-Net in the order in which they are concatenated: ((scope, width), ...).

    Raises:
      ValueError: gamma is neither 27 nor 9.
    """
    if gamma not in (FULL_GAMMA, WHITE_GAMMA):
        raise ValueError('gamma: expected %d (three channels) or %d (white light), got %r'
                         % (FULL_GAMMA, WHITE_GAMMA, gamma))
    return (('fc-id', conventions.ID_DIM), ('fc-ex', conventions.EX_DIM), ('fc-tex', conventions.TEX_DIM),
            ('fc-angles', 3), ('fc-gamma', gamma), ('fc-XY', 2), ('fc-Z', 1))


# The variable that follows the mean of the trunk's features. Only training with centred heads has it.
FEATURE_MEAN = 'feature_mean'


def R_Net(inputs, is_training=False, gamma=FULL_GAMMA, bn_decay=BN_DECAY, follow_mean=False):
    """Image to coefficients: ResNet-50 with seven linear heads (Deng et al. 2019, section 3.1).

    The heads start from zero, so that training starts from the mean face in the middle of the crop.

    Args:
      inputs: [B,224,224,3], BGR, 0-255, no mean subtracted; any numeric type.
      is_training: batch statistics in batch norm; the updates of its moving statistics are then in
        `tf.GraphKeys.UPDATE_OPS`.
      gamma: 27 lighting coefficients, or 9 for the paper's white light.
      bn_decay: of batch norm's moving statistics.
      follow_mean: keep FEATURE_MEAN up to date, likewise (see `optimizer`).
    Returns:
      [B,257] float32 (239 with gamma=9), laid out as `conventions.COEFF_SLICES` says.
    Raises:
      ValueError: another gamma.
    """
    heads = coefficient_heads(gamma)
    features = resnet_v1_50(tf.cast(inputs, tf.float32), is_training, bn_decay)
    if follow_mean:
        layers.moving_mean(features[:, 0, 0], bn_decay, FEATURE_MEAN)
    outputs = [layers.conv2d(features, width, (1, 1), scope, initializer=tf.zeros_initializer())
               for scope, width in heads]
    return tf.reshape(tf.concat(outputs, 3), [-1, sum(width for _, width in heads)])


def Perceptual_Net(images, is_training=False, trainable=False):
    """Image to identity features: Inception-ResNet-v1 with a bottleneck of 128 (Schroff et al. 2015).

    Args:
      images: [B,224,224,3], BGR, 0-255 (clipped to this range); any numeric type.
      is_training: batch statistics in batch norm.
      trainable: whether the variables are trained.
    Returns:
      [B,128] float32, not normalised.
    """
    images = (tf.clip_by_value(tf.cast(images, tf.float32), 0.0, 255.0) - 127.5) / 128.0
    return inception_resnet_v1(images, 128, is_training, trainable)
