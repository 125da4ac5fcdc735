"""The eyes of a track, from irises and lids that are known exactly."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.detection.mediapipe_models import Eyes
from Deep3DFaceReconstruction.face_model.eyes import EyeState
from Deep3DFaceReconstruction.fitting.gaze import GazeFinder
from Deep3DFaceReconstruction.motion.eye_reader import BLINK, GAZE, EyeReader, TrackedEyes
from Deep3DFaceReconstruction.motion.frame_fit import CropCamera
from tests.fitting.test_gaze import face, seen_points

CAMERA = CropCamera(0.5, 30.0, -20.0)
# What differs between the lids, but tells nothing.
NOISE = np.random.RandomState(0).randint(90, 170, (500, 500, 1)).repeat(3, axis=2).astype(np.uint8)


class _Network:
    """Marks the eyes of a face as they are; stands in for EyeReader."""

    def __init__(self, model):
        self._model, self.finder = model, GazeFinder(model)
        self.shut, self.seen = np.zeros(2), None

    def show(self, coeff, closed):
        reach = self.finder.eyes.places(coeff).openings / self.finder.eyes.blink_openings()
        self.shut = reach
        self.seen = seen_points(self._model, self.finder, coeff, EyeState(np.zeros((2, 2)), reach * closed))

    def eyes(self, rgb, points):
        irises, lids = self.seen
        return Eyes(CAMERA.from_crop(irises), CAMERA.from_crop(lids)), np.ones(2, bool)


@pytest.fixture(scope='module')
def network(open_model):
    return _Network(open_model)


def _read(tracked, network, coeff, closed):
    network.show(coeff, closed)
    return tracked.read(NOISE, None, CAMERA, coeff)


def test_a_blink_is_measured_against_the_open_eye(network):
    tracked, coeff = TrackedEyes(network, 30.0), face(0.0)
    values, trust = _read(tracked, network, coeff, [0, 0])
    assert (values[BLINK] == 0).all() and (trust == 1).all() and np.abs(values[GAZE]).max() < np.radians(6)
    found = []
    for closed in (0.1, 0.3, 0.5, 0.9, 0.3, 0.0):
        values, trust = _read(tracked, network, coeff, [closed, closed])
        found.append(values[BLINK] / network.shut)
    np.testing.assert_allclose(np.array(found)[[0, 3, 5]], [[0, 0], [1, 1], [0, 0]], atol=1e-3)
    assert (np.diff(found, axis=0)[:3] >= 0).all() and np.array(found)[1].max() < 0.8


def test_a_shut_eye_has_no_gaze_and_a_wink_is_one_eyes_own(network):
    tracked, coeff = TrackedEyes(network, 30.0), face(0.0)
    _read(tracked, network, coeff, [0, 0])
    values, trust = _read(tracked, network, coeff, [1, 0])
    assert values[BLINK][0] > 0.9 and values[BLINK][1] == 0
    assert trust.tolist() == [0, 0, 1, 1, 1, 1]


def test_the_far_eye_of_a_turned_head_does_as_the_near_one(network):
    for yaw, far in ((0.7, 1), (-0.7, 0)):
        tracked, coeff = TrackedEyes(network, 30.0), face(yaw)
        _read(tracked, network, coeff, [0, 0])
        values, _ = _read(tracked, network, coeff, np.eye(2)[far])
        assert (values[BLINK] == 0).all()
        values, _ = _read(tracked, network, coeff, np.eye(2)[1 - far])
        assert (values[BLINK] > 0.9).all()


def test_what_one_eye_does_by_less_than_the_networks_error_it_does_not_do(network):
    tracked, coeff = TrackedEyes(network, 30.0), face(0.0)
    for _ in range(3):
        _read(tracked, network, coeff, [0, 0])
    values, _ = _read(tracked, network, coeff, [0, 0.25])
    assert (values[BLINK] < 0.05).all()
    values, _ = _read(tracked, network, coeff, [0.3, 0.5])
    assert np.ptp(values[BLINK] / network.shut) < 0.25


@pytest.mark.parametrize('yaw', [0.0, 0.4, -0.7])
def test_rounding_changes_nothing(network, yaw):
    """The answers follow the lids continuously, through a blink, for the far eye of a turned head, too."""
    coeff, random = face(yaw), np.random.RandomState(6)
    exact, noisy = (TrackedEyes(network, 30.0) for _ in range(2))
    for closed in (0, 0.1, 0.25, 0.5, 0.9, 0.6, 0.2, 0):
        values, trust = _read(exact, network, coeff, [closed, closed])
        network.seen = [points + 1e-9 * random.randn(*points.shape) for points in network.seen]
        again, trusted = noisy.read(NOISE, None, CAMERA, coeff)
        np.testing.assert_allclose(again[BLINK], values[BLINK], atol=1e-7)
        np.testing.assert_allclose(trusted, trust, atol=1e-7)


def test_without_eyeballs_there_is_no_reader(test_model):
    assert EyeReader.of(test_model, None) is None
