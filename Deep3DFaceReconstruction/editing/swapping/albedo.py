"""The texture of a face without its photo's light, also of a photo under hard light or from the side.

In logarithms, a photo is the sum of light and albedo. The fitted light (spherical harmonics) has no cast shadows, shine
or clipped highlights. A smooth difference between the photo over its fitted light and the model's albedo is either such
light or a true colour of the skin. It counts as colour as far as both halves of the face have it, and within limits.
Detail stays, and so does the contrast of brows, eyes and lips with the skin around them.
"""
from typing import NamedTuple

import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import LUMA
from Deep3DFaceReconstruction.editing.rendering.guided import guided_base, without_small
from Deep3DFaceReconstruction.surface import texture, texture_fill
from Deep3DFaceReconstruction.surface.rasterizer import rasterize_texture

LUMA32 = np.float32(LUMA)
# Colours below this (0-255) are noise.
DARKEST = 8.0
# Shading below this share of its mean over the face is not divided out: a photo holds little but noise there.
_FLOOR = 0.45
# The base is smooth over this share of the texture's side, except across edges of this contrast
# (logarithm) of what is larger than a spot.
_RADIUS, _CONTRAST, _SPOT = 0.04, 0.16, 0.06
# Smooth deviations from the model's albedo (logarithms): at most so much brighter, darker, or of another tint.
_BRIGHTER, _DARKER, _TINT = 0.12, 0.3, 0.03
# Detail of the skin: shine and shadows, and tint; and of brows, eyes and lips.
_SHINE, _LINES, _BLOTCHES = 0.2, 0.8, 0.05
_FEATURE_BRIGHTER, _FEATURE_DARKER, _FEATURE_TINT = 0.6, 1.8, 0.4
# Where smooth deviations are of this size (root mean square) the light is hard, and all limits for skin are a third.
_HARD = 0.15
# Clipped and dark pixels (0-255) are trusted less; so is what is darker than its mirror image by more than this.
_CLIPPED, _DARK, _SHADOW = (238.0, 254.0), (10.0, 40.0), 0.12
# A texel that is trusted less than this share of its mirror image is replaced by it.
_MUCH_LESS = 0.25
_SMALL = 0.012


class Observed(NamedTuple):
    """A texture's S x S texels of a source.

    Attributes:
      logs: [S,S,4] float32, logarithm of brightness over the fitted one, and of the channels over brightness.
      model: [S,S,4], likewise of the model's albedo.
      skin: [S,S] float32, 0-1, skin but not brows, eyes or lips.
      seen: [S,S] bool; trust: [S,S] float32, 0-1: how well the photo shows it.
      view: texture.View.
    """

    logs: np.ndarray
    model: np.ndarray
    skin: np.ndarray
    seen: np.ndarray
    trust: np.ndarray
    view: tuple


def grey_light(shading):
    """[N] float32: the brightness of a shading [N,3] over its mean, with a floor."""
    grey = np.maximum(shading, 0).dot(LUMA32)
    return np.maximum(grey / max(float(grey.mean()), 1e-3), _FLOOR).astype(np.float32)


def grey_and_tint(image):
    """[h,w,4] float32: logarithm of brightness, and of the channels over it, of an image [h,w,3] (0-255)."""
    image = np.maximum(image, np.float32(DARKEST))
    grey = np.log(image.dot(LUMA32))[:, :, np.newaxis]
    return np.concatenate([grey, np.log(image) - grey], axis=2)


def image_of(logs):
    """[h,w,3] float32: the inverse of grey_and_tint."""
    return np.exp(logs[:, :, :1] + logs[:, :, 1:])


def source_albedo(photo, look, atlas, side, skin, covers):
    """(albedo [S,S,3] float32 RGB, [S,S] float32, 0-1: how far it is known: from the photo, in calm light).

    Args:
      photo: [h,w,3] uint8 RGB; look: redraw.Look; atlas: face_atlas.FaceAtlas; side: S.
      skin: [N] 0-1, vertices that are skin: no lips, brows or eyes.
      covers: function of (image [S,S,3] uint8, skin [S,S], rim [S,S] bool, size) -> [S,S] bool, hair in front.
    """
    observed = observe(photo, look, atlas, side, skin, covers)
    if not (observed.seen & (observed.skin > 0.5)).any():
        return observed.view.albedo, np.zeros_like(observed.trust)
    logs, good, calm = evened(observed)
    values = texture.filled(image_of(logs), good, observed.view)
    known = good | texture_fill.mirrored(values, good, observed.view.mirror_uv, observed.view.has_mirror)[1]
    return np.float32(np.clip(values, 0, 400)), known * calm


