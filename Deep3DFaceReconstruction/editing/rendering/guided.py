"""Smoothing that keeps strong edges, of what is known in parts of an image only."""
import cv2
import numpy as np

from Deep3DFaceReconstruction.surface import texture_fill

# Less weight than this around a pixel says nothing about it.
_LEAST_WEIGHT = 0.02
# The filter is computed at this many pixels along the longer side; only its coefficients are.
_SIDE = 384


def guided_base(values, guide, weight, radius, contrast):
    """[h,w,C] float32: values smoothed over a radius, except across edges of the guide that exceed a contrast.

    The guided filter: He, Sun & Tang, "Guided Image Filtering", PAMI 2013, eq. 5-8, with weighted averages, and
    with its coefficients computed at a lower resolution ("Fast Guided Filter", 2015). Where nothing has weight, the
    base of what is nearby goes on.

    Args:
      values: [h,w,C] float32.  guide: [h,w] float32.  weight: [h,w] float32, 0-1.
      radius: pixels.  contrast: of the guide's unit; edges well below are smoothed, well above kept.
    """
    if not (weight > 0.5).any():
        return np.zeros_like(values)
    step = max(min(max(guide.shape) / _SIDE, radius / 3), 1.0)
    size = tuple(max(int(length / step), 1) for length in guide.shape[::-1])
    small = _resized(weight, size)

    def shrunk(array):
        return _resized(array * _like(weight, array), size) / np.maximum(_like(small, array), 1e-3)

    box = (2 * max(int(round(radius / step)), 1) + 1,) * 2
    total = cv2.blur(small, box)

    def averaged(array):
        blurred = cv2.blur(array * _like(small, array), box).reshape(array.shape)
        return blurred / np.maximum(_like(total, array), 1e-4)

    few, guide_few = shrunk(values), shrunk(guide)
    mean, guide_mean = averaged(few), averaged(guide_few)
    spread = np.maximum(averaged(guide_few ** 2) - guide_mean ** 2, 0)
    together = averaged(few * guide_few[:, :, np.newaxis]) - mean * guide_mean[:, :, np.newaxis]
    slope = together / (spread + contrast ** 2)[:, :, np.newaxis]
    offset = averaged(mean - slope * guide_mean[:, :, np.newaxis])
    slope = averaged(slope)
    slope, offset = (cv2.resize(array, guide.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(values.shape)
                     for array in (slope, offset))
    total = cv2.resize(total, guide.shape[::-1], interpolation=cv2.INTER_LINEAR)
    known = (weight > 0.5) & (total > _LEAST_WEIGHT)
    base = np.float32(slope * guide[:, :, np.newaxis] + offset)
    return texture_fill.spread(base, known if known.any() else weight > 0.5, rounds=20)


def without_small(values, weight, share):
    """[h,w] float32: values [h,w] without spots and lines that are smaller than a share of the longer side.

    The edges of what is larger keep their places: values are held between the lowest and the highest median nearby.
    Args:
      weight: [h,w] float32, 0-1; where it is low, values are first replaced by those nearby.
    """
    scale = min(1.0, _SIDE / max(values.shape))
    size = tuple(max(int(length * scale), 1) for length in values.shape[::-1])
    known = cv2.resize(weight, size, interpolation=cv2.INTER_AREA) > 0.5
    if not known.any():
        return values
    small = texture_fill.spread(cv2.resize(values, size, interpolation=cv2.INTER_AREA)[:, :, np.newaxis], known)
    low, high = float(small.min()), float(small.max())
    levels = np.uint8(np.rint((small - low) * (255 / max(high - low, 1e-3))))
    side = int(share * max(size)) | 1
    middle = np.float32(cv2.medianBlur(levels, max(side, 3))) * np.float32((high - low) / 255) + low
    near = np.ones([max(side // 2, 3)] * 2, np.uint8)
    low, high = (cv2.resize(function(middle, near), values.shape[::-1], interpolation=cv2.INTER_LINEAR)
                 for function in (cv2.erode, cv2.dilate))
    return np.clip(values, low, high)


def _resized(array, size):
    small = cv2.resize(array, size, interpolation=cv2.INTER_AREA)
    return small.reshape(small.shape[:2] + array.shape[2:])


def _like(weight, array):
    return weight[:, :, np.newaxis] if array.ndim == 3 else weight
