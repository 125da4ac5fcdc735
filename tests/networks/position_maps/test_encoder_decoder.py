"""The encoder-decoder has PRNet's sizes, and starts from the mean face's map."""
import numpy as np

from Deep3DFaceReconstruction.networks.layers import MovingStatistics
from Deep3DFaceReconstruction.networks.position_maps import encoder_decoder
from Deep3DFaceReconstruction.tf1 import tf


def test_it_starts_from_the_mean_map():
    mean = np.random.RandomState(0).uniform(0, 224, [256, 256, 3]).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        statistics = MovingStatistics()
        images = tf.random_uniform([2, 224, 224, 3], 0, 255, seed=1)
        found = encoder_decoder.position_net(images, 1, mean, statistics)
        last, = [v for v in tf.trainable_variables() if v.op.name == 'position_map/last/weights']
        slope, = tf.gradients(tf.reduce_mean(found), [last])
        session.run(tf.global_variables_initializer())
        values, slope = session.run([found, slope])
    assert 'position_map/mean' not in [v.op.name for v in tf.trainable_variables()]
    assert found.shape.as_list()[1:] == [256, 256, 3] and len(statistics.steps) == 2 * (1 + 10 * 3 + 5 + 14)
    np.testing.assert_array_equal(values, np.stack([mean, mean]))
    assert np.abs(slope).max() > 0


def test_the_published_width():
    """16 channels at first and 512 at 8x8, as published: 13 million weights."""
    assert [encoder_decoder.base_channels(width) for width in (1.0, 0.25, 0.01)] == [16, 4, 1]
    with tf.Graph().as_default() as graph:
        encoder_decoder.position_net(tf.zeros([1, 224, 224, 3]), 16, None)
        weights = [v for v in tf.trainable_variables() if v.op.name.endswith('/weights')]
        deepest = graph.get_tensor_by_name('position_map/block10/Relu_2:0').shape.as_list()
    assert deepest == [1, 8, 8, 512]
    assert 12.5e6 < sum(np.prod(v.shape.as_list()) for v in weights) < 14e6
