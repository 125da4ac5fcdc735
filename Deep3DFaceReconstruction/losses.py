"""The losses of weakly-supervised training, as pure functions of tensors (Deng et al. 2019, section 3).

The published weights are in the options of the scripts that add the losses up.
"""
import numpy as np

from Deep3DFaceReconstruction.conventions import CHANNELS, EX_PRIOR_WEIGHT, LANDMARK_COUNT, SH_TERMS, TEX_PRIOR_WEIGHT
from Deep3DFaceReconstruction.tf1 import tf

# The inner mouth and the tip of the nose count 20 times (0-based iBUG numbers).
WEIGHTED_LANDMARKS = tuple(range(28, 31)) + tuple(range(60, 68))
LANDMARK_WEIGHT = 20.0


def Photo_loss(input_imgs, render_imgs, img_mask):
    """Mean colour distance over the mask (eq. 3), in units of 1 = 255 levels.

    Args:
      input_imgs, render_imgs: [B,H,W,3] BGR 0-255.
      img_mask: [B,H,W,1], the photometric region times the skin attention (0-1); no gradient goes through it.
    Returns:
      A scalar: sum |I - I'| mask / 255 over max(sum mask, 1). Its gradient is 0 where the two colours agree.
    """
    img_mask = tf.stop_gradient(tf.squeeze(img_mask, 3))
    squared = tf.reduce_sum(tf.square(input_imgs - render_imgs), axis=3)
    differs = squared > 0
    # The square root's slope is infinite at 0, and infinity times 0 is NaN: keep 0 away from it on both sides.
    distance = tf.where_v2(differs, tf.sqrt(tf.where_v2(differs, squared, 1.0)), 0.0)
    return tf.reduce_sum(distance * img_mask / 255.0) / tf.maximum(tf.reduce_sum(img_mask), 1.0)


def landmark_weights():
    """[68] float32: 20 for the inner mouth and the nose, else 1."""
    weights = np.ones(LANDMARK_COUNT, np.float32)
    weights[list(WEIGHTED_LANDMARKS)] = LANDMARK_WEIGHT
    return weights


def Landmark_loss(landmark_p, landmark_label, weights=None):
    """Weighted mean square distance of landmarks (eq. 4), pixels squared.

    Args:
      landmark_p, landmark_label: [B,68,2] pixels, y up.
      weights: [68] or [B,68]; landmark_weights() where not given.
    """
    if weights is None:
        weights = landmark_weights()
    squared = tf.reduce_sum(tf.square(landmark_p - landmark_label), axis=2)
    count = tf.cast(tf.shape(landmark_p)[0], tf.float32) * LANDMARK_COUNT
    return tf.reduce_sum(squared * weights) / tf.maximum(count, 1.0)


def Perceptual_loss(id_feature, id_label):
    """Mean over the batch of max(0, 1 - cosine) of two [B,K] features (eq. 5)."""
    cosine = tf.reduce_sum(tf.nn.l2_normalize(id_feature, axis=1) * tf.nn.l2_normalize(id_label, axis=1), axis=1)
    return tf.reduce_mean(tf.maximum(0.0, 1.0 - cosine))


def Regulation_loss(id_coeff, ex_coeff, tex_coeff, ex_weight=EX_PRIOR_WEIGHT, tex_weight=TEX_PRIOR_WEIGHT):
    """Prior on the model coefficients (eq. 6): mean over the batch of |a|^2 + w_b |b|^2 + w_g |d|^2."""
    def square_norm(coeff):
        return tf.reduce_mean(tf.reduce_sum(tf.square(coeff), axis=1))

    return square_norm(id_coeff) + ex_weight * square_norm(ex_coeff) + tex_weight * square_norm(tex_coeff)


def Reflectance_loss(face_texture, skinmask):
    """Flatness of the albedo over the skin (eq. 7).

    Args:
      face_texture: [B,N,3], RGB 0-255.
      skinmask: [N], 0 or 1.
    Returns:
      A scalar: the variance of the albedo / 255 over the skin's vertices, summed over channels, mean over the batch.
    """
    weight = tf.reshape(tf.cast(skinmask, tf.float32), [1, -1, 1])
    total = tf.maximum(tf.reduce_sum(weight), 1.0)
    albedo = face_texture / 255.0
    mean = tf.reduce_sum(albedo * weight, axis=1, keepdims=True) / total
    variance = tf.reduce_sum(tf.square(albedo - mean) * weight, axis=[1, 2]) / total
    return tf.reduce_mean(variance)


def Gamma_loss(gamma):
    """Departure of the light from white: mean square of gamma [B,27] minus its mean over the three channels."""
    gamma = tf.reshape(gamma, [-1, CHANNELS, SH_TERMS])
    return tf.reduce_mean(tf.square(gamma - tf.reduce_mean(gamma, axis=1, keepdims=True)))
