"""The 68 landmarks of ICT-FaceKit: where the list comes from, and whether it can be true."""
import os
import re

import numpy as np

from Deep3DFaceReconstruction.conventions import LANDMARK_COUNT
from Deep3DFaceReconstruction.errors import FaceModelError, one_line
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, flip_permutation

# Vertices of generic_neutral_mesh.obj, from 0, in the order of the 68 iBUG landmarks (ICT-FaceKit's README).
ICT_LANDMARKS = (
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443,
    268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360,
    1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732,
    5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841, 5702, 5711, 5533, 6216, 6207, 6470, 5517,
    5966)

_README_NAMES = ('README.md', 'readme.md', 'Readme.md', 'README.txt', 'README')
# Whole numbers with nothing but space, commas, semicolons or line ends between them.
_NUMBERS = re.compile(r'(?<![\w.\-])\d+(?:[\s,;]+\d+)*(?!\w|\.\d)')

# How far a landmark may lie from where a face has it, dm. A face's eyes are 0.6 dm apart; a vertex of the mesh lies
# about 0.05 dm from the next.
_FIT = 0.2
_MIRROR = 0.1
_ORDER = 0.03

# Groups of landmarks, from 0.
_BROWS, _EYES = (range(17, 22), range(22, 27)), (range(36, 42), range(42, 48))
_MIDDLE = (8, 27, 28, 29, 30, 33, 51, 57, 62, 66)
# Along each of these x grows from landmark to landmark.
_LEFT_TO_RIGHT = (
    (0, 4, 8, 12, 16), (1, 5, 11, 15), (2, 6, 10, 14), range(3, 14), range(17, 27), range(31, 36),
    (36, 37, 38, 39), (36, 41, 40, 39), (42, 43, 44, 45), (42, 47, 46, 45), range(48, 55),
    (48, 59, 58, 57, 56, 55, 54), (48, 60, 64, 54), range(60, 65), (60, 67, 66, 65, 64))
# Along each of these y falls: jaw line to the chin from both sides, bridge of the nose, lids, lips.
_TOP_TO_BOTTOM = (
    range(0, 9), range(16, 7, -1), (27, 28, 29, 30, 33, 51, 57, 8), (37, 41), (38, 40), (43, 47), (44, 46),
    (50, 61, 67, 58), (51, 62, 66, 57), (52, 63, 65, 56))


def find_landmarks(folders, vertex_count, landmark_file=None):
    """The landmark list: of a file, else of the README in one of the folders, else the built-in one.

    In a file the list is the one row of exactly 68 whole numbers, in brackets or not, over one or more lines, with
    spaces, commas or semicolons between.

    Args:
      folders: where a README may lie.
      vertex_count: the numbers must be lower.
      landmark_file: a file that has to hold a list, or None.
    Returns:
      (landmarks [68] int, from 0; where from, for messages).
    Raises:
      FaceModelError: landmark_file cannot be read or holds no list; a list with equal or too large numbers.
    """
    if landmark_file is not None:
        lists = _lists(landmark_file)
        if not lists:
            raise FaceModelError('%s: expected a list of %d landmark vertices, got none'
                             % (landmark_file, LANDMARK_COUNT))
        return _checked(lists[0], vertex_count, landmark_file), landmark_file
    for folder in folders:
        for name in _README_NAMES:
            path = os.path.join(folder, name)
            lists = _lists(path) if os.path.isfile(path) else []
            if lists:
                return _checked(lists[0], vertex_count, path), path
    return _checked(np.array(ICT_LANDMARKS), vertex_count, 'built-in list'), 'built-in list'


def _lists(path):
    """The rows of exactly 68 whole numbers in a text file, [68] int each."""
    try:
        with open(path, encoding='utf-8', errors='replace') as stream:
            text = stream.read()
    except OSError as error:
        raise FaceModelError('%s: expected a text with %d landmark vertices, got one that cannot be read: %s'
                         % (path, LANDMARK_COUNT, one_line(error)))
    rows = [re.split(r'[\s,;]+', match.group()) for match in _NUMBERS.finditer(text)]
    return [np.array([int(number) for number in row]) for row in rows if len(row) == LANDMARK_COUNT]


def _checked(landmarks, vertex_count, source):
    values, counts = np.unique(landmarks, return_counts=True)
    if counts.max() > 1:
        raise FaceModelError('%s: expected %d different landmark vertices, got %d twice'
                         % (source, LANDMARK_COUNT, values[counts > 1][0]))
    if values[-1] >= vertex_count:
        raise FaceModelError('%s: expected landmark vertices of the face area, 0 to %d, got %d'
                         % (source, vertex_count - 1, values[-1]))
    return landmarks


def check_landmarks(places, five_points, source):
    """Refuses landmarks that do not lie as those of a neutral face.

    Looked at: the fit to the standard five points, mirror images, and who is left of, above and in front of whom.

    Args:
      places: [68,3] the landmarks, brought onto the standard five points (dm, y up, face along +z).
      five_points: [5,3] the standard points, dm.
      source: where the list comes from, for the message.
    Raises:
      FaceModelError: one line that says what was expected where, and what the list has.
    """
    wrong = _first_fault(places, five_points)
    if wrong:
        raise FaceModelError('%s: expected a list of the %d iBUG landmarks of this mesh (give one with --landmarks), '
                             'got another: %s' % (source, LANDMARK_COUNT, wrong))


def _first_fault(places, standard):
    """What is wrong first, numbering landmarks from 1, or None."""
    x, y, z = places.T
    misfit = np.linalg.norm(five_from_68(places) - standard, axis=1)
    if misfit.max() > _FIT:
        return ('expected eyes, nose and mouth within %.2f dm of the standard five points, got %s %.2f dm away'
                % (_FIT, ('left eye', 'right eye', 'nose', 'left mouth corner', 'right mouth corner')[misfit.argmax()],
                   misfit.max()))
    other = flip_permutation()
    middle = x[list(_MIDDLE)].mean()
    image = np.stack([2 * middle - x, y, z], axis=1)[other]
    gap = np.linalg.norm(image - places, axis=1)
    if gap.max() > _MIRROR:
        return ('expected %d and %d to be mirror images within %.2f dm, got %.2f dm'
                % (gap.argmax() + 1, other[gap.argmax()] + 1, _MIRROR, gap.max()))
    for rows, values, word in ((_LEFT_TO_RIGHT, x, 'left of'), (_TOP_TO_BOTTOM, -y, 'above')):
        for row in map(list, rows):
            step = np.diff(values[row])
            if step.min() < -_ORDER:
                return ('expected %d %s %d, got %.2f dm the other way'
                        % (row[step.argmin()] + 1, word, row[step.argmin() + 1] + 1, -step.min()))
    for brow, eye in zip(_BROWS, _EYES):
        if y[brow].min() < y[eye].max() - _ORDER:
            return 'expected the brow %d-%d above the eye %d-%d, got it below' % (
                brow[0] + 1, brow[-1] + 1, eye[0] + 1, eye[-1] + 1)
    if z.argmax() not in (29, 30, 33):
        return "expected the tip of the nose, 31, in front, got %d" % (z.argmax() + 1)
    return None
