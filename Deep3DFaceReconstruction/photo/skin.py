"""Skin attention: how likely each pixel is skin, from its colour alone.

Jones & Rehg 2002, "Statistical Color Models with Application to Skin Detection"; Deng et al. 2019, 3.2.1.
Two mixtures of four Gaussians in YCbCr, one for skin and one for all else, and Bayes' rule.
"""
from collections import namedtuple

import numpy as np

# weights [k], means [k, 3], determinants of the covariances [k], inverse covariances [k, 3, 3].
Mixture = namedtuple('Mixture', ['weights', 'means', 'determinants', 'inverses'])

PRIOR_SKIN = 0.8

# Columns of an inverse are its distinct entries: 00, 01, 02, 11, 12, 22.
_SKIN = (
    # weight, mean Y Cb Cr, determinant, inverse covariance
    (0.24063933, (113.71862, 103.39613, 164.08226), 5692842.5,
     (0.0019472069, 0.0020450759, -0.00060243998, 0.017700525, 0.0051420014, 0.008130895)),
    (0.16365987, (150.19858, 105.18467, 155.51428), 5851930.5,
     (0.0027110141, 0.001103699, 0.0023122299, 0.010707724, 0.010742856, 0.017481629)),
    (0.26034665, (183.92976, 107.62468, 152.7182), 2329131.0,
     (0.0048026871, 0.00022935172, 0.0077668377, 0.011729696, 0.0081661865, 0.025374353)),
    (0.33535415, (114.90524, 113.59782, 151.38217), 1585971.0,
     (0.0011989699, 0.0022453172, -0.0010748957, 0.047758564, 0.020332102, 0.024502251)),
)
_NONSKIN = (
    (0.1279107, (99.200851, 112.07533, 140.20602), 458703648.0,
     (0.00085371657, 0.00071197288, 0.00023958916, 0.002593562, 0.00076557708, 0.0015042332)),
    (0.31130761, (110.91392, 125.52969, 130.19237), 6466488.0,
     (0.0002465015, 0.00045542428, 0.00015019422, 0.026412144, 0.018419769, 0.037497383)),
    (0.34245777, (129.75864, 129.96107, 126.96808), 90611376.0,
     (0.00037054974, 0.0003814676, 0.00040408765, 0.0085505722, 0.0079136286, 0.010982352)),
    (0.21832393, (112.29587, 128.85121, 129.05431), 133097.63,
     (0.00013709733, 0.00051228428, 0.0001277743, 0.28237113, 0.1052837, 0.23468947)),
)

# RGB 0-255 -> YCbCr (ITU-R BT.601 studio range): matrix / 255 . RGB + offset.
_YCBCR_MATRIX = ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))
_YCBCR_OFFSET = (16.0, 128.0, 128.0)


def skin_mixture():
    """The mixture of skin colours."""
    return _mixture(_SKIN)


def nonskin_mixture():
    """The mixture of all other colours."""
    return _mixture(_NONSKIN)


def _mixture(rows):
    weights, means, determinants, inverses = zip(*rows)
    full = np.array(inverses)[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3)
    return Mixture(np.array(weights), np.array(means), np.array(determinants), full)


def ycbcr_from_bgr(image):
    """[..., 3] BGR 0-255 -> [..., 3] float64 Y, Cb, Cr in about 16-240."""
    matrix = np.array(_YCBCR_MATRIX) / 255.0
    return np.einsum('...i,ji->...j', np.asarray(image)[..., ::-1], matrix) + np.array(_YCBCR_OFFSET)


def likelihood(mixture, points):
    """Density of a mixture at points.

    Args:
      mixture: `Mixture`.
      points: [n, 3] float64.
    Returns:
      [n] float64.
    """
    scale = mixture.weights / np.sqrt((2.0 * np.pi) ** 3 * mixture.determinants)
    # The quadratic form of every Gaussian, multiplied out: one matrix product with the monomials of a point.
    y, b, r = (points - mixture.means.mean(axis=0)).T
    means = mixture.means - mixture.means.mean(axis=0)
    monomials = np.stack([y * y, b * b, r * r, y * b, y * r, b * r, y, b, r, np.ones_like(y)])
    q, linear = mixture.inverses, np.einsum('kij,kj->ki', mixture.inverses, means)
    coefficients = np.column_stack([
        q[:, 0, 0], q[:, 1, 1], q[:, 2, 2], 2 * q[:, 0, 1], 2 * q[:, 0, 2], 2 * q[:, 1, 2],
        -2 * linear, np.einsum('ki,ki->k', linear, means)])
    # einsum, not @: a product this flat gains nothing from the threads of a BLAS.
    return np.einsum('k,kn->n', scale, np.exp(-0.5 * np.einsum('kc,cn->kn', coefficients, monomials)))


def skin_probability(image):
    """Posterior probability of skin for every pixel.

    Args:
      image: [..., 3] BGR, 0-255.
    Returns:
      [...] float64, 0-1.
    """
    points = ycbcr_from_bgr(image).reshape(-1, 3)
    skin = PRIOR_SKIN * likelihood(skin_mixture(), points)
    other = (1.0 - PRIOR_SKIN) * likelihood(nonskin_mixture(), points)
    return (skin / (skin + other)).reshape(np.shape(image)[:-1])


def skinmask(image):
    """Attention mask of a crop.

    Args:
      image: [H, W, 3] uint8 BGR.
    Returns:
      [H, W, 3] uint8, round(255 * probability of skin), the same on the three channels.
    Raises:
      ValueError: another shape or type.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[-1] != 3 or image.dtype != np.uint8:
        raise ValueError('skinmask: expected an image [H, W, 3] uint8, got %s %s'
                         % (list(image.shape), image.dtype))
    mask = np.uint8(np.round(skin_probability(image) * 255.0))
    return np.repeat(mask[..., np.newaxis], 3, axis=2)
