"""Convolution and batch norm on plain TensorFlow ops, with TF-Slim's variable names.

TF-Slim does not exist on current TensorFlow, but the public checkpoints carry its names:
`SCOPE/weights`, `SCOPE/biases` and `SCOPE/BatchNorm/{gamma,beta,moving_mean,moving_variance}`.
Images are NHWC throughout: it is what TensorFlow's CPU kernels take, and on a GPU TensorFlow's layout
optimiser turns the graph round by itself.
"""
import functools
import zlib
from typing import Callable, NamedTuple, Optional, Tuple

from Deep3DFaceReconstruction.tf1 import tf


class MovingStatistics:
    """What a network in training remembers of its batches.

    Attributes:
      steps: list of (variable, the tensor that one batch adds to it): for those who average over several batches
        before they update.
    """

    def __init__(self):
        self.steps = []

    def follow(self, moving, batch, decay):
        """Notes that the variable `moving` follows the mean of `batch` (a batch's value), keeping `decay` of itself."""
        self.steps.append((moving, (batch - moving) * (1.0 - decay)))

    def updates(self):
        """Ops that take the steps."""
        return [tf.assign_add(moving, step) for moving, step in self.steps]


class BatchNorm(NamedTuple):
    """How the batch norms of a network work (Ioffe & Szegedy 2015)."""
    decay: float                                    # of the moving statistics
    epsilon: float                                  # added to the variance
    scale: bool = True                              # whether gamma is a variable
    trainable: bool = True                          # the variables
    statistics: Optional[MovingStatistics] = None   # in training: normalise by the batch's own, and note them here


class Window(NamedTuple):
    """Where a convolution looks."""
    size: Tuple[int, int]   # height, width
    stride: int = 1         # of both axes
    # 'SAME', 'VALID', or 'FIXED': the same (size - 1) zeros around the image whatever its size, so that a strided
    # convolution samples the places that the unstrided one would (TF-Slim's conv2d_same).
    padding: str = 'SAME'


class Style(NamedTuple):
    """What the convolutions of a network have in common."""
    norm: Optional[BatchNorm] = None            # after the convolution; None for a bias
    activation: Optional[Callable] = None       # after that
    initializer: Optional[Callable] = None      # of the weights; `he_initializer` where not given
    trainable: bool = True                      # weights and biases


LINEAR = Style()


def _norm_variables(channels, dtype, norm):
    """gamma, beta, moving mean and moving variance in `BatchNorm/` of the current scope, each [channels]."""
    def variable(name, initial, trainable):
        return tf.get_variable(name, [channels], dtype, tf.constant_initializer(initial), trainable=trainable)

    with tf.variable_scope('BatchNorm'):
        beta = variable('beta', 0.0, norm.trainable)
        gamma = variable('gamma', 1.0, norm.trainable) if norm.scale else 1.0
        return gamma, beta, variable('moving_mean', 0.0, False), variable('moving_variance', 1.0, False)


def _normalise(x, norm):
    """Batch norm of [B,H,W,C] with the batch's own statistics.

    As in TF-Slim, the variance that is remembered is the unbiased one.
    """
    channels = x.shape.as_list()[-1]
    gamma, beta, mean, variance = _norm_variables(channels, x.dtype, norm)
    if not norm.scale:
        gamma = tf.ones([channels], x.dtype)
    y, batch_mean, batch_variance = tf.nn.fused_batch_norm(x, gamma, beta, epsilon=norm.epsilon, is_training=True)
    norm.statistics.follow(mean, batch_mean, norm.decay)
    norm.statistics.follow(variance, batch_variance, norm.decay)
    return y


def linear_norm(x, weights, norm, operation):
    """`operation(x, weights)` and then batch norm over the last axis.

    With moving statistics batch norm is one more linear map, so it is folded into weights and a bias: no pass
    over the maps, forward or backward. Where the variables are constants (see `checkpoints.frozen_variables`)
    the folding happens here, once, in NumPy.

    Args:
      x: [B,H,W,C] float32.
      weights: [.., D], the last axis being the output's.
      norm: a BatchNorm.
      operation: function of (x, weights), linear in the weights -> [B,H',W',D].
    Returns:
      [B,H',W',D] float32.
    """
    if norm.statistics is not None:
        return _normalise(operation(x, weights), norm)
    gamma, beta, mean, variance = _norm_variables(int(weights.shape[-1]), x.dtype, norm)
    scale = gamma * (variance + norm.epsilon) ** -0.5
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
    return tf.variance_scaling_initializer(scale=2.0, mode='fan_in', seed=_seed_of_scope())


