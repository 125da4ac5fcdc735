"""How the gradients of a step change R-Net: Adam, with a learning rate of its own for the heads.

The 2048 features are means over the outputs of a ReLU: all positive, and their mean is much longer than the differences
between images. For a head y = f W + b the gradient with respect to W is therefore mostly the mean feature times the
batch's summed error. That says little about a single image, but it sets Adam's step length. Centred heads are trained
as y = (f - m) W + b' with the mean feature m (LeCun et al. 1998, 'Efficient BackProp', section 4.3; Schraudolph 1998),
while the variables stay W and b = b' - m W, so that checkpoints keep their format.
"""
import math

from Deep3DFaceReconstruction.networks import r_net
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training.options import COSINE


def learning_rate(options, step):
    """The learning rate of a step (from 0) of options.TrainOptions.

    The cosine is that of Loshchilov & Hutter 2017 (eq. 5), without restarts.
    """
    if options.lr_schedule == COSINE:
        return options.lr * 0.5 * (1.0 + math.cos(math.pi * min(step / options.steps, 1.0)))
    return options.lr * (options.lr_decay if step >= options.lr_decay_step else 1.0)


def adam_updates(pairs, rate, heads_factor=1.0, feature_mean=None):
    """Ops that apply one step.

    Args:
      pairs: [(gradient, variable)] of R-Net.
      rate: scalar tensor, the learning rate.
      heads_factor: the heads' learning rate over the trunk's.
      feature_mean: [K] variable to centre the heads by, or None. It must not change before the ops have run.
    Returns:
      list of ops.
    """
    if heads_factor == 1.0 and feature_mean is None:
        return [tf.train.AdamOptimizer(rate).apply_gradients(pairs)]
    trunk, heads = [], []
    for gradient, variable in pairs:
        (heads if r_net.is_head(variable.op.name) else trunk).append((gradient, variable))
    heads_optimizer = tf.train.AdamOptimizer(rate * heads_factor)
    updates = [tf.train.AdamOptimizer(rate).apply_gradients(trunk)] if trunk else []
    if feature_mean is None:
        return updates + [heads_optimizer.apply_gradients(heads)]
    return updates + centred_updates(heads_optimizer, heads, feature_mean)


def centred_updates(optimizer, pairs, feature_mean):
    """Ops by which the optimizer takes one step of W and b' for every head.

    Args:
      optimizer: a tf.train.Optimizer.
      pairs: [(gradient, variable)]: SCOPE/weights [1,1,K,D] and SCOPE/biases [D] of each head.
      feature_mean: [K].
    Returns:
      list of ops.
    """
    by_name = {variable.op.name: (gradient, variable) for gradient, variable in pairs}
    centred, before = [], {}
    for name in sorted(by_name):
        gradient, variable = by_name[name]
        if name.endswith('/weights'):
            scope = name[:-len('/weights')]
            of_bias = by_name[scope + '/biases'][0]
            gradient = gradient - tf.reshape(feature_mean, [1, 1, -1, 1]) * of_bias
            before[scope] = _mean_output(feature_mean, variable)
        centred.append((gradient, variable))
    with tf.control_dependencies(list(before.values())):
        applied = optimizer.apply_gradients(centred)
    with tf.control_dependencies([applied]):
        # b' is left as the optimizer set it, so b takes up what the new W does to the mean feature.
        return [tf.assign_add(by_name[scope + '/biases'][1],
                              mean_output - _mean_output(feature_mean, by_name[scope + '/weights'][1]))
                for scope, mean_output in before.items()]


def _mean_output(feature_mean, weights):
    """m W, [D]: a product of its own, not a view of the variable, which is about to change."""
    return tf.reduce_sum(tf.reshape(feature_mean, [-1, 1]) * weights.read_value()[0, 0], 0)
