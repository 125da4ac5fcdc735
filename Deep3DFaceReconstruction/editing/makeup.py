"""Lipstick, blush and eye shadow: on the skin and under its light, so that shine and shadows stay."""
import cv2
import numpy as np

from Deep3DFaceReconstruction.editing.lighting import brightness
from Deep3DFaceReconstruction.editing.rendering.ratios import MIN_SHADING
from Deep3DFaceReconstruction.editing.rendering.redraw import moved_faces, put_into
from Deep3DFaceReconstruction.surface import regions as face_regions

# The edge of lipstick is this soft, as a share of the face's size.
_LIP_EDGE = 0.006
# Sizes in decimetres on the mean face: of the cheeks' blush, and how far shadow reaches above the lids.
_BLUSH_WIDTH, _BLUSH_HEIGHT, _SHADOW_REACH, _SHADOW_SIDE = 0.3, 0.18, 0.1, 0.05
# How much of the skin's own contrast shows through, and how strong paint covers at strength 1.
_LIP_COVER, _BLUSH_COVER, _SHADOW_COVER = 0.8, 0.4, 0.6
# The colour of blush, RGB.
BLUSH = (190, 70, 80)
# Albedo 0-255 that light on the skin is measured against.
_DARKEST = 8.0


def blush_weights(model):
    """[N] float32 0-1: where blush goes, on the cheekbones below the outer corners of the eyes."""
    mean, marks = _mean_and_marks(model)
    total = np.zeros(len(mean))
    for eye, jaw, wing in ((36, 2, 31), (45, 14, 35)):
        x = 0.5 * (marks[eye, 0] + 0.5 * (marks[jaw, 0] + marks[wing, 0]))
        y = 0.5 * (marks[eye, 1] + marks[wing, 1]) - 0.05
        away = ((mean[:, 0] - x) / _BLUSH_WIDTH) ** 2 + ((mean[:, 1] - y) / _BLUSH_HEIGHT) ** 2
        total += np.exp(-2 * away)
    return np.float32(np.clip(total, 0, 1) * (model.part == 0))


def shadow_weights(model):
    """[N] float32 0-1: where eye shadow goes, from the upper lids up."""
    mean, marks = _mean_and_marks(model)
    total = np.zeros(len(mean))
    for lid in (marks[36:40], marks[42:46]):
        line = lid[np.argsort(lid[:, 0])]
        height = mean[:, 1] - np.interp(mean[:, 0], line[:, 0], line[:, 1])
        beside = np.maximum(np.maximum(line[0, 0] - mean[:, 0], mean[:, 0] - line[-1, 0]), 0)
        above = np.where(height > 0, np.exp(-(height / _SHADOW_REACH) ** 2), np.exp(-(height / 0.02) ** 2))
        total = np.maximum(total, above * np.exp(-(beside / _SHADOW_SIDE) ** 2) * (np.abs(height) < 0.4))
    return np.float32(total * (model.part == 0))


def _mean_and_marks(model):
    mean = model.meanshape.astype(np.float64)
    return mean, mean[model.keypoints]


def lip_mask(mean_points, hidden, regions, face):
    """[h,w] float32 0-1: the lips, from points [h,w,3] of the mean face under each pixel; soft at the edge.

    Args:
      hidden: [h,w], regions.hidden interpolated; regions: regions.Regions; face: [h,w] bool.
    """
    lips = face & (face_regions.region_of(regions, mean_points, hidden) == face_regions.LIPS)
    return cv2.GaussianBlur(lips.astype(np.float32), (0, 0), max(_LIP_EDGE * np.sqrt(face.sum()), 0.5))


def painted(image, shading, layers):
    """The photo with paint on it.

    Args:
      image: [h,w,3] float32 RGB; shading: [h,w,3], the light on the face.
      layers: list of (weight [h,w] 0-1, colour [3] RGB 0-255, cover 0-1).
    Returns:
      [h,w,3] float32.
    """
    light = np.maximum(shading, MIN_SHADING)
    for weight, colour, cover in layers:
        if not weight.max() > 0:
            continue
        skin = np.maximum(image / light, _DARKEST)
        grey = brightness(skin)
        middle = (grey * weight).sum() / weight.sum()
        # The paint has the skin's relief: its brightness over that of the painted skin.
        relief = np.clip(grey / max(middle, 1.0), 0.3, 1.4)[:, :, np.newaxis]
        # A colour is meant as it looks in a well-lit photo; only less light than that darkens it.
        level = (brightness(light) * weight).sum() / weight.sum()
        paint = np.asarray(colour, np.float32) * relief * light / max(level, 1.0)
        share = (weight * cover)[:, :, np.newaxis]
        image = image + share * (paint - image)
    return image


def made_up(editor, subject, options):
    """The photo [H,W,3] uint8 RGB of a Subject with makeup.

    Args:
      editor: editor.Editor.  subject: subject.Subject.
      options: lips and shadow (RGB 0-255 [3] or None), blush and strength (0-1).
    """
    model = editor.model
    look = editor.look(subject)
    values = np.column_stack([model.meanshape, editor.regions.hidden, blush_weights(model), shadow_weights(model)])
    motion = moved_faces(look, look, editor.surface, values)
    points, hidden, blush, shadow, shading = np.split(motion.values[:, :, :9], [3, 4, 5, 6], axis=2)
    layers = []
    if options.blush:
        layers.append((blush[:, :, 0], BLUSH, _BLUSH_COVER * options.blush))
    if options.shadow is not None:
        layers.append((shadow[:, :, 0], options.shadow, _SHADOW_COVER * options.strength))
    if options.lips is not None:
        lips = lip_mask(points, hidden[:, :, 0], editor.regions, motion.face & ~motion.inner)
        layers.append((lips, options.lips, _LIP_COVER * options.strength))
    image = subject.photo[motion.window.slices].astype(np.float32)
    return put_into(subject.photo, painted(image, shading, layers), motion)
