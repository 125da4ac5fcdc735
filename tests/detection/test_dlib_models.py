"""dlib's detectors and predictor on the public-domain portrait."""
import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.detection import face_finder
from Deep3DFaceReconstruction.detection.dlib_models import FaceRect
from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo.alignment import align_img, to_crop
from Deep3DFaceReconstruction.photo.landmarks import face_tilt, five_from_68, standard_five_points

# Clicked by hand in the 512x512 portrait: eyes, nose tip, mouth corners.
CLICKED = np.array([[201, 108], [245, 107], [225, 127], [205, 139], [246, 141]], np.float64)


@pytest.fixture(scope='module')
def astronaut():
    return Image.fromarray(pytest.importorskip('skimage.data').astronaut())


@pytest.fixture(scope='module')
def finder():
    return face_finder.FaceFinder('dlib')


@pytest.fixture(scope='module')
def face(astronaut, finder):
    return face_finder.find_faces('astronaut.png', astronaut, finder)[0][0]


def test_the_portrait_has_one_sure_face_whose_points_are_right(face, finder, astronaut):
    assert len(finder.dlib.detect_faces(np.asarray(astronaut))) == 1
    assert np.linalg.norm(face.five_points - CLICKED, axis=1).max() < 7.0
    assert face.detector == 'dlib' and face.box[0] < 200 < face.box[2] and face.box[1] < 120 < face.box[3]


def test_landmarks_do_not_depend_on_the_scale_of_the_photo(face, finder, astronaut):
    small = astronaut.resize((307, 307), Image.BICUBIC)
    found = face_finder.find_faces('small.png', small, finder)[0][0]
    distance = np.linalg.norm((found.landmarks68 + 0.5) / 0.6 - 0.5 - face.landmarks68, axis=1)
    assert distance.mean() < 1.5


def test_landmarks_of_the_crop_are_those_of_the_photo(face, finder, astronaut):
    crop, _, trans_params = align_img(astronaut, face.five_points, standard_five_points())
    in_crop = finder.crop_landmarks68(np.ascontiguousarray(crop[0, ..., ::-1]))
    distance = np.linalg.norm(in_crop - to_crop(face.landmarks68, trans_params), axis=1)
    assert distance.mean() < 2.0


def test_a_face_partly_outside_the_picture(face, finder, astronaut):
    cut = 205
    rgb = np.asarray(astronaut)[:, cut:]
    left, top, right, bottom = face.box
    points = finder.dlib.landmarks68(rgb, FaceRect(left - cut, top, right - cut, bottom, 1.0))
    assert np.linalg.norm(points + [cut, 0] - face.landmarks68, axis=1).mean() < 4.0
    assert points[:, 0].min() < 0


def test_several_faces_largest_first(finder, astronaut):
    head = astronaut.crop((120, 20, 320, 220))
    group = Image.new('RGB', (900, 420), (128, 128, 128))
    group.paste(head, (20, 100))
    group.paste(head.resize((320, 320), Image.BICUBIC), (300, 50))
    group.paste(head.resize((260, 260), Image.BICUBIC), (630, 80))
    found, count = face_finder.find_faces('group.png', group, finder, all_faces=True)
    assert count == len(found)
    centers = [face.five_points[2, 0] for face in found]
    assert len(found) == 3
    assert 300 < centers[0] < 620 < centers[1] < 890 and centers[2] < 220
    assert len(face_finder.find_faces('group.png', group, finder)[0]) == 1


@pytest.mark.parametrize('degrees', [-75, -40, 25, 60, 90])
def test_tilted_faces(face, finder, astronaut, degrees):
    """HOG knows upright faces alone; beyond that the landmarks would be wrong, not missing."""
    box = (40, 0, 400, 360)
    tilted = astronaut.crop(box).rotate(-degrees, Image.BICUBIC)
    found = face_finder.find_faces('tilted.png', tilted, finder)[0][0]
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    center = np.array([179.5, 179.5])
    expected = (face.landmarks68 - box[:2] - center) @ turn + center
    assert np.linalg.norm(found.landmarks68 - expected, axis=1).mean() < 1.5
    assert face_tilt(found.five_points) == pytest.approx(
        degrees + face_tilt(face.five_points), abs=3)
    crop, five_points, _ = align_img(tilted, found.five_points, standard_five_points())
    in_crop = finder.crop_landmarks68(np.ascontiguousarray(crop[0, ..., ::-1]), five_points)
    assert np.linalg.norm(five_from_68(in_crop) - five_points, axis=1).mean() < 3.0


def test_the_cnn_finds_what_hog_misses(finder, astronaut):
    tilted = np.asarray(astronaut.crop((40, 0, 400, 360)).rotate(60, Image.BICUBIC))
    finder.dlib.detect_faces(tilted)
    assert not finder.dlib._hog_faces(tilted, 1.0, 1)
    found = finder.dlib.detect_faces(tilted)
    assert len(found) == 1 and found[0].tilt in (-30, -60)


def test_wrong_arguments_are_refused(finder):
    with pytest.raises(LandmarkError, match=r'expected an aligned crop \[224, 224, 3\], got \[10, 10, 3\]'):
        finder.crop_landmarks68(np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(LandmarkError, match='expected a face rectangle with an area'):
        finder.dlib.landmarks68(np.zeros((10, 10, 3), np.uint8), FaceRect(5, 5, 5, 5, 0))