def depthwise_initializer(window):
    """The same where an output depends on the window of one channel only."""
    deviation = (2.0 / (window.size[0] * window.size[1])) ** 0.5
    return tf.truncated_normal_initializer(stddev=deviation, seed=_seed_of_scope())


def _seed_of_scope():
    return zlib.crc32(tf.get_variable_scope().name.encode()) & 0x7fffffff


def conv2d(x, filters, window, scope, style=LINEAR):
    """A convolution, then batch norm or else a bias, then an activation.

    Args:
      x: [B,H,W,C] float32.
      filters: number of output channels.
      window: a Window.
      scope: name of the variable scope.
      style: a Style.
    Returns:
      [B,H',W',filters] float32.
    """
    channels, norm = x.shape.as_list()[-1], style.norm
    with tf.variable_scope(scope):
        weights = tf.get_variable('weights', list(window.size) + [channels, filters], x.dtype,
                                  style.initializer or he_initializer(), trainable=style.trainable)
        if norm is not None:
            y = linear_norm(x, weights, norm, _operation(window, trained=norm.statistics is not None))
        else:
            biases = tf.get_variable('biases', [filters], x.dtype, tf.zeros_initializer(), trainable=style.trainable)
            y = tf.nn.bias_add(_operation(window)(x, weights), biases)
    return y if style.activation is None else style.activation(y)


def depthwise_conv2d(x, window, scope, style=LINEAR):
    """A convolution of each channel by itself, then batch norm, then an activation (Howard et al. 2017).

    Args:
      x: [B,H,W,C] float32.
      window: a Window, padded 'SAME' or 'VALID'.
      scope: name of the variable scope.
      style: a Style with a norm.
    Returns:
      [B,H',W',C] float32.
    """
    strides = [1, window.stride, window.stride, 1]
    with tf.variable_scope(scope):
        weights = tf.get_variable('depthwise_weights', list(window.size) + [x.shape.as_list()[-1], 1], x.dtype,
                                  style.initializer or depthwise_initializer(window), trainable=style.trainable)
        y = linear_norm(x, weights[..., 0], style.norm, lambda maps, kernel: tf.nn.depthwise_conv2d(
            maps, kernel[..., tf.newaxis], strides, window.padding))
    return y if style.activation is None else style.activation(y)


def conv2d_transpose(x, filters, window, scope, style):
    """A transposed convolution, which multiplies height and width by the stride; then batch norm and an activation.

    Args: as conv2d's; the style has a norm, and the window is padded 'SAME'.
    Returns:
      [B,H*stride,W*stride,filters] float32.
    """
    _, rows, columns, channels = x.shape.as_list()
    stride, norm = window.stride, style.norm
    with tf.variable_scope(scope):
        weights = tf.get_variable('weights', list(window.size) + [channels, filters], x.dtype,
                                  style.initializer or he_initializer(), trainable=style.trainable)

        def operation(maps, kernel):
            shape = tf.stack([tf.shape(maps)[0], rows * stride, columns * stride, filters])
            result = tf.nn.conv2d_transpose(maps, tf.transpose(kernel, [0, 1, 3, 2]), shape,
                                            [1, stride, stride, 1], window.padding)
            return tf.reshape(result, [-1, rows * stride, columns * stride, filters])
        y = linear_norm(x, weights, norm, operation)
    return y if style.activation is None else style.activation(y)


def _operation(window, trained=False):
    """The convolution over a Window as a function of (maps, weights)."""
    (height, width), stride, padding = window
    if padding == 'FIXED':
        # In the convolution and not as tf.pad: current TensorFlow fuses a pad with what follows, and two such
        # fused operations that run at a time may crash it (seen on 2.21).
        top, left = (height - 1) // 2, (width - 1) // 2
        padding = [[0, 0], [top, height - 1 - top], [left, width - 1 - left], [0, 0]] if stride > 1 else 'SAME'

    def convolve(maps, weights):
        if trained and (height, width, stride) == (1, 1, 1) and _products_are_faster():
            return tf.tensordot(maps, weights[0, 0], 1)
        return tf.nn.conv2d(maps, weights, strides=[1, stride, stride, 1], padding=padding)
    return convolve
