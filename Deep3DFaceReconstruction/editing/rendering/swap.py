"""The face of one photo in another: the source's texture on a mesh, made to fit the colours and the light around it.

The source's brightness is divided by its shading, with a floor, and multiplied by the target's. What is still wrong
with it, as of a source lit from the side, is smooth: it is taken from the difference of the two faces' skin.
"""
import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import LUMA
from Deep3DFaceReconstruction.editing.rendering.redraw import moved_faces, put_into, texture_side, textured
from Deep3DFaceReconstruction.editing.rendering.surroundings import smooth_step
from Deep3DFaceReconstruction.photo.skin import skinmask
from Deep3DFaceReconstruction.surface import texture, texture_fill
from Deep3DFaceReconstruction.surface.rasterizer import rasterize_texture

_LUMA = np.float32(LUMA)
# Shading below this share of its mean over the face is not divided out: a photo holds little but noise there.
_FLOOR = 0.45
# Brightness and tint are fitted over these shares of the face's size.
_FIT, _TINT_FIT, _TINT_APART, _DARKEST = 0.09, 0.15, 0.5, 8.0
# A photo whose tints (logarithms) spread by less is of one tint, grey or sepia.
_ONE_TINT = 0.012
# Detail of the source (logarithms): shine is held below this, shadow above that, and tint between.
_BRIGHTER, _DARKER, _TINTED = 0.3, 1.5, 0.3
# The face ends this share of its size inside its outline, softly.
_MARGIN, _FEATHER = 0.035, 0.03
# Where the mesh has skin and the photo's skin is less sure than this (0-1), hair or a hand is in front.
_SURE = 0.35
_SPECK = 0.02
# More texels than this across a pixel are averaged, over this share of a pixel.
_TEXELS, _TEXEL_BLUR = 2.0, 0.3


def swapped(photo, source_photo, source, target, surface, skin):
    """The photo with the source's face; between the lips it stays.

    Args:
      photo: [H,W,3] uint8 RGB, in which the target's face has the shape of `target` already.
      source_photo: [h,w,3] uint8 RGB; source, target: redraw.Look of the faces in the two photos.
      surface: redraw.Surface.  skin: [N] 0-1, vertices that are skin: no lips, brows or eyes.
    Returns:
      [H,W,3] uint8.
    """
    grey = _grey(target.shading)
    motion = moved_faces(target, target, surface, np.column_stack([skin, grey]))
    seen_skin = np.clip(motion.values[:, :, 0], 0, 1) * motion.face
    # What is painted is lit by brightness alone: `textured` wants shading [3], then texture coordinates [2].
    motion = motion._replace(values=np.ascontiguousarray(motion.values[:, :, [1, 1, 1, 5, 6]]))
    size = np.sqrt(motion.face.sum())
    base = photo[motion.window.slices]
    side = texture_side(motion.face)
    colours = source_texture(source_photo, source, surface.atlas, side, skin)
    if side > _TEXELS * size:  # a small face: a pixel is the average of its texels
        colours = cv2.GaussianBlur(colours, (0, 0), _TEXEL_BLUR * side / size)
    covered = _covered(base, seen_skin, cv2.erode(np.uint8(motion.face), _disc(2 * _MARGIN * size)) == 0, size)
    face = _fitted(textured(colours, motion), np.float32(base), seen_skin * ~covered, size)
    share = _share(motion, covered, size)[:, :, np.newaxis]
    return put_into(photo, base + share * (face - base), motion)


def source_texture(photo, look, atlas, side, skin):
    """[S,S,3] uint8: a face's texture with its brightness evened out, and without hair that hangs into it.

    Args:
      photo: [h,w,3] uint8 RGB; look: redraw.Look; atlas: face_atlas.FaceAtlas; side: S; skin: [N] 0-1.
    """
    light = np.repeat(_grey(look.shading)[:, np.newaxis], 3, axis=1)
    baked = texture.bake(photo, look.placed.camera, look.lit_mesh._replace(shading=light), atlas, side, 'albedo')
    drawn = rasterize_texture(atlas.uv, skin[atlas.vertices, np.newaxis], atlas.triangles, side)
    mine = np.clip(drawn.values[:, :, 0], 0, 1) * (drawn.triangle_ids >= 0)
    rim = cv2.erode(np.uint8(baked.face), _disc(0.1 * side)) == 0
    hair = _covered(baked.image, mine, rim, 0.6 * side)
    if not hair.any():
        return baked.image
    return np.uint8(texture_fill.spread(np.float32(baked.image), ~hair, rounds=20))


