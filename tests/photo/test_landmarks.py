"""What landmarks mean: the five of the 68, sides, frames."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo.landmarks import (
    face_tilt,
    five_from_68,
    flip_permutation,
    standard_five_points,
    to_y_up,
)


def test_standard_five_points(golden):
    figures = golden('preprocess')
    np.testing.assert_allclose(standard_five_points(), figures['lm3D'], atol=1e-7)


def test_five_from_68():
    points = np.arange(136.0).reshape(68, 2)
    five = five_from_68(points)
    np.testing.assert_array_equal(five[:, 0] / 2, [37.5, 43.5, 30, 48, 54])
    with pytest.raises(LandmarkError, match=r'expected landmarks \[68, 2\], got \[5, 2\]'):
        five_from_68(five)


def test_face_tilt_is_clockwise():
    upright = np.array([[-1, 0], [1, 0], [0, 1], [-0.7, 2], [0.7, 2]])
    assert face_tilt(upright) == pytest.approx(0)
    assert face_tilt(upright[:, ::-1] * [-1, 1]) == pytest.approx(90)  # the mouth is left of the eyes


def test_flip_permutation_exchanges_sides():
    order = flip_permutation()
    np.testing.assert_array_equal(order[order], np.arange(68))
    middle = [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]
    np.testing.assert_array_equal(np.flatnonzero(order == np.arange(68)), middle)
    assert order[36] == 45 and order[48] == 54 and order[60] == 64 and order[0] == 16 and order[41] == 46


def test_to_y_up_is_its_own_inverse():
    points = np.array([[3.0, 0.0], [5.0, 223.0]])
    np.testing.assert_array_equal(to_y_up(points), [[3, 223], [5, 0]])
    np.testing.assert_array_equal(to_y_up(to_y_up(points)), points)
