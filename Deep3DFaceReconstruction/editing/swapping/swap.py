"""The face of one photo in another: the source's albedo on a mesh, lit as the target is and blended into its photo.

The target's fitted light misses its cast shadows, shine and tint too: those, which are smooth, are taken from the
difference of the two faces' skin. The skin tone is the target's, so that the face goes with its neck and ears.
"""
import cv2
import numpy as np

from Deep3DFaceReconstruction.editing.rendering.redraw import (
    moved_faces,
    put_into,
    sampled_texture,
    texture_side,
    textured,
)
from Deep3DFaceReconstruction.editing.rendering.surroundings import smooth_step
from Deep3DFaceReconstruction.editing.swapping.albedo import grey_and_tint, grey_light, held, image_of, source_albedo
from Deep3DFaceReconstruction.editing.swapping.membrane import correction
from Deep3DFaceReconstruction.photo.camera import in_camera
from Deep3DFaceReconstruction.photo.skin import skinmask

# Brightness and tint are fitted over these shares of the face's size.
_FIT, _TINT_FIT, _TINT_APART = 0.09, 0.15, 0.5
# A photo whose tints (logarithms) spread by less is of one tint, grey or sepia.
_ONE_TINT = 0.012
# The face ends this share of its size inside its outline, softly; there it takes on the photo's colours, averaged over
# a share of its size, and further inside less and less.
_MARGIN, _FEATHER, _BORDER_BLUR, _REACH = 0.025, 0.025, 0.02, 0.1
# Where the mesh has skin and the photo's skin is less sure than this (0-1), hair or a hand is in front.
_SURE = 0.35
_SPECK = 0.02
# Lips and lids are this sharp, as a share of the face's size.
_LINE = 0.004
# Eyeballs are the source's where its photo shows so much of them (0-1).
_KNOWN_EYE = 0.45
# A face from a smaller photo gets the target's grain: what is finer than this share of a pixel of the source.
_GRAIN, _MOST_GRAIN = 0.5, 0.06
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
    motion = moved_faces(target, target, surface, np.column_stack([skin, grey_light(target.shading)]))
    seen_skin = np.clip(motion.values[:, :, 0], 0, 1) * motion.face
    # What is painted is lit by brightness alone: `textured` wants shading [3], then texture coordinates [2].
    motion = motion._replace(values=np.ascontiguousarray(motion.values[:, :, [1, 1, 1, 5, 6]]))
    size = np.sqrt(motion.face.sum())
    base = np.float32(photo[motion.window.slices])
    side = texture_side(motion.face)
    colours, known = source_albedo(source_photo, source, surface.atlas, side, skin, covered)
    if side > _TEXELS * size:  # a small face: a pixel is the average of its texels
        colours = cv2.GaussianBlur(colours, (0, 0), _TEXEL_BLUR * side / size)
    rim = cv2.erode(np.uint8(motion.face), _disc(2 * _MARGIN * size)) == 0
    front = covered(photo[motion.window.slices], seen_skin, rim, size)
    face = _fitted(grey_and_tint(textured(colours, motion)), grey_and_tint(base), seen_skin * ~front, size)
    face[:, :, :1] += _finer_detail(grey_and_tint(base)[:, :, :1], _coarseness(source, target)) * seen_skin[..., None]
    share, border = _share(motion, front, size)
    face += _border_correction(face, grey_and_tint(base), seen_skin * border, motion.face & ~front, size)
    share = share * (1 - _unknown_eyes(known, motion, surface.atlas, size))
    return put_into(photo, base + share[:, :, np.newaxis] * (image_of(face) - base), motion)


