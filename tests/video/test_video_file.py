"""Videos written and read back: frames, times, sound, rotation, parts, and files that are none."""
import os
import subprocess

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.video import frames, video_file


def _ffmpeg(*arguments):
    return subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), '-hide_banner', '-nostdin', '-y'] + list(arguments),
                          capture_output=True, check=False)


def _levels(count):
    """Frames whose brightness tells their number."""
    return [np.full((48, 64, 3), 10 + 5 * number, np.uint8) for number in range(count)]


def _write(path, images, size=(64, 48), fps=25.0):
    writer = video_file.VideoWriter(str(path), size, fps)
    for image in images:
        writer.write(image)
    writer.close()
    return str(path)


@pytest.fixture(scope='module')
def clip_path(tmp_path_factory):
    return _write(tmp_path_factory.mktemp('clip') / 'a.mp4', _levels(20))


def test_frames_come_back_in_order_with_their_times(clip_path):
    clip = frames.open_clip(clip_path)
    assert (clip.count, clip.size, clip.live) == (20, (64, 48), False)
    assert clip.fps == pytest.approx(25.0)
    read = list(frames.read_frames(clip))
    assert [frame.number for frame in read] == list(range(20))
    np.testing.assert_allclose([frame.time for frame in read], np.arange(20) / 25.0, atol=2e-3)
    np.testing.assert_allclose([frame.rgb.mean() for frame in read], 10 + 5 * np.arange(20), atol=2)
    later = list(frames.read_frames(clip, first=12, wanted=lambda number: number % 2 == 0))
    assert [frame.number for frame in later] == [12, 14, 16, 18]


def test_reading_in_the_background_gives_the_same_and_passes_errors_on(clip_path):
    clip = frames.open_clip(clip_path)
    assert [frame.number for frame in frames.in_background(frames.read_frames(clip), 3)] == list(range(20))

    def broken():
        yield 1
        raise InputError('a file: expected a frame, got none')
    with pytest.raises(InputError, match='expected a frame'):
        list(frames.in_background(broken(), 2))


def test_an_odd_size_is_padded(tmp_path):
    path = _write(tmp_path / 'odd.mp4', [np.full((47, 63, 3), 90, np.uint8)] * 3, (63, 47))
    assert frames.open_clip(path).size == (64, 48)


def test_parts_are_joined_and_the_sound_is_left_alone(tmp_path, clip_path):
    sound = str(tmp_path / 'with sound.mp4')
    done = _ffmpeg('-i', clip_path, '-f', 'lavfi', '-i', 'sine=frequency=440:duration=0.8', '-c:v', 'copy', '-c:a',
                   'aac', sound)
    assert done.returncode == 0
    parts = [_write(tmp_path / ("it's %d.mp4" % k), _levels(20)[10 * k:10 * k + 10]) for k in range(2)]
    path = str(tmp_path / 'joined.mp4')
    video_file.join(parts, path, sound)
    clip = frames.open_clip(path)
    assert len(list(frames.read_frames(clip))) == 20
    hashes = [_ffmpeg('-i', name, '-map', '0:a', '-c', 'copy', '-f', 'md5', '-').stdout for name in (sound, path)]
    assert hashes[0] == hashes[1] and hashes[0].startswith(b'MD5=')
    assert sorted(os.listdir(str(tmp_path))) == ["it's 0.mp4", "it's 1.mp4", 'joined.mp4', 'with sound.mp4']
    silent = str(tmp_path / 'silent.mp4')
    video_file.join(parts, silent, clip_path)
    assert len(list(frames.read_frames(frames.open_clip(silent)))) == 20


def test_rotation_in_the_metadata_is_obeyed(tmp_path, clip_path):
    path = str(tmp_path / 'turned.mp4')
    if _ffmpeg('-i', clip_path, '-c', 'copy', '-metadata:s:v:0', 'rotate=90', path).returncode or b'rotate' not in (
            _ffmpeg('-i', path).stderr):
        _ffmpeg('-display_rotation', '90', '-i', clip_path, '-c', 'copy', path)
    clip = frames.open_clip(path)
    assert clip.size == (48, 64)
    assert next(frames.read_frames(clip)).rgb.shape == (64, 48, 3)


def test_a_variable_rate_keeps_its_times(tmp_path, clip_path):
    path = str(tmp_path / 'vfr.mkv')
    for sync in (['-vsync', '0'], ['-fps_mode', 'passthrough']):  # of old and of new ffmpegs
        done = _ffmpeg('-i', clip_path, '-vf', 'setpts=N*(N+10)/800/TB', *(sync + ['-enc_time_base', '1:1000', path]))
        if not done.returncode:
            break
    clip, said = frames.open_clip(path), []
    # A container that does not count its frames gives its length times a rate.
    times = [frame.time for frame in frames.read_frames(clip._replace(fps=50.0, count=35), warn=said.append)]
    count = np.arange(20)
    assert said == []
    np.testing.assert_allclose(times, count * (count + 10) / 800.0, atol=0.012)


def test_a_clip_that_is_cut_off_gives_what_it_has_and_says_so(tmp_path, clip_path):
    path = str(tmp_path / 'long.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 25.0, (64, 48))
    for image in _levels(20):
        writer.write(np.repeat(image, 1, axis=2))
    writer.release()
    with open(path, 'rb') as stream:
        whole = stream.read()
    cut = str(tmp_path / 'cut.avi')
    with open(cut, 'wb') as stream:
        stream.write(whole[:int(0.6 * len(whole))])
    clip, said = frames.open_clip(cut), []
    clip = clip._replace(count=20)
    got = list(frames.read_frames(clip, warn=said.append))
    assert 0 < len(got) < 20 and 'cut.avi: ends after %d of 20 frames' % len(got) in said[0]


@pytest.mark.parametrize('name, content, message', [
    ('none.mp4', None, r'none\.mp4: expected a video file, a folder of frames or the number of a camera, got nothing'),
    ('empty.mp4', b'', r'empty\.mp4: expected a video, got a file that cannot be read as one'),
    ('text.mp4', b'not a video at all' * 50, r'text\.mp4: expected a video, got a file that cannot be read as one'),
])
def test_what_is_no_video_is_called_so(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        frames.open_clip(str(path))


def test_a_folder_of_frames(tmp_path):
    with pytest.raises(InputError, match='expected images as frames, got none'):
        frames.open_clip(str(tmp_path))
    for number in range(3):
        Image.fromarray(_levels(3)[number]).save(str(tmp_path / ('f%d.png' % number)))
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(str(tmp_path / 'g.png'))
    clip = frames.open_clip(str(tmp_path))
    read = list(frames.read_frames(clip))
    assert (clip.count, clip.size) == (4, (64, 48))
    assert [int(frame.rgb[0, 0, 0]) for frame in read] == [10, 15, 20, 0]
    assert all(frame.rgb.shape == (48, 64, 3) for frame in read)


def test_a_camera_that_is_not_there():
    with pytest.raises(InputError, match='camera 97: expected a camera'):
        frames.open_clip('97')


def test_an_aborted_writer_leaves_nothing(tmp_path):
    writer = video_file.VideoWriter(str(tmp_path / 'a.mp4'), (64, 48), 25.0)
    writer.write(_levels(1)[0])
    writer.abort()
    assert os.listdir(str(tmp_path)) == []
