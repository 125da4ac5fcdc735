"""Where each pixel of the edited face takes its colour from: the photo's own pixels, moved with the mesh.

Skin and eyes move as the mesh does. What lies between the lips moves with the skull: teeth and gums stay where they are
while the jaw opens. What the photo does not show is left to the texture.
"""
from typing import NamedTuple, Optional

import cv2
import numpy as np

from Deep3DFaceReconstruction.editing.rendering.head_motion import HeadMotion, head_motion
from Deep3DFaceReconstruction.editing.rendering.surroundings import motion_around
from Deep3DFaceReconstruction.photo.camera import Camera, in_camera, project
from Deep3DFaceReconstruction.surface.rasterizer import Window, mesh_window, rasterize

# A point seen this far behind what stands in front of it (dm) was hidden in the photo.
_HIDDEN_BEHIND = 0.03
# The photo must not have seen a point more obliquely than this share of how it is to be seen.
_MIN_COSINE_SHARE = 0.35
# Lids unfold from next to nothing: where a pixel of theirs is stretched over more than so many, it shows no skin.
_MAX_STRETCH = 3.0
# The photo's face is not trusted within this share of its size of its outline where it is stretched over more than so
# many pixels by a turn.
_RIM, _RIM_STRETCH = 0.07, 1.35


class Placed(NamedTuple):
    """A mesh before a camera."""
    camera: Camera
    points: np.ndarray   # [N,3] dm
    normals: np.ndarray  # [N,3] unit
    head: Optional[np.ndarray] = None  # [M,3] dm, the head around it, where that is to move along


class Parts(NamedTuple):
    """Which vertices are what, 0 or 1."""
    inner: np.ndarray  # [N] float32, between the lips: mouth and teeth
    lids: np.ndarray   # [N] float32, the skin of the eyelids


class Motion(NamedTuple):
    """The edited face in a window of h x w pixels of the photo.

    Attributes:
      window: rasterizer.Window outside of which nothing moves.
      source: [h,w,2] float32, (column, row) of the photo.
      face, old_face: [h,w] bool, the edited face, and the face in the photo.
      seen: [h,w] bool, the edited face where the photo shows what is there.
      unfolded: [h,w] bool, lids of which the photo shows too little; not seen.
      inner: [h,w] bool, between the lips.
      values: [h,w,A] float32, the vertex values interpolated on the edited face.
      triangle_ids: [h,w] int32, -1 where the face is not.
      head: head_motion.HeadMotion, where the head turns; else None.
    """

    window: Window
    source: np.ndarray
    face: np.ndarray
    old_face: np.ndarray
    seen: np.ndarray
    unfolded: np.ndarray
    inner: np.ndarray
    values: np.ndarray
    triangle_ids: np.ndarray
    head: Optional[HeadMotion] = None

    @property
    def beside(self):
        """[h,w] bool, the head around the face."""
        return self.head.is_head & ~self.face

    @property
    def moves(self):
        """Whether any pixel of the face comes from another place."""
        rows, columns = np.nonzero(self.face)
        here = np.stack([columns + self.window.left, rows + self.window.top], axis=1)
        return bool(len(rows)) and float(np.abs(self.source[rows, columns] - here).max()) > 0.1


def face_size(window):
    """The longer side of a Window, pixels."""
    return max(window.right - window.left, window.bottom - window.top, 1)


