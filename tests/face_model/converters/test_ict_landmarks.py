"""ICT-FaceKit's 68 landmarks: the built-in list, lists in files, and what shows that a list is wrong."""
import os

import numpy as np
import pytest

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model.converters import ict_facekit, ict_landmarks
from Deep3DFaceReconstruction.photo.landmarks import flip_permutation, standard_five_points
from tests.face_model.converters import ict_stand_in as stand_in
from tests.face_model.converters.ict_stand_in import LAYOUT, convert


def test_the_built_in_landmarks_mirror_like_the_mesh():
    """ICT-FaceKit numbers its left half first and its right half in the same order, less what lies in the middle."""
    one = np.array(ict_landmarks.ICT_LANDMARKS)
    other = one[flip_permutation()]
    assert len(set(one)) == 68 and one.max() < ict_facekit.ICT_LAYOUT.face_vertices
    left = np.flatnonzero(one < other)
    assert len(left) == 29
    apart = (other - one)[left][np.argsort(one[left])]
    assert (np.diff(apart) <= 0).all() and apart.min() > 0


@pytest.mark.parametrize('text', [
    '[%s]', 'lm = (%s)\n1, 2, 3', 'Face: 0-9408, 26719 vertices.\n\n%s.\n', '| 68 landmarks | `%s` |'])
@pytest.mark.parametrize('between', [', ', ' ', ',\n', '; ', '\n'])
def test_landmark_lists_are_found_in_many_forms(tmp_path, text, between):
    numbers = np.random.RandomState(0).permutation(100)[:68]
    (tmp_path / 'README.md').write_text(text % between.join(map(str, numbers)))
    found, source = ict_landmarks.find_landmarks((str(tmp_path / 'none'), str(tmp_path)), 100)
    np.testing.assert_array_equal(found, numbers)
    assert source == str(tmp_path / 'README.md')


def test_without_a_list_the_built_in_one_is_taken(tmp_path):
    (tmp_path / 'README.md').write_text('1, 2, 3 and 0.5 0.7')
    found, source = ict_landmarks.find_landmarks((str(tmp_path),), 9409)
    assert tuple(found) == ict_landmarks.ICT_LANDMARKS and source == 'built-in list'


def _swapped(*pairs):
    order = np.arange(68)
    for one, other in pairs:
        order[[one, other]] = order[[other, one]]
    return lambda places: places[order]


def _shifted(rows, way):
    shift = np.zeros((68, 3))
    shift[rows] = way
    return lambda places: places + shift


@pytest.mark.parametrize('edit, message', [
    (lambda places: places[np.random.RandomState(0).permutation(68)], 'within 0.20 dm of the standard five points'),
    (lambda places: places[flip_permutation()], r'standard five points, got left eye 0\.6\d dm away'),
    (_swapped((0, 16)), 'expected 1 left of 5, got 1.28 dm the other way'),
    (_swapped((2, 14)), 'expected 3 left of 7, got'),
    (_shifted(61, (0.12, 0, 0)), 'expected 62 and 64 to be mirror images within 0.10 dm, got 0.12 dm'),
    (_swapped((37, 38), (43, 44)), 'expected 38 left of 39, got 0.08 dm the other way'),
    (_swapped((37, 41), (44, 46)), 'expected 38 above 42, got 0.08 dm the other way'),
    (_swapped((8, 57)), 'expected 6 above 7, got|expected 8 above 9, got'),
    (_swapped((61, 50), (63, 52)), 'expected 51 above 62, got 0.11 dm the other way'),
    (_shifted(slice(17, 27), (0, -0.3, 0)), 'expected the brow 18-22 above the eye 37-42'),
    (_shifted(51, (0, 0, 0.6)), 'expected the tip of the nose, 31, in front, got 52'),
])
def test_landmarks_that_cannot_be_true_are_refused(edit, message):
    places = stand_in.grid_positions()[stand_in.landmarks()]
    five = standard_five_points()
    ict_landmarks.check_landmarks(places, five, 'list.txt')
    with pytest.raises(FaceModelError, match='^list.txt: expected a list of the 68 iBUG .*' + message) as error:
        ict_landmarks.check_landmarks(edit(places), five, 'list.txt')
    assert '\n' not in str(error.value)


def test_a_wrong_list_leaves_no_model(ict_folder, change_ict, tmp_path):
    out = str(tmp_path / 'model.mat')
    wrong = np.arange(68) * 20
    change_ict('README.md', lambda text: ', '.join(map(str, wrong)))
    with pytest.raises(FaceModelError, match='README.md: expected a list of the 68 iBUG landmarks .*, got another'):
        ict_facekit.convert(ict_folder, out, stand_in.albedo_model(), layout=LAYOUT)
    assert os.listdir(str(tmp_path)) == []
    # A file with the right list helps, without a look at the README.
    right = tmp_path / 'list.txt'
    right.write_text(' '.join(map(str, stand_in.landmarks())))
    ict_facekit.convert(ict_folder, out, stand_in.albedo_model(), landmark_file=str(right), layout=LAYOUT)
    assert face_model.load_face_model(out).keypoints.tolist() == stand_in.in_model(
        stand_in.landmarks()).tolist()


@pytest.mark.parametrize('text, message', [
    ('1 2 3', 'list.txt: expected a list of 68 landmark vertices, got none'),
    (' '.join(map(str, range(69))), 'list.txt: expected a list of 68 landmark vertices, got none'),
    (' '.join(['7'] + [str(k) for k in range(67)]), 'expected 68 different landmark vertices, got 7 twice'),
    (' '.join(str(100 * k) for k in range(68)), r'expected landmark vertices of the face area, 0 to 1763, got 6700'),
    (' '.join(['%d' % stand_in.GRID] + [str(k) for k in range(67)]),
     'generic_neutral_mesh.obj: expected faces around every landmark vertex, got none around vertex 1763'),
    (None, 'list.txt: expected a text with 68 landmark vertices, got one that cannot be read: No such file'),
])
def test_landmark_files_that_are_none(ict_folder, tmp_path, text, message):
    path = tmp_path / 'list.txt'
    if text is not None:
        path.write_text(text)
    with pytest.raises(FaceModelError, match=message):
        convert(ict_folder, landmark_file=str(path))
