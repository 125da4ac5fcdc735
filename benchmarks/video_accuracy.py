"""How near video.py comes to the truth of a made clip: a head that turns, nods, speaks, blinks and looks about.

    python benchmarks/video_accuracy.py [--frames N] [--detectors dlib,mediapipe] [--fits landmarks,photometric]

Prints for each detector and fit: the mean error of the mesh's landmarks but the jaw's (pixels of the frame, whose face
is 220 high), that of brows and nose and of the lips; the jitter of brows and nose (root mean square of the error's
second difference) after smoothing, over that of the frames as fitted; the lag in frames; errors of head and gaze in
degrees; and for some ARKit shapes the correlation with the truth, the slope on it, and the largest weight.
"""
import argparse
import csv
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

prepare_process()

import numpy as np  # noqa: E402
import scipy.io  # noqa: E402

from Deep3DFaceReconstruction.face_model import arkit, load_face_model  # noqa: E402
from Deep3DFaceReconstruction.motion.frame_fit import CropCamera  # noqa: E402
from Deep3DFaceReconstruction.system import assets  # noqa: E402
from Deep3DFaceReconstruction.video import pipeline, video_file  # noqa: E402
from Deep3DFaceReconstruction.video.options import parse_video  # noqa: E402
from tests.video.made_clip import landmarks_of, made_clip  # noqa: E402

SHAPES = ('jawOpen', 'mouthSmileLeft', 'browInnerUp', 'eyeBlinkRight', 'eyeBlinkLeft')
FACE, RIGID, LIPS = slice(17, 68), slice(17, 36), slice(48, 68)


def _columns(path, *names):
    """[T,n] of the columns of a table whose names begin with `names`."""
    with open(path, newline='', encoding='utf-8') as stream:
        rows = list(csv.reader(stream))
    chosen = [place for place, name in enumerate(rows[0]) if name.startswith(names)]
    return np.array([[row[place] for place in chosen] for row in rows[1:]], np.float64)


class Run:
    """What one run of video.py found in a clip."""

    def __init__(self, path, model, *options):
        with tempfile.TemporaryDirectory() as folder:
            code = pipeline.run(parse_video(['--input', path, '--output', folder, '--outputs', 'coefficients,arkit']
                                            + list(options)))
            if code:
                raise SystemExit(code)
            table = os.path.join(folder, 'coefficients.csv')
            self.frames = _columns(table, 'frame')[:, 0].astype(int)
            self.angles, self.gaze = _columns(table, 'angle_'), _columns(table, 'gaze_').reshape(-1, 2, 2)
            states = np.concatenate([self.angles, _columns(table, 'translation_'), _columns(table, 'ex_')], axis=1)
            cameras, blinks = _columns(table, 'crop_'), np.nan_to_num(_columns(table, 'blink_'))
            self.weights = _columns(os.path.join(folder, 'arkit.csv'), *arkit.NAMES)
            identity = scipy.io.loadmat(os.path.join(folder, 'person_1.mat'))['id'][0]
        self.landmarks = np.array([landmarks_of(model, identity, state[None], CropCamera(*camera), blink[None])[0]
                                   for state, camera, blink in zip(states, cameras, blinks)])


def jitter(errors):
    """Root mean square of the second difference over time."""
    return np.sqrt((np.diff(errors[:, RIGID], 2, axis=0) ** 2).mean())


def lag(found, true):
    """Frames by which a series [T] follows another one."""
    shifts = range(-3, 4)
    return shifts[int(np.argmin([np.abs(found[3:-3] - np.roll(true, shift)[3:-3]).mean() for shift in shifts]))]


def report(name, smooth, raw, clip):
    """Prints the lines of a detector and a fit."""
    smooth_error, raw_error = (run.landmarks - clip.landmarks[run.frames] for run in (smooth, raw))
    far = np.linalg.norm(smooth_error, axis=2)
    print('%s: %d frames; error %.2f px (as fitted %.2f), brows and nose %.2f, lips %.2f; jitter %.2f of %.3f px; '
          'lag %d' % (name, len(smooth.frames), far[:, FACE].mean(),
                      np.linalg.norm(raw_error, axis=2)[:, FACE].mean(), far[:, RIGID].mean(), far[:, LIPS].mean(),
                      jitter(smooth_error) / jitter(raw_error), jitter(raw_error),
                      lag(smooth.angles[:, 1], clip.states[smooth.frames, 1])))
    head = np.degrees(np.abs(smooth.angles - clip.states[smooth.frames, :3]).mean(axis=0))
    gaze = np.degrees(np.nanmean(np.abs(smooth.gaze - clip.gaze[smooth.frames][:, None]), axis=(0, 1)))
    print('    nod %.1f, turn %.1f, tilt %.1f; gaze to the side %.1f, up %.1f degrees' % (tuple(head) + tuple(gaze)))
    for shape in SHAPES:
        place = arkit.NAMES.index(shape)
        found, true = smooth.weights[:, place], clip.weights[smooth.frames, place]
        print('    %-16s r %5.2f  slope %5.2f  largest %.2f of %.2f' % (
            shape, np.corrcoef(found, true)[0, 1] if found.any() else 0, np.polyfit(true, found, 1)[0], found.max(),
            true.max()))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--frames', type=int, default=60, help='of the clip (default: %(default)s)')
    parser.add_argument('--detectors', default='dlib,mediapipe', help='as of video.py (default: %(default)s)')
    parser.add_argument('--fits', default='landmarks,photometric', help='as of video.py (default: %(default)s)')
    options = parser.parse_args(arguments)
    model = load_face_model(assets.OPEN_MODEL)
    clip = made_clip(model, options.frames)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'made.mp4')
        writer = video_file.VideoWriter(path, (640, 480), 30.0)
        for frame in clip.frames:
            writer.write(frame.rgb)
        writer.close()
        for detector in options.detectors.split(','):
            for fit in options.fits.split(','):
                runs = [Run(path, model, '--detector', detector, '--fit', fit, *more)
                        for more in ((), ('--no_smoothing',))]
                report('%s, %s' % (detector, fit), runs[0], runs[1], clip)


if __name__ == '__main__':
    main()
