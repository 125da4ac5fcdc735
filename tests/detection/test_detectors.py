"""Tiles, and what is one face."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.detection import detectors
from Deep3DFaceReconstruction.detection.detectors import Candidate


@pytest.mark.parametrize('width, height', [(300, 200), (801, 400), (4000, 3000), (6000, 4000), (12000, 700)])
def test_tiles_cover_the_photo_at_every_level(width, height):
    tiles = detectors.tiles(width, height)
    assert tiles[0] == (0, 0, max(width, height))
    sides = sorted({side for _, _, side in tiles[1:]})
    assert not sides if max(width, height) <= 800 else sides[0] == 800
    for side in sides:
        seen = np.zeros([height, width], bool)
        for left, top, size in tiles:
            if size == side:
                assert 0 <= left < width and 0 <= top < height
                seen[top:top + size, left:left + size] = True
        assert seen.all()
    assert len(tiles) < 150


def test_a_face_on_the_border_of_a_tile_is_whole_in_another():
    tiles = [tile for tile in detectors.tiles(3000, 2000) if tile[2] == 800]
    for left in range(0, 2800, 37):
        assert any(x <= left and left + 200 <= x + size for x, _, size in tiles)


def _candidate(box, score):
    return Candidate(np.array(box, np.float64), np.zeros([6, 2]), score)


def test_the_surest_of_overlapping_candidates_stays():
    first, inside = _candidate([0, 0, 10, 10], 0.9), _candidate([1, 1, 6, 9], 0.6)
    other = _candidate([8, 8, 18, 18], 0.7)
    assert detectors.distinct([inside, other, first]) == [first, other]


@pytest.mark.parametrize('quarters', [1, 2, 3])
def test_candidates_of_a_turned_photo_come_back(quarters):
    photo = np.zeros([40, 70], int)
    photo[12, 55] = 1
    row, column = np.argwhere(np.rot90(photo, quarters))[0]
    turned = Candidate(np.array([column, row, column + 2, row + 3.0]), np.array([[column, row]] * 6, np.float64), 1.0)
    back = detectors._turned_back(turned, photo.shape, quarters)
    np.testing.assert_array_equal(back.points, [[55, 12]] * 6)
    np.testing.assert_array_equal(np.sort(np.abs(back.box[2:] - back.box[:2])), [2, 3])
