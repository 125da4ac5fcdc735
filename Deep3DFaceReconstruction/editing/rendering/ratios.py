"""Light and albedo change by ratios, new colour = old colour * new shading / old shading: skin keeps its detail.

Ratio images: Shashua & Riklin-Raviv, "The Quotient Image", PAMI 2001; Wen, Liu & Huang, "Face relighting with radiance
environment maps", CVPR 2003, for spherical harmonics.
"""
import cv2
import numpy as np

from Deep3DFaceReconstruction.editing.rendering.surroundings import FIELD_SIDE
from Deep3DFaceReconstruction.photo.skin import skinmask
from Deep3DFaceReconstruction.surface import texture_fill

# Shading below this much of the albedo holds next to nothing but noise, in the photo and in the ratio.
MIN_SHADING = 0.2
# Albedo: at most so many times brighter, or darker. Light: brightness approaches these limits, upwards and downwards,
# and each channel's ratio to it another one, as a fitted light says little about dark skin and photos clip bright skin.
MAX_RATIO, _BRIGHTER, _DARKER, _TINT = 4.0, 1.45, 2.4, 1.45
# The tints of a light (logarithms) spread by so much over a face where it is of one colour; with so much more, its
# change is held to a third.
_ONE_COLOUR, _MANY_COLOURS = 0.14, 0.15
# Ratios are averaged over this share of the face's size; finer folds of the fit are seldom where the photo's are. What
# a new expression or turn does to the shading is less certain than what a new light does: more, and within limits.
_BLUR, _BENT_BLUR, _MAX_BENT = 0.012, 0.05, 1.7
# How far the ratio goes on around the face, as shares of its size: over skin (neck, ears), and over all else.
_SKIN_REACH, _OTHER_REACH = 0.7, 0.04
# Skin beside the face has its tint: logarithms of red and blue over green, at most about so far apart.
_TINT_APART = 0.2


def log_ratio(old_shading, new_shading, old_albedo=None, new_albedo=None):
    """[N,3] float32: the logarithm of what a vertex's colour is multiplied with; without albedos of the light alone."""
    logs = _limited(np.log(np.maximum(new_shading, MIN_SHADING)) - np.log(np.maximum(old_shading, MIN_SHADING)))
    logs = logs * certainty(old_shading)
    if new_albedo is not None:
        logs = logs + np.log(np.maximum(new_albedo, 4.0)) - np.log(np.maximum(old_albedo, 4.0))
    return np.clip(logs, -np.log(MAX_RATIO), np.log(MAX_RATIO)).astype(np.float32)


def certainty(shading):
    """0-1: how far the light [N,3] that is fitted to a photo is known well enough to be taken away.

    Where its colour changes over the face, as from a sunlit to a shaded side, single channels are clipped or hold
    noise, and cast shadows have colours of their own: dividing such a light out in full leaves patches.
    """
    logs = np.log(np.maximum(shading, MIN_SHADING))
    spread = float((logs - logs.mean(axis=1, keepdims=True)).std(axis=0).max())
    return float(np.exp(-max(spread - _ONE_COLOUR, 0.0) / _MANY_COLOURS))


def _limited(logs):
    """Logarithms of light [N,3] with the brightness and the tint held within limits, smoothly."""
    grey = logs.mean(axis=1, keepdims=True)
    limit = np.where(grey > 0, np.log(_BRIGHTER), np.log(_DARKER))
    return limit * np.tanh(grey / limit) + np.log(_TINT) * np.tanh((logs - grey) / np.log(_TINT))


def ratio_image(bent, changed, face, moved):
    """[h,w,3] float32: the factor of each pixel, on the face and, fading, around it.

    Args:
      bent: [h,w,3] float32, log_ratio of the new shape and pose under the old light, interpolated on the face;
        changed: [h,w,3], of the new light and albedo; face: [h,w] bool.
      moved: [h,w,3] uint8 RGB, the photo with the face in its new place, which says where skin is.
    """
    if not max(np.abs(logs[face]).max() if face.any() else 0 for logs in (bent, changed)) > 1e-4:
        return np.ones_like(changed)
    size = np.sqrt(face.sum())
    limit = np.log(_MAX_BENT)
    smooth = (_averaged(np.clip(bent, -limit, limit), face, _BENT_BLUR * size)
              + _averaged(changed, face, _BLUR * size))
    return np.exp(np.where(face[:, :, np.newaxis], smooth, _around(smooth, face, moved, size)))


def _averaged(logs, face, blur):
    """Averages of [h,w,3] over the face; a wide one is taken of a smaller image."""
    step = max(int(blur / 4), 1)
    size = (max(face.shape[1] // step, 1), max(face.shape[0] // step, 1))
    mask = face.astype(np.float32)
    weight, total = (cv2.GaussianBlur(cv2.resize(array, size, interpolation=cv2.INTER_AREA), (0, 0), blur / step)
                     for array in (mask, logs * mask[:, :, np.newaxis]))
    average = total / np.maximum(weight, 1e-3)[:, :, np.newaxis]
    return cv2.resize(average, face.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _around(logs, face, moved, size):
    """[h,w,3]: the logarithms beside the face, spread from its border and faded."""
    scale = min(1.0, FIELD_SIDE / max(face.shape))
    small = (max(int(face.shape[1] * scale), 2), max(int(face.shape[0] * scale), 2))
    share = cv2.resize(face.astype(np.float32), small, interpolation=cv2.INTER_AREA)
    known = share > 0.999
    if not known.any():
        return np.zeros_like(logs)
    field = texture_fill.spread(cv2.resize(logs, small, interpolation=cv2.INTER_AREA), known, rounds=40)
    away = cv2.distanceTransform((share < 0.5).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / (scale * size)
    skin = skinmask(np.ascontiguousarray(cv2.resize(moved, small, interpolation=cv2.INTER_AREA)[:, :, ::-1]))[:, :, 0]
    skin = cv2.GaussianBlur(skin.astype(np.float32) / 255, (0, 0), max(_BLUR * size * scale, 0.8))
    skin *= _like_the_face(cv2.resize(moved, small, interpolation=cv2.INTER_AREA), known)
    fade = np.maximum(skin * np.exp(-(away / _SKIN_REACH) ** 2 * 2), np.exp(-(away / _OTHER_REACH) ** 2 * 2))
    field *= fade[:, :, np.newaxis].astype(np.float32)
    return cv2.resize(field, face.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _like_the_face(image, face):
    """[h,w] float32, 0-1: how near the tint of an image [h,w,3] is to that of the face [h,w] bool in it."""
    image = cv2.GaussianBlur(image, (0, 0), 1.0).astype(np.float32) + 4
    tint = np.log(image[:, :, [0, 2]] / image[:, :, 1:2])
    away = np.linalg.norm(tint - np.median(tint[face], axis=0), axis=2)
    return np.exp(-(away / _TINT_APART) ** 2).astype(np.float32)
