"""Inception-ResNet-v1 (Szegedy et al. 2016) as the public FaceNet checkpoint 20170512-110547 has it."""
from Deep3DFaceReconstruction.networks.layers import BatchNorm, Style, Window, conv2d, he_initializer, linear_norm
from Deep3DFaceReconstruction.tf1 import tf

SCOPE = 'InceptionResnetV1'

# For each branch of a block its convolutions: (scope, filters, kernel).
BLOCK_35 = ((('Conv2d_1x1', 32, (1, 1)),),
            (('Conv2d_0a_1x1', 32, (1, 1)), ('Conv2d_0b_3x3', 32, (3, 3))),
            (('Conv2d_0a_1x1', 32, (1, 1)), ('Conv2d_0b_3x3', 32, (3, 3)), ('Conv2d_0c_3x3', 32, (3, 3))))
BLOCK_17 = ((('Conv2d_1x1', 128, (1, 1)),),
            (('Conv2d_0a_1x1', 128, (1, 1)), ('Conv2d_0b_1x7', 128, (1, 7)), ('Conv2d_0c_7x1', 128, (7, 1))))
BLOCK_8 = ((('Conv2d_1x1', 192, (1, 1)),),
           (('Conv2d_0a_1x1', 192, (1, 1)), ('Conv2d_0b_1x3', 192, (1, 3)), ('Conv2d_0c_3x1', 192, (3, 1))))
REDUCTION_A = ((('Conv2d_1a_3x3', 384, (3, 3)),),
               (('Conv2d_0a_1x1', 192, (1, 1)), ('Conv2d_0b_3x3', 192, (3, 3)), ('Conv2d_1a_3x3', 256, (3, 3))))
REDUCTION_B = ((('Conv2d_0a_1x1', 256, (1, 1)), ('Conv2d_1a_3x3', 384, (3, 3))),
               (('Conv2d_0a_1x1', 256, (1, 1)), ('Conv2d_1a_3x3', 256, (3, 3))),
               (('Conv2d_0a_1x1', 256, (1, 1)), ('Conv2d_0b_3x3', 256, (3, 3)), ('Conv2d_1a_3x3', 256, (3, 3))))


class _Network:
    """The layers' shared options; each method adds one building block to the current graph."""

    def __init__(self, statistics, trainable):
        self.norm = BatchNorm(decay=0.995, epsilon=0.001, scale=False, trainable=trainable, statistics=statistics)
        self.relu = Style(self.norm, tf.nn.relu, trainable=trainable)
        self.linear = Style(trainable=trainable)

    def conv(self, x, filters, kernel, scope, stride=1, padding='SAME'):
        return conv2d(x, filters, Window(kernel, stride, padding), scope, self.relu)

    def residual(self, x, branches, scale, scope, activation=tf.nn.relu):
        """activation(x + scale * 1x1(concat(branches))).

        Args:
          x: [B,H,W,C].
          branches: for each branch its convolutions as (scope, filters, kernel).
          scale: keeps the residual small, for stable training (section 3.3 of the paper).
        """
        with tf.variable_scope(scope):
            outputs = []
            for i, convolutions in enumerate(branches):
                with tf.variable_scope('Branch_%d' % i):
                    y = x
                    for name, filters, kernel in convolutions:
                        y = self.conv(y, filters, kernel, name)
                    outputs.append(y)
            y = conv2d(tf.concat(outputs, 3), x.shape.as_list()[-1], Window((1, 1)), 'Conv2d_1x1', self.linear)
            y = x + scale * y
            return y if activation is None else activation(y)

    def reduction(self, x, branches, scope):
        """Halves the map: strided convolution branches beside a max pooling one, concatenated.

        Args:
          x: [B,H,W,C].
          branches: for each branch its convolutions as (scope, filters, kernel); the last is strided.
        """
        with tf.variable_scope(scope):
            outputs = []
            for i, convolutions in enumerate(branches):
                with tf.variable_scope('Branch_%d' % i):
                    y = x
                    for name, filters, kernel in convolutions[:-1]:
                        y = self.conv(y, filters, kernel, name)
                    name, filters, kernel = convolutions[-1]
                    outputs.append(self.conv(y, filters, kernel, name, stride=2, padding='VALID'))
            outputs.append(_max_pool(x))
            return tf.concat(outputs, 3)


def _max_pool(x):
    return tf.nn.max_pool(x, [1, 3, 3, 1], [1, 2, 2, 1], 'VALID')


def inception_resnet_v1(images, bottleneck=128, statistics=None, trainable=False):
    """The embedding before its normalisation to unit length.

    Args:
      images: [B,H,W,3] float32, about -1 to 1; H and W are static.
      bottleneck: width of the embedding.
      statistics: a layers.MovingStatistics in training; None normalises by the moving statistics.
      trainable: of all variables; the perceptual loss leaves the network as it is.
    Returns:
      [B,bottleneck] float32.
    """
    net = _Network(statistics, trainable)
    with tf.variable_scope(SCOPE):
        x = net.conv(images, 32, (3, 3), 'Conv2d_1a_3x3', stride=2, padding='VALID')
        x = net.conv(x, 32, (3, 3), 'Conv2d_2a_3x3', padding='VALID')
        x = net.conv(x, 64, (3, 3), 'Conv2d_2b_3x3')
        x = _max_pool(x)
        x = net.conv(x, 80, (1, 1), 'Conv2d_3b_1x1', padding='VALID')
        x = net.conv(x, 192, (3, 3), 'Conv2d_4a_3x3', padding='VALID')
        x = net.conv(x, 256, (3, 3), 'Conv2d_4b_3x3', stride=2, padding='VALID')
        with tf.variable_scope('Repeat'):
            for i in range(5):
                x = net.residual(x, BLOCK_35, 0.17, 'block35_%d' % (i + 1))
        x = net.reduction(x, REDUCTION_A, 'Mixed_6a')
        with tf.variable_scope('Repeat_1'):
            for i in range(10):
                x = net.residual(x, BLOCK_17, 0.10, 'block17_%d' % (i + 1))
        x = net.reduction(x, REDUCTION_B, 'Mixed_7a')
        with tf.variable_scope('Repeat_2'):
            for i in range(5):
                x = net.residual(x, BLOCK_8, 0.20, 'block8_%d' % (i + 1))
        x = net.residual(x, BLOCK_8, 1.0, 'Block8', activation=None)
        x = tf.reduce_mean(x, [1, 2])
        with tf.variable_scope('Bottleneck'):
            weights = tf.get_variable('weights', [x.shape.as_list()[-1], bottleneck], x.dtype,
                                      he_initializer(), trainable=trainable)
            # Batch norm is written for maps: a vector is a map of one pixel.
            x = linear_norm(x[:, None, None, :], weights, net.norm,
                            lambda maps, w: tf.tensordot(maps, w, 1))
            return tf.reshape(x, [-1, bottleneck])
