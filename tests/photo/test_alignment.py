"""POS and align_img against the published implementation's figures, and what alignment must keep."""
import os

import numpy as np
import pytest
from PIL import Image

import preprocess_img
from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo import alignment
from Deep3DFaceReconstruction.photo.landmarks import standard_five_points, to_y_up
from tests import ROOT

GOLDEN = os.path.join(ROOT, 'tests', 'golden', 'preprocess.npz')
CASES = range(4)


@pytest.fixture(scope='module')
def golden():
    with np.load(GOLDEN) as figures:
        return dict(figures)


@pytest.fixture(scope='module')
def astronaut():
    return Image.fromarray(pytest.importorskip('skimage.data').astronaut())


def photo(astronaut, golden, case):
    """The picture of a case: the portrait at one of four scales."""
    size = int(golden['%d/trans_params' % case][0])
    return astronaut if astronaut.size == (size, size) else astronaut.resize((size, size), Image.BICUBIC)


@pytest.mark.parametrize('case', CASES)
def test_pos_equals_the_figures(golden, case):
    height = golden['%d/trans_params' % case][1]
    points = to_y_up(golden['%d/lm5p' % case], height)
    t, s = preprocess_img.POS(points.T, golden['lm3D'].T)
    assert t.shape == (2, 1)
    np.testing.assert_allclose(t, golden['%d/pos_t' % case], rtol=1e-12)
    np.testing.assert_allclose(s, golden['%d/pos_s' % case], rtol=1e-12)


@pytest.mark.parametrize('case', CASES)
def test_align_img_equals_the_figures(golden, astronaut, case):
    crop, points, trans_params = preprocess_img.align_img(
        photo(astronaut, golden, case), golden['%d/lm5p' % case], golden['lm3D'])
    assert crop.dtype == np.uint8
    np.testing.assert_array_equal(crop, golden['%d/aligned_bgr' % case])
    np.testing.assert_allclose(points, golden['%d/lm5p_aligned' % case], rtol=1e-10)
    np.testing.assert_allclose(trans_params, golden['%d/trans_params' % case], rtol=1e-12)


def test_pos_recovers_a_scaled_orthographic_camera():
    random = np.random.RandomState(3)
    world = random.randn(3, 9)
    rotation = np.linalg.qr(random.randn(3, 3))[0]
    image = 37.5 * rotation[:2] @ world + [[12.0], [-5.0]]
    t, s = alignment.POS(image, world)
    np.testing.assert_allclose(t[:, 0], [12.0, -5.0], atol=1e-9)
    np.testing.assert_allclose(s, 37.5, rtol=1e-12)


@pytest.mark.parametrize('size, scale, center', [
    ((300, 200), 40.0, (150, 100)),
    ((300, 200), 700.0, (150, 100)),    # much reduced
    ((90, 130), 8.0, (20, 110)),        # enlarged, partly outside on two sides
    ((90, 500), 60.0, (85, 10)),        # tall: newer Pillow would resize its rows first
    ((64, 64), 102.0, (30, 33)),        # not resized at all
])
def test_crop_is_the_crop_of_the_whole_resized_image(size, scale, center):
    random = np.random.RandomState(1)
    image = Image.fromarray(random.randint(0, 256, size[::-1] + (3,)).astype(np.uint8))
    standard = standard_five_points()
    points = standard[:, :2] * [scale, -scale] + center
    crop, _, (w0, h0, rescale, t0, t1) = alignment.align_img(image, points, standard)
    width, height = int(w0 * rescale), int(h0 * rescale)
    left = int(width / 2 - 112 + (t0 - w0 / 2) * rescale)
    top = int(height / 2 - 112 + (h0 / 2 - t1) * rescale)
    whole = image.resize((width, image.height), Image.BICUBIC).resize((width, height), Image.BICUBIC)
    expected = np.asarray(whole.crop((left, top, left + 224, top + 224)))[..., ::-1]
    np.testing.assert_array_equal(crop[0], expected)


def test_to_crop_is_the_landmark_formula_and_from_crop_its_inverse(golden):
    for case in CASES:
        points, params = golden['%d/lm5p' % case], golden['%d/trans_params' % case]
        in_crop = alignment.to_crop(points, params)
        np.testing.assert_allclose(in_crop, golden['%d/lm5p_aligned' % case], rtol=1e-10)
        np.testing.assert_allclose(alignment.from_crop(in_crop, params), points, rtol=1e-10)


def test_an_enormous_enlargement_stays_small_and_an_absurd_one_is_refused():
    image = Image.new('RGB', (4000, 3000), (10, 20, 30))
    standard = standard_five_points()
    crop, _, _ = alignment.align_img(image, standard[:, :2] * [1.0, -1.0] + [2000, 1500], standard)
    np.testing.assert_array_equal(crop[0], np.full((224, 224, 3), [30, 20, 10]))
    with pytest.raises(LandmarkError, match='as far apart as those of a face'):
        alignment.align_img(image, standard[:, :2] * [0.1, -0.1] + [2000, 1500], standard)


@pytest.mark.parametrize('points, message', [
    (np.full((5, 2), 7.0), 'points on one spot'),
    (np.stack([np.arange(5.0) * 9, np.arange(5.0) * 4], axis=1), 'points on one line'),
    (np.full((5, 2), np.nan), 'expected finite landmarks'),
    (np.zeros((4, 2)), r'expected landmarks \[5, 2\] .* got \[4, 2\]'),
])
def test_degenerate_landmarks_are_refused(points, message):
    with pytest.raises(LandmarkError, match=message):
        alignment.align_img(Image.new('RGB', (100, 100)), points, standard_five_points())


@pytest.mark.parametrize('offset', [(5000, 50), (50, -5000), (1e7, 1e7)])
def test_a_face_outside_the_image_is_refused(offset):
    standard = standard_five_points()
    with pytest.raises(LandmarkError, match='expected the face inside the image'):
        alignment.align_img(Image.new('RGB', (100, 100)), standard[:, :2] * [40, -40] + offset, standard)


@pytest.mark.parametrize('xp, x, message', [
    (np.zeros((5, 2)), np.zeros((3, 5)), r'expected points \[2, n\] and \[3, n\].*got \[5, 2\] and \[3, 5\]'),
    (np.zeros((2, 3)), np.zeros((3, 3)), 'n >= 4'),
    (np.full((2, 5), np.inf), np.zeros((3, 5)), 'expected finite points'),
])
def test_pos_checks_its_arguments(xp, x, message):
    with pytest.raises(LandmarkError, match=message):
        alignment.POS(xp, x)
