"""Given points against what the photo shows: right ones pass, wrong ones are refused by name."""

import re

import numpy as np
import pytest
from PIL import Image
from skimage import data

from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo.alignment import align_img
from Deep3DFaceReconstruction.photo.five_points_check import check_five_points
from Deep3DFaceReconstruction.photo.landmarks import standard_five_points

RIGHT = np.array([[203.56, 102.59], [246.27, 104.74], [225.18, 127.25], [200.52, 139.05], [245.56, 140.84]])
SIZE = 512


@pytest.fixture(scope='module')
def astronaut():
    return Image.fromarray(data.astronaut())


@pytest.fixture(scope='module')
def finder():
    return FaceFinder()


def check(image, points, finder):
    try:
        crop, lm_5p, _ = align_img(image, points, standard_five_points())
    except LandmarkError:
        return check_five_points(image, points, finder)
    return check_five_points(image, points, finder, (crop[0], lm_5p))


def turned(points):
    """The points of the photo turned by a quarter to the left."""
    return np.stack([points[:, 1], SIZE - 1 - points[:, 0]], axis=1)


@pytest.mark.parametrize('box', [
    (0, 0, 512, 512),
    (170, 60, 285, 175),   # fills the frame
    (225, 0, 512, 512),    # half of the face is outside
])
def test_right_points_are_confirmed(astronaut, finder, box):
    assert check(astronaut.crop(box), RIGHT - box[:2], finder) == ()


def test_a_tilted_face_is_confirmed(astronaut, finder):
    assert check(astronaut.rotate(90), turned(RIGHT), finder) == ()


@pytest.mark.parametrize('points, message', [
    (RIGHT / SIZE, 'coordinates between 0 and 1'),
    (RIGHT / SIZE * 100, 'coordinates in per cent'),
    (RIGHT / 2, 'half scale'),
    (RIGHT * 2, 'twice the scale'),
    (RIGHT * 0.37, '0.37 of the scale'),
    (np.stack([RIGHT[:, 0], SIZE - 1 - RIGHT[:, 1]], axis=1), 'y counted from the bottom'),
    (RIGHT[:, ::-1], 'x and y exchanged'),
    (RIGHT + [150, 250], 'points shifted by 15., 25.'),
    (RIGHT - [225, 0], 'points shifted by -22.'),
    (RIGHT + [12, 10], 'points shifted by 1., 1.'),
    (RIGHT[[3, 4, 2, 0, 1]], 'mouth before eyes'),
    (RIGHT[[1, 0, 2, 3, 4]], 'left and right eye exchanged'),
    (RIGHT[[0, 1, 2, 4, 3]], 'left and right mouth corner exchanged'),
    (RIGHT[[1, 0, 2, 4, 3]], 'left and right exchanged'),
    (RIGHT[[0, 2, 1, 3, 4]], 'in this order, got: left eye, nose tip, right eye'),
    (np.stack([SIZE - 1 - RIGHT[:, 1], RIGHT[:, 0]], axis=1), 'before it was turned upright'),
])
def test_wrong_points_are_refused_with_what_they_look_like(astronaut, finder, points, message):
    with pytest.raises(LandmarkError, match=message):
        check(astronaut, points, finder)


def test_what_nothing_confirms_is_doubtful(astronaut, finder):
    empty = Image.new('RGB', (300, 300), (120, 110, 100))
    assert check(empty, RIGHT, finder) == ('no detector finds a face at the five points',)
    doubt, = check(astronaut, RIGHT * [1.6, 0.6] + [100, 300], finder)
    assert doubt.startswith('no face is found at the five points') and re.search(r'but at \(22\d, 12\d\)', doubt)


def test_mirrored_points_are_refused_where_no_face_is_found(finder):
    with pytest.raises(LandmarkError, match='expected a face that is not mirrored'):
        check(Image.new('RGB', (512, 512), (120, 110, 100)), RIGHT[[1, 0, 2, 4, 3]], finder)


def test_another_face_that_no_detector_finds_is_doubtful_not_refused(astronaut, finder):
    """Beside a face that is found, points of another shape may be right; a copy of the found one's cannot."""
    head = astronaut.crop((120, 0, 330, 260))
    pair = Image.new('RGB', (600, 260), (120, 110, 100))
    pair.paste(head, (0, 0))
    own = RIGHT - [120, 0]
    of_a_turned_face = (own - own.mean(axis=0)) * [0.6, 1] + own.mean(axis=0)
    doubt, = check(pair, of_a_turned_face + [300, 40], finder)
    assert doubt.startswith('no face is found at the five points')
    with pytest.raises(LandmarkError, match=r'points shifted by 30\d, 4\d'):
        check(pair, own + [300, 40], finder)
