"""Fills what a photo does not show of a texture, without seams.

A texel that is not known takes a source's value, corrected by what the known texels differ from that source, spread
from the known ones over all others through an image pyramid ("push-pull", Gortler et al. 1996). What is known stays as
it is to the bit, and colours run on across its border: what a Poisson blend does, in a fraction of the time.
"""
import cv2
import numpy as np

# Smoothing of what was spread, beside the border of the known texels.
SMOOTHING_ROUNDS = 8
# Texels around each known one over which differences are averaged before they are spread, for a 1024 texture.
_DETAIL_BLUR = 3.0


def spread(values, known, rounds=SMOOTHING_ROUNDS):
    """[H,W,C] float32: `values` where known; elsewhere smooth, from the known ones nearby.

    Args:
      values: [H,W,C] float32; known: [H,W] bool, at least one.
      rounds: how often what was spread is smoothed beside the known texels.
    """
    weight = known.astype(np.float32)
    levels = [(values * weight[:, :, None], weight)]
    while max(levels[-1][1].shape) > 1 and not (levels[-1][1] > 0).all():
        levels.append(tuple(_halved(array) for array in levels[-1]))
    filled = _quotient(*levels[-1])
    for total, weight in reversed(levels[:-1]):
        larger = cv2.resize(filled, weight.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(total.shape)
        certain = np.minimum(weight, 1.0)[:, :, None]
        filled = _quotient(total, weight) * certain + larger * (1 - certain)
    mask = np.ascontiguousarray(known, np.uint8)
    values = np.ascontiguousarray(values, np.float32)
    filled = cv2.copyTo(values, mask, np.ascontiguousarray(filled, np.float32))
    for _ in range(rounds):
        filled = cv2.copyTo(values, mask, cv2.blur(filled, (3, 3)))
    return filled.reshape(values.shape)


def _halved(array):
    """Sums over 2 x 2 texels divided by 2, so that a weight grows to 1 where half of its texels are known."""
    height, width = array.shape[:2]
    padded = cv2.copyMakeBorder(array, 0, height % 2, 0, width % 2, cv2.BORDER_CONSTANT)
    small = cv2.resize(padded, (padded.shape[1] // 2, padded.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return small.reshape(small.shape[:2] + array.shape[2:]) * np.float32(2)


def _quotient(total, weight):
    return total / np.maximum(weight, 1e-6)[:, :, None]


def continued(values, known, source, usable):
    """[H,W,C] float32: `values` where known, the source where it is usable, made to fit at the border of the known.

    Args:
      values, source: [H,W,C] float32.
      known, usable: [H,W] bool.
    """
    both = known & usable
    if not both.any():
        return np.where(known[:, :, None], values, source)
    # The correction is smooth: half the resolution serves.
    weight = both.astype(np.float32)
    total = (values - source) * weight[:, :, None]
    size = (max(known.shape[1] // 2, 1), max(known.shape[0] // 2, 1))
    blur = _DETAIL_BLUR * len(values) / 2048.0
    weight = cv2.GaussianBlur(cv2.resize(weight, size, interpolation=cv2.INTER_AREA), (0, 0), blur)
    total = cv2.GaussianBlur(cv2.resize(total, size, interpolation=cv2.INTER_AREA), (0, 0), blur)
    correction = spread(_quotient(total, weight), weight > 0.3)
    correction = cv2.resize(correction, known.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.copyTo(np.ascontiguousarray(values, np.float32), known.astype(np.uint8), source + correction)


def mirrored(values, known, mirror_uv, has_mirror):
    """(values [H,W,C] on the other side of the face, [H,W] bool where they are known).

    Args:
      values: [H,W,C] float32; known: [H,W] bool.
      mirror_uv: [H,W,2] float32 texture coordinates of the mirror image of each texel; has_mirror: [H,W] bool.
    """
    size = len(values)
    column = mirror_uv[:, :, 0] * size - np.float32(0.5)
    row = (1 - mirror_uv[:, :, 1]) * size - np.float32(0.5)
    other = cv2.remap(values, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.remap(known.astype(np.float32), column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return other, has_mirror & (share > 0.999)
