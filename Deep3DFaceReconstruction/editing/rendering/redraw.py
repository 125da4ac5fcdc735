"""The photo with its face changed: moved pixels, what the photo did not show filled in, ratios on top."""
from typing import NamedTuple, Optional

import cv2
import numpy as np

from Deep3DFaceReconstruction.editing.rendering import ratios
from Deep3DFaceReconstruction.editing.rendering.head_layer import layered
from Deep3DFaceReconstruction.editing.rendering.motion import Motion, Placed, moved_face
from Deep3DFaceReconstruction.editing.rendering.reflection import reflected
from Deep3DFaceReconstruction.editing.rendering.surroundings import smooth_step
from Deep3DFaceReconstruction.surface import texture, texture_fill

# Texels per pixel of the face, and the texture's limits.
_TEXELS, _SMALLEST, _LARGEST = 1.6, 512, 2048
# What is filled in fades into the photo over this share of the face's size.
_FEATHER = 0.02
# What is filled in on a turned face fades into the head beside it over this share of the face's size.
_HEAD_FADE = 0.09
# Fewer pixels than this are not worth a texture.
_FEWEST = 12
# What is hidden over less than this share of the face's size, such as the rim of a nostril, stays as the photo has it.
_HIDDEN_SPECK = 0.012
# What the model has between the lips is averaged over this share of the face's size.
_MOUTH_BLUR = 0.004
# The lips keep this much of the light from what is between them.
_MOUTH_LIGHT = 0.85
# Within this share of the face's size of its old outline, the photo may show what is beside the face.
_OUTLINE_MARGIN = 0.03
# Detail of the skin is finer than this share of the face's size, within limits (logarithm), and goes on from a band.
_DETAIL, _MOST_DETAIL, _DETAIL_BAND = 0.008, 0.05, 0.1
# Edges of what was cut are averaged over this many pixels.
_EDGE_BLUR = 0.7


class Look(NamedTuple):
    """A face before a camera, as it looks.

    Attributes:
      placed: motion.Placed.
      shading: [N,3], colour = albedo * shading; albedo: [N,3] RGB 0-255.
    """

    placed: Placed
    shading: np.ndarray
    albedo: np.ndarray

    @property
    def lit_mesh(self):
        """It as a texture.LitMesh."""
        return texture.LitMesh(self.placed.points, self.placed.normals, self.albedo, self.shading)


class Surface(NamedTuple):
    """What all faces of a model share: its face_atlas.FaceAtlas, motion.Parts [N] and the triangles of their heads."""
    atlas: tuple
    parts: tuple
    head_triangles: Optional[np.ndarray] = None


class Redrawn(NamedTuple):
    """An edited photo.

    Attributes:
      image: [H,W,3] uint8 RGB.
      motion: motion.Motion; its values are the shading [3], texture coordinates [2] and albedo [3].
    """

    image: np.ndarray
    motion: Motion


def redraw(photo, old, bent, new, surface):
    """The Redrawn photo.

    Args:
      photo: [H,W,3] uint8 RGB; surface: Surface.
      old: the Look that it shows; new: the Look to give it; bent: new's place with the light and albedo of old.
    """
    logs = np.concatenate([ratios.log_ratio(old.shading, bent.shading),
                           ratios.log_ratio(bent.shading, new.shading, old.albedo, new.albedo)], axis=1)
    motion = moved_faces(old, new, surface, logs)
    bent_logs, changed = np.split(motion.values[:, :, :6], 2, axis=2)
    motion = motion._replace(values=np.ascontiguousarray(motion.values[:, :, 6:]))
    moved = sampled(photo, motion)
    if motion.head is not None:
        moved = layered(photo, moved, motion)
    result = moved.astype(np.float32)
    result = _with_lids(result, motion)
    result *= ratios.ratio_image(np.ascontiguousarray(bent_logs), np.ascontiguousarray(changed), motion.face, moved)
    hidden = hidden_part(motion)
    if hidden.any() and motion.moves:
        share = _fill_share(hidden, motion)[:, :, np.newaxis]
        result = result + share * (_filling(photo, old, surface, motion, result) - result)
        if motion.head is not None:
            result = _into_head(result, hidden, motion)
    return Redrawn(put_into(photo, softened(result, motion), motion), motion)


