"""The head of a photo as a layer of its own that moves in front of a background that stays.

The head and its hair are told from the rest by GrabCut (Rother, Kolmogorov & Blake, SIGGRAPH 2004), which starts from
the head of the open model; the edge is made soft along the photo's own (guided filter). What the layer uncovers is
continued from the background beside it.
"""
import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import LUMA
from Deep3DFaceReconstruction.editing.rendering.guided import guided_base
from Deep3DFaceReconstruction.editing.rendering.reflection import reflected

# GrabCut works on so many pixels along the longer side, in so many rounds.
_SIDE, _ROUNDS = 320, 4
# Shares of the face's size: the model's head is sure to be head so far inside of its outline; hair is likely so far
# outside of it, and possible so far.
_SURE, _LIKELY, _POSSIBLE = 0.06, 0.08, 0.6
# The edge of the layer: it is softened over this share of the size along edges of this contrast, and moved outwards.
_SOFT, _CONTRAST, _OUTWARDS = 0.025, 0.1, 0.012
# The background behind the head is like what is so near beside it, and as far from it as strands of hair may reach;
# it is needed where the layer covers more than this (0-1).
_BAND, _FRINGE, _LEAST = 0.15, 0.03, 0.02


def layered(photo, moved, motion):
    """[h,w,3] uint8: the moved pixels of the head in front of the background as it is.

    Args:
      photo: [H,W,3] uint8 RGB.  moved: [h,w,3] uint8, its pixels where the Motion takes them.
      motion: motion.Motion of a head that turns.
    """
    part = photo[motion.window.slices]
    matte = person_matte(part, motion.head.was_head, motion.old_face)
    at = motion.source - np.float32(motion.window[:2])
    here = np.stack(np.indices(matte.shape, np.float32)[::-1], axis=2)
    alpha = cv2.remap(matte, at, None, cv2.INTER_LINEAR)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 0.8)
    alpha[motion.face] = 1
    # What does not move stays as it is, to the bit.
    covered = matte > _LEAST
    alpha += (1 - alpha) * covered * np.maximum(1 - np.abs(at - here).max(axis=2), 0)
    size = np.sqrt(max(motion.old_face.sum(), 1))
    behind = reflected(part, covered, _BAND * size, _FRINGE * size)
    result = behind + alpha[:, :, np.newaxis] * (moved - behind)
    return np.uint8(np.rint(np.clip(result, 0, 255)))


def person_matte(part, body, face):
    """[h,w] float32, 0-1: the head with its hair, the neck and what is nearest below in a photo.

    Args:
      part: [h,w,3] uint8 RGB; body, face: [h,w] bool, the meshes of head, neck and shoulders and of the face in it.
    """
    if not face.any():
        return np.ones(face.shape, np.float32)
    size = np.sqrt(face.sum())
    box = _box(body | face, 1.5 * _POSSIBLE * size)
    image, body, face = (array[box] for array in (part, body, face))
    scale = min(1.0, _SIDE / max(face.shape))
    small = tuple(max(int(length * scale), 2) for length in face.shape[::-1])
    body, face = (cv2.resize(np.uint8(array), small, interpolation=cv2.INTER_NEAREST) > 0
                  for array in (body | face, face))
    few = np.ascontiguousarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA)[:, :, ::-1])
    person = _cut(few, _trimap(body, face, size * scale))
    person = cv2.dilate(person, np.ones([max(int(2 * _OUTWARDS * size * scale), 1)] * 2, np.uint8))
    matte = np.zeros(part.shape[:2], np.float32)
    person = cv2.resize(np.float32(person), image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    matte[box] = _softened(person, image, size)
    return matte


def _trimap(body, face, size):
    """[h,w] uint8 of cv2.grabCut: what is sure and what is likely, from the model's body and face [h,w] bool."""
    away, inside = (cv2.distanceTransform(np.uint8(mask), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for mask in (~body, body))
    # Of what is below the face, clothes may be any.
    lowest = np.flatnonzero(face.any(axis=1)).max() if face.any() else len(face) - 1
    below = np.broadcast_to(np.arange(len(face))[:, np.newaxis] > lowest, face.shape)
    labels = np.full(body.shape, cv2.GC_BGD, np.uint8)
    labels[below | (away < _POSSIBLE * size)] = cv2.GC_PR_BGD
    labels[away < _LIKELY * size] = cv2.GC_PR_FGD
    labels[inside > _SURE * size] = cv2.GC_FGD
    return labels


def _cut(image, labels):
    """[h,w] uint8, 0 or 1: GrabCut's piece that holds most of what is sure."""
    sure = labels == cv2.GC_FGD
    if not sure.any() or not (labels == cv2.GC_BGD).any():
        return np.uint8((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))
    labels = labels.copy()
    cv2.setRNGSeed(0)
    cv2.grabCut(image, labels, None, np.zeros([1, 65]), np.zeros([1, 65]), _ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = np.uint8((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))
    found = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones([3, 3], np.uint8)) | np.uint8(sure)
    pieces = cv2.connectedComponents(found)[1]
    return np.uint8(pieces == np.bincount(pieces[sure]).argmax())


def _softened(matte, image, size):
    """[h,w] float32, 0-1: a matte [h,w] with the edges of an image [h,w,3] uint8."""
    guide = np.float32(image.dot(np.float32(LUMA)) / 255)
    soft = guided_base(matte[:, :, np.newaxis], guide, np.ones_like(matte), max(_SOFT * size, 2.0), _CONTRAST)
    return np.clip(1.4 * (soft[:, :, 0] - 0.5) + 0.5, 0, 1)


def _box(mask, room):
    """(rows, columns) of a mask [h,w] bool with room around."""
    rows, columns = np.nonzero(mask)
    room = int(room)
    return (slice(max(int(rows.min()) - room, 0), int(rows.max()) + room + 1),
            slice(max(int(columns.min()) - room, 0), int(columns.max()) + room + 1))