def covered(image, skin, rim, size):
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
    """The face [h,w,4] in the smooth brightness and tint that the base [h,w,4] has where both show skin [h,w].

    Both are of albedo.grey_and_tint. Under coloured light single channels hold noise alone: the more the tints
    differ, the less of the face's is kept.
    """
    grey = face[:, :, :1] + _averaged(base[:, :, :1] - face[:, :, :1], weight, _FIT * size)
    own, wanted = (_averaged(each[:, :, 1:], weight, _TINT_FIT * size) for each in (face, base))
    apart = np.abs(((wanted - own) * weight[:, :, np.newaxis]).sum(axis=(0, 1))).max() / max(float(weight.sum()), 1.0)
    # A photo of one tint, grey or sepia, stays so.
    firm = weight > 0.5
    is_toned = float((base[:, :, 1:][firm].std(axis=0) if firm.any() else np.zeros(1)).max()) < _ONE_TINT
    kept = 0.0 if is_toned else np.exp(-(apart / _TINT_APART) ** 2)
    return np.concatenate([grey, wanted + kept * (face[:, :, 1:] - own)], axis=2)


def _border_correction(face, base, border, patch, size):
    """[h,w,4]: what the face [h,w,4] lacks of the base at its border [h,w] (0-1 for skin), fading inwards."""
    blur = max(_BORDER_BLUR * size, 0.5)
    weight = cv2.GaussianBlur(np.float32(border), (0, 0), blur)
    wanted = cv2.GaussianBlur((base - face) * np.float32(border)[:, :, np.newaxis], (0, 0), blur)
    wanted /= np.maximum(weight, 1e-3)[:, :, np.newaxis]
    return correction(wanted, (border > 0.5) & (weight > 0.05), patch, _REACH * size)


def _coarseness(source, target):
    """Pixels of the target's face for each of the source's."""
    sizes = [look.placed.camera.K[0, 0] / in_camera(look.placed.camera, look.placed.points)[:, 2].mean()
             for look in (source, target)]
    return sizes[1] / sizes[0]


def _finer_detail(grey, coarseness):
    """[h,w,1]: detail of a brightness [h,w,1] that is finer than `coarseness` pixels, within limits: grain and pores.

    A face from a smaller photo would be smoother than the neck beside it.
    """
    if coarseness < 1.2:
        return np.zeros_like(grey)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), _GRAIN * coarseness)[:, :, np.newaxis]
    return held(fine, _MOST_GRAIN, _MOST_GRAIN)


def _unknown_eyes(known, motion, atlas, size):
    """[h,w] float32, 0-1: eyeballs of which the source's photo shows too little; known: [S,S], 0-1, of its texture."""
    eyes = motion.face & ~motion.inner & (atlas.charts[np.maximum(motion.triangle_ids, 0)] > 0)
    shown = sampled_texture(np.float32(known), motion)
    count, labels = cv2.connectedComponents(np.uint8(eyes))
    for label in range(1, count):
        eye = labels == label
        if shown[eye].mean() > _KNOWN_EYE:
            eyes[eye] = False
    return cv2.GaussianBlur(np.float32(eyes), (0, 0), max(_LINE * size, 0.6))


def _averaged(values, weight, blur):
    """[h,w,C] smooth averages of values by weight [h,w]; far from any weight that of the whole."""
    weight = np.float32(weight)[:, :, np.newaxis]
    whole = (values * weight).sum(axis=(0, 1)) / max(float(weight.sum()), 1.0)
    total, near = (cv2.GaussianBlur(each, (0, 0), blur).reshape(weight.shape[:2] + (-1,))
                   for each in ((values - whole) * weight, weight))
    return whole + total / (near + 0.05)


def _share(motion, front, size):
    """([h,w] float32, 0-1: how much of a pixel is the new face; [h,w] bool, its soft border).

    None between the lips and under what is in front [h,w] bool.
    """
    free = np.uint8(motion.face & ~front)
    away = cv2.distanceTransform(cv2.copyMakeBorder(free, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2,
                                 cv2.DIST_MASK_PRECISE)[1:-1, 1:-1] / size
    share = smooth_step((away - _MARGIN) / _FEATHER)
    lips = cv2.GaussianBlur(np.float32(motion.inner), (0, 0), max(_LINE * size, 0.6))
    return (np.float32(share) * (1 - np.maximum(lips, motion.inner)),
            (away > 0.5 * _MARGIN) & (away < _MARGIN + _FEATHER))


def _disc(diameter):
    side = max(int(round(diameter)), 1)
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