def moved_faces(old, new, surface, values):
    """motion.moved_face from one Look to another; after the values come the new shading [3], uv [2], new albedo [3]."""
    vertices = surface.atlas.vertices
    before, after = (look.placed._replace(points=look.placed.points[vertices], normals=look.placed.normals[vertices])
                     for look in (old, new))
    values = np.column_stack([np.column_stack([values, new.shading])[vertices], surface.atlas.uv, new.albedo[vertices]])
    parts = type(surface.parts)(*[flags[vertices] for flags in surface.parts])
    return moved_face(before, after, surface.atlas.triangles, parts, values, surface.head_triangles)


def put_into(photo, part, motion):
    """A copy of the photo with the window of a Motion replaced by [h,w,3] float."""
    image = photo.copy()
    image[motion.window.slices] = np.rint(np.clip(part, 0, 255))
    return image


def sampled(photo, motion):
    """[h,w,3] uint8: the photo's pixels where a Motion takes them."""
    here = np.stack(np.indices(motion.face.shape, np.float32)[::-1], axis=2) + np.float32(motion.window[:2])
    moved = np.abs(motion.source - here).max(axis=2) > 0.02
    result = cv2.remap(photo, motion.source, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.where(moved[:, :, np.newaxis], result, photo[motion.window.slices])


def hidden_part(motion):
    """[h,w] bool: the face where only a texture says how it looks."""
    hidden = motion.face & ~motion.seen & ~motion.unfolded
    specks = np.ones([max(int(round(_HIDDEN_SPECK * np.sqrt(motion.face.sum()))), 3)] * 2, np.uint8)
    return _without_specks(hidden & motion.inner) | (cv2.morphologyEx(np.uint8(hidden), cv2.MORPH_OPEN, specks) > 0)


def _without_specks(mask):
    """[h,w] bool: the pieces of a mask [h,w] bool of at least _FEWEST pixels."""
    labels, facts = cv2.connectedComponentsWithStats(np.uint8(mask))[1:3]
    return mask & (facts[:, cv2.CC_STAT_AREA] >= _FEWEST)[labels]


def _into_head(image, hidden, motion):
    """The image [h,w,3] with what is filled in [h,w] faded into ears and hair at the rim of the face's mesh."""
    reach = max(_HEAD_FADE * np.sqrt(motion.face.sum()), 1.0)
    beside = cv2.distanceTransform(np.uint8(~motion.beside), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    band = hidden & (beside < reach)
    if not motion.beside.any() or not band.any():
        return image
    share = cv2.GaussianBlur(np.float32(hidden), (0, 0), 0.3 * reach) * (1 - smooth_step(beside / reach)) * motion.face
    around = texture_fill.spread(np.float32(image), motion.beside & (beside == 0), rounds=10)
    return image + np.float32(share)[:, :, np.newaxis] * (around - image)


def _fill_share(hidden, motion):
    """[h,w] float32, 0-1: how much of a pixel is filled in; what fills the mouth ends at the lips."""
    reach = max(_FEATHER * np.sqrt(motion.face.sum()), 1.0)
    share = np.zeros(hidden.shape, np.float32)
    for layer in (motion.inner, motion.face & ~motion.inner):
        near = cv2.distanceTransform((~(hidden & layer)).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        share += layer * np.clip(1 - near / reach, 0, 1)
    return share


def _filling(photo, old, surface, motion, result):
    """[h,w,3] float32: the face as its texture has it, and what is between the lips as the model has it.

    The texture is made to fit what is seen around. Between the lips a fit is seldom so near that a texture taken from
    the photo would not show teeth beside the teeth.
    """
    shading, _, albedo = np.split(motion.values, [3, 5], axis=2)
    inside = cv2.GaussianBlur(albedo * np.clip(shading, ratios.MIN_SHADING, 1.0) * _MOUTH_LIGHT, (0, 0),
                              max(_MOUTH_BLUR * np.sqrt(motion.face.sum()), 0.5))
    outside = motion.face & ~motion.inner
    known = outside & motion.seen & _well_inside(motion)
    if (outside & ~motion.seen).sum() < _FEWEST or not known.any():
        return inside
    image = textured(face_albedo(photo, old, surface.atlas, texture_side(motion.face)), motion)
    image = texture_fill.continued(result, known, np.ascontiguousarray(image, np.float32), outside)
    image = image * _detail(result, known, np.sqrt(motion.face.sum()))
    return np.where(motion.inner[:, :, np.newaxis], inside, image)


def _detail(image, known, size):
    """[h,w,1] float32: the detail of the skin [h,w,3] where known [h,w], and beyond its mirror image, as a factor."""
    logs = np.log(np.maximum(image.mean(axis=2), 8.0))
    weight = np.float32(known)
    blur = max(_DETAIL * size, 0.8)
    average = cv2.GaussianBlur(logs * weight, (0, 0), blur) / np.maximum(cv2.GaussianBlur(weight, (0, 0), blur), 1e-3)
    detail = np.clip(logs - average, -_MOST_DETAIL, _MOST_DETAIL)[:, :, np.newaxis]
    return np.where(known[:, :, np.newaxis], 1, np.exp(reflected(detail, ~known, _DETAIL_BAND * size)))


def _well_inside(motion):
    """[h,w] bool: pixels that come from well inside of the face's old outline."""
    away = cv2.distanceTransform(motion.old_face.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    at = motion.source - np.float32(motion.window[:2])
    return cv2.remap(away, at, None, cv2.INTER_LINEAR) > _OUTLINE_MARGIN * np.sqrt(motion.old_face.sum())


def _with_lids(image, motion):
    """Fills lids of which the photo shows too little with the skin around them."""
    if motion.unfolded.sum() < _FEWEST:
        return image
    result = image.copy()
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(
        cv2.dilate(motion.unfolded.astype(np.uint8), np.ones([5, 5], np.uint8)))
    for left, top, width, height, _ in boxes[1:count]:
        room = max(width, height)
        box = slice(max(top - room, 0), top + height + room), slice(max(left - room, 0), left + width + room)
        lids = motion.unfolded[box].astype(np.uint8)
        known = motion.face[box] & (cv2.dilate(lids, np.ones([3, 3], np.uint8)) == 0)
        if known.any():
            skin = texture_fill.spread(image[box], known, rounds=20)
            share = cv2.GaussianBlur(lids.astype(np.float32), (0, 0), max(0.04 * room, _EDGE_BLUR))[:, :, np.newaxis]
            result[box] += share * (skin - result[box])
    return result


def softened(image, motion):
    """[h,w,3]: smooth where neighbouring pixels come from distant places of the photo."""
    steps = [np.abs(np.diff(motion.source, axis=axis)).max(axis=2) for axis in (0, 1)]
    cut = np.zeros(motion.face.shape, np.uint8)
    limit = 4.0
    cut[1:][steps[0] > limit] = 1
    cut[:, 1:][steps[1] > limit] = 1
    near_face = cv2.dilate(motion.face.astype(np.uint8), np.ones([3, 3], np.uint8))
    cut = cv2.dilate(cut, np.ones([2, 2], np.uint8)) & near_face
    return np.where(cut[:, :, np.newaxis] > 0, cv2.GaussianBlur(image, (0, 0), _EDGE_BLUR), image)


def texture_side(face):
    """Texels of a texture's side for a face [h,w] bool that is so large in its image."""
    side = _TEXELS * np.sqrt(face.sum())
    return int(np.clip(128 * round(side / 128), _SMALLEST, _LARGEST))


def face_albedo(photo, look, atlas, size):
    """[S,S,3] uint8: a face's texture without its light, from its photo."""
    return texture.bake(photo, look.placed.camera, look.lit_mesh, atlas, size, 'albedo').image


def textured(image, motion):
    """[h,w,3] float32: an albedo texture on the edited face of a Motion, under its shading."""
    return sampled_texture(image, motion) * np.maximum(motion.values[:, :, :3], ratios.MIN_SHADING)


def sampled_texture(image, motion):
    """[h,w,...] float32: a texture [S,S,...] on the edited face of a Motion."""
    uv = motion.values[:, :, 3:5]
    size = len(image)
    column, row = uv[:, :, 0] * size - np.float32(0.5), (1 - uv[:, :, 1]) * size - np.float32(0.5)
    return cv2.remap(image, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
