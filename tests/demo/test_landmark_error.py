"""The landmark error: inner points by number, the jaw as a line."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.demo.landmark_error import landmark_distances
from Deep3DFaceReconstruction.photo.crops import FaceCrop
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, to_y_up


def _crop(landmarks):
    inside = None if landmarks is None else np.ones(68, bool)
    return FaceCrop('a', 'a.png', (224, 224), 1, np.zeros([224, 224, 3], np.uint8), np.zeros([224, 224], np.uint8),
                    np.zeros([5, 2]), landmarks, inside, np.array([224, 224, 1, 112, 112.0]))


@pytest.fixture
def face():
    """(landmarks [68,2] y-up, shown [224,224]): a disc of 80 pixels, the jaw on its lower half."""
    angles = np.linspace(np.pi, 2 * np.pi, 17)
    jaw = 112 + 80 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    inner = np.random.RandomState(0).uniform(70, 150, [51, 2])
    rows, columns = np.mgrid[0:224, 0:224]
    return np.concatenate([jaw, inner]), np.hypot(columns - 112, rows - 111) <= 80


def test_inner_points_by_number_and_the_jaw_along_its_line(face):
    landmarks, shown = face
    moved = landmarks.copy()
    moved[17:] += [3, 4]
    angle = np.linspace(np.pi, 2 * np.pi, 17) - 0.1
    moved[:17] = 112 + 80 * np.stack([np.cos(angle), np.sin(angle)], axis=1)  # 8 pixels along the line
    distances = landmark_distances(_crop(moved), landmarks, shown)
    np.testing.assert_allclose(distances[17:], 5)
    assert distances[:17].max() < 1.5
    moved[:17] = 112 + 90 * np.stack([np.cos(angle), np.sin(angle)], axis=1)  # 10 pixels outside of it
    np.testing.assert_allclose(landmark_distances(_crop(moved), landmarks, shown)[:17], 10, atol=1.5)


def test_the_outline_serves_a_turned_head(face):
    """The mesh's jaw landmarks lie within the face, the photo's on the outline."""
    landmarks, shown = face
    mesh = landmarks.copy()
    mesh[:17, 0] = 112 + 0.5 * (mesh[:17, 0] - 112)
    assert landmark_distances(_crop(landmarks), mesh, shown)[:17].max() < 1.5
    without = landmark_distances(_crop(landmarks), mesh, np.zeros_like(shown))[:17]
    assert without.max() > 15


def test_points_outside_of_the_photo_do_not_count(face):
    landmarks, shown = face
    inside = np.arange(68) >= 4
    assert len(landmark_distances(_crop(landmarks)._replace(lm_inside=inside), landmarks, shown)) == 64


def test_a_jaw_far_outside_of_the_crop(face):
    landmarks, shown = face
    far = landmarks + [0, 400]
    np.testing.assert_allclose(landmark_distances(_crop(landmarks), far, np.zeros_like(shown)), 400)
    # Beyond the image, from the top of the disc.
    assert landmark_distances(_crop(far), landmarks, shown)[8] == pytest.approx(432 - 192, abs=1.5)


def test_five_points_where_no_others_are_known(face):
    landmarks, shown = face
    crop = _crop(None)._replace(lm_5p=to_y_up(five_from_68(landmarks)) + [3, 4])
    np.testing.assert_allclose(landmark_distances(crop, landmarks, shown), 5)
