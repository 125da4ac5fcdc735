"""R-Net: an aligned crop to the coefficients of its face (Deng et al. 2019, section 3.1).

Variable names and shapes are those of the published TensorFlow 1.x program, so that its checkpoints and the public
`resnet_v1_50.ckpt` load by name.
"""
import numpy as np

from Deep3DFaceReconstruction import conventions
from Deep3DFaceReconstruction.networks import backbones
from Deep3DFaceReconstruction.networks.layers import MovingStatistics, Style, Window, conv2d
from Deep3DFaceReconstruction.tf1 import tf

FULL_GAMMA = 3 * conventions.SH_TERMS
WHITE_GAMMA = conventions.SH_TERMS
_HEAD = 'fc-'

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


def new_feature_mean(backbone=backbones.DEFAULT):
    """The variable FEATURE_MEAN [K] of the current scope, to follow the mean of the trunk's pooled features."""
    return tf.get_variable(FEATURE_MEAN, [backbone.features], tf.float32, tf.zeros_initializer(), trainable=False)


def is_head(name):
    """Whether a variable of R_Net belongs to a head, and not to the trunk."""
    return name.startswith(_HEAD)


def depends_on_face_model(name):
    """Whether a variable of R_Net gives coefficients that mean something else for another face model."""
    return name.startswith(tuple(_HEAD + part + '/' for part in ('id', 'ex', 'tex')))


def R_Net(inputs, is_training=False, gamma=FULL_GAMMA, backbone=backbones.DEFAULT, statistics=None):
    """Image to coefficients: ResNet-50 with seven linear heads (Deng et al. 2019, section 3.1), or another trunk.

    The heads start from zero, so that training starts from the mean face in the middle of the crop.

    Args:
      inputs: [B,224,224,3], BGR, 0-255, no mean subtracted; any numeric type.
      is_training: batch statistics in batch norm.
      gamma: 27 lighting coefficients, or 9 for the paper's white light.
      backbone: a backbones.Backbone.
      statistics: a layers.MovingStatistics that takes what moving statistics there are to update; without it, the
        updates are in `tf.GraphKeys.UPDATE_OPS`.
    Returns:
      [B,257] float32 (239 with gamma=9), laid out as `conventions.COEFF_SLICES` says.
    Raises:
      ValueError: another gamma, or no such trunk.
    """
    coefficient_heads(gamma)
    moving = MovingStatistics() if statistics is None else statistics
    features = backbones.features_of(inputs, backbone, moving if is_training else None)
    if statistics is None:
        tf.get_default_graph().get_collection_ref(tf.GraphKeys.UPDATE_OPS).extend(moving.updates())
    return regress(features.pooled, gamma)


def regress(pooled, gamma=FULL_GAMMA):
    """The heads: pooled features [B,1,1,K] -> coefficients, as R_Net's."""
    heads = coefficient_heads(gamma)
    outputs = [conv2d(pooled, width, Window((1, 1)), scope, Style(initializer=tf.zeros_initializer()))
               for scope, width in heads]
    return tf.reshape(tf.concat(outputs, 3), [-1, sum(width for _, width in heads)])
