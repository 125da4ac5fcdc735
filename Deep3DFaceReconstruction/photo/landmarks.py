"""What the landmarks of a face mean: 68 points in the iBUG scheme, and the five that alignment needs.

The 68, counted from 0: jaw line 0-16, brows 17-26, nose 27-35, eyes 36-47, lips 48-67. The five: left eye, right
eye, nose tip, left and right mouth corner. Left and right are those of the image, as seen.

Frames: points are (x, y) in pixels, x to the right. "y-down" counts rows from the top; "y-up" is y = height - 1 - row.
"""
import numpy as np

from Deep3DFaceReconstruction.conventions import IMAGE_SIZE, LANDMARK_COUNT
from Deep3DFaceReconstruction.errors import LandmarkError

FIVE_NAMES = ('left eye', 'right eye', 'nose tip', 'left mouth corner', 'right mouth corner')

# The jaw line moves along the cheek as the head turns; the other 51 stay on the same point of the face.
JAW = slice(0, 17)
INNER = slice(17, LANDMARK_COUNT)

# Landmarks of the published mean face (dm, world frame) by their number in the iBUG scheme, from 1.
_STANDARD_BY_NUMBER = {
    31: (0.0032535, -0.0461793, 0.5524424),
    37: (-0.4309752, 0.2919658, 0.1040332),
    40: (-0.1919980, 0.2887558, 0.1635258),
    43: (0.1878507, 0.2887361, 0.1601802),
    46: (0.4317471, 0.2907046, 0.1034104),
    49: (-0.2521693, -0.3813392, 0.2240573),
    55: (0.2484662, -0.3812824, 0.2223577),
}


def five_from_68(landmarks):
    """The five points of 68 landmarks; an eye is the mean of its two corners.

    Args:
      landmarks: [68, D].
    Returns:
      [5, D] float64, in the order of `FIVE_NAMES`.
    Raises:
      LandmarkError: another number of points.
    """
    p = np.asarray(landmarks, np.float64)
    if p.ndim != 2 or len(p) != LANDMARK_COUNT:
        raise LandmarkError('expected landmarks [68, 2], got %s' % list(p.shape))
    return np.concatenate([(p[[36, 42]] + p[[39, 45]]) / 2, p[[30, 48, 54]]])


def standard_five_points():
    """The five points of the mean face, which alignment brings a photo's five points to.

    Returns:
      [5, 3] float64, dm, world frame (y-up), in the order of `FIVE_NAMES`.
    """
    landmarks = np.full((LANDMARK_COUNT, 3), np.nan)
    for number, xyz in _STANDARD_BY_NUMBER.items():
        landmarks[number - 1] = xyz
    return five_from_68(landmarks)


def flip_permutation():
    """[68] int: where each landmark of a mirrored face comes from (from 0; the left eye was the right one)."""
    order = np.arange(LANDMARK_COUNT)
    order[0:17] = np.arange(16, -1, -1)            # jaw line
    order[17:27] = np.arange(26, 16, -1)           # brows
    order[31:36] = np.arange(35, 30, -1)           # below the nose
    order[36:48] = [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    order[48:68] = [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
    return order


def to_y_up(points, height=IMAGE_SIZE):
    """[..., 2] points: y-down to y-up and back (y' = height - 1 - y). The default height is the crop's."""
    points = np.asarray(points)
    return np.stack([points[..., 0], height - 1 - points[..., 1]], axis=-1)


def face_tilt(five_points):
    """Degrees by which a face with these five points [5, 2] (y-down) leans clockwise, as seen: -180 to 180."""
    p = np.asarray(five_points, np.float64)
    down = p[3:5].mean(axis=0) - p[0:2].mean(axis=0)  # from the eyes to the mouth; it also holds in profile
    return float(np.degrees(np.arctan2(-down[0], down[1])))