def _grey(shading):
    """[N] float32: the brightness of a shading [N,3] over its mean, with a floor."""
    grey = np.maximum(shading, 0).dot(_LUMA)
    return np.maximum(grey / max(float(grey.mean()), 1e-3), _FLOOR).astype(np.float32)


def _covered(image, skin, rim, size):
    """[h,w] bool: where something is in front of the skin: no colour of skin, and it reaches in over the rim.

    Args:
      image: [h,w,3] uint8 RGB; skin: [h,w] 0-1, where the mesh has skin; rim: [h,w] bool; size: of the face, pixels.
    """
    mine = skin > 0.5
    if not mine.any():
        return np.zeros(skin.shape, bool)
    sure = cv2.blur(skinmask(np.ascontiguousarray(image[:, :, ::-1]))[:, :, 0], (3, 3)) / np.float32(255)
    usual = np.median(sure[mine])
    if usual < _SURE:  # a grey photo, or coloured light: nothing tells hair from skin
        return np.zeros(skin.shape, bool)
    other = cv2.morphologyEx(np.uint8(mine & (sure < _SURE * usual)), cv2.MORPH_OPEN, _disc(0.5 * _SPECK * size))
    labels = cv2.connectedComponents(other)[1]
    reaches = np.zeros(labels.max() + 1, np.uint8)
    reaches[np.unique(labels[rim & (other > 0)])] = 1
    reaches[0] = 0
    return cv2.dilate(reaches[labels], _disc(_SPECK * size)) > 0


def _fitted(face, base, weight, size):
    """The face [h,w,3] in the smooth brightness and tint that the base [h,w,3] has where both show skin [h,w].

    Under coloured light single channels hold noise alone: the more the tints differ, the less of the face's is kept.
    """
    (grey, tint), (base_grey, base_tint) = _grey_and_tint(face), _grey_and_tint(base)
    smooth = _averaged(grey, weight, _FIT * size)
    detail = grey - smooth
    limit = np.where(detail > 0, np.float32(_BRIGHTER), np.float32(_DARKER))
    grey = smooth + limit * np.tanh(detail / limit) + _averaged(base_grey - grey, weight, _FIT * size)
    own, wanted = (_averaged(each, weight, _TINT_FIT * size) for each in (tint, base_tint))
    apart = np.abs(((wanted - own) * weight[:, :, np.newaxis]).sum(axis=(0, 1))).max() / max(float(weight.sum()), 1.0)
    # A photo of one tint, grey or sepia, stays so.
    is_toned = float((base_tint[weight > 0.5].std(axis=0) if (weight > 0.5).any() else np.zeros(1)).max()) < _ONE_TINT
    kept = 0.0 if is_toned else np.exp(-(apart / _TINT_APART) ** 2)
    return np.exp(grey + wanted + kept * _TINTED * np.tanh((tint - own) / _TINTED))


def _grey_and_tint(image):
    """(logarithm of brightness [h,w,1], of the channels over it [h,w,3]) of an image [h,w,3]."""
    image = np.maximum(image, np.float32(_DARKEST))
    grey = np.log(image.dot(_LUMA))[:, :, np.newaxis]
    return grey, np.log(image) - grey


def _averaged(values, weight, blur):
    """[h,w,C] smooth averages of values by weight [h,w]; far from any weight that of the whole."""
    weight = np.float32(weight)[:, :, np.newaxis]
    whole = (values * weight).sum(axis=(0, 1)) / max(float(weight.sum()), 1.0)
    total, near = (cv2.GaussianBlur(each, (0, 0), blur).reshape(weight.shape[:2] + (-1,))
                   for each in ((values - whole) * weight, weight))
    return whole + total / (near + 0.05)


def _share(motion, covered, size):
    """[h,w] float32, 0-1: how much of a pixel is the new face; none between the lips and under what covers it."""
    free = np.uint8(motion.face & ~covered)
    away = cv2.distanceTransform(cv2.copyMakeBorder(free, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2,
                                 cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    share = smooth_step((away - _MARGIN * size) / (_FEATHER * size))
    lips = cv2.GaussianBlur(np.float32(motion.inner), (0, 0), max(0.004 * size, 0.6))
    return np.float32(share) * (1 - np.maximum(lips, motion.inner))


def _disc(diameter):
    side = max(int(round(diameter)), 1)
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
