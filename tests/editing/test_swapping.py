"""The parts of a swap: edge-aware smoothing, the membrane, light that is no colour of the skin."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.editing.rendering.guided import guided_base, without_small
from Deep3DFaceReconstruction.editing.swapping import albedo
from Deep3DFaceReconstruction.editing.swapping.membrane import correction
from Deep3DFaceReconstruction.surface.texture import View

SIDE = 96
ROWS, COLUMNS = np.indices([SIDE, SIDE]).astype(np.float32)
ALL = np.ones([SIDE, SIDE], np.float32)


def test_the_base_keeps_a_shadows_edge_and_loses_fine_detail():
    shadow = np.where(COLUMNS < SIDE / 2, 0.0, -0.9).astype(np.float32)
    ripple = np.float32(0.05) * np.sin(COLUMNS * 2.0)
    base = guided_base((shadow + ripple)[:, :, np.newaxis], shadow + ripple, ALL, 6, 0.16)[:, :, 0]
    assert np.abs(base - shadow)[:, 4:-4].max() < 0.12
    away = np.abs(COLUMNS - SIDE / 2) > 14
    assert np.abs(base - shadow)[away & (COLUMNS > 6) & (COLUMNS < SIDE - 6)].max() < 0.015


def test_the_base_of_what_has_no_weight_goes_on_from_what_has():
    weight = ALL * (np.hypot(ROWS - 48, COLUMNS - 48) > 10)
    values = np.where(weight > 0, 0.3, -2.0).astype(np.float32)
    base = guided_base(values[:, :, np.newaxis], values, weight, 5, 0.1)
    np.testing.assert_allclose(base, 0.3, atol=1e-3)


def test_spots_and_lines_are_small_and_shadows_are_not():
    image = np.where(COLUMNS < SIDE / 2, 0.0, -0.8).astype(np.float32)
    spotted = np.where(np.hypot(ROWS - 30, COLUMNS - 20) < 3, -1.0, image)
    spotted[60:62, :40] = -0.5
    result = without_small(spotted, ALL, 0.12)
    assert np.abs(result - image).max() < 0.02


def test_the_membrane_is_harmonic_where_nothing_screens_it():
    """A strip between two given sides: linear from one to the other, free at its other two rims."""
    patch = np.zeros([SIDE, SIDE], bool)
    patch[20:76, 10:86] = True
    border = patch & ((COLUMNS < 12) | (COLUMNS > 83))
    wanted = np.where(COLUMNS < SIDE / 2, 0.4, -0.2).astype(np.float32)[:, :, np.newaxis]
    result = correction(wanted, border, patch, 1e6)[:, :, 0]
    expected = 0.4 - 0.6 * np.clip((COLUMNS - 11) / 73, 0, 1)
    np.testing.assert_allclose(result[20:76, 12:84], expected[20:76, 12:84], atol=1e-3)


def test_the_screened_membrane_decays_with_its_reach():
    border = COLUMNS < 2
    result = correction(np.ones([SIDE, SIDE, 1], np.float32), border, ALL > 0, 8.0)[:, :, 0]
    np.testing.assert_allclose(result[48, 17] / result[48, 9], np.exp(-1), rtol=0.02)
    assert not correction(np.ones([SIDE, SIDE, 1], np.float32), border & False, ALL > 0, 8.0).any()


@pytest.fixture(scope='module')
def lit_from_the_side():
    """Observed: even skin with a mole on one cheek and dark lips; a cast shadow lies over one half."""
    image = np.full([SIDE, SIDE, 3], (180, 130, 110), np.float32)
    skin = ALL.copy()
    lips = (np.abs(ROWS - 70) < 5) & (np.abs(COLUMNS - 47.5) < 15)
    image[lips] = 120, 60, 60
    skin[lips] = 0
    image[30:33, 20:23] *= 0.5
    shaded = image * np.where(COLUMNS > 47.5, 0.5, 1)[:, :, np.newaxis]
    model = np.full([SIDE, SIDE, 3], (150, 120, 100), np.float32)
    mirror_uv = np.stack([1 - (COLUMNS + 0.5) / SIDE, 1 - (ROWS + 0.5) / SIDE], axis=2)
    seen = ALL > 0
    view = View(shaded, np.ones([SIDE, SIDE, 3], np.float32), seen, ALL, seen, model, mirror_uv, seen)
    return image, albedo.Observed(albedo.grey_and_tint(shaded), albedo.grey_and_tint(model), skin, seen, ALL, view)


def test_a_shadow_over_one_half_is_no_colour_of_the_skin(lit_from_the_side):
    image, observed = lit_from_the_side
    logs, good, calm = albedo.evened(observed)
    result = albedo.image_of(logs)
    left, right = result[40:60, 10:30].mean(), result[40:60, 66:86].mean()
    assert abs(np.log(right / left)) < 0.08 < abs(np.log(0.5)) and calm < 0.2
    assert good[:, :44].all() and not good[40:60, 66:86].any()


def test_lips_keep_their_contrast_under_the_shadow(lit_from_the_side):
    image, observed = lit_from_the_side
    logs, _, _ = albedo.evened(observed)
    wanted = np.log(image[70, 40].dot(albedo.LUMA32) / image[20, 40].dot(albedo.LUMA32))
    for column in (40, 56):
        assert abs((logs[70, column, 0] - logs[52, column, 0]) - wanted) < 0.15
