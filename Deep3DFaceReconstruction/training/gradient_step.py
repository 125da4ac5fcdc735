"""One optimizer step made of any number of batches' contributions.

A batch contributes its gradients and what it would add to the moving statistics of batch norm. Contributions are
summed and then applied at once: whether the batches came one after the other (accumulation) or from several machines
is the same to the result. With `count` batches a step each contribution is divided by count beforehand, so that the
sum is the mean. Batch norm normalises each batch by itself in every case ("ghost" batch norm, Hoffer et al. 2017).
"""
from typing import NamedTuple

from Deep3DFaceReconstruction.tf1 import tf


class Contribution(NamedTuple):
    """What one batch does to the sums of this process."""
    finite: tf.Tensor    # bool: whether the loss and all contributions are
    first: tf.Operation  # sets the sums
    more: tf.Operation   # adds to the sums


class GradientStep:
    """Sums contributions in variables of this process and applies them.

    Args:
      loss: scalar to minimise.
      moving_statistics: the layers.MovingStatistics that the batch moves.
      count: batches per step over all processes.
      sum_device: device of this process's sums; '' leaves it to TensorFlow.
      scopes: the variables to train, by the starts of their names; None trains all. No gradient is computed for others.
    """

    def __init__(self, loss, moving_statistics, count, sum_device='', scopes=None):
        trained = [v for v in tf.trainable_variables() if scopes is None or v.op.name.startswith(scopes)]
        gradients = tf.gradients(loss / count, trained)
        statistics = moving_statistics.steps
        self.trained = [v for v, g in zip(trained, gradients) if g is not None]
        self.statistics = [moving for moving, _ in statistics]
        tensors = [g for g in gradients if g is not None] + [step / count for _, step in statistics]
        with tf.device(sum_device):
            self.sums = make_sums(self.targets, 'step')
        # One non-finite element makes the sum of squares non-finite; so does a gradient of 1e19 and more.
        finite = tf.is_finite(loss) & tf.is_finite(tf.add_n([tf.nn.l2_loss(t) for t in tensors]))
        self.contribution = Contribution(
            finite, tf.group(*[tf.assign(s, t) for s, t in zip(self.sums, tensors)]),
            tf.group(*[tf.assign_add(s, t) for s, t in zip(self.sums, tensors)]))

    @property
    def targets(self):
        """The variables that a step changes, in the order of the sums."""
        return self.trained + self.statistics

    def apply(self, sums, updates_of, global_step, skipped):
        """Ops that end a step.

        Args:
          sums: what to apply, in the order of `targets`.
          updates_of: function of [(gradient, variable)] -> the ops that train these variables.
          global_step: int64 variable, counts every step: the position in the data.
          skipped: int64 variable, counts those that were not applied.
        Returns:
          (apply, skip): the ops for a sound and for a non-finite sum.
        """
        count = len(self.trained)
        updates = updates_of(list(zip(sums[:count], self.trained)))
        # The optimizer may read the moving statistics: they change after it.
        with tf.control_dependencies(updates):
            moved = [tf.assign_add(moving, step) for moving, step in zip(self.statistics, sums[count:])]
        with tf.control_dependencies(updates + moved):
            applied = tf.assign_add(global_step, 1)
        with tf.control_dependencies([tf.assign_add(skipped, 1)]):
            dropped = tf.assign_add(global_step, 1)
        return tf.group(applied), tf.group(dropped)


def make_sums(targets, scope):
    """Variables of the targets' shapes that checkpoints leave out; they are set before they are read."""
    with tf.variable_scope('sums/' + scope, reuse=False):
        return [tf.get_variable(v.op.name, v.shape, v.dtype.base_dtype, tf.zeros_initializer(), trainable=False,
                                collections=[tf.GraphKeys.LOCAL_VARIABLES]) for v in targets]
