"""Landmark files as people have them, and every way they are wrong."""
import json

import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo import landmark_files
from Deep3DFaceReconstruction.photo.landmarks import five_from_68

FIVE = np.array([[203.5, 102.5], [246.0, 104.75], [225.25, 127.0], [200.5, 139.0], [245.5, 140.75]])


def test_read_five_points(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('\ufeff1 2\r\n3.5\t4\n\n -5 6e1 \n7 8\n9 10\n', encoding='utf-8')
    points = landmark_files.read_five_points(str(path))
    np.testing.assert_array_equal(points, [[1, 2], [3.5, 4], [-5, 60], [7, 8], [9, 10]])


@pytest.mark.parametrize('text, message', [
    ('1 2\n' * 4, r"a\.txt: expected 5 lines 'x y', got 4"),
    ('1 2\n' * 6, r"a\.txt: expected 5 lines 'x y', got 6"),
    ('', r"a\.txt: expected 5 lines 'x y', got 0"),
    ('1 2\n3 4\nleft eye\n5 6\n7 8\n', r"a\.txt, line 3: expected two numbers 'x y', got 'left eye'"),
    ('1 2\n3 4 5\n', r"a\.txt, line 2: expected two numbers 'x y', got '3 4 5'"),
    ('1 2\n3 nan\n', r"a\.txt, line 2: .* got '3 nan'"),
    ('inf 2\n', r"a\.txt, line 1: .* got 'inf 2'"),
])
def test_wrong_landmark_files_are_named_with_the_line(tmp_path, text, message):
    path = tmp_path / 'a.txt'
    path.write_text(text)
    with pytest.raises(LandmarkError, match=message):
        landmark_files.read_five_points(str(path))


def test_unreadable_landmark_files_are_named(tmp_path):
    with pytest.raises(LandmarkError, match=r'a\.txt: expected a landmark file, got: No such file'):
        landmark_files.read_five_points(str(tmp_path / 'a.txt'))
    (tmp_path / 'b.txt').write_bytes(b'\xff\xfe\x00\x81')
    with pytest.raises(LandmarkError, match=r'b\.txt: expected a landmark file, got: .*decode'):
        landmark_files.read_five_points(str(tmp_path / 'b.txt'))


def test_digits_with_underscores_are_no_numbers(tmp_path):
    (tmp_path / 'a.txt').write_text('2_0 1_0\n' * 5)
    with pytest.raises(LandmarkError, match=r"a\.txt, line 1: expected two numbers 'x y', got '2_0 1_0'"):
        landmark_files.read_five_points(str(tmp_path / 'a.txt'))


def lines(form, points=FIVE):
    return ''.join(form.format(x=x, y=y, n=n, m=n + 1) + '\n' for n, (x, y) in enumerate(points))


@pytest.mark.parametrize('text, understood', [
    (lines('{x}\t{y}'), ''),
    (lines('{x}, {y}'), ''),
    (lines('({x},{y})'), ''),
    (lines('{x};{y}').replace('.', ','), ''),
    ('x,y\n' + lines('{x},{y}'), 'a header'),
    ('# clicked by hand\n' + lines('{x} {y}'), ''),
    (lines('{x} {y} 0.9{n}'), 'a confidence behind each point'),
    ('x y score\n' + lines('{x} {y} 1'), 'a header, a confidence behind each point'),
    (lines('{n} {x} {y}'), 'a number before each point'),
    (lines('{m},{x},{y}'), 'a number before each point'),
    (lines('point{n}: {x} {y}'), ''),
    (' '.join('%r %r' % tuple(point) for point in FIVE.tolist()), 'all points on one line'),
    ('000001.jpg ' + ' '.join('%r %r' % tuple(point) for point in FIVE.tolist()), 'all points on one line'),
    (' '.join('%r %r 0.5' % tuple(point) for point in FIVE.tolist()), 'all points on one line, with confidences'),
    (json.dumps(FIVE.tolist()), 'all points on one line'),
])
def test_forms_of_five_points(tmp_path, text, understood):
    path = tmp_path / 'a.txt'
    for encoding in ('utf-8', 'utf-8-sig', 'utf-16'):
        path.write_text(text, encoding=encoding)
        content = landmark_files.read_landmark_file(str(path))
        np.testing.assert_allclose(content.five_points, FIVE)
        assert content.understood == understood


@pytest.fixture
def sixty_eight():
    return np.random.RandomState(0).uniform(0, 300, (68, 2)).round(2)


def test_68_points(tmp_path, sixty_eight):
    path = tmp_path / 'a.txt'
    path.write_text(lines('{x} {y}', sixty_eight))
    content = landmark_files.read_landmark_file(str(path))
    np.testing.assert_allclose(content.five_points, five_from_68(sixty_eight))
    assert content.understood == '68 points in the iBUG order'
    path = tmp_path / 'a.pts'
    path.write_text('version: 1\nn_points: 68\n{\n' + lines('{x} {y}', sixty_eight + 1) + '}\n')
    content = landmark_files.read_landmark_file(str(path))
    np.testing.assert_allclose(content.five_points, five_from_68(sixty_eight))
    assert '.pts file, counted from 1' in content.understood


def named(names):
    return dict(zip(names, FIVE.tolist()))


@pytest.mark.parametrize('content', [
    [{'box': [1, 2, 3, 4], 'confidence': 0.99,
      'keypoints': named(['left_eye', 'right_eye', 'nose', 'mouth_left', 'mouth_right'])}],
    {'face_1': {'score': 0.99, 'facial_area': [1, 2, 3, 4],
                'landmarks': named(['right_eye', 'left_eye', 'nose', 'mouth_right', 'mouth_left'])}},
    {'faces': [{'bbox': [1.0, 2.0, 3.0, 4.0], 'det_score': 0.8, 'kps': FIVE.tolist()}]},
    {'faces': [{'landmark': {'left_eye': {'x': 203.5, 'y': 102.5}, 'right_eye': {'x': 246.0, 'y': 104.75},
                             'nose': {'x': 225.25, 'y': 127.0}, 'mouth_left': {'x': 200.5, 'y': 139.0},
                             'mouth_right': {'x': 245.5, 'y': 140.75}}}]},
])
def test_detectors_json(tmp_path, content):
    (tmp_path / 'a.json').write_text(json.dumps(content))
    result = landmark_files.read_landmark_file(str(tmp_path / 'a.json'))
    np.testing.assert_allclose(result.five_points, FIVE)
    assert result.understood.startswith('JSON, five')


def test_json_with_68_points(tmp_path, sixty_eight):
    (tmp_path / 'a.json').write_text(json.dumps({'landmarks': sixty_eight.tolist()}))
    result = landmark_files.read_landmark_file(str(tmp_path / 'a.json'))
    np.testing.assert_allclose(result.five_points, five_from_68(sixty_eight))
    assert result.understood == 'JSON, 68 points in the iBUG order'


@pytest.mark.parametrize('content, message', [
    ({'faces': [{'kps': FIVE.tolist()}, {'kps': (FIVE + 200).tolist()}]}, 'of one face, got those of 2'),
    ({'landmarks': [[1, 2]] * 7}, 'got none that is known'),
])
def test_json_that_is_ambiguous_or_unknown_is_refused(tmp_path, content, message):
    (tmp_path / 'a.json').write_text(json.dumps(content))
    with pytest.raises(LandmarkError, match=r'a\.json: expected .*' + message):
        landmark_files.read_landmark_file(str(tmp_path / 'a.json'))
