"""Random changes to a training sample that keep image, attention and landmarks together.

Points here are column and row indices of the crop, with y-up landmarks as the training set stores them
(row = 223 - y).
"""
from typing import NamedTuple

import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import CENTER, IMAGE_SIZE
from Deep3DFaceReconstruction.photo.landmarks import flip_permutation, to_y_up


class Augmentation(NamedTuple):
    """How far a sample may change.

    Attributes:
      shift_px: at most this many pixels, each way.
      scale: a factor within 1/(1+scale)..1+scale.
      colour: brightness and contrast, of all channels and of each, change by at most this share.
      flip: every other sample is mirrored.
      turn: samples with coefficients turn at most so far, each way; radians.
    """

    shift_px: float
    scale: float
    colour: float
    flip: bool
    turn: float = 0.0


NO_AUGMENTATION = Augmentation(shift_px=0.0, scale=0.0, colour=0.0, flip=False)
DEFAULT_AUGMENTATION = Augmentation(shift_px=10.0, scale=0.1, colour=0.2, flip=True, turn=np.radians(15))


def augment(image, landmarks, attention, augmentation, random):
    """One random variation of a sample.

    Args:
      image: [224, 224, 3] uint8.
      landmarks: [68, 2] float32, y-up.
      attention: [224, 224, 1] uint8.
      augmentation: Augmentation.
      random: numpy.random.RandomState; the same state gives the same variation.
    Returns:
      (image, landmarks, attention) of the same shapes and types; what comes in from outside is black, with attention 0.
    """
    # Every number is drawn whether it is used or not, so that one setting does not change the others' draws.
    shift = random.uniform(-1, 1, 2) * augmentation.shift_px
    factor = (1.0 + augmentation.scale) ** random.uniform(-1, 1)
    gains = random.uniform(-1, 1, 8) * augmentation.colour
    mirrored = random.uniform() < 0.5
    if augmentation.flip and mirrored:
        image, landmarks, attention = flip(image, landmarks, attention)
    if augmentation.shift_px or augmentation.scale:
        image, landmarks, attention = move(image, landmarks, attention, factor, shift)
    if augmentation.colour:
        image = recolour(image, contrast=gains[0] + gains[2:5] / 2, brightness=gains[1] + gains[5:8] / 2)
    return image, landmarks, attention


def augment_labelled(sample, coeff, augmentation, random, motion):
    """One random variation of a sample whose coefficients are known: mirrored, turned and recoloured.

    A shift or another scale would be another perspective, for which there are no exact coefficients.

    Args:
      sample: (image, landmarks, attention), see augment.
      coeff: [257] float32.
      augmentation, random: see augment.
      motion: supervision.label_motion.LabelMotion.
    Returns:
      (sample, coeff) of the same shapes and types.
    """
    angle = random.uniform(-1, 1) * augmentation.turn
    mirrored = random.uniform() < 0.5 and augmentation.flip
    if mirrored or angle:
        sample, coeff = turn(*sample, mirrored=mirrored, angle=angle), motion.moved(coeff, mirrored, angle)
    colours = NO_AUGMENTATION._replace(colour=augmentation.colour)
    return augment(*sample, augmentation=colours, random=random), coeff


def turn(image, landmarks, attention, mirrored, angle):
    """Mirrors a sample, then turns it about the optical axis, anticlockwise by `angle` radians.

    What comes in from outside continues the image as in a mirror, with attention 0.
    """
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]]) * (np.array([-1, 1]) if mirrored else 1)
    if mirrored:
        landmarks = landmarks[flip_permutation()]
    points = (landmarks - CENTER) @ linear.T + CENTER
    # The same in pixels, whose rows go down.
    axis = to_y_up(np.array([CENTER, CENTER]))
    linear = linear * np.array([[1, -1], [-1, 1]])
    matrix = np.column_stack([linear, axis - linear @ axis])
    return (_warped(image, matrix, cv2.BORDER_REFLECT_101), points.astype(np.float32),
            _warped(attention, matrix)[..., np.newaxis])


def flip(image, landmarks, attention):
    """The mirrored sample: column c becomes 223 - c, and landmarks change their names with their sides."""
    landmarks = landmarks[flip_permutation()] * np.float32([-1, 1]) + np.float32([IMAGE_SIZE - 1, 0])
    return np.ascontiguousarray(image[:, ::-1]), landmarks, np.ascontiguousarray(attention[:, ::-1])


def move(image, landmarks, attention, factor, shift):
    """Scales about the crop's centre and shifts by (right, down) pixels."""
    center = (IMAGE_SIZE - 1) / 2
    matrix = np.array([[factor, 0, center * (1 - factor) + shift[0]],
                       [0, factor, center * (1 - factor) + shift[1]]])
    points = to_y_up(to_y_up(landmarks) * factor + matrix[:, 2])
    return _warped(image, matrix), points.astype(np.float32), _warped(attention, matrix)[..., np.newaxis]


def _warped(image, matrix, border=cv2.BORDER_CONSTANT):
    """[224,224,...]: an image whose pixels (column, row) moved by matrix [2,3]; border: what comes in from outside."""
    return cv2.warpAffine(image, matrix, (IMAGE_SIZE, IMAGE_SIZE), flags=cv2.INTER_LINEAR, borderMode=border)


def recolour(image, contrast, brightness):
    """Contrast about mid-grey and brightness, per channel; 0 leaves a channel as it is, 0.2 adds a fifth."""
    levels = np.arange(256.0)[:, np.newaxis]
    table = (levels - 128.0) * (1.0 + contrast) + 128.0 + 128.0 * brightness
    table = np.uint8(np.clip(np.round(table), 0, 255))
    return cv2.LUT(image, table[:, np.newaxis])
