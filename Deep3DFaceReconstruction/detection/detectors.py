"""Faces of any size in photos of any size, with Google's detectors on overlapping tiles.

Points are (x, y) in pixels of the photo, y-down.
"""
from typing import NamedTuple

import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.detection.mediapipe_models import BlazeFace

# Each level's tiles are this many times smaller than the last one's, down to this side in pixels: in it a face of 60
# pixels is as large as the detector for distant faces needs it.
_SMALLER = 2.5
_LEAST_TILE = 800
# Neighbouring tiles share this much of their side, so that a face on the border of one is whole in another.
_SHARED = 0.3
# Tiles are drawn at this side before a detector sees them: memory is bounded, whatever the photo.
_DRAWN = 512
# The detectors' score (0-1) below which there is no face: in the whole photo, and in one of its many tiles.
LEAST_SCORE = 0.5
_LEAST_IN_TILE = 0.6
# Boxes of which one lies within the other by this share are one face.
_SAME_FACE = 0.5


class Candidate(NamedTuple):
    """What may be a face."""
    box: np.ndarray     # [4] left, top, right, bottom
    points: np.ndarray  # [6,2]: eyes (the subject's right, left), tip of the nose, mouth, ears (right, left)
    score: float        # 0-1


class FaceDetector:
    """Google's three detectors; each is loaded when first needed. One object serves one thread."""

    def __init__(self):
        self._near = [BlazeFace('back'), BlazeFace('short_range')]
        self._far = BlazeFace('full_range')

    def __call__(self, rgb, quarters=0):
        """Candidates, the surest first, each face once.

        Args:
          rgb: [H,W,3] uint8.
          quarters: by so many the photo is turned before it is looked at, counter-clockwise: detectors know faces
            that are upright to about 45 degrees.
        """
        return [_turned_back(candidate, rgb.shape, quarters) for candidate in self._upright(np.rot90(rgb, quarters))]

    def _upright(self, rgb):
        candidates = []
        for left, top, side in tiles(*rgb.shape[1::-1]):
            square = _drawn(rgb, left, top, side)
            factor = side / square.shape[0]
            whole = side >= max(rgb.shape[:2])
            for detector in self._near + [self._far] if whole else [self._far]:
                found = detector(square, LEAST_SCORE if whole else _LEAST_IN_TILE)
                for box, points, score in zip(*found):
                    corners = (box.reshape(2, 2) + 0.5) * factor - 0.5 + [left, top]
                    candidates.append(Candidate(corners.ravel(), (points + 0.5) * factor - 0.5 + [left, top],
                                                float(score)))
        return distinct(candidates)


def tiles(width, height):
    """The squares (left, top, side) to look at in a photo, the largest first; they may reach beyond it."""
    result = [(0, 0, max(width, height))]
    side = max(width, height) / _SMALLER
    while side > _LEAST_TILE / _SMALLER and max(width, height) > _LEAST_TILE:
        size = int(np.ceil(max(side, _LEAST_TILE)))
        result += [(x, y, size) for y in _starts(height, size) for x in _starts(width, size)]
        if size == _LEAST_TILE:
            break
        side /= _SMALLER
    return result


def _starts(length, size):
    """Evenly spread starts of squares that cover a length."""
    if length <= size:
        return [0]
    count = int(np.ceil((length - size) / (size * (1 - _SHARED)))) + 1
    return [int(round(start)) for start in np.linspace(0, length - size, count)]


def _drawn(rgb, left, top, side):
    """A square of the photo, at most _DRAWN pixels wide; what lies outside of it is black."""
    part = rgb[top:top + side, left:left + side]
    scale = min(_DRAWN / side, 1.0)
    size = (max(int(round(part.shape[1] * scale)), 1), max(int(round(part.shape[0] * scale)), 1))
    if scale < 1:
        part = np.asarray(Image.fromarray(np.ascontiguousarray(part)).resize(size, Image.BILINEAR, reducing_gap=2.0))
    drawn = int(round(side * scale))
    square = np.zeros([drawn, drawn, 3], np.uint8)
    square[:part.shape[0], :part.shape[1]] = part[:drawn, :drawn]
    return square


def distinct(candidates):
    """The candidates without those that show a face that a surer one shows, the surest first."""
    kept = []
    for candidate in sorted(candidates, key=lambda c: -c.score):
        if all(_shared(candidate.box, other.box) <= _SAME_FACE for other in kept):
            kept.append(candidate)
    return kept


def _shared(first, second):
    """The joint area of two boxes over the smaller one's."""
    inner = np.maximum(np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2]), 0).prod()
    area = min(np.maximum(box[2:] - box[:2], 0).prod() for box in (first, second))
    return inner / max(area, 1e-9)


def _turned_back(candidate, shape, quarters):
    """A candidate of np.rot90(photo, quarters), in the photo of this shape."""
    corners, points = candidate.box.reshape(2, 2), candidate.points
    for step in range(quarters - 1, -1, -1):
        # Undone one quarter at a time: the row counted from the right, the column from the top.
        width = shape[1] if step % 2 == 0 else shape[0]
        corners, points = (np.stack([width - 1 - p[:, 1], p[:, 0]], axis=1) for p in (corners, points))
    return candidate._replace(box=np.concatenate([corners.min(axis=0), corners.max(axis=0)]), points=points)
