"""The supervised losses by hand."""
import numpy as np

from Deep3DFaceReconstruction.supervision import losses
from Deep3DFaceReconstruction.tf1 import tf


def run(tensor):
    with tf.Session() as session:
        return session.run(tensor)


def test_image_points_are_pixels_in_depth_too():
    with tf.Graph().as_default():
        # A face 2 dm from the middle towards the camera, which is then 8 dm away: 1015 / 8 pixels per dm.
        got = run(losses.image_points(tf.constant([[[3.0, 4.0]]]), tf.constant([[[0.1, 0.2, 2.5]]]),
                                      tf.constant([[9.0, 9.0, 2.0]])))
    np.testing.assert_allclose(got, [[[3.0, 4.0, 0.5 * 1015 / 8]]], rtol=1e-6)


def test_vertex_and_coefficient_losses():
    with tf.Graph().as_default():
        points = np.zeros([2, 4, 3], np.float32)
        moved = points + np.float32([3, 0, 4])
        moved[1] = 0
        np.testing.assert_allclose(run(losses.vertex_loss(tf.constant(moved), tf.constant(points))), [25, 0])
        coeff = np.float32([[1, 2, 0], [0, 0, 0]])
        got = run(losses.coefficient_loss(tf.constant(coeff), tf.zeros([2, 3]), tf.constant([10.0, 0.5, 7.0])))
        np.testing.assert_allclose(got, [101, 0])


def test_the_likelihood_is_best_where_the_spread_is_that_of_the_errors():
    random = np.random.RandomState(0)
    errors = (4.0 * random.randn(1, 20000, 2)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        log_variance = tf.placeholder(tf.float32, [])
        loss = losses.dense_loss(tf.constant(errors), tf.zeros([1, 20000, 2]),
                                 log_variance * tf.ones([1, 20000]))
        slope = tf.gradients(loss, log_variance)[0]
        got = [session.run([loss, slope], {log_variance: np.log(v)}) for v in (8.0, 16.0, 32.0)]
    assert got[1][0][0] < got[0][0][0] and got[1][0][0] < got[2][0][0]
    assert abs(got[1][1]) < 0.02 and got[0][1] < -0.5 and got[2][1] > 0.4
    # The entropy of the Gaussian without its constant, ln 2 pi.
    np.testing.assert_allclose(got[1][0], [np.log(16.0) + 1], rtol=0.01)


def test_colours_are_compared_in_units_of_white():
    with tf.Graph().as_default():
        black = tf.zeros([1, 5, 3])
        got = run([losses.colour_loss(black + [0.0, 255.0, 0.0], black), losses.colour_loss(black, black)])
    np.testing.assert_allclose(got, [[1], [1e-3]], rtol=1e-5)
