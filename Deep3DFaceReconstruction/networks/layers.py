"""Convolution and batch norm on plain TensorFlow ops, with TF-Slim's variable names.

TF-Slim does not exist on current TensorFlow, but the public checkpoints carry its names:
`SCOPE/weights`, `SCOPE/biases` and `SCOPE/BatchNorm/{gamma,beta,moving_mean,moving_variance}`.
Images are NHWC throughout: it is what TensorFlow's CPU kernels take, and on a GPU TensorFlow's layout
optimiser turns the graph round by itself.
"""
import collections
import functools
import zlib

from Deep3DFaceReconstruction.tf1 import tf

# Graph collection of (moving statistic, what one batch adds to it): for those who average over several batches
# before they update. Else run `tf.GraphKeys.UPDATE_OPS`.
STATISTICS = 'moving_statistics'

# decay: of the moving statistics; epsilon: added to the variance; scale: whether gamma is a variable;
# is_training: batch statistics (True) or moving ones (False); trainable: of the variables.
BatchNorm = collections.namedtuple('BatchNorm', 'decay epsilon scale is_training trainable')


def _norm_variables(channels, dtype, options):
    """gamma, beta, moving mean and moving variance in `BatchNorm/` of the current scope, each [channels]."""
    def variable(name, initial, trainable):
        return tf.get_variable(name, [channels], dtype, tf.constant_initializer(initial), trainable=trainable)

    with tf.variable_scope('BatchNorm'):
        beta = variable('beta', 0.0, options.trainable)
        gamma = variable('gamma', 1.0, options.trainable) if options.scale else 1.0
        return gamma, beta, variable('moving_mean', 0.0, False), variable('moving_variance', 1.0, False)


def _normalise(x, options):
    """Batch norm of [B,H,W,C] with the batch's own statistics; the moving ones follow by `UPDATE_OPS` or `STATISTICS`.

    As in TF-Slim, the variance that is remembered is the unbiased one.
    """
    channels = x.shape.as_list()[-1]
    gamma, beta, mean, variance = _norm_variables(channels, x.dtype, options)
    if not options.scale:
        gamma = tf.ones([channels], x.dtype)
    y, batch_mean, batch_variance = tf.nn.fused_batch_norm(x, gamma, beta, epsilon=options.epsilon,
                                                           is_training=True)
    _follow(mean, batch_mean, options.decay)
    _follow(variance, batch_variance, options.decay)
    return y


def _follow(moving, batch, decay):
    step = (batch - moving) * (1.0 - decay)
    tf.add_to_collection(STATISTICS, (moving, step))
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, tf.assign_add(moving, step))


def moving_mean(x, decay, name):
    """The variable NAME [C] that follows the mean of x [B,C], as the moving statistics of batch norm do."""
    mean = tf.get_variable(name, x.shape.as_list()[1:], x.dtype, tf.zeros_initializer(), trainable=False)
    _follow(mean, tf.reduce_mean(x, 0), decay)
    return mean


def linear_norm(x, weights, options, operation):
    """`operation(x, weights)` and then batch norm over the last axis.

    With moving statistics batch norm is one more linear map, so it is folded into weights and a bias: no pass
    over the maps, forward or backward. Where the variables are constants (see `checkpoints.frozen_variables`)
    the folding happens here, once, in NumPy.

    Args:
      x: [B,H,W,C] float32.
      weights: [.., D], the last axis being the output's.
      options: a BatchNorm.
      operation: function of (x, weights), linear in the weights -> [B,H',W',D].
    Returns:
      [B,H',W',D] float32.
    """
    if options.is_training:
        return _normalise(operation(x, weights), options)
    gamma, beta, mean, variance = _norm_variables(int(weights.shape[-1]), x.dtype, options)
    scale = gamma * (variance + options.epsilon) ** -0.5
    return tf.nn.bias_add(operation(x, weights * scale), beta - mean * scale)


@functools.lru_cache(maxsize=None)
def _products_are_faster():
    """Whether a 1x1 convolution that is trained should be a matrix product.

    On the CPU, TensorFlow 1.15 takes twice as long for a convolution's gradient to its input as for the product's,
    which is the same. Current TensorFlow does not, and on a GPU a product would bar the better memory layout.
    """
    return tf.__version__.startswith('1.') and not tf.config.experimental.list_physical_devices('GPU')


def he_initializer():
    """He et al. 2015, eq. 10. The numbers follow from the graph's seed and the name of the current scope alone, so
    that one seed gives the same network in every process, however its graph is built."""
    seed = zlib.crc32(tf.get_variable_scope().name.encode()) & 0x7fffffff
    return tf.variance_scaling_initializer(scale=2.0, mode='fan_in', seed=seed)


def conv2d(x, filters, kernel, scope, stride=1, padding='SAME', norm=None, activation=None, initializer=None,
           trainable=True):
    """A convolution, then batch norm or else a bias, then an activation.

    Args:
      x: [B,H,W,C] float32.
      filters: number of output channels.
      kernel: (height, width).
      scope: name of the variable scope.
      stride: of both axes.
      padding: 'SAME', 'VALID', or 'FIXED': the same (kernel - 1) zeros around the image whatever its size, so
        that a strided convolution samples the places that the unstrided one would (TF-Slim's conv2d_same).
      norm: a BatchNorm, or None for a bias.
      activation: a function, or None.
      initializer: of the weights; He et al. 2015 (eq. 10) by default.
      trainable: of weights and biases.
    Returns:
      [B,H',W',filters] float32.
    """
    height, width = kernel
    if padding == 'FIXED':
        # In the convolution and not as tf.pad: current TensorFlow fuses a pad with what follows, and two such
        # fused operations that run at a time may crash it (seen on 2.21).
        top, left = (height - 1) // 2, (width - 1) // 2
        padding = [[0, 0], [top, height - 1 - top], [left, width - 1 - left], [0, 0]] if stride > 1 else 'SAME'

    pointwise = (height, width, stride) == (1, 1, 1) and norm is not None and norm.is_training

    def convolve(maps, weights):
        if pointwise and _products_are_faster():
            return tf.tensordot(maps, weights[0, 0], 1)
        return tf.nn.conv2d(maps, weights, strides=[1, stride, stride, 1], padding=padding)

    with tf.variable_scope(scope):
        weights = tf.get_variable('weights', [height, width, x.shape.as_list()[-1], filters], x.dtype,
                                  initializer or he_initializer(), trainable=trainable)
        if norm is not None:
            y = linear_norm(x, weights, norm, convolve)
        else:
            y = tf.nn.bias_add(convolve(x, weights), tf.get_variable('biases', [filters], x.dtype,
                                                                     tf.zeros_initializer(), trainable=trainable))
    return y if activation is None else activation(y)
