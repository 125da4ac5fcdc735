"""The colours of a crop where the samples of a face are seen."""
from typing import NamedTuple

import cv2
import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import IMAGE_SIZE, LUMA

# Side of the blocks of block_sums, pixels: what is wrong with a crop's colours is alike about so far.
_BLOCK = 32


class SeenSamples(NamedTuple):
    """The samples that the image shows; n of them."""
    rows: np.ndarray       # [n] int
    colour: np.ndarray     # [n,3] RGB, 1 = 255 levels
    slope: np.ndarray      # [n,3,2] of the colour per pixel to the right and up
    attention: np.ndarray  # [n] 0-1
    facing: np.ndarray     # [n] cosine


class CropColors:
    """A blurred crop with its slopes."""

    def __init__(self, crop_bgr, attention, blur):
        image = cv2.GaussianBlur(crop_bgr[:, :, ::-1].astype(np.float32) / 255, (0, 0), blur)
        right = cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=3) / 8
        down = cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=3) / 8
        self._layers = (image, right, -down, attention)

    def sample(self, geometry, facing):
        """The SeenSamples of samples of a Geometry whose cosines are `facing` [K], 0 where hidden."""
        place = numpy_decoder.project(geometry.moved) - 0.5  # a pixel's centre is half a pixel from its edge
        place[:, 1] = IMAGE_SIZE - 1 - place[:, 1]
        inside = np.logical_and(place > 1, place < IMAGE_SIZE - 2).all(axis=1)
        rows = np.flatnonzero(inside & (facing > 0))
        if not len(rows):
            return SeenSamples(rows, *[np.zeros(0)] * 4)
        x, y = place[rows].T.astype(np.float32)[:, np.newaxis]
        colour, right, up, attention = (cv2.remap(layer, x, y, cv2.INTER_LINEAR)[0] for layer in self._layers)
        return SeenSamples(rows, colour, np.stack([right, up], axis=2), attention, facing[rows])


def block_sums(geometry, seen, values):
    """[B,...] sums of values [n,...] of SeenSamples of a Geometry, over those of the crop's square blocks with any."""
    column, row = np.floor(numpy_decoder.project(geometry.moved[seen.rows]) / _BLOCK).astype(int).T
    names, block = np.unique(IMAGE_SIZE * row + column, return_inverse=True)
    sums = np.zeros((len(names),) + values.shape[1:])
    np.add.at(sums, block, values)
    return sums


def is_grey(crop_bgr):
    """Whether an image [H,W,3] uint8 has no colours: then the light is white."""
    image = crop_bgr.astype(np.int16)
    return float(np.abs(image - image.mean(axis=2, keepdims=True)).mean()) < 2.0


def with_hues(seen, albedo):
    """The SeenSamples of a grey image, coloured as the mean face is.

    A grey image says nothing of hues. Compared channel by channel, it would ask for grey skin. Colours may exceed 1: an
    image of them, cut off at 1, is as bright as the grey one. Where that takes a steep climb, `attention` is less.

    Args:
      seen: SeenSamples.
      albedo: [K,3] RGB of all samples in the mean face.
    """
    hues = albedo[seen.rows]
    hues = hues / np.maximum(hues.dot(np.float32(LUMA)), 1e-3)[:, np.newaxis]
    brightness, climb = _unclipped(seen.colour.dot(np.float32(LUMA)), hues)
    return seen._replace(colour=brightness[:, np.newaxis] * hues, attention=seen.attention / climb ** 2,
                         slope=climb[:, np.newaxis, np.newaxis] * seen.slope * hues[:, :, np.newaxis])


def _unclipped(grey, hues):
    """(k [n], dk / dgrey [n]) where the colours k hues, cut off at 1, are as bright as `grey` [n]; hues [n,3]."""
    brightness, climb = grey, np.ones_like(grey)
    for _ in range(2):  # the last channel is not cut off, so that white has an answer
        full = brightness[:, np.newaxis] * hues >= 1
        rest = np.where(full, 0, hues).dot(np.float32(LUMA))
        some = full.any(axis=1) & (rest > 0)
        climb = np.where(some, 1 / np.where(some, rest, 1), climb)
        brightness = np.where(some, (grey - full.dot(np.float32(LUMA))) * climb, brightness)
    return brightness, climb
