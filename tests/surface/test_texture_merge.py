"""Merging textures of several photos."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.surface.texture import View
from Deep3DFaceReconstruction.surface.texture_merge import TextureMerger, gains

SIZE = 64


def view(albedo, light=1.0, seen=None, cosine=0.9):
    """A View of a flat face that is all of the texture."""
    albedo = np.broadcast_to(np.float32(albedo), [SIZE, SIZE, 3]).astype(np.float32)
    light = np.full([SIZE, SIZE, 3], light, np.float32)
    seen = np.ones([SIZE, SIZE], bool) if seen is None else seen
    return View(albedo * light * seen[:, :, None], light, seen, np.full([SIZE, SIZE], cosine, np.float32),
                np.ones([SIZE, SIZE], bool), np.full([SIZE, SIZE, 3], 50, np.float32),
                np.zeros([SIZE, SIZE, 2], np.float32), np.zeros([SIZE, SIZE], bool))


def noise(seed):
    return 120 + 10 * np.random.RandomState(seed).randn(SIZE, SIZE, 3)


def merged(*views):
    merger = TextureMerger()
    for each in views:
        merger.add(each)
    return merger.texture()


def test_one_view_gives_its_own_albedo():
    albedo = noise(0)
    texture = merged(view(albedo, light=0.7))
    assert texture.seen.all()
    assert np.abs(texture.image - albedo).max() <= 1.5


def test_views_under_different_light_agree():
    albedo = noise(1)
    texture = merged(view(albedo, 1.0), view(albedo, 0.5))
    assert np.abs(texture.image - albedo).max() <= 1.5


def test_halves_are_joined_at_one_level_without_a_seam():
    """Each photo shows a bit more than half of the face; the second one is a fifth brighter than its light explains."""
    left, right = np.zeros([2, SIZE, SIZE], bool)
    left[:, :40], right[:, 24:] = True, True
    texture = merged(view(100, seen=left), view(120, seen=right))
    assert texture.seen.all()
    assert np.ptp(texture.image[:, 2:-2].astype(float)) <= 3
    assert texture.image.mean() == pytest.approx(np.sqrt(100 * 120), abs=2)


def test_detail_comes_from_the_view_that_sees_best():
    sharp, oblique = noise(2), noise(3)
    image = merged(view(oblique, cosine=0.2), view(sharp, cosine=0.95)).image.astype(float)
    error = [np.abs(image - image.mean() - (each - each.mean())).mean() for each in (sharp, oblique)]
    assert error[0] < 1.0 < 5.0 < error[1]


def test_gains_undo_what_the_views_differ_by():
    random = np.random.RandomState(4)
    truth, weights = random.randn(16, 16, 3), np.ones([3, 16, 16])
    apart = np.array([[0.1, -0.2, 0.0], [-0.3, 0.1, 0.2], [0.2, 0.1, -0.2]])
    found = gains(truth + apart[:, None, None], weights)
    np.testing.assert_allclose(found, -apart + apart.mean(axis=0), atol=2e-3)


def test_views_without_overlap_have_no_gains():
    weights = np.zeros([2, 16, 16])
    weights[0, :, :8], weights[1, :, 8:] = 1, 1
    np.testing.assert_allclose(gains(np.random.RandomState(5).randn(2, 16, 16, 3), weights), 0, atol=1e-6)


def test_without_a_view_there_is_no_texture():
    with pytest.raises(ValueError, match='expected at least one view, got none'):
        TextureMerger().texture()
