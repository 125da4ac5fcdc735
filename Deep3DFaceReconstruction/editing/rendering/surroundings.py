"""How hair, neck and background move with a face: its outline goes to the old one's, and that motion fades outwards.

So nothing of the old face stays beside the new one, and there is no seam, as all colours are still the photo's.
"""
import cv2
import numpy as np
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction.surface import texture_fill

# The motion ends within this share of the face's size, or so many times the largest motion.
_REACH, _REACH_PER_MOTION = 0.55, 3.0
# Motion fields are smooth: they are spread at this many pixels along the longer side.
FIELD_SIDE = 512
# A smaller motion of the outline than this many pixels is none.
_LEAST = 0.25
# Motions around a head are averaged over this share of the face's size.
_HEAD_BLUR = 0.04


def motion_around(moved, face, old_face, head=None):
    """[h,w,2] float32: what to add to a pixel's place for its source; smooth beside the face, zero far away.

    Args:
      moved: [h,w,2] float32, likewise on the face; face, old_face: [h,w] bool, the edited face and the photo's.
      head: head_motion.HeadMotion, for a head that turns; without it, the motion fades out with the distance.
    """
    size = np.sqrt(face.sum())
    scale = min(1.0, FIELD_SIDE / max(face.shape))
    at, shift = _outline_motion(moved, face, old_face)
    largest = float(np.linalg.norm(shift, axis=1).max()) if len(shift) else 0.0
    if largest < _LEAST:
        return np.zeros(face.shape + (2,), np.float32)
    small = (max(int(face.shape[0] * scale), 2), max(int(face.shape[1] * scale), 2))
    field, known = np.zeros(small + (2,), np.float32), np.zeros(small, np.float32)
    cells = np.minimum((at * scale).astype(int), [small[1] - 1, small[0] - 1])
    np.add.at(field, (cells[:, 1], cells[:, 0]), shift)
    np.add.at(known, (cells[:, 1], cells[:, 0]), 1)
    if head is not None:
        return _around_head(field, known, face, head)
    field = texture_fill.spread(field / np.maximum(known, 1)[:, :, np.newaxis], known > 0, rounds=40)
    inside = cv2.resize(face.astype(np.uint8), small[::-1], interpolation=cv2.INTER_NEAREST)
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / scale
    fade = smooth_step(1 - away / max(_REACH * size, _REACH_PER_MOTION * largest)) * _border_fade(small)
    field *= fade[:, :, np.newaxis].astype(np.float32)
    return cv2.resize(field, face.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _around_head(field, known, face, head):
    """[h,w,2]: as motion_around, from sums of motions at the outline [k,l,2], their numbers [k,l] and a HeadMotion."""
    small = known.shape[::-1]
    share = cv2.resize(np.float32(head.known & ~face), small, interpolation=cv2.INTER_AREA)
    motion = cv2.resize(head.motion * (head.known & ~face)[:, :, np.newaxis], small, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(np.uint8(face), small, interpolation=cv2.INTER_NEAREST) > 0
    use = (share > 0.5) & ~inside & (known == 0)
    field[use], known[use] = motion[use], share[use]
    field = texture_fill.spread(field / np.maximum(known, 1e-3)[:, :, np.newaxis], known > 0, rounds=60)
    # What is beside the face's outline moves with it, what is further out with the head, without a step.
    smooth = cv2.GaussianBlur(field, (0, 0), _HEAD_BLUR * np.sqrt(max(inside.sum(), 1)))
    near = cv2.distanceTransform(np.uint8(~inside), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    mix = smooth_step(near / (0.1 * np.sqrt(max(inside.sum(), 1))))[:, :, np.newaxis]
    field = np.float32((field + mix * (smooth - field)) * _border_fade(field.shape[:2])[:, :, np.newaxis])
    return cv2.resize(field, face.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _outline_motion(moved, face, old_face):
    """(pixels [K,2] of the face's outline, their motion [K,2] onto the old outline), float32."""
    edge = _outline(face)
    at = np.stack(np.nonzero(edge)[::-1], axis=1).astype(np.float32)
    source = at + moved[edge]
    outline = np.stack(np.nonzero(_outline(old_face))[::-1], axis=1).astype(np.float32)
    if not len(outline) or not len(at):
        return at, source - at
    distance, nearest = cKDTree(outline).query(source)
    # The outline itself is only known to a pixel: a mesh that does not move must not move its surroundings.
    snapped = np.clip((distance - 1.0) / 2.0, 0, 1)[:, np.newaxis].astype(np.float32)
    return at, source - at + snapped * (outline[nearest] - source)


def _border_fade(shape):
    """[h,w] float: 0 on the window's border, 1 a tenth of its size away."""
    rows, columns = np.indices(shape)
    near = np.minimum(np.minimum(rows, shape[0] - 1 - rows), np.minimum(columns, shape[1] - 1 - columns))
    return smooth_step(near / (0.1 * max(shape)))


def _outline(mask):
    """[h,w] bool: the mask's pixels beside what is not the mask; the window's own border does not count."""
    return mask & (cv2.erode(mask.astype(np.uint8), np.ones([3, 3], np.uint8)) == 0)


def smooth_step(x):
    """0 up to 0, 1 from 1 on, smooth between."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)
