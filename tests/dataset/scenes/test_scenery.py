"""What pictures are made of: light, outfits, glasses, backgrounds, mishaps."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.dataset import random_faces
from Deep3DFaceReconstruction.dataset.scenes import backgrounds, glasses, lamps, mishaps, outfits
from Deep3DFaceReconstruction.numpy_decoder import sh_basis, sphere

NAMES = {'hair': ['short01', 'long01'], 'lashes': ['eyelashes02'], 'hat': ['fedora'], 'top': ['male_casualsuit01']}


def state(seed):
    return np.random.RandomState(seed)


def test_a_lamp_is_the_clamped_cosine():
    normals = sphere(400)
    direction = np.array([[0.6, 0.0, 0.8]])
    basis = sh_basis(normals)
    found = basis.dot(lamps.lamp_terms(direction)[0])
    true = np.maximum(normals.dot(direction[0]), 0)
    assert np.abs(found - true).max() < 0.13 and np.sqrt(np.mean((found - true) ** 2)) < 0.04


@pytest.mark.parametrize('seed', range(6))
def test_coefficients_of_the_light_are_what_shades_an_open_surface(seed):
    light = lamps.draw(state(seed), 1.0)._replace(shine=0.0)
    normals = sphere(200).astype(np.float32)
    everywhere = np.zeros((200, 9), np.float32)
    everywhere[:, 0] = 1 / sh_basis(np.array([0, 0, 1.0]))[0]
    diffuse, specular = lamps.shade(light, normals, everywhere, np.eye(3))
    gamma = light.gamma()
    gamma[:, 0] += 0.8
    decoder = sh_basis(normals.astype(np.float64)).dot(gamma.T)
    lit = (decoder > 0.05).all(axis=1)
    np.testing.assert_allclose(diffuse[lit], decoder[lit], atol=0.12)
    assert not specular.any()


def test_even_light_is_even_and_white():
    light = lamps.draw(state(0), 0.0)
    assert not light.colours.any() and not light.shine
    gamma = light.gamma()
    gamma[:, 0] += 0.8
    np.testing.assert_allclose(sh_basis(sphere(50)).dot(gamma.T), 0.95, atol=1e-9)


def test_outfits_vary_and_repeat():
    drawn = [outfits.draw(state(seed), NAMES) for seed in range(300)]
    assert {each.hair for each in drawn} == {'short01', 'long01', None}
    assert 0.1 < np.mean([each.glasses is not None for each in drawn]) < 0.35
    assert 0.02 < np.mean([each.lids.max() > 0.7 for each in drawn]) < 0.15
    assert np.std([each.hair_colour.mean() for each in drawn]) > 25
    assert str(outfits.draw(state(7), NAMES)) == str(drawn[7])
    later = outfits.another_day(drawn[7], state(1))
    assert later.hair == drawn[7].hair and (later.hair_colour == drawn[7].hair_colour).all()
    assert (later.gaze != drawn[7].gaze).all()


@pytest.mark.parametrize('seed', range(4))
def test_glasses_sit_before_the_eyes(seed):
    eyes = np.array([[-0.33, 0.1, 0.1], [0.33, 0.1, 0.1]])
    made = glasses.make(state(seed), eyes)
    assert made.triangles.max() == len(made.vertices) - 1 and made.triangles.min() == 0
    lenses = made.vertices[made.lens]
    assert lenses[:, 2].min() > eyes[0, 2]
    for eye in eyes:
        assert np.linalg.norm(lenses[:, :2] - eye[:2], axis=1).min() < 0.1
    np.testing.assert_allclose(made.vertices[:, 0].min(), -made.vertices[:, 0].max(), atol=0.05)


@pytest.mark.parametrize('seed', range(12))
def test_backgrounds_and_mishaps_are_reproducible_and_in_range(seed):
    heads = [(np.full((96, 96, 3), 40, np.float32), np.ones((96, 96, 1), np.float32))]
    one, other = (backgrounds.draw(state(seed), 96, heads) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert one.shape == (96, 96, 3) and one.dtype == np.float32 and one.min() > -1 and one.max() < 256
    first, second = (mishaps.spoil(state(seed), one, random_faces.DEFAULT_OPTIONS) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.uint8


@pytest.mark.parametrize('seed', range(10))
def test_what_stands_in_front_changes_what_it_covers_alone(seed):
    image = np.full((224, 224, 3), -1, np.float32)
    covered = mishaps.draw_occluder(state(seed), image)
    np.testing.assert_array_equal((image != -1).any(axis=2), covered)
    assert covered.mean() < 0.6


def test_nothing_is_spoiled_where_nothing_is_asked_for():
    image = np.float32(state(0).uniform(0, 255, (64, 64, 3)))
    spoiled = mishaps.spoil(state(1), image, random_faces.PLAIN_OPTIONS)
    np.testing.assert_allclose(spoiled, image, atol=0.51)
