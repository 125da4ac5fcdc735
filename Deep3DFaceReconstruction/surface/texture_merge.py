"""One albedo texture from several photos of a face, by two bands (Burt & Adelson 1983).

Coarse colours are averaged over the photos, after each photo's are scaled to agree with the others' where they overlap;
fine detail is taken from the photo that shows a texel best, as an average would blur it.
"""
import cv2
import numpy as np

from Deep3DFaceReconstruction.surface import texture_fill
from Deep3DFaceReconstruction.surface.texture import filled, finished

# Standard deviation of the coarse band, and how far from its border what a photo shows reaches its full weight: texels
# of a 1024 texture.
_COARSE, _BORDER = 14.0, 28.0
# The first photo's detail is preferred by this factor, so that eyes and mouth come from one photo. Detail is an average
# by this power of the weights: the best photo's, but without a seam where another becomes the best.
_FIRST, _POWER = 1.5, 6
# Side in texels of the images in which coarse colours are compared and averaged; smallest albedo level.
_SIDE, _LEAST = 256, 2.0
# What is seen has at least this weight, at the border of it.
_LEAST_WEIGHT = 1e-3
# Overlap, as a share of the texture, below which two photos say nothing of each other's colours.
_LEAST_OVERLAP = 2e-3


class TextureMerger:
    """Collects views one at a time and holds one texture of detail, however many there are; the first leads."""

    def __init__(self):
        self._coarse = []     # (logarithms [s,s,3], weights [s,s]) of each view
        self._detail = 0.0    # [S,S,3] sum of logarithms of albedo over coarse albedo, times their weights
        self._total = 0.0     # [S,S,1] sum of those weights
        self._seen = False    # [S,S] in any view
        self._view = None     # the first

    def add(self, view, quality=1.0):
        """Adds a texture.View.

        Args:
          view: all views must be of one size and one atlas.
          quality: how much its detail is worth besides the angle of view, such as the resolution of the photo.
        """
        logs = np.log(np.maximum(view.colors / view.light, _LEAST))
        weight = _weight(view)
        coarse = _coarse(logs, view.seen)
        size = (min(_SIDE, len(logs)),) * 2
        self._coarse.append((cv2.resize(coarse, size, interpolation=cv2.INTER_AREA),
                             cv2.resize(weight, size, interpolation=cv2.INTER_AREA)))
        sharp = (np.maximum(quality * weight * (_FIRST if self._view is None else 1.0), _LEAST_WEIGHT) ** _POWER
                 * view.seen)[:, :, np.newaxis]
        self._detail = self._detail + sharp * (logs - coarse)
        self._total, self._seen = self._total + sharp, self._seen | view.seen
        self._view = self._view or view

    def texture(self):
        """The Texture: albedo, with what no photo shows from the other side of the face or from the model.

        Raises:
          ValueError: no view was added.
        """
        if self._view is None:
            raise ValueError('texture: expected at least one view, got none')
        seen = self._seen
        logs = np.stack([log for log, _ in self._coarse])
        weights = np.stack([weight for _, weight in self._coarse])[..., np.newaxis]
        logs = logs + gains(logs, weights[..., 0])[:, np.newaxis, np.newaxis]
        total = weights.sum(axis=0)
        mean = (logs * weights).sum(axis=0) / np.maximum(total, _LEAST_WEIGHT)
        mean = texture_fill.spread(mean.astype(np.float32), total[:, :, 0] > _LEAST_WEIGHT)
        mean = cv2.resize(mean, seen.shape[::-1], interpolation=cv2.INTER_LINEAR)
        detail = self._detail / np.maximum(self._total, _LEAST_WEIGHT ** _POWER)
        values = np.where(seen[:, :, np.newaxis], np.exp(mean + detail), 0).astype(np.float32)
        return finished(filled(values, seen, self._view), seen, self._view.face)


def _weight(view):
    """[S,S] float32: cosine of the view, less towards the border of what is seen."""
    inside = cv2.distanceTransform(view.seen.astype(np.uint8), cv2.DIST_L2, 3)
    inside = np.minimum(inside / (_BORDER * len(inside) / 1024.0), 1.0)
    return (view.seen * inside * np.maximum(view.cosine, 0.05) ** 2).astype(np.float32)


def _coarse(logs, seen):
    """[S,S,3]: averaged over what is seen nearby."""
    size = (max(len(logs) // 2, 1),) * 2
    blur = _COARSE * size[0] / 1024.0
    share = seen.astype(np.float32)

    def averaged(values):
        return cv2.GaussianBlur(cv2.resize(values, size, interpolation=cv2.INTER_AREA), (0, 0), blur)

    mean = averaged(logs * share[:, :, np.newaxis]) / np.maximum(averaged(share), 1e-4)[:, :, np.newaxis]
    return cv2.resize(mean, seen.shape[::-1], interpolation=cv2.INTER_LINEAR)


def gains(logs, weights):
    """What to add to each view's logarithms so that views agree where they overlap, by least squares; zero on average.

    Args:
      logs: [V,s,s,3].  weights: [V,s,s], 0 where a view shows nothing.
    Returns:
      [V,3].
    """
    count = len(logs)
    system, right = 1e-3 * np.eye(count) + 1.0, np.zeros([count, 3])
    for i in range(count):
        for j in range(i):
            overlap = np.minimum(weights[i], weights[j])
            share = float(overlap.mean())
            if share < _LEAST_OVERLAP:
                continue
            apart = np.median((logs[j] - logs[i])[overlap > 0], axis=0)
            system[[i, j], [i, j]] += share
            system[[i, j], [j, i]] -= share
            right[i] += share * apart
            right[j] -= share * apart
    return np.linalg.solve(system, right).astype(np.float32)