def moved_face(before, after, triangles, parts, values, head_triangles=None):
    """The Motion from one Placed mesh to another.

    Args:
      before, after: Placed, before cameras of the same image; triangles: [F,3] int; parts: Parts.
      values: [N,A] float of the vertices.
      head_triangles: [G,3] int of the heads of `before` and `after`, where they have them.
    """
    window = _common_window(before, after)
    corner = [window.left, window.top]
    pixels, depth = project(before.camera, before.points)
    with_skull = project(before.camera, after.points)[0]
    # Motions, not places, are interpolated: a mesh that stays then gives every pixel to itself, exactly.
    now = project(after.camera, after.points)[0]
    own = np.column_stack([pixels - now, with_skull - now, depth, _cosine(before), _cosine(after), parts.inner,
                           parts.lids])
    drawn = rasterize(after.camera, after.points, np.concatenate([own, values], axis=1), triangles, window)
    old = rasterize(before.camera, before.points, np.column_stack([depth, parts.inner]), triangles, window)
    face, old_face = drawn.triangle_ids >= 0, old.triangle_ids >= 0
    with_mesh, with_skull, facts = np.split(drawn.values[:, :, :9], [2, 4], axis=2)
    depth, cosine, new_cosine, inner, lids = np.moveaxis(facts, 2, 0)
    inner, lids = face & (inner > 0.5), face & (lids > 0.5)
    here = _pixels_of(face)
    with_mesh, with_skull = here + with_mesh, here + with_skull
    seen = (depth <= _surface_at(old, with_mesh) + _HIDDEN_BEHIND) & (cosine > _MIN_COSINE_SHARE * new_cosine)
    was_inner = cv2.remap((old_face & (old.values[:, :, 1] > 0.5)).astype(np.uint8), with_skull, None,
                          cv2.INTER_NEAREST) > 0
    # Where the mouth has not changed, what the mesh says is as good.
    alike = np.abs(with_mesh - with_skull).max(axis=2) < 1
    seen = face & np.where(inner, was_inner | (alike & seen), seen)
    head = None if before.head is None else head_motion(before, after, head_triangles, window)
    if head is not None:
        seen &= ~_stretched_rim(with_mesh, old_face)
    unfolded = lids & (~seen | (_stretch(with_mesh) > _MAX_STRETCH))
    at = np.where(inner[:, :, np.newaxis], with_skull, with_mesh)
    source = _with_surroundings(at, face, old_face, head)
    return Motion(window, source + np.float32(corner), face, old_face, seen & ~unfolded, unfolded, inner,
                  drawn.values[:, :, 9:], drawn.triangle_ids, head)


def _cosine(placed):
    """[N] of the angle at which the camera sees a mesh's points."""
    at = in_camera(placed.camera, placed.points)
    return -(placed.normals.dot(placed.camera.R.T) * at).sum(axis=1) / np.linalg.norm(at, axis=1)


def _surface_at(old, at):
    """[h,w] float32: the depth of what the photo shows at places [h,w,2]; nothing is nearer than where no face is."""
    depth = np.where(old.triangle_ids >= 0, old.values[:, :, 0], np.float32(1e3))
    depth = cv2.dilate(depth, np.ones([3, 3], np.uint8))
    return cv2.remap(depth, at, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=-1e3)


def _stretch(at):
    """[h,w]: pixels of the edited photo for each of the photo's, from sources [h,w,2]."""
    down, across = np.gradient(at, axis=(0, 1))
    area = np.abs(across[:, :, 0] * down[:, :, 1] - across[:, :, 1] * down[:, :, 0])
    return 1 / np.maximum(cv2.blur(area, (3, 3)), 1e-3)


def _stretched_rim(at, old_face):
    """[h,w] bool: what comes, stretched, from the rim of the face in the photo, where hair and background begin."""
    away = cv2.distanceTransform(np.uint8(old_face), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    near = cv2.remap(away, at, None, cv2.INTER_LINEAR) < _RIM * np.sqrt(max(old_face.sum(), 1))
    return near & (_stretch(at) > _RIM_STRETCH)


def _common_window(before, after):
    """The window of both faces with room for the motion around them."""
    windows = [mesh_window(placed.camera, placed.points, margin=2) for placed in (before, after)]
    low = np.min([window[:2] for window in windows], axis=0)
    high = np.max([window[2:] for window in windows], axis=0)
    room = int(1.2 * max(face_size(window) for window in windows)) + 4
    width, height = before.camera.size
    return Window(max(int(low[0]) - room, 0), max(int(low[1]) - room, 0), min(int(high[0]) + room, width),
                  min(int(high[1]) + room, height))


def _with_surroundings(at, face, old_face, head):
    """[h,w,2]: the sources of all pixels of the window, in its own pixels."""
    here = _pixels_of(face)
    if not face.any() or not old_face.any():
        return here
    return np.where(face[:, :, np.newaxis], at, here + motion_around(at - here, face, old_face, head))


def _pixels_of(mask):
    """[h,w,2] float32: (column, row) of the pixels of a mask [h,w]."""
    return np.stack(np.indices(mask.shape, np.float32)[::-1], axis=2)
