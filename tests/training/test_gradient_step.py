"""Contributions of several batches, summed and applied at once."""
import numpy as np

from Deep3DFaceReconstruction.networks import layers
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training.gradient_step import GradientStep


class Toy:
    """One convolution with batch norm, trained by plain gradient descent."""

    def __init__(self, count):
        self.images = tf.placeholder(tf.float32, [None, 4, 4, 2])
        norm = layers.BatchNorm(0.9, 1e-3, statistics=layers.MovingStatistics())
        maps = layers.conv2d(self.images, 3, layers.Window((3, 3)), 'conv', layers.Style(norm))
        self.loss = tf.reduce_mean(tf.square(maps - 1.0))
        self.variables = tf.global_variables()
        self.step = GradientStep(self.loss, norm.statistics, count)
        self.global_step = tf.train.get_or_create_global_step()
        self.skipped = tf.get_variable('skipped', [], tf.int64, tf.zeros_initializer(), trainable=False)
        optimizer = tf.train.GradientDescentOptimizer(0.1)
        self.apply, self.skip = self.step.apply(
            self.step.sums, lambda pairs: [optimizer.apply_gradients(pairs)], self.global_step, self.skipped)


def values_of(session, toy):
    return session.run({v.op.name: v for v in toy.variables})


def test_two_batches_add_up_to_the_mean_of_their_steps():
    batches = np.random.RandomState(0).randn(2, 3, 4, 4, 2).astype(np.float32)
    changes = []
    for batch in batches:
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(1)
            toy = Toy(1)
            session.run(tf.global_variables_initializer())
            before = values_of(session, toy)
            session.run(toy.step.contribution.first, {toy.images: batch})
            session.run(toy.apply)
            changes.append({n: v - before[n] for n, v in values_of(session, toy).items()})
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        toy = Toy(2)
        session.run(tf.global_variables_initializer())
        before = values_of(session, toy)
        finite, _ = session.run([toy.step.contribution.finite, toy.step.contribution.first], {toy.images: batches[0]})
        session.run(toy.step.contribution.more, {toy.images: batches[1]})
        session.run(toy.apply)
        after = values_of(session, toy)
        assert finite
        assert session.run([toy.global_step, toy.skipped]) == [1, 0]
        assert sorted(after) == ['conv/BatchNorm/beta', 'conv/BatchNorm/gamma', 'conv/BatchNorm/moving_mean',
                                 'conv/BatchNorm/moving_variance', 'conv/weights']
        for name in after:
            np.testing.assert_allclose(after[name] - before[name], (changes[0][name] + changes[1][name]) / 2,
                                       rtol=1e-4, atol=1e-6, err_msg=name)
        assert not np.array_equal(after['conv/BatchNorm/moving_mean'], before['conv/BatchNorm/moving_mean'])


def test_a_batch_that_is_not_finite_is_seen_and_can_be_left_out():
    good = np.random.RandomState(0).randn(1, 4, 4, 2).astype(np.float32)
    bad = good.copy()
    bad[0, 1, 2, 0] = np.nan
    with tf.Graph().as_default(), tf.Session() as session:
        toy = Toy(1)
        session.run(tf.global_variables_initializer())
        before = values_of(session, toy)
        for images in (bad, good):
            finite, _ = session.run([toy.step.contribution.finite, toy.step.contribution.first], {toy.images: images})
            assert finite == (images is good)
            session.run(toy.apply if finite else toy.skip)
            after = values_of(session, toy)
            assert all(np.isfinite(v).all() for v in after.values())
            assert all(np.array_equal(after[n], before[n]) for n in after) == (images is bad)
        assert session.run([toy.global_step, toy.skipped]) == [2, 1]
