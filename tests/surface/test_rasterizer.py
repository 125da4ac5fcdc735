"""Meshes drawn as arrays: the same in one piece, in tiles and in windows; visibility."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.photo.camera import crop_camera, project
from Deep3DFaceReconstruction.surface import rasterizer
from Deep3DFaceReconstruction.surface.rasterizer import Window

SQUARE = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0.]])
TWO = np.array([[0, 1, 2], [0, 2, 3]])


@pytest.fixture(scope='module')
def camera():
    return crop_camera(np.zeros(257))


def test_the_crop_is_the_decoders(decoded, open_model):
    drawn = rasterizer.rasterize(crop_camera(decoded['coeff']), decoded['face_shape'], decoded['face_color'],
                                 open_model.triangles)
    np.testing.assert_array_equal(drawn.triangle_ids >= 0, decoded['img_mask'][..., 0] > 0)
    difference = np.abs(np.clip(drawn.values, 0, 255) - decoded['render_imgs'][..., :3])
    assert np.percentile(difference, 99.9) < 0.05  # where two slivers meet, either may win


def test_a_window_and_tiles_are_parts_of_the_whole(decoded, open_model, monkeypatch):
    camera = rasterizer.resized(crop_camera(decoded['coeff']), 1.7)
    arrays = decoded['face_shape'], decoded['face_texture'], open_model.triangles
    whole = rasterizer.rasterize(camera, *arrays)
    window = Window(90, 40, 301, 333)
    part = rasterizer.rasterize(camera, *arrays, window=window)
    assert part.values.shape == (293, 211, 3)
    monkeypatch.setattr(rasterizer, 'MAX_TILE', 128)
    monkeypatch.setattr(rasterizer.tiles, '__defaults__', (128,))
    tiled = rasterizer.rasterize(camera, *arrays)
    for drawn, expected in ((part, rasterizer.Raster(*[array[window.slices] for array in whole])), (tiled, whole)):
        assert (drawn.triangle_ids != expected.triangle_ids).mean() < 2e-3  # pixel centres on an edge
        assert (np.abs(drawn.values - expected.values) > 0.5).any(axis=2).mean() < 2e-3


def test_values_are_perspective_correct(camera):
    tilted = SQUARE * [1, 1, 1] + [0, 0, 1] * SQUARE[:, :1] * 2
    drawn = rasterizer.rasterize(camera, tilted, tilted, TWO)
    row, column = np.nonzero(drawn.triangle_ids >= 0)
    pixels, _ = project(camera, drawn.values[row, column])
    assert len(row) > 5000 and np.abs(pixels - np.stack([column, row], axis=1)).max() < 0.01


def test_mesh_window(camera):
    pixels, _ = project(camera, 0.5 * SQUARE)
    window = rasterizer.mesh_window(camera, 0.5 * SQUARE, margin=0)
    np.testing.assert_array_equal(window[:2], np.floor(pixels.min(axis=0)))
    np.testing.assert_array_equal(window[2:], np.ceil(pixels.max(axis=0)) + 1)
    assert rasterizer.mesh_window(camera, SQUARE + [9, 0, 0]).is_empty
    assert rasterizer.mesh_window(camera, SQUARE + [0, 0, 10.5]) == (0, 0, 224, 224)  # through the camera's plane


def test_drawing_outside_the_image_gives_nothing(camera):
    drawn = rasterizer.rasterize(camera, SQUARE + [9, 0, 0], SQUARE, TWO)
    assert (drawn.triangle_ids == -1).all() and (drawn.values == 0).all()
    empty = rasterizer.rasterize(camera, SQUARE, SQUARE, TWO, Window(5, 5, 5, 9))
    assert empty.triangle_ids.shape == (4, 0)


def test_texture_texels_know_their_uv():
    uv = np.array([[0.1, 0.1], [0.9, 0.1], [0.9, 0.7], [0.1, 0.7]])
    for size in (64, 1100):  # one tile, four
        drawn = rasterizer.rasterize_texture(uv, uv, TWO, size)
        row, column = np.nonzero(drawn.triangle_ids >= 0)
        expected = np.stack([(column + 0.5) / size, 1 - (row + 0.5) / size], axis=1)
        np.testing.assert_allclose(drawn.values[row, column], expected, atol=1e-5)
        assert (drawn.triangle_ids >= 0).mean() == pytest.approx(0.48, abs=2.0 / size)


def test_visible_points(camera):
    """A small square in front of the middle of a large one; points beyond the image."""
    points = np.concatenate([0.5 * SQUARE, 0.2 * SQUARE + [0, 0, 0.3]])
    triangles = np.concatenate([TWO, TWO + 4])
    queries = np.array([[0.4, 0.4, 0], [0, 0, 0.3], [0, 0, 0], [-0.1, 0.1, 0], [3, 0, 0]])
    seen = rasterizer.visible_points(camera, points, triangles, queries)
    np.testing.assert_array_equal(seen, [True, True, False, False, False])


def test_resized_keeps_edges(camera):
    small = rasterizer.resized(camera, 0.5)
    assert small.size == (112, 112)
    pixels, _ = project(camera, SQUARE)
    np.testing.assert_allclose(project(small, SQUARE)[0], (pixels + 0.5) / 2 - 0.5)


def test_values_that_do_not_fit(camera):
    with pytest.raises(ValueError) as caught:
        rasterizer.rasterize(camera, SQUARE, SQUARE[:3], TWO)
    assert 'values: expected one row for each of 4 points, got shape [3, 3]' in str(caught.value)