def observe(photo, look, atlas, side, skin, covers):
    """The Observed texture; arguments as of source_albedo."""
    light = np.repeat(grey_light(look.shading)[:, np.newaxis], 3, axis=1)
    view = texture.observe(photo, look.placed.camera, look.lit_mesh._replace(shading=light), atlas, side)
    drawn = rasterize_texture(atlas.uv, skin[atlas.vertices, np.newaxis], atlas.triangles, side)
    mine = np.clip(drawn.values[:, :, 0], 0, 1) * view.face
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (max(side // 10, 1),) * 2)
    rim = cv2.erode(np.uint8(view.face), disc) == 0
    bare = texture.filled(view.colors / view.light, view.seen, view)
    hair = covers(np.uint8(np.clip(bare, 0, 255)), mine, rim, 0.6 * side)
    # A mole has no colour of skin, but skin all around.
    spots = cv2.morphologyEx(np.uint8(view.seen), cv2.MORPH_CLOSE, np.ones([max(int(_SPOT * side), 1)] * 2, np.uint8))
    seen = (view.seen | ((spots > 0) & (mine > 0.5) & (view.cosine > texture.MIN_COSINE_SKIN))) & ~hair
    mine = np.float32(cv2.erode(mine, np.ones([max(side // 128, 1)] * 2, np.uint8)))
    bright, dark = view.colors.max(axis=2), view.colors.max(axis=2)
    trust = (np.clip((_CLIPPED[1] - bright) / (_CLIPPED[1] - _CLIPPED[0]), 0.05, 1)
             * np.clip((dark - _DARK[0]) / (_DARK[1] - _DARK[0]), 0.05, 1) * np.clip(view.cosine, 0.05, 1))
    return Observed(grey_and_tint(view.colors / view.light), grey_and_tint(view.albedo), mine, seen,
                    np.float32(trust * seen), view)


def evened(observed):
    """(logarithms [S,S,4] of the albedo as far as it is seen, [S,S] bool where they are better than the other side's,
    how calm the light is, 0-1)."""
    skin, view = observed.skin, observed.view
    radius = _RADIUS * len(skin)
    weight = skin * observed.seen
    # Moles and wrinkles are not light.
    guide = without_small(observed.logs[:, :, 0], weight, _SPOT)
    base = guided_base(observed.logs, guide, weight, radius, _CONTRAST)
    model = guided_base(observed.model, observed.model[:, :, 0], skin, radius, 10.0)
    apart = base - model
    firm = weight * observed.trust
    tone = (apart * firm[:, :, np.newaxis]).sum(axis=(0, 1)) / max(float(firm.sum()), 1e-3)
    apart -= tone
    spread = float((apart[:, :, 0] ** 2 * weight).sum() / max(float(weight.sum()), 1e-3))
    calm = np.float32(np.exp(-1.1 * spread / _HARD ** 2))
    apart, trust, other = _symmetric(apart, observed.trust, observed.seen, view)
    good = observed.seen & ~_opened(observed.seen & (trust < _MUCH_LESS * other), _SMALL)
    # Brows, eyes and lips differ from the skin around; there the base is that skin's.
    detail = _limited_detail(observed.logs - base, cv2.GaussianBlur(skin, (0, 0), max(len(skin) / 256.0, 0.5)), calm)
    even = np.concatenate([held(apart[:, :, :1], calm * _BRIGHTER, calm * _DARKER),
                           held(apart[:, :, 1:], calm * _TINT, calm * _TINT)], axis=2)
    return np.float32(model + tone + even + detail), good, calm


def _symmetric(apart, trust, seen, view):
    """(deviations averaged with those of the other half by trust, trust [S,S], the other half's trust [S,S]).

    Of two halves, the darker one is trusted less: a shadow is on one of them, and what is brighter lies in the light.
    """
    other, usable = texture_fill.mirrored(apart, seen, view.mirror_uv, view.has_mirror)
    other_trust = texture_fill.mirrored(trust[:, :, np.newaxis], seen, view.mirror_uv, view.has_mirror)[0]
    other_trust = other_trust.reshape(trust.shape) * usable
    darker = np.where(usable & seen, other[:, :, 0] - apart[:, :, 0], 0)
    mine = trust * np.exp(-np.clip((darker - _SHADOW) / _SHADOW, 0, 6))
    theirs = other_trust * np.exp(-np.clip((-darker - _SHADOW) / _SHADOW, 0, 6))
    share = (theirs / np.maximum(mine + theirs, 1e-4))[:, :, np.newaxis]
    return np.float32(apart + share * np.where(usable[:, :, np.newaxis], other - apart, 0)), mine, theirs


def _opened(mask, share):
    """[S,S] bool: without what is narrower than a share of the side."""
    side = max(int(round(share * len(mask))), 1)
    return cv2.morphologyEx(np.uint8(mask), cv2.MORPH_OPEN, np.ones([side, side], np.uint8)) > 0


def _limited_detail(detail, skin, calm):
    """[S,S,4]: detail with limits for skin [S,S] (0-1), lower for less calm light (0-1), and for the rest."""
    skin = skin[:, :, np.newaxis]

    def mixed(of_skin, of_rest):
        return of_rest + skin * (of_skin - of_rest)

    grey = held(detail[:, :, :1], mixed(calm * _SHINE, calm * _FEATURE_BRIGHTER), mixed(calm * _LINES, _FEATURE_DARKER))
    tint = mixed(calm * _BLOTCHES, calm * _FEATURE_TINT)
    return np.concatenate([grey, held(detail[:, :, 1:], tint, tint)], axis=2)


def held(values, above, below):
    """Values that approach the limits `above` and -`below` smoothly."""
    limit = np.where(values > 0, np.float32(1) * above, np.float32(1) * below)
    return limit * np.tanh(values / limit)
