"""Augmentation keeps picture, mask and landmarks together."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.dataset import augmentation
from Deep3DFaceReconstruction.dataset.augmentation import Augmentation, augment
from Deep3DFaceReconstruction.photo.landmarks import to_y_up


def dots(points):
    """A picture with a soft dot of its own brightness at every (col, row)."""
    rows, cols = np.mgrid[0:224, 0:224]
    image = np.zeros((224, 224), np.float64)
    for number, (x, y) in enumerate(points):
        image += (150 + 20 * number) * np.exp(-((cols - x) ** 2 + (rows - y) ** 2) / 8.0)
    return np.repeat(np.uint8(image)[..., None], 3, axis=2)


def centroid(image, number_of_point, point):
    """Centre of brightness around a point."""
    x, y = np.round(point).astype(int)
    rows, cols = np.mgrid[y - 9:y + 10, x - 9:x + 10]
    weight = image[y - 9:y + 10, x - 9:x + 10, 0].astype(np.float64)
    return np.array([(cols * weight).sum(), (rows * weight).sum()]) / weight.sum()


@pytest.fixture
def sample():
    points = np.zeros((68, 2)) + 112
    points[:5] = [[60, 70], [150, 66], [110, 120], [70, 160], [140, 155]]
    image = dots(points[:5])
    return image, to_y_up(points).astype(np.float32), image[..., :1]


def test_off_changes_nothing(sample):
    result = augment(*sample, augmentation=augmentation.NO_AUGMENTATION, random=np.random.RandomState(0))
    for before, after in zip(sample, result):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize('seed', range(6))
def test_landmarks_stay_on_what_they_mark(sample, seed):
    moving = Augmentation(shift_px=12, scale=0.2, colour=0.0, flip=False)
    image, landmarks, mask = augment(*sample, augmentation=moving, random=np.random.RandomState(seed))
    assert image.shape == (224, 224, 3) and mask.shape == (224, 224, 1) and landmarks.dtype == np.float32
    for number, point in enumerate(to_y_up(landmarks)[:5]):
        np.testing.assert_allclose(centroid(image, number, point), point, atol=0.35)
        np.testing.assert_allclose(centroid(mask, number, point), point, atol=0.35)


def test_shift_and_scale_stay_within_their_bounds(sample):
    moving = Augmentation(shift_px=12, scale=0.2, colour=0.0, flip=False)
    factors, shifts = [], []
    for seed in range(60):
        _, landmarks, _ = augment(*sample, augmentation=moving, random=np.random.RandomState(seed))
        spread = np.linalg.norm(landmarks[0] - landmarks[1]) / np.linalg.norm(sample[1][0] - sample[1][1])
        factors.append(spread)
        shifts.append(landmarks[5] - 111.5 - (sample[1][5] - 111.5) * spread)
    assert 1 / 1.2 <= min(factors) < 0.9 and 1.1 < max(factors) <= 1.2 + 1e-4
    assert 10 < np.abs(shifts).max() <= 12 + 1e-3


def test_flip_is_its_own_inverse_and_mirrors_columns(sample):
    image, landmarks, mask = augmentation.flip(*sample)
    np.testing.assert_array_equal(image, sample[0][:, ::-1])
    assert landmarks[30, 0] == 223 - sample[1][30, 0]
    for before, after in zip(sample, augmentation.flip(image, landmarks, mask)):
        np.testing.assert_array_equal(before, after)


def test_colour_changes_the_picture_alone(sample):
    colourful = Augmentation(shift_px=0, scale=0, colour=0.3, flip=False)
    image, landmarks, mask = augment(*sample, augmentation=colourful, random=np.random.RandomState(2))
    assert (image != sample[0]).any()
    np.testing.assert_array_equal(landmarks, sample[1])
    np.testing.assert_array_equal(mask, sample[2])


def test_recolour_is_the_formula_clipped():
    image = np.array([[[0, 100, 250]]], np.uint8)
    result = augmentation.recolour(image, contrast=np.array([0.0, 0.5, 0.5]), brightness=np.array([0.25, 0.0, 0.0]))
    assert result.tolist() == [[[32, 86, 255]]]
    np.testing.assert_array_equal(augmentation.recolour(image, np.zeros(3), np.zeros(3)), image)


def test_the_same_state_gives_the_same_variation(sample):
    results = [augment(*sample, augmentation=augmentation.DEFAULT_AUGMENTATION, random=np.random.RandomState(5))
               for _ in range(2)]
    for first, second in zip(*results):
        np.testing.assert_array_equal(first, second)
