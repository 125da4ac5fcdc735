"""What is written of the faces besides the video: tables of coefficients and ARKit weights, and a plot."""
import csv
import os

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from Deep3DFaceReconstruction.conventions import EX_DIM, GAMMA_DIM
from Deep3DFaceReconstruction.motion.following import EYES, LIGHT, STATE
from Deep3DFaceReconstruction.motion.frame_fit import ANGLES, TRANSLATION
from Deep3DFaceReconstruction.system.files import atomic_write

KEY = ('frame', 'time', 'person', 'track', 'measured')
CAMERA = ('crop_scale', 'crop_left', 'crop_top')
POSE = ('angle_x', 'angle_y', 'angle_z', 'translation_x', 'translation_y', 'translation_z')
GAZE = ('gaze_right_yaw', 'gaze_right_pitch', 'gaze_left_yaw', 'gaze_left_pitch')
BLINK = ('blink_right', 'blink_left')
COEFFICIENTS = (KEY + CAMERA + POSE + tuple('ex_%d' % k for k in range(EX_DIM))
                + tuple('gamma_%d' % k for k in range(GAMMA_DIM)) + GAZE + BLINK)
HEAD = ('headPitch', 'headYaw', 'headRoll', 'headX', 'headY', 'headZ')
_PLOTTED = 6000         # points along the time axis at most
_SHAPES_PLOTTED = 6


def time_code(seconds):
    """HH:MM:SS.mmm"""
    thousandths = int(round(1000 * max(seconds, 0)))
    minutes, rest = divmod(thousandths, 60000)
    return '%02d:%02d:%02d.%03d' % (minutes // 60, minutes % 60, rest // 1000, rest % 1000)


class Table:
    """A CSV file that grows row by row and can be cut back to where it was."""

    def __init__(self, path, columns, size=None):
        """Args: path: of the file; columns: of its header; size: bytes of an earlier run to keep, None: begin anew."""
        self._stream = open(path, 'r+' if size else 'w', newline='', encoding='utf-8')
        if size:
            self._stream.truncate(size)
            self._stream.seek(size)
        self._writer = csv.writer(self._stream, lineterminator='\n')
        if not size:
            self._writer.writerow(columns)

    def add(self, values):
        """Adds a row."""
        self._writer.writerow(values)

    def size(self):
        """Bytes so far, all of them on the disk."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        return self._stream.tell()

    def close(self):
        """Finishes the file."""
        self._stream.close()


def coefficient_row(key, camera, row):
    """The values of COEFFICIENTS: key: of KEY; camera: CropCamera; row: [103], see motion.following."""
    numbers = list(camera) + list(row[STATE]) + list(row[LIGHT]) + list(row[EYES])
    return list(key) + ['%.6g' % number for number in numbers]


def arkit_row(key, weights, row):
    """The values of KEY, the shapes' names and HEAD: weights: [K] 0-1; angles in degrees, places in decimetres."""
    head = list(np.degrees(row[ANGLES])) + list(row[TRANSLATION])
    return list(key) + ['%.4f' % weight for weight in weights] + ['%.4f' % number for number in head]


def plot(table, path):
    """Draws head angles and the liveliest shapes of every person over time, from an arkit or coefficient table."""
    people = {}
    with open(table, newline='', encoding='utf-8') as stream:
        rows = csv.reader(stream)
        columns = next(rows)
        for values in rows:
            people.setdefault(values[2], []).append(values)
    named = HEAD[0] in columns
    matplotlib.rcParams['font.size'] = 8
    figure = Figure(figsize=(10, 4 * max(len(people), 1)), dpi=110)
    FigureCanvasAgg(figure)
    for place, (person, rows) in enumerate(sorted(people.items())):
        rows = rows[::max(1, len(rows) // _PLOTTED)]
        numbers = np.array([values[len(KEY):] for values in rows], float)
        columns_here = columns[len(KEY):]
        times = np.array([seconds_of(values[1]) for values in rows])
        angles = figure.add_subplot(2 * len(people), 1, 2 * place + 1)
        for name, label in zip(HEAD[:3] if named else POSE[:3], ('nod', 'turn', 'tilt')):
            values = numbers[:, columns_here.index(name)]
            _line(angles, times, values if named else np.degrees(values), label)
        angles.set_ylabel('head, degrees')
        angles.set_title('person %s' % person, loc='left')
        shapes = figure.add_subplot(2 * len(people), 1, 2 * place + 2)
        first, last = (0, columns_here.index(HEAD[0])) if named else (9, 9 + EX_DIM)
        spread = numbers[:, first:last].std(axis=0)
        for column in np.argsort(-spread)[:_SHAPES_PLOTTED]:
            _line(shapes, times, numbers[:, first + column], columns_here[first + column])
        shapes.set_ylabel('weight' if named else 'standard deviations')
        shapes.set_xlabel('seconds')
    for axes in figure.axes:
        axes.legend(loc='upper right', fontsize=7, ncol=3)
        axes.grid(alpha=0.3)
    figure.tight_layout()
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format='png')


def _line(axes, times, values, label):
    """A line that breaks where the face was away."""
    gaps = np.flatnonzero(np.diff(times) > 3 * max(np.median(np.diff(times)), 1e-3)) + 1 if len(times) > 2 else []
    axes.plot(np.insert(times, gaps, np.nan), np.insert(values, gaps, np.nan), label=label, linewidth=0.9)


def seconds_of(code):
    """Seconds of a time code."""
    hours, minutes, seconds = code.split(':')
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
