"""Coefficients move as the image does: what is decoded from them is the moved face, under the moved light."""
import numpy as np
import pytest

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_SLICES, IMAGE_SIZE
from Deep3DFaceReconstruction.dataset import augmentation
from Deep3DFaceReconstruction.photo.landmarks import flip_permutation
from Deep3DFaceReconstruction.supervision.label_motion import LabelMotion


@pytest.fixture(scope='module')
def motion(open_model):
    return LabelMotion(open_model)


@pytest.fixture(scope='module')
def coeff(open_model):
    """A face with identity, expression, pose and light."""
    random = np.random.RandomState(3)
    result = np.zeros(257, np.float32)
    for name, spread in (('id', 1.0), ('ex', 0.7), ('tex', 1.0), ('gamma', 0.3)):
        part = COEFF_SLICES[name]
        result[part] = random.randn(part.stop - part.start) * spread
    result[COEFF_SLICES['ex']] *= (np.abs(open_model.ex_base).max(0) > 0)
    result[COEFF_SLICES['angles']] = 0.2, 0.5, -0.3
    result[COEFF_SLICES['translation']] = 0.1, -0.2, 0.3
    return result


def placed(model, coeff):
    """[N,3] dm: vertices in the camera's frame."""
    rotation = numpy_decoder.rotation_matrix(np.float64(coeff[COEFF_SLICES['angles']]))
    return numpy_decoder.shape_of(model, coeff) @ rotation + coeff[COEFF_SLICES['translation']]


def shading(coeff, normals):
    """[...,3] at normals in the camera's frame."""
    return numpy_decoder.sh_basis(normals) @ numpy_decoder.light_terms(coeff[COEFF_SLICES['gamma']]).T


@pytest.mark.parametrize('angle', [0.0, 0.4, -1.3])
def test_a_turn_is_exact(open_model, motion, coeff, angle):
    moved = motion.moved(coeff, False, angle)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    expected = placed(open_model, coeff) @ turn.T
    np.testing.assert_allclose(placed(open_model, moved), expected, atol=2e-6)
    normals = numpy_decoder.sphere(40)
    np.testing.assert_allclose(shading(moved, normals @ turn.T), shading(coeff, normals), atol=1e-5)
    # The same turn in the image.
    landmarks = numpy_decoder.project(placed(open_model, coeff)[open_model.keypoints]).astype(np.float32)
    empty = np.zeros([IMAGE_SIZE, IMAGE_SIZE, 1], np.uint8)
    _, points, _ = augmentation.turn(np.repeat(empty, 3, 2), landmarks, empty, False, angle)
    np.testing.assert_allclose(numpy_decoder.project(placed(open_model, moved)[open_model.keypoints]), points,
                               atol=2e-3)


def test_a_mirrored_face_is_near(open_model, motion, coeff):
    moved = motion.moved(coeff, True, 0.3)
    landmarks = numpy_decoder.project(placed(open_model, coeff)[open_model.keypoints]).astype(np.float32)
    empty = np.zeros([IMAGE_SIZE, IMAGE_SIZE, 1], np.uint8)
    _, points, _ = augmentation.turn(np.repeat(empty, 3, 2), landmarks, empty, True, 0.3)
    got = numpy_decoder.project(placed(open_model, moved)[open_model.keypoints])
    assert np.linalg.norm(got - points, axis=1).mean() < 0.3
    normals = numpy_decoder.sphere(40)
    turn = np.array([[np.cos(0.3), -np.sin(0.3), 0], [np.sin(0.3), np.cos(0.3), 0], [0, 0, 1]])
    np.testing.assert_allclose(shading(moved, (normals * [-1, 1, 1]) @ turn.T), shading(coeff, normals), atol=1e-5)


def test_mirroring_twice_gives_the_face_again(open_model, motion, coeff):
    twice = motion.moved(motion.moved(coeff, True, 0.0), True, 0.0)
    distance = np.linalg.norm(placed(open_model, twice) - placed(open_model, coeff), axis=1)
    assert distance.mean() < 2e-3  # dm
    albedo = [numpy_decoder.albedo_of(open_model, c) for c in (twice, coeff)]
    assert np.abs(albedo[0] - albedo[1]).mean() < 3.0
    for name in ('angles', 'translation', 'gamma'):
        np.testing.assert_allclose(twice[COEFF_SLICES[name]], coeff[COEFF_SLICES[name]], atol=1e-5)


def test_an_image_turns_with_its_landmarks():
    image = np.zeros([IMAGE_SIZE, IMAGE_SIZE, 3], np.uint8)
    image[60:65, 150:155] = 250
    landmarks = np.full([68, 2], 100, np.float32)
    landmarks[flip_permutation()[7]] = 152, 223 - 62
    moved, points, attention = augmentation.turn(image, landmarks, image[..., :1], True, 0.5)
    rows, columns = np.nonzero(moved[..., 0] > 100)
    np.testing.assert_allclose([columns.mean(), 223 - rows.mean()], points[7], atol=0.3)
    np.testing.assert_array_equal(attention[..., 0], moved[..., 1])
