"""Made-up scenes: drawn from the random state alone, within range, and honest about what they cover."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.dataset import scene_effects


@pytest.mark.parametrize('seed', range(8))
def test_backgrounds_are_in_range_and_reproducible(seed):
    first, second = (scene_effects.draw_background(np.random.RandomState(seed), 96) for _ in range(2))
    assert first.shape == (96, 96, 3) and first.dtype == np.float32
    assert first.min() >= 0 and first.max() <= 255
    np.testing.assert_array_equal(first, second)


def test_backgrounds_differ():
    means = [scene_effects.draw_background(np.random.RandomState(seed), 32).mean(axis=(0, 1)) for seed in range(20)]
    assert np.std(means, axis=0).min() > 30


@pytest.mark.parametrize('seed', range(8))
def test_an_occluder_changes_what_it_covers_and_nothing_else(seed):
    before = np.full((224, 224, 3), -1, np.float32)
    picture = before.copy()
    covered = scene_effects.draw_occluder(np.random.RandomState(seed), picture, np.array([112.0, 112.0]))
    assert covered.dtype == bool and 0 < covered.mean() < 0.5
    np.testing.assert_array_equal((picture != before).any(axis=2), covered)
    assert picture[covered].min() >= 0 and picture[covered].max() <= 255


def test_spoiling_with_nothing_rounds():
    picture = np.array([[[0.4, 0.6, 300.0]]], np.float32)
    result = scene_effects.degrade(np.random.RandomState(0), picture, blur=0, noise=0, compression=0)
    assert result.dtype == np.uint8 and result.tolist() == [[[0, 1, 255]]]


def test_noise_has_at_most_the_strength_asked_for():
    picture = np.full((200, 200, 3), 128, np.float32)
    strengths = [scene_effects.degrade(np.random.RandomState(seed), picture, 0, 10, 0).std() for seed in range(12)]
    assert min(strengths) < 1 and 6 < max(strengths) < 10.2


def test_blur_and_compression_smooth():
    checks = np.float32(np.indices((64, 64)).sum(axis=0) % 2 * 255)[..., None].repeat(3, axis=2)
    contrasts = [scene_effects.degrade(np.random.RandomState(seed), checks, 2, 0, 0).std() for seed in range(12)]
    assert max(contrasts) > 120 and min(contrasts) < 5
    smooth = scene_effects.clouds(np.random.RandomState(1), 64, (90, 120, 150), 60)
    compressed = scene_effects.degrade(np.random.RandomState(2), smooth, 0, 0, 1.0)
    assert 0 < np.abs(compressed - smooth).mean() < 8


def test_spoiling_is_reproducible():
    picture = scene_effects.draw_background(np.random.RandomState(3), 64)
    first, second = (scene_effects.degrade(np.random.RandomState(4), picture, 2, 9, 0.5) for _ in range(2))
    np.testing.assert_array_equal(first, second)
