"""Reads vertices and faces of Wavefront .obj files, fast."""
import re
import warnings

import numpy as np

from Deep3DFaceReconstruction.errors import AssetError, one_line
from Deep3DFaceReconstruction.system import file_kinds

_BEHIND_SLASH = re.compile(br'/\S*')


class ObjError(AssetError):
    """An .obj file that cannot be used."""


def _lines(path, word):
    """What follows `word` on each line that starts with it, as a list of bytes."""
    try:
        with open(path, 'rb') as stream:
            text = stream.read()
    except OSError as error:
        raise ObjError('%s: expected an .obj file, got one that cannot be read: %s' % (path, one_line(error)))
    start = word + b' '
    found = [line[len(start):] for line in text.splitlines() if line.startswith(start)]
    if not found:
        got = file_kinds.what_is(path) or "no line that starts with '%s'" % word.decode()
        raise ObjError('%s: expected an .obj mesh, got %s' % (path, got))
    return found


def _numbers(lines, dtype):
    """All numbers of the lines in one row, or None where something is no number."""
    with warnings.catch_warnings():
        # NumPy warns about text behind the last number that it understood, and will raise instead.
        warnings.simplefilter('error')
        try:
            return np.fromstring(b' '.join(lines), dtype, sep=' ')
        except (ValueError, DeprecationWarning):
            return None


def read_vertices(path):
    """The `v x y z` lines; what may follow z is left out.

    Returns:
      [V,3] float64, as written.
    Raises:
      ObjError: the file is missing or no .obj mesh, a line lacks numbers, or one is NaN or infinite.
    """
    lines = _lines(path, b'v')
    width = len(lines[0].split())
    values = _numbers(lines, np.float64)
    if width < 3 or values is None or values.size != width * len(lines):
        raise ObjError("%s: expected lines 'v x y z' of numbers, got otherwise" % path)
    vertices = values.reshape(len(lines), width)[:, :3]
    finite = np.isfinite(vertices).all(axis=1)
    if not finite.all():
        raise ObjError('%s: expected finite coordinates, got NaN or infinity at vertex %d' % (path, finite.argmin()))
    return vertices


def read_faces(path, count, corners):
    """The vertices of the first faces, `f a b c ...` or `f a/b/c ...`.

    Args:
      path: the .obj file.
      count: so many faces are read.
      corners: every face must have so many.
    Returns:
      [count,corners] int64, from 0.
    Raises:
      ObjError: the file is missing or no .obj mesh, has fewer faces, or one of them has another number of corners
        or a vertex that does not count from 1.
    """
    lines = _lines(path, b'f')
    if len(lines) < count:
        raise ObjError('%s: expected at least %d faces, got %d' % (path, count, len(lines)))
    lines = lines[:count]
    width = np.array([len(line.split()) for line in lines])
    if (width != corners).any():
        wrong = (width != corners).argmax()
        raise ObjError('%s: expected faces of %d corners, got face %d of %d corners'
                       % (path, corners, wrong, width[wrong]))
    values = _numbers([_BEHIND_SLASH.sub(b'', b' '.join(lines))], np.int64)
    if values is None or values.size != count * corners or values.min() < 1:
        raise ObjError("%s: expected lines 'f a/b/c ...' of numbers from 1, got otherwise" % path)
    return values.reshape(count, corners) - 1  # from 1 to 0
