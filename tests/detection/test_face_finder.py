"""Google's detectors and mesh on the public-domain portrait: sizes, turns, groups, what is doubtful."""
import sys

import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.detection import face_finder
from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo.landmarks import face_tilt

# Clicked by hand in the 512x512 portrait: eyes, nose tip, mouth corners.
CLICKED = np.array([[203, 101], [246, 103], [225, 127], [203, 139], [246, 141]], np.float64)


@pytest.fixture(scope='module')
def astronaut():
    return Image.fromarray(pytest.importorskip('skimage.data').astronaut())


@pytest.fixture(scope='module')
def finder():
    return face_finder.FaceFinder('mediapipe')


@pytest.fixture(scope='module')
def face(astronaut, finder):
    found, = finder.detect(np.asarray(astronaut))
    return found


def test_the_portrait_has_one_sure_face_whose_points_are_right(face):
    assert face.detector == 'mediapipe' and face.doubts == () and face.score > 0.7
    assert np.linalg.norm(face.five_points - CLICKED, axis=1).max() < 4.5
    assert face.mesh.points.shape == (468, 2) and face.mesh.irises.shape == (10, 2)
    # The irises' centres lie between the corners of the eyes.
    np.testing.assert_allclose(face.mesh.irises[[0, 5]], face.five_points[:2], atol=4.0)


def test_lids_run_around_the_irises_from_corner_to_corner(face):
    for eye, (lids, iris) in enumerate(zip(face.mesh.eyes.lids, face.mesh.irises[[0, 5]])):
        inner, outer, upper = lids[0], lids[8], lids[9:]
        assert (outer[0] < iris[0] < inner[0]) == (eye == 0) and (outer[0] > iris[0] > inner[0]) == (eye == 1)
        assert (upper[:, 1] < lids[1:8, 1]).all() and lids[4, 1] > iris[1] > upper[3, 1]
        assert (np.diff(np.abs(upper[:, 0] - inner[0])) > 0).all()
    assert ((face.mesh.eyes.openness() > 0.2) & (face.mesh.eyes.openness() < 0.5)).all()


def test_irises_are_round_and_in_order(face):
    for first in (0, 5):
        centre, right, top, left, bottom = face.mesh.irises[first:first + 5]
        assert left[0] < centre[0] < right[0] and top[1] < centre[1] < bottom[1]


@pytest.mark.parametrize('scale', [0.6, 2.0])
def test_points_do_not_depend_on_the_scale_of_the_photo(face, finder, astronaut, scale):
    side = int(round(512 * scale))
    found, = finder.detect(np.asarray(astronaut.resize((side, side), Image.BICUBIC)))
    distance = np.linalg.norm((found.mesh.points + 0.5) / scale - 0.5 - face.mesh.points, axis=1)
    assert distance.mean() < 1.0


@pytest.mark.parametrize('degrees', [-90, 40, 90, 180])
def test_lying_faces(face, finder, astronaut, degrees):
    box = (40, 0, 400, 360)
    turned = astronaut.crop(box).rotate(-degrees, Image.BICUBIC)
    found, = finder.detect(np.asarray(turned))
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    expected = (face.five_points - box[:2] - 179.5) @ turn + 179.5
    assert np.linalg.norm(found.five_points - expected, axis=1).mean() < 3.5
    assert np.cos(np.radians(face_tilt(found.five_points) - degrees - face_tilt(face.five_points))) > 0.99


def test_faces_of_all_sizes_are_found_once_largest_first(finder, astronaut):
    """Faces of 400 to 60 pixels in a photo of 8 megapixels."""
    head = astronaut.crop((140, 10, 310, 220))  # its face is 85 pixels wide
    group = Image.new('RGB', (3600, 2200), (120, 130, 120))
    sizes, places = (400, 250, 150, 90, 60), ((100, 100), (1300, 900), (2100, 300), (2600, 1500), (3100, 400))
    for size, place in zip(sizes, places):
        group.paste(head.resize((170 * size // 85, 210 * size // 85), Image.BICUBIC), place)
    faces, count = face_finder.find_faces('group.png', group, finder, all_faces=True)
    assert count == len(faces) == len(sizes)
    for face, size, place in zip(faces, sizes, places):
        expected = (CLICKED - [140, 10]) * size / 85 + place
        assert np.linalg.norm(face.five_points - expected, axis=1).max() < 0.08 * size
    largest, again = face_finder.find_faces('group.png', group, finder)
    assert len(largest) == 1 and again == count


def test_the_mesh_at_given_points(finder, astronaut, face):
    rgb = np.asarray(astronaut)
    mesh = finder.mesh_of_points(rgb, CLICKED)
    assert np.linalg.norm(mesh.points - face.mesh.points, axis=1).mean() < 2.0
    assert finder.mesh_of_points(rgb, (CLICKED - CLICKED.mean(axis=0)) * 1.1 + CLICKED.mean(axis=0) + [14, 12]) is None


def test_no_face_is_an_error_that_names_the_file_and_the_way_out(finder):
    with pytest.raises(LandmarkError, match=r'grey\.png: expected a face, found none; .* in grey\.txt'):
        face_finder.find_faces('grey.png', Image.new('RGB', (64, 64), (90, 90, 90)), finder)
    random = np.random.RandomState(0).randint(0, 255, (300, 400, 3)).astype(np.uint8)
    assert finder.detect(random) == []


@pytest.mark.parametrize('detector, reason', [
    ('auto', "only dlib's detector sees a face"), ('dlib', "dlib's detector is not sure of a face")])
def test_a_badge_taken_for_a_face_is_doubtful(astronaut, detector, reason):
    """Below the neck there is no face, but the mission's badge on the chest."""
    found = face_finder.FaceFinder(detector).detect(np.asarray(astronaut)[120:].copy())
    assert found and all(face.detector == 'dlib' and reason in face.doubts[0] for face in found)


def test_no_file_of_dlib_is_touched(astronaut, monkeypatch):
    monkeypatch.setitem(sys.modules, 'dlib', None)  # importing it would fail
    monkeypatch.delitem(sys.modules, 'Deep3DFaceReconstruction.detection.dlib_models', raising=False)
    finder = face_finder.FaceFinder('mediapipe')
    assert len(finder.detect(np.asarray(astronaut))) == 1 and not finder.uses_dlib and not finder.checks_with_dlib


def test_unknown_detectors_are_refused():
    with pytest.raises(ValueError, match='expected one of auto, mediapipe, dlib, got hog'):
        face_finder.FaceFinder('hog')
