"""The regions of a face (skin, lips, eyes, brows, nose, inside of the mouth) for any face model.

They are drawn once, on the mean face seen from the front, from its 68 landmarks. A point of the surface belongs to the
region that it belongs to there, so that borders are smooth at any resolution.
"""
import functools
from typing import NamedTuple

import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_DIM
from Deep3DFaceReconstruction.photo.camera import crop_camera
from Deep3DFaceReconstruction.surface.rasterizer import visible_points

BACKGROUND, SKIN, LIPS, EYES, BROWS, NOSE, MOUTH = range(7)
NAMES = ('background', 'skin', 'lips', 'eyes', 'brows', 'nose', 'inside of the mouth')
PALETTE = np.array([(0, 0, 0), (236, 188, 155), (204, 60, 84), (70, 130, 220), (110, 72, 40), (120, 190, 120),
                    (110, 20, 40)], np.uint8)

# Side of the map in pixels, for a face of about 2 dm.
_MAP = 1024
_SHIFT = 4  # fractional bits of cv2's coordinates
# dm: half the thickness of a brow and how far its middle lies below its landmarks; how far a nostril's wing reaches
# beyond its landmark; the nose's width at its root; the lids' margin, which landmarks run along.
_BROW, _BROW_DROP, _WING, _ROOT, _LID = 0.042, 0.012, 0.055, 0.065, 0.012
# How far the inside of the mouth reaches beyond the corners of the lips and below them; it ends below the nose.
_MOUTH_SIDE, _MOUTH_BELOW = 0.2, 0.25
# Nearer than this to the surface that hides it, a point is on that surface (dm).
_HIDDEN_BEHIND = 0.03


class Regions(NamedTuple):
    """Where the regions of a face model are, in the frame of its mean face.

    Attributes:
      labels: [S,S] uint8, regions as seen from the front; row 0 at the top.
      around_mouth: [S,S] bool, where what is hidden is the inside of the mouth.
      below_jaw: [S,S] bool, below the jaw line.
      low: [2] x and y of the map's lower left corner.
      scale: map pixels per decimetre.
      hidden: [N] float32, 1 for vertices that the front view hides.
    """

    labels: np.ndarray
    around_mouth: np.ndarray
    below_jaw: np.ndarray
    low: np.ndarray
    scale: float
    hidden: np.ndarray


def build_regions(model):
    """Regions of a face_model.FaceModel."""
    mean = model.meanshape.astype(np.float64)
    low = mean[:, :2].min(axis=0) - 0.05
    scale = _MAP / (np.ptp(mean[:, :2], axis=0).max() + 0.1)
    centered = mean - mean.mean(axis=0)
    seen = visible_points(crop_camera(np.zeros(COEFF_DIM)), centered, model.triangles, centered, _HIDDEN_BEHIND)
    marks = mean[model.keypoints, :2]
    labels = np.full([_MAP, _MAP], SKIN, np.uint8)
    draw = functools.partial(_fill, low=low, scale=scale)
    draw(labels, _nose(marks), NOSE)
    for start in (17, 22):
        draw(labels, _band(marks[start:start + 5] - [0, _BROW_DROP], _BROW), BROWS)
    for start in (36, 42):
        draw(labels, _grown(_smooth(marks[start:start + 6]), _LID), EYES)
    draw(labels, _smooth(marks[48:60]), LIPS)
    mouth, above = np.zeros([_MAP, _MAP], np.uint8), np.zeros([_MAP, _MAP], np.uint8)
    draw(mouth, _around_mouth(marks), 1)
    top = mean[:, 1].max() + 1
    jaw = np.concatenate([[[-9, marks[0, 1]]], marks[0:17], [[9, marks[16, 1]], [9, top], [-9, top]]])
    draw(above, jaw, 1)
    return Regions(labels, mouth > 0, above == 0, low, float(scale), (~seen).astype(np.float32))


def region_of(regions, points, hidden):
    """[...] uint8: the region of points [...,3] of the mean face's surface, and of `hidden` [...], interpolated."""
    inside = (hidden > 0.5) & _look_up(regions, regions.around_mouth, points)
    return np.where(inside, np.uint8(MOUTH), _look_up(regions, regions.labels, points))


def is_below_jaw(regions, points):
    """[...] bool, of points [...,3] of the mean face's surface."""
    return _look_up(regions, regions.below_jaw, points)


def _look_up(regions, table, points):
    column = ((points[..., 0] - regions.low[0]) * regions.scale).astype(np.int32)
    row = _MAP - 1 - ((points[..., 1] - regions.low[1]) * regions.scale).astype(np.int32)
    return table[np.clip(row, 0, _MAP - 1), np.clip(column, 0, _MAP - 1)]


def _fill(table, polygon, label, low, scale):
    pixels = (np.asarray(polygon) - low) * scale
    pixels[:, 1] = _MAP - pixels[:, 1]
    cv2.fillPoly(table, [np.rint((pixels - 0.5) * (1 << _SHIFT)).astype(np.int32)], int(label), shift=_SHIFT)


def _nose(marks):
    """The outline of the nose from the landmarks of its ridge (27-30) and base (31-35)."""
    left, right, root, base = marks[31], marks[35], marks[27], marks[33]
    wing_height = marks[30, 1]
    outline = [root + [-_ROOT, 0.02], [left[0] - 0.3 * _WING, (root[1] + 2 * wing_height) / 3],
               [left[0] - _WING, wing_height], [left[0] - _WING, (wing_height + left[1]) / 2], left - [0.02, 0.01],
               base - [0, 0.012],
               right - [-0.02, 0.01], [right[0] + _WING, (wing_height + right[1]) / 2],
               [right[0] + _WING, wing_height], [right[0] + 0.3 * _WING, (root[1] + 2 * wing_height) / 3],
               root + [_ROOT, 0.02]]
    return _smooth(np.array(outline))


def _around_mouth(marks):
    """A rectangle around the lips."""
    left, right = marks[48, 0] - _MOUTH_SIDE, marks[54, 0] + _MOUTH_SIDE
    top, bottom = marks[33, 1], marks[57, 1] - _MOUTH_BELOW
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def _smooth(polygon, steps=8):
    """A closed Catmull-Rom curve through a polygon's corners [K,2]."""
    a, b, c, d = (np.roll(polygon, shift, axis=0)[:, None] for shift in (1, 0, -1, -2))
    t = (np.arange(steps) / steps)[None, :, None]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t ** 2 + (3 * b - a - 3 * c + d) * t ** 3)
    return curve.reshape(-1, 2)


def _grown(polygon, distance):
    """A polygon grown away from its middle."""
    offset = polygon - polygon.mean(axis=0)
    return polygon + offset / np.linalg.norm(offset, axis=1, keepdims=True) * distance


def _band(line, half):
    """The outline of a line [K,2] drawn with a thickness that narrows to its ends."""
    along = np.gradient(line, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    width = half * np.array([0.5, 1, 1, 1, 0.7] if len(line) == 5 else [1] * len(line))[:, None]
    return _smooth(np.concatenate([line + across * width, (line - across * width)[::-1]]))
