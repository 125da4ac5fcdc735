"""The 50-layer residual network, version 1 (He et al. 2016), as TF-Slim builds it.

Two things differ from the paper and matter to the public checkpoint: the stride sits in the *last* unit of
blocks 1 to 3, in its 3x3 convolution, and strided convolutions are padded alike on all four sides.
"""
from Deep3DFaceReconstruction.networks.layers import BatchNorm, Style, Window, conv2d
from Deep3DFaceReconstruction.tf1 import tf

SCOPE = 'resnet_v1_50'

# How much of the moving statistics one step of training keeps (TF-Slim's value).
BN_DECAY = 0.997

# (width of the bottleneck, number of units, stride of the last unit); the block puts out 4 times the width.
BLOCKS = ((64, 3, 2), (128, 4, 2), (256, 6, 2), (512, 3, 1))
FEATURES = 4 * BLOCKS[-1][0]


def _bottleneck(x, width, stride, norm, scope):
    """relu(shortcut + 1x1 . 3x3 . 1x1); the shortcut is projected where the number of channels changes."""
    depth = 4 * width
    linear, relu = Style(norm), Style(norm, tf.nn.relu)
    with tf.variable_scope(scope), tf.variable_scope('bottleneck_v1'):
        if x.shape.as_list()[-1] != depth:
            shortcut = conv2d(x, depth, Window((1, 1), stride), 'shortcut', linear)
        elif stride > 1:
            shortcut = tf.nn.max_pool(x, [1, 1, 1, 1], [1, stride, stride, 1], 'VALID')
        else:
            shortcut = x
        y = conv2d(x, width, Window((1, 1)), 'conv1', relu)
        y = conv2d(y, width, Window((3, 3), stride, 'FIXED'), 'conv2', relu)
        y = conv2d(y, depth, Window((1, 1)), 'conv3', linear)
        return tf.nn.relu(shortcut + y)


def residual_gammas(variables):
    """Those of the variables that scale what a unit adds to its shortcut: gamma of its last batch norm."""
    return [v for v in variables if v.op.name.startswith(SCOPE) and v.op.name.endswith('/conv3/BatchNorm/gamma')]


def resnet_v1_50(images, statistics=None, bn_decay=BN_DECAY):
    """The trunk: everything before the classifier.

    Args:
      images: [B,H,W,3] float32.
      statistics: a layers.MovingStatistics in training; None normalises by the moving statistics.
      bn_decay: of the moving statistics.
    Returns:
      (maps [B,H/8,W/8,256] after the first block, features [B,1,1,2048]) float32; the features are the means of the
      last maps.
    """
    norm = BatchNorm(decay=bn_decay, epsilon=1e-5, statistics=statistics)
    with tf.variable_scope(SCOPE):
        x = conv2d(images, 64, Window((7, 7), 2, 'FIXED'), 'conv1', Style(norm, tf.nn.relu))
        x = tf.nn.max_pool(x, [1, 3, 3, 1], [1, 2, 2, 1], 'SAME')
        for i, (width, units, stride) in enumerate(BLOCKS):
            with tf.variable_scope('block%d' % (i + 1)):
                for unit in range(units):
                    x = _bottleneck(x, width, stride if unit == units - 1 else 1, norm, 'unit_%d' % (unit + 1))
            if i == 0:
                first = x
        return first, tf.reduce_mean(x, [1, 2], keepdims=True)
