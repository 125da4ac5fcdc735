"""PRNet's encoder-decoder (Feng et al. 2018, section 3.2): ten residual blocks down to 8x8, and back.

Two things differ from the paper: the batch norm of a residual block comes before the addition, as in ResNet version 1,
so that it folds into the convolution; and the output is a change of the mean face's map in pixels, not a share of the
image.
"""
from Deep3DFaceReconstruction.conventions import IMAGE_SIZE
from Deep3DFaceReconstruction.networks.layers import BatchNorm, Style, Window, conv2d, conv2d_transpose
from Deep3DFaceReconstruction.tf1 import tf

SCOPE = 'position_map'
SIZE = 256
BASE_CHANNELS = 16
# Channels, as multiples of the first layer's, and stride of the residual blocks.
ENCODER = ((2, 2), (2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2), (16, 1), (32, 2), (32, 1))
# The same of the transposed convolutions.
DECODER = ((32, 1), (16, 2), (16, 1), (16, 1), (8, 2), (8, 1), (8, 1), (4, 2), (4, 1), (4, 1), (2, 2), (2, 1), (1, 2),
           (1, 1))
_KERNEL = (4, 4)
# One unit of the last layer, in pixels.
_UNIT = IMAGE_SIZE / 2.0


def base_channels(width):
    """Channels of the first layer; 16 at width 1."""
    return max(int(round(BASE_CHANNELS * width)), 1)


def position_net(images, base, mean, statistics=None, bn_decay=0.997):
    """Position maps of crops.

    Args:
      images: [B,224,224,3], BGR, 0-255; any numeric type.
      base: channels of the first layer, see base_channels.
      mean: [256,256,3] float32, the mean face's map, from which training starts; None where the variable has its value.
      statistics: a layers.MovingStatistics in training; None normalises by the moving statistics.
      bn_decay: of the moving statistics.
    Returns:
      [B,256,256,3] float32: column and row (y up) in pixels of the crop, as landmarks have them, and depth towards the
      camera from the face's origin in pixels; of no meaning between the charts of the atlas.
    """
    norm = BatchNorm(decay=bn_decay, epsilon=1e-5, statistics=statistics)
    relu = Style(norm, tf.nn.relu)
    with tf.variable_scope(SCOPE):
        x = tf.image.resize_bilinear(tf.cast(images, tf.float32), [SIZE, SIZE], half_pixel_centers=True)
        x = conv2d(x / 127.5 - 1.0, base, Window(_KERNEL), 'first', relu)
        for number, (channels, stride) in enumerate(ENCODER, 1):
            x = _residual(x, channels * base, stride, norm, 'block%d' % number)
        for number, (channels, stride) in enumerate(DECODER, 1):
            x = conv2d_transpose(x, channels * base, Window(_KERNEL, stride), 'up%d' % number, relu)
        change = conv2d(x, 3, Window(_KERNEL), 'last', Style(initializer=tf.zeros_initializer()))
        start = tf.zeros_initializer() if mean is None else tf.constant_initializer(mean)
        mean_map = tf.get_variable('mean', [SIZE, SIZE, 3], tf.float32, start, trainable=False)
        return mean_map + _UNIT * change


def _residual(x, channels, stride, norm, scope):
    """relu(shortcut + 1x1 . 4x4 . 1x1), the middle at half the channels."""
    linear, relu = Style(norm), Style(norm, tf.nn.relu)
    with tf.variable_scope(scope):
        # Every other pixel first: the gradient of a strided 1x1 convolution crashes on current TensorFlow (2.21).
        shortcut = tf.nn.max_pool(x, [1, 1, 1, 1], [1, stride, stride, 1], 'VALID') if stride > 1 else x
        if x.shape.as_list()[-1] != channels:
            shortcut = conv2d(shortcut, channels, Window((1, 1)), 'shortcut', linear)
        half = max(channels // 2, 1)
        y = conv2d(x, half, Window((1, 1)), 'conv1', relu)
        y = conv2d(y, half, Window(_KERNEL, stride), 'conv2', relu)
        return tf.nn.relu(shortcut + conv2d(y, channels, Window((1, 1)), 'conv3', linear))
