"""Adam for trunk and heads; heads trained about the mean feature."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.networks import layers, resnet_v1
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training.optimizer import adam_updates

MEAN = np.float32([3.0, 5.0, 0.0, 8.0])


def batches(count):
    random = np.random.RandomState(0)
    return [(MEAN + random.randn(6, 4).astype(np.float32), random.randn(6, 5).astype(np.float32))
            for _ in range(count)]


class Heads:
    """A trunk of one scale for each feature and two heads of widths 2 and 3."""

    def __init__(self, shift=None):
        self.x, self.goal = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.float32, [None, 5])
        with tf.variable_scope(resnet_v1.SCOPE):
            self.scale = tf.get_variable('scale', [4], tf.float32, tf.ones_initializer())
        features = self.x * self.scale if shift is None else (self.x - shift) * self.scale
        features = tf.reshape(features, [-1, 1, 1, 4])
        outputs = [layers.conv2d(features, width, layers.Window((1, 1)), scope,
                                 layers.Style(initializer=tf.zeros_initializer()))
                   for scope, width in (('fc-a', 2), ('fc-b', 3))]
        self.outputs = tf.reshape(tf.concat(outputs, 3), [-1, 5])
        self.loss = tf.reduce_mean(tf.square(self.outputs - self.goal))

    def pairs(self):
        variables = tf.trainable_variables()
        return list(zip(tf.gradients(self.loss, variables), variables))

    def train(self, session, updates, steps):
        session.run(tf.global_variables_initializer())
        for x, goal in batches(steps):
            session.run(updates, {self.x: x, self.goal: goal})


def test_centred_heads_are_the_heads_of_centred_features():
    """The outputs are those of a network whose heads look at the features less their mean."""
    x = batches(1)[0][0]
    with tf.Graph().as_default(), tf.Session() as session:
        heads = Heads(shift=MEAN)
        pairs = [(g, v) for g, v in heads.pairs() if v is not heads.scale]
        heads.train(session, tf.train.AdamOptimizer(0.1).apply_gradients(pairs), 5)
        expected = session.run(heads.outputs, {heads.x: x})
    with tf.Graph().as_default(), tf.Session() as session:
        heads = Heads()
        mean = tf.get_variable('mean', [4], tf.float32, tf.constant_initializer(MEAN), trainable=False)
        pairs = [(g, v) for g, v in heads.pairs() if v is not heads.scale]
        heads.train(session, adam_updates(pairs, tf.constant(0.05), 2.0, mean), 5)
        np.testing.assert_allclose(session.run(heads.outputs, {heads.x: x}), expected, rtol=1e-4, atol=1e-5)
        assert np.abs(expected).max() > 0.1


def test_another_mean_changes_no_output_until_the_next_step():
    """The variables are those of the heads as published: the mean is no part of the network."""
    with tf.Graph().as_default(), tf.Session() as session:
        heads = Heads()
        mean = tf.get_variable('mean', [4], tf.float32, tf.constant_initializer(MEAN), trainable=False)
        heads.train(session, adam_updates(heads.pairs(), tf.constant(0.05), 1.0, mean), 3)
        x = batches(1)[0][0]
        before = session.run(heads.outputs, {heads.x: x})
        mean.load(np.zeros(4, np.float32), session)
        np.testing.assert_array_equal(session.run(heads.outputs, {heads.x: x}), before)


@pytest.mark.parametrize('factor, centred', [(1.0, False), (1.0, True), (0.1, False), (0.1, True)])
def test_the_first_step_of_adam_is_the_rate_of_trunk_and_heads(factor, centred):
    with tf.Graph().as_default(), tf.Session() as session:
        heads = Heads()
        mean = tf.get_variable('mean', [4], tf.float32, tf.constant_initializer(MEAN), trainable=False)
        for scope in ('fc-a', 'fc-b'):  # or nothing would reach the trunk
            with tf.variable_scope(scope, reuse=True):
                tf.add_to_collection('start', tf.get_variable('weights').assign_add(
                    tf.ones_like(tf.get_variable('weights'))))
        updates = adam_updates(heads.pairs(), tf.constant(0.01), factor, mean if centred else None)
        session.run(tf.global_variables_initializer())
        session.run(tf.get_collection('start'))
        variables = {v.op.name: v for v in tf.trainable_variables()}
        before = session.run(variables)
        x, goal = batches(1)[0]
        session.run(updates, {heads.x: x, heads.goal: goal})
        moved = {name: np.abs(value - before[name]) for name, value in session.run(variables).items()}
        np.testing.assert_allclose(moved['resnet_v1_50/scale'], 0.01, rtol=1e-3)
        np.testing.assert_allclose(moved['fc-a/weights'], 0.01 * factor, rtol=2e-3)
        np.testing.assert_allclose(moved['fc-b/weights'], 0.01 * factor, rtol=2e-3)
