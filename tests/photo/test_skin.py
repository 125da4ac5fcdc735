"""The skin mask against the published implementation's figures and mixtures."""
import json
import os

import numpy as np
import pytest
from PIL import Image

import skin as script
from Deep3DFaceReconstruction.photo import skin
from tests import GOLDEN


@pytest.fixture(scope='module')
def golden():
    with np.load(os.path.join(GOLDEN, 'preprocess.npz')) as figures:
        return dict(figures)


def test_mixtures_are_the_published_ones():
    with open(os.path.join(GOLDEN, 'skin_gmm.json')) as file:
        published = json.load(file)
    assert skin.PRIOR_SKIN == published['prior_skin']
    for name, mixture in (('skin', skin.skin_mixture()), ('nonskin', skin.nonskin_mixture())):
        np.testing.assert_array_equal(mixture.weights, published[name]['weight'])
        np.testing.assert_array_equal(mixture.means, published[name]['mean'])
        np.testing.assert_array_equal(mixture.determinants, published[name]['covariance_determinant'])
        np.testing.assert_array_equal(mixture.inverses, published[name]['covariance_inverse'])


@pytest.mark.parametrize('case', range(4))
def test_mask_of_the_aligned_portrait_equals_the_figures(golden, case):
    mask = skin.skinmask(golden['%d/aligned_bgr' % case][0])
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, np.repeat(golden['%d/skinmask' % case][..., None], 3, axis=2))


def test_mask_of_random_colours_equals_the_figures(golden):
    np.testing.assert_array_equal(skin.skinmask(golden['random_bgr'])[..., 0], golden['random_skinmask'])


def test_likelihood_is_the_sum_of_gaussian_densities():
    mixture = skin.skin_mixture()
    points = np.random.RandomState(0).uniform(16, 240, (50, 3))
    offset = points[:, None] - mixture.means
    density = np.exp(-0.5 * np.einsum('nki,kij,nkj->nk', offset, mixture.inverses, offset))
    density /= np.sqrt((2 * np.pi) ** 3 * mixture.determinants)
    np.testing.assert_allclose(skin.likelihood(mixture, points), density @ mixture.weights, rtol=1e-9)


def test_probability_is_finite_for_every_colour():
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), axis=-1)
    probability = skin.skin_probability(grid)
    assert np.isfinite(probability).all()
    assert probability.min() >= 0 and probability.max() <= 1


def test_white_and_black_points_of_the_colour_space():
    np.testing.assert_allclose(skin.ycbcr_from_bgr([255, 255, 255]), [235, 128, 128], atol=1e-9)
    np.testing.assert_allclose(skin.ycbcr_from_bgr([0, 0, 0]), [16, 128, 128])


@pytest.mark.parametrize('image', [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8),
                                   np.zeros((4, 4, 3))])
def test_other_images_are_refused(image):
    with pytest.raises(ValueError, match=r'skinmask: expected an image \[H, W, 3\] uint8, got'):
        skin.skinmask(image)


def test_command_writes_the_mask_and_reports_what_it_cannot_read(tmp_path, golden, capsys):
    bgr = golden['0/aligned_bgr'][0]
    Image.fromarray(np.ascontiguousarray(bgr[..., ::-1])).save(str(tmp_path / 'face.png'))
    (tmp_path / 'broken.png').write_bytes(b'')
    arguments = [str(tmp_path / 'broken.png'), str(tmp_path / 'face.png'), '--output', str(tmp_path / 'out')]
    assert script.main(arguments) == 1
    assert 'broken.png: expected a readable image' in capsys.readouterr().err
    assert os.listdir(str(tmp_path / 'out')) == ['face_skin.png']
    mask = np.asarray(Image.open(str(tmp_path / 'out' / 'face_skin.png')))
    np.testing.assert_array_equal(mask[..., 0], golden['0/skinmask'])


def test_command_replaces_its_own_masks_alone(tmp_path, golden, capsys):
    image = Image.fromarray(np.ascontiguousarray(golden['0/aligned_bgr'][0][..., ::-1]))
    (tmp_path / 'other').mkdir()
    paths = [str(tmp_path / 'a.png'), str(tmp_path / 'other' / 'a.png')]
    for path in paths:
        image.save(path)
    arguments = paths + ['--output', str(tmp_path / 'out')]
    for _ in range(2):
        assert script.main(arguments) == 0
        assert sorted(os.listdir(str(tmp_path / 'out'))) == ['a__png_skin.png', 'a_png_skin.png']
    image.save(str(tmp_path / 'out' / 'a_png_skin.png'))
    before = (tmp_path / 'out' / 'a_png_skin.png').read_bytes()
    assert script.main(arguments) == 2
    assert 'a_png_skin.png: expected nothing' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'a_png_skin.png').read_bytes() == before
