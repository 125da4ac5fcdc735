"""Continues an image into what is not known of it by its mirror image at the border, with its texture and grain."""
import cv2
import numpy as np

from Deep3DFaceReconstruction.surface import texture_fill

# The border's direction is that of the distance to it, averaged over this share of the longer side.
_SMOOTH = 0.012


def reflected(image, unknown, band, margin=0.0):
    """[h,w,C] float32: the image [h,w,C] where known, else what is as far on the other side of the border.

    Where that is unknown too, colours are smooth from the border.

    Args:
      unknown: [h,w] bool.
      band: pixels; further inside, the same band beside the border is mirrored to and fro.
      margin: pixels beside the border that are not taken.
    """
    image = np.ascontiguousarray(image, np.float32)
    if not unknown.any() or unknown.all():
        return image
    inside = cv2.distanceTransform(np.uint8(unknown), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform(np.uint8(~unknown), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    distance = cv2.GaussianBlur(inside - outside, (0, 0), max(_SMOOTH * max(unknown.shape), 1.0))
    down, across = np.gradient(distance)
    length = np.maximum(np.hypot(down, across), 1e-3)
    row, column = np.indices(unknown.shape, np.float32)
    # 0 at the border, `band` a band inside, 0 again two bands inside.
    folded = band - np.abs(inside % (2 * band) - band)
    far = inside + folded + margin + 1
    at = np.stack([column - far * across / length, row - far * down / length], axis=2).astype(np.float32)
    mirror = cv2.remap(image, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101).reshape(image.shape)
    clean = cv2.remap(np.float32(outside), at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    mirrored = unknown & (clean > max(0.7 * margin, 0.5))
    known = mirrored | (outside > max(0.7 * margin, 0.5))
    result = np.where(mirrored[:, :, np.newaxis], mirror, image)
    if known.any():
        result = texture_fill.spread(result, known, rounds=10)
    return np.where(unknown[:, :, np.newaxis], result, image)
