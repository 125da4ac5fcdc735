"""The losses of supervised training, as pure functions of tensors: one number for each sample of a batch.

The errors are measured where a coefficient acts, not in the coefficient itself, because the last components of identity
move a face by a fraction of a pixel and a radian of yaw moves it by a hundred.
"""
from Deep3DFaceReconstruction.conventions import CAMERA_DISTANCE, FOCAL
from Deep3DFaceReconstruction.tf1 import tf

# Where the learned spread of a dense landmark starts: 5 pixels.
START_LOG_VARIANCE = 3.2


def image_points(projected, points, translation):
    """Points of a face in pixels in all three directions, as position maps have them.

    Args:
      projected: [B,K,2] pixels, the points' projection.
      points: [B,K,3] dm, after the rigid transform.
      translation: [B,3] dm.
    Returns:
      [B,K,3]: column and row (y up) in the crop; depth towards the camera from the face's origin, in pixels too.
    """
    depth_scale = FOCAL / (CAMERA_DISTANCE - translation[:, tf.newaxis, 2:])
    return tf.concat([projected, (points[:, :, 2:] - translation[:, tf.newaxis, 2:]) * depth_scale], 2)


def vertex_loss(points, labels):
    """Mean square distance of points [B,K,3] (pixels, see image_points): [B].

    The vertex distance cost of Zhu et al. 2016 (eq. 8), in the image rather than in the model.
    """
    return tf.reduce_mean(tf.reduce_sum(tf.square(points - labels), 2), 1)


def coefficient_loss(coeff, labels, importance):
    """Square error of coefficients [B,257], each in the pixels that it moves the vertices by itself: [B].

    To first order this is vertex_loss without the products of different coefficients: the weighted parameter distance
    cost of Zhu et al. 2016 (eq. 9) with weights that do not depend on the estimate.

    Args:
      importance: [257], see sampled_face.importance.
    """
    return tf.reduce_sum(tf.square((coeff - labels) * importance), 1)


def dense_loss(points, labels, log_variance):
    """Negative log-likelihood of landmarks under round Gaussians of learned spread (Wood et al. 2022, eq. 1): [B].

    Args:
      points, labels: [B,K,2] pixels.
      log_variance: [B,K], of either coordinate.
    """
    squared = tf.reduce_sum(tf.square(points - labels), 2)
    return tf.reduce_mean(log_variance + 0.5 * squared * tf.exp(-log_variance), 1)


def colour_loss(colours, labels):
    """Mean distance of colours [B,K,3] in units of 255: [B]."""
    squared = tf.reduce_sum(tf.square((colours - labels) / 255.0), 2)
    # The square root's slope is infinite at 0.
    return tf.reduce_mean(tf.sqrt(squared + 1e-6), 1)
