"""Pictures of whole heads: labels that agree with each other and with the decoder, and reproducible."""
import numpy as np
import pytest

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.dataset import random_faces
from Deep3DFaceReconstruction.dataset.scenes import labels, renderer
from Deep3DFaceReconstruction.dataset.scenes.picture import Studio
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.photo.alignment import POS
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, standard_five_points

COUNT = 8
OPTIONS = random_faces.DEFAULT_OPTIONS._replace(max_yaw=60.0)


@pytest.fixture(scope='module')
def model():
    return load_face_model()


@pytest.fixture(scope='module')
def coeff(model):
    return random_faces.CoefficientSampler(model, 5, OPTIONS)(range(COUNT))


@pytest.fixture(scope='module')
def studio(model):
    return Studio(model, 5, OPTIONS)


@pytest.fixture(scope='module')
def pictures(studio, coeff):
    return [studio.picture(index, coeff[index]) for index in range(COUNT)]


def test_the_camera_at_ten_decimetres_is_the_decoders():
    points = np.random.RandomState(0).randn(20, 3)
    camera = renderer.frame_camera(10.0)
    np.testing.assert_allclose(camera.project(points), numpy_decoder.project(points), atol=1e-9)
    clip = camera.clip_space(points)
    np.testing.assert_allclose((clip[:, :2] / clip[:, 3:] + 1) * 112, camera.project(points), atol=1e-3)


def test_shapes_and_ranges(pictures):
    for picture in pictures:
        assert picture.image.shape == (224, 224, 3) and picture.image.dtype == np.uint8 and picture.image.std() > 10
        assert picture.landmarks.shape == (68, 2) and picture.dense.shape == (labels.DENSE_COUNT, 3)
        assert set(np.unique(picture.dense[:, 2])) <= {0, 1} and np.isfinite(picture.dense).all()
        assert picture.parts.max() < len(labels.NAMES) == len(labels.PALETTE)


def test_attention_is_where_the_face_is_seen(pictures):
    for picture in pictures:
        face = (picture.parts > 0) & (picture.parts < labels.HEAD)
        np.testing.assert_array_equal(picture.attention == 255, face)
        assert face.mean() > 0.05


def test_seen_points_lie_on_seen_parts_of_the_face(pictures):
    for picture in pictures:
        seen = picture.dense[picture.dense[:, 2] > 0]
        column, row = np.int32(seen[:, 0]), 223 - np.int32(seen[:, 1])
        around = np.max([picture.attention[np.clip(row + dy, 0, 223), np.clip(column + dx, 0, 223)]
                         for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
        assert (around == 255).mean() > 0.97
        assert len(seen) > 60


def test_the_turned_away_cheek_is_not_seen(model):
    studio = Studio(model, 5, random_faces.PLAIN_OPTIONS)
    coeff = random_faces.CoefficientSampler(model, 5, random_faces.PLAIN_OPTIONS)([0])[0]
    for yaw in (-1.2, 1.2):
        coeff[COEFF_SLICES['angles']] = [0, yaw, 0]
        dense = studio.picture(0, coeff).dense
        # Points 234 and 454 of the mesh are the sides of the face, the subject's right and left.
        hidden = 454 if yaw > 0 else 234
        assert dense[hidden, 2] == 0 and dense[:, 2].sum() > 10


def test_faces_stand_where_the_coefficients_put_them(pictures, coeff, model):
    """Whatever the camera's distance, the five points are aligned as the decoder's are."""
    key = numpy_decoder.key_vertices(model)
    standard = standard_five_points().T
    for picture, given in zip(pictures, coeff.astype(np.float64)):
        world = key.shape(given[:144]).dot(numpy_decoder.rotation_matrix(given[COEFF_SLICES['angles']]))
        decoded = numpy_decoder.project(world + given[COEFF_SLICES['translation']])
        one, other = (POS(five_from_68(points).T, standard) for points in (decoded, picture.landmarks))
        np.testing.assert_allclose(one[0], other[0], atol=1.0)  # lids that are closed move the eyes' middles
        np.testing.assert_allclose(one[1], other[1], rtol=0.02)
        changed = np.flatnonzero(np.abs(picture.coeff - given) > 1e-5)
        assert set(changed) <= set(range(COEFF_SLICES['gamma'].start, COEFF_SLICES['gamma'].stop))


def test_a_picture_depends_on_seed_and_number_alone(studio, pictures, coeff, model):
    again = Studio(model, 5, OPTIONS).picture(3, coeff[3])
    np.testing.assert_array_equal(again.image, pictures[3].image)
    np.testing.assert_array_equal(again.parts, pictures[3].parts)
    assert (studio.picture(4, coeff[3]).image != pictures[3].image).mean() > 0.5


def test_pictures_of_a_person_keep_their_hair(model):
    options = random_faces.PLAIN_OPTIONS._replace(max_yaw=5.0, max_pitch=5.0, max_roll=5.0)
    sampler = random_faces.CoefficientSampler(model, 2, options, views=2)
    studio = Studio(model, 2, options, views=2)
    hair = [(studio.picture(index, sampler([index])[0]).parts == labels.HAIR).mean() for index in range(6)]
    same = np.abs(np.subtract(hair[::2], hair[1::2]))
    assert same.max() < 0.12 and np.ptp(hair[::2]) > 0.05
