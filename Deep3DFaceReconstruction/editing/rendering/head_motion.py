"""How hair, ears and neck turn with a face: as the head of the open model, whose depth the photo does not show.

Where the photo shows the head's surface, that is moved; shoulders and all that is far from the head stay. Where the
head was hidden, and in hair, which stands off from it, motions are interpolated (surroundings). The background is a
layer of its own (head_layer).
"""
from typing import NamedTuple

import cv2
import numpy as np

from Deep3DFaceReconstruction.editing.rendering.surroundings import smooth_step
from Deep3DFaceReconstruction.photo.camera import in_camera, project
from Deep3DFaceReconstruction.surface.rasterizer import rasterize

# The neck, from the face's lowest point down: so far (dm) it turns less and less.
_NECK = 0.5
# A point so far behind what is seen (dm) was hidden.
_HIDDEN_BEHIND = 0.04
# Hair moves up to this share of the face's size beyond the head, and so many times what its outline does.
_REACH, _REACH_PER_MOTION = 0.2, 1.5


class HeadMotion(NamedTuple):
    """Motions of a window of h x w pixels.

    Attributes:
      motion: [h,w,2] float32, what to add to a pixel's place for its source.
      known: [h,w] bool, where it says so; is_head: [h,w] bool, where the turned head, neck and shoulders are.
      was_head: [h,w] bool, where head, neck and shoulders were.
    """

    motion: np.ndarray
    known: np.ndarray
    is_head: np.ndarray
    was_head: np.ndarray


def head_motion(before, after, triangles, window):
    """The HeadMotion from one motion.Placed to another, both with their heads.

    Args:
      triangles: [F,3] int of the heads; window: rasterizer.Window.
    """
    old = in_camera(before.camera, before.head)
    lowest = before.points[:, 1].min()
    share = smooth_step((before.head[:, 1] - (lowest - _NECK)) / _NECK)[:, np.newaxis]
    new = old + share * (in_camera(after.camera, after.head) - old)
    camera = before.camera._replace(R=np.eye(3), t=np.zeros(3))
    (pixels, depth), now = project(camera, old), project(camera, new)[0]
    drawn = rasterize(camera, new, np.column_stack([pixels - now, depth]), triangles, window)
    shown = rasterize(camera, old, depth[:, np.newaxis], triangles, window)
    motion, depth = np.ascontiguousarray(drawn.values[:, :, :2]), drawn.values[:, :, 2]
    is_head, was_head = drawn.triangle_ids >= 0, shown.triangle_ids >= 0
    here = np.stack(np.indices(is_head.shape, np.float32)[::-1], axis=2)
    surface = cv2.remap(np.where(was_head, shown.values[:, :, 0], np.float32(1e3)), here + motion, None,
                        cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=1e3)
    known = is_head & (depth <= surface + _HIDDEN_BEHIND)
    outline = known & (cv2.erode(np.uint8(is_head), np.ones([5, 5], np.uint8)) == 0)
    largest = float(np.linalg.norm(motion[outline], axis=1).max()) if outline.any() else 0.0
    size = np.sqrt(max(is_head.sum(), 1)) * 0.6  # about that of the face
    away = cv2.distanceTransform(np.uint8(~(is_head | was_head)), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    still = away > _REACH * size + _REACH_PER_MOTION * largest
    motion = motion * (known & ~still)[:, :, np.newaxis]
    return HeadMotion(motion, known | still, is_head, was_head)
