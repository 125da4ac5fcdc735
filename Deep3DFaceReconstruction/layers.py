"""Convolution and batch norm on plain TensorFlow ops, with TF-Slim's variable names.

TF-Slim does not exist on current TensorFlow, but the public checkpoints carry its names:
`SCOPE/weights`, `SCOPE/biases` and `SCOPE/BatchNorm/{gamma,beta,moving_mean,moving_variance}`.
Images are NHWC throughout: it is what TensorFlow's CPU kernels take, and on a GPU TensorFlow's layout
optimiser turns the graph round by itself.
"""
import collections

from Deep3DFaceReconstruction.tf1 import tf

# decay: of the moving statistics; epsilon: added to the variance; scale: whether gamma is a variable;
# is_training: batch statistics (True) or moving ones (False); trainable: of the variables.
BatchNorm = collections.namedtuple('BatchNorm', 'decay epsilon scale is_training trainable')


def batch_norm(x, options):
    """Batch normalisation over the last axis, variables in `BatchNorm/` of the current scope.

    When training, the updates of the moving statistics are added to `tf.GraphKeys.UPDATE_OPS`, as TF-Slim
    does; the variance that is remembered is the unbiased one.

    Args:
      x: [B,H,W,C] float32.
      options: a BatchNorm.
    Returns:
      [B,H,W,C] float32.
    """
    channels = [x.shape.as_list()[-1]]

    def variable(name, initial, trainable):
        return tf.get_variable(name, channels, x.dtype, tf.constant_initializer(initial), trainable=trainable)

    with tf.variable_scope('BatchNorm'):
        beta = variable('beta', 0.0, options.trainable)
        if options.scale:
            gamma = variable('gamma', 1.0, options.trainable)
        else:
            gamma = tf.ones(channels, x.dtype)
        mean = variable('moving_mean', 0.0, False)
        variance = variable('moving_variance', 1.0, False)
        if not options.is_training:
            return tf.nn.fused_batch_norm(x, gamma, beta, mean, variance, options.epsilon, is_training=False)[0]
        y, batch_mean, batch_variance = tf.nn.fused_batch_norm(x, gamma, beta, epsilon=options.epsilon,
                                                               is_training=True)
        for moving, batch in ((mean, batch_mean), (variance, batch_variance)):
            update = tf.assign_sub(moving, (moving - batch) * (1.0 - options.decay))
            tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)
        return y


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
    if initializer is None:
        initializer = tf.variance_scaling_initializer(scale=2.0, mode='fan_in')
    with tf.variable_scope(scope):
        weights = tf.get_variable('weights', [height, width, x.shape.as_list()[-1], filters], x.dtype, initializer,
                                  trainable=trainable)
        if padding == 'FIXED':
            if stride > 1:
                top, left = (height - 1) // 2, (width - 1) // 2
                x = tf.pad(x, [[0, 0], [top, height - 1 - top], [left, width - 1 - left], [0, 0]])
            padding = 'VALID' if stride > 1 else 'SAME'
        y = tf.nn.conv2d(x, weights, strides=[1, stride, stride, 1], padding=padding)
        if norm is not None:
            y = batch_norm(y, norm)
        else:
            y = tf.nn.bias_add(y, tf.get_variable('biases', [filters], x.dtype, tf.zeros_initializer(),
                                                  trainable=trainable))
    return y if activation is None else activation(y)
