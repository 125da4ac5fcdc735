"""MobileNet version 1 (Howard et al. 2017), as TF-Slim builds it: a trunk of about a tenth of ResNet-50's cost.

Variable names and shapes are TF-Slim's, so that the public `mobilenet_v1_*.ckpt` load by name. One thing is added: the
features are weighted means of the last maps with learned weights (Chen et al. 2018, 'MobileFaceNets', section 3.1),
because where something is in the crop tells the pose of a face. The weights start at those of the plain mean.
"""
from Deep3DFaceReconstruction.networks.layers import BatchNorm, Style, Window, conv2d, depthwise_conv2d
from Deep3DFaceReconstruction.tf1 import tf

SCOPE = 'MobilenetV1'

# (channels at width 1, stride) of the 13 separable convolutions.
LAYERS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
          (1024, 2), (1024, 1))
_FIRST, _FEWEST = 32, 8
# Those after the last stride: what corresponds to ResNet's last block.
LAST_BLOCK = ('Conv2d_12_', 'Conv2d_13_', 'pooling/')
# The maps after this layer have an eighth of the image's size.
_EARLY = 5


def channels(at_width_1, width):
    """Channels of a layer at a width."""
    return max(int(at_width_1 * width), _FEWEST)


def features(width):
    """How many features the trunk gives."""
    return channels(LAYERS[-1][0], width)


def width_of(first_channels):
    """The width at which the first convolution has so many channels."""
    return first_channels / _FIRST


def mobilenet_v1(images, width, statistics, bn_decay):
    """The trunk: everything before the classifier.

    Args:
      images: [B,H,W,3] float32, BGR, 0-255; H and W known and at least 32.
      width: factor of the numbers of channels.
      statistics: a layers.MovingStatistics in training; None normalises by the moving statistics.
      bn_decay: of the moving statistics.
    Returns:
      (maps [B,H/8,W/8,256*width], features [B,1,1,1024*width]) float32; the features are sums of the last maps over
      the places, with learned weights.
    """
    norm = BatchNorm(decay=bn_decay, epsilon=1e-3, statistics=statistics)
    style = Style(norm, tf.nn.relu6)
    with tf.variable_scope(SCOPE):
        # The public weights take RGB, -1 to 1.
        x = tf.reverse(images, [3]) / 127.5 - 1.0
        x = conv2d(x, channels(_FIRST, width), Window((3, 3), 2), 'Conv2d_0', style)
        for number, (count, stride) in enumerate(LAYERS, 1):
            x = depthwise_conv2d(x, Window((3, 3), stride), 'Conv2d_%d_depthwise' % number, style)
            x = conv2d(x, channels(count, width), Window((1, 1)), 'Conv2d_%d_pointwise' % number, style)
            if number == _EARLY:
                early = x
        return early, _pool(x)


def _pool(x):
    """Maps [B,H,W,C] -> [B,1,1,C]: for each channel a sum over the places with weights of its own."""
    rows, columns, count = x.shape.as_list()[1:]
    with tf.variable_scope('pooling'):
        weights = tf.get_variable('depthwise_weights', [rows, columns, count, 1], x.dtype,
                                  tf.constant_initializer(1.0 / (rows * columns)))
    return tf.nn.depthwise_conv2d(x, weights, [1, 1, 1, 1], 'VALID')
