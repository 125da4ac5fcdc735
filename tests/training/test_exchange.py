"""Waiting, and the exchange of a cluster of one; tests/training/test_distributed.py runs a real one."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.networks.layers import MovingStatistics
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training import cluster, exchange
from Deep3DFaceReconstruction.training.gradient_step import GradientStep


def test_a_wait_ends_with_what_was_found_or_with_a_signal():
    answers = iter([None, 0, 'found'])
    assert exchange.wait_for(lambda: next(answers), lambda: False) == 'found'
    with pytest.raises(cluster.InterruptedWaitError):
        exchange.wait_for(lambda: None, lambda: 'SIGTERM')


def test_alone_the_sums_are_the_own_ones_and_nobody_is_waited_for():
    with tf.Graph().as_default(), tf.Session() as session, tf.device(cluster.ALONE.device_setter()):
        x = tf.get_variable('x', initializer=tf.constant([1.0, 2.0]))
        step = GradientStep(tf.reduce_sum(x * x), MovingStatistics(), 1, cluster.ALONE.worker_device)
        alone = exchange.Exchange(cluster.ALONE, step, 1)
        generation = exchange.Generation(cluster.ALONE)
        assert alone.sums is step.sums
        assert {v.op.name for v in tf.global_variables()} == {'x'}  # nothing more in checkpoints
        session.run(tf.global_variables_initializer())
        assert generation.read(session) == exchange.CLOSED
        number = generation.open(session)
        assert generation.read(session) == number > 0
        session.run(step.contribution.first)

        def waiting(workers):
            raise AssertionError('waits for %s' % workers)
        assert alone.collect(session, number, 0, lambda: True, waiting) == []
        np.testing.assert_array_equal(session.run(alone.sums[0]), [2.0, 4.0])
