"""Reading the landmark file of a photo, in the forms that people have: five points, or the 68 of iBUG.

One line `x y` for each point is the plain form. Commas, semicolons, tabs or brackets may stand between numbers; a
header, comments, a number or a name before each point, and a confidence behind it are passed over. All points may also
stand on one line, in the .pts form of iBUG, or in the JSON of common detectors. What is ambiguous is refused.
"""
import json
import os
import re
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import LANDMARK_COUNT
from Deep3DFaceReconstruction.errors import LandmarkError, one_line
from Deep3DFaceReconstruction.photo.landmark_json import points_in_json
from Deep3DFaceReconstruction.photo.landmarks import five_from_68

_NUMBER = re.compile(r'[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$')
_SEPARATORS = re.compile(r'[\s,;()\[\]]+')
_DECIMAL_COMMA = re.compile(r'(?<=\d),(?=\d)')
_NAME = re.compile(r'[^\W\d][\w.\-]*:?$')
_HEADER_WORDS = frozenset('x y z c p s w score scores conf confidence prob probability visibility visible v id index '
                          'no number name point points landmark landmarks label file filename image'.split())
_COMMENTS = ('#', '//', '%')
_PTS_HEADER = re.compile(r'\s*(version|n_points)\s*:', re.IGNORECASE)
_SHOWN = 80


class LandmarkFile(NamedTuple):
    """The content of a landmark file.

    Attributes:
      five_points: [5, 2] float64, pixels of the upright image, y-down.
      understood: what the file was taken for, where it is not the plain form; else ''.
    """

    five_points: np.ndarray
    understood: str


def read_landmark_file(path):
    """Reads a landmark file: five points, or 68 in the iBUG order, in pixels of the upright image, y-down.

    Order of the five: left eye, right eye, nose tip, left mouth corner, right mouth corner, as seen in the image.

    Returns:
      LandmarkFile.
    Raises:
      LandmarkError: unreadable, another number of points, or a line that is not two finite numbers.
    """
    text = _text_of(path)
    if text.lstrip()[:1] in ('{', '[') and os.path.splitext(path)[1].lower() != '.pts':
        try:
            content = json.loads(text)
        except ValueError:
            content = None
        if content is not None and not _is_plain_list(content):
            return LandmarkFile(*points_in_json(path, content))
    points, notes = _points_in_text(path, text)
    if len(points) == LANDMARK_COUNT:
        points, notes = five_from_68(points), ['68 points in the iBUG order'] + notes
    if len(points) != 5:
        raise LandmarkError("%s: expected 5 lines 'x y', got %d" % (path, len(points)))
    return LandmarkFile(np.array(points), ', '.join(notes))


def read_five_points(path):
    """The five points of a landmark file: [5, 2] float64; see read_landmark_file."""
    return read_landmark_file(path).five_points


def _is_plain_list(content):
    """Whether JSON is but numbers in brackets, which read as text do."""
    return isinstance(content, list) and all(
        isinstance(row, (int, float)) or (isinstance(row, list) and all(isinstance(v, (int, float)) for v in row))
        for row in content)


def _text_of(path):
    try:
        with open(path, 'rb') as file:
            data = file.read()
        if data[:2] in (b'\xff\xfe', b'\xfe\xff'):
            text = data.decode('utf-16', 'ignore')
            if text.isascii():
                return text
        return data.decode('utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise LandmarkError('%s: expected a landmark file, got: %s' % (path, one_line(error))) from error


def _points_in_text(path, text):
    """([n, 2], notes on the form) of lines of numbers."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith(_COMMENTS)]
    notes = []
    if any(_PTS_HEADER.match(line) for _, line in lines[:2]):
        lines = [(number, line) for number, line in lines if not _PTS_HEADER.match(line) and line not in ('{', '}')]
        notes.append('.pts file, counted from 1')
    elif lines and _is_header(lines[0][1]):
        lines = lines[1:]
        notes.append('a header')
    rows = [_row(path, number, line) for number, line in lines]
    if len(rows) == 1 and len(rows[0][1]) > 3:
        points, more = _one_line_points(rows[0][1])
        return points, notes + more
    points, more = _columns(path, rows)
    if notes and notes[0].startswith('.pts'):
        points = np.subtract(points, 1.0)
    return points, notes + more


def _is_header(line):
    words = [word for word in _SEPARATORS.split(line.lower()) if word]
    return bool(words) and all(word.strip('_:"\'') in _HEADER_WORDS or re.match(r'[xy]_?\d*$|.*_[xy]$', word)
                               for word in words)


def _row(path, number, line):
    """(where, numbers) of a line; a name before the numbers is passed over."""
    where = '%s, line %d' % (path, number)
    if ';' in line:
        line = _DECIMAL_COMMA.sub('.', line)
    words = [word for word in _SEPARATORS.split(line) if word]
    if len(words) > 2 and not _NUMBER.match(words[0]) and (_NAME.match(words[0]) or len(words) > 2 * 5):
        words = words[1:]
    values = [float(word) if _NUMBER.match(word) else np.nan for word in words]
    if len(values) < 2 or not np.isfinite(values).all():
        raise _not_a_point(where, line)
    return (where, line), values


def _not_a_point(where, line):
    return LandmarkError("%s: expected two numbers 'x y', got %r" % (where, line[:_SHOWN]))


def _columns(path, rows):
    """Two columns, or three of which the first counts or the last is a confidence."""
    if not rows:
        return np.zeros((0, 2)), []
    table = [values for _, values in rows]
    width = len(table[0])
    if width == 3 and all(len(values) == 3 for values in table):
        columns = np.array(table)
        if (np.diff(columns[:, 0]) == 1).all() and columns[0, 0] in (0, 1) and len(table) > 1:
            return columns[:, 1:], ['a number before each point']
        if (columns[:, 2] >= 0).all() and (columns[:, 2] <= 1).all():
            return columns[:, :2], ['a confidence behind each point']
    for (where, line), values in rows:
        if len(values) != 2:
            raise _not_a_point(where, line)
    return np.array(table), []


def _one_line_points(values):
    """All points on one line: x y x y ..., or x y confidence x y confidence ..."""
    values = np.array(values)
    if len(values) in (2 * 5, 2 * LANDMARK_COUNT):
        return values.reshape(-1, 2), ['all points on one line']
    triples = values.reshape(-1, 3) if len(values) in (3 * 5, 3 * LANDMARK_COUNT) else None
    if triples is not None and (triples[:, 2] >= 0).all() and (triples[:, 2] <= 1).all():
        return triples[:, :2], ['all points on one line, with confidences']
    return np.zeros((len(values) // 2, 2)), []
