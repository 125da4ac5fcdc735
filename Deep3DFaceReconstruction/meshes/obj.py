"""Wavefront .obj files: vertices and faces into one, in the published text, and out of one, fast."""
import re
import warnings

import numpy as np

from Deep3DFaceReconstruction.errors import AssetError, one_line
from Deep3DFaceReconstruction.system import file_kinds
from Deep3DFaceReconstruction.system.files import atomic_write

_AFTER_SLASH = re.compile(br'/\S*')


class ObjError(AssetError):
    """An .obj file that cannot be used."""


def face_lines(triangles):
    """The `f i j k` lines of an .obj file, counted from 1, as bytes; the same for every mesh of a model.

    Args:
      triangles: [F,3] int, from 0.
    """
    from_one = (triangles + 1).ravel().tolist()
    return (('f %d %d %d\n' * len(triangles)) % tuple(from_one)).encode('ascii')


def vertex_lines(vertices, colors):
    """The `v x y z r g b` lines of an .obj file, as bytes.

    Args:
      vertices: [N,3] float32.
      colors: [N,3] float32, 0-1.
    Raises:
      ValueError: a number is not finite: `nan` in an .obj file is not a number to any reader of it.
    """
    values = np.concatenate([vertices, colors], axis=1)
    if not np.isfinite(values).all():
        raise ValueError('mesh: expected finite coordinates and colours, got NaN or infinity')
    return (('v %f %f %f %f %f %f\n' * len(values)) % tuple(values.ravel().tolist())).encode('ascii')


def save_obj(path, vertices, faces_text, colors):
    """Writes a coloured mesh: `v x y z r g b` lines, a blank line, `f i j k` lines from 1.

    Args:
      path: the .obj file; written to a temporary file, then renamed.
      vertices: [N,3] float32, dm.
      faces_text: bytes of face_lines.
      colors: [N,3] float32, 0-1.
    Raises:
      OSError: the folder cannot be written. ValueError: see vertex_lines.
    """
    text = vertex_lines(vertices, colors)
    with atomic_write(path) as temporary:
        with open(temporary, 'wb') as stream:
            stream.write(text)
            stream.write(b'\n')
            stream.write(faces_text)


def read_vertices(path):
    """The vertices, `v x y z`; colours or a weight after z are ignored.

    Returns:
      [V,3] float64, as written.
    Raises:
      ObjError: the file is missing or is not an .obj mesh, a line does not have as many numbers as the first one, or a
        coordinate is NaN or infinite.
    """
    lines = _lines(path, b'v')
    width = len(lines[0].split())
    values = _numbers(lines, np.float64)
    if width < 3 or values is None or values.size != width * len(lines):
        wrong = _first_unlike(lines, max(width, 3), b'v')
        raise ObjError("%s: expected lines 'v x y z' of numbers, got %r" % (path, wrong))
    vertices = values.reshape(len(lines), width)[:, :3]
    finite = np.isfinite(vertices).all(axis=1)
    if not finite.all():
        raise ObjError('%s: expected finite coordinates, got NaN or infinity at vertex %d' % (path, finite.argmin()))
    return vertices


def read_faces(path, count, corners):
    """The vertices of the first faces, `f a b c ...` or `f a/b/c ...`.

    Args:
      path: the .obj file.
      count: number of faces to read.
      corners: number of corners that each of them must have.
    Returns:
      [count,corners] int64, from 0.
    Raises:
      ObjError: the file is missing or is not an .obj mesh, has fewer faces, or one of them has another number of
        corners or a vertex number below 1.
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
    values = _numbers([_AFTER_SLASH.sub(b'', b' '.join(lines))], np.int64)
    if values is None or values.size != count * corners or values.min() < 1:
        wrong = _first_unlike(lines, corners, b'f')
        raise ObjError("%s: expected lines 'f a/b/c ...' of numbers from 1, got %r" % (path, wrong))
    return values.reshape(count, corners) - 1  # from 1 to 0


def _lines(path, word):
    """What follows `word` on each line that starts with it, as a list of bytes."""
    try:
        with open(path, 'rb') as stream:
            text = stream.read()
    except OSError as error:
        raise ObjError('%s: expected an .obj file, got one that cannot be read: %s' % (path, one_line(error)))
    lines, start = text.splitlines(), word + b' '
    found = [line[len(start):] for line in lines if line.startswith(start)]
    if not found:
        is_mesh = any(line.startswith((b'v ', b'f ')) for line in lines)
        got = None if is_mesh else file_kinds.what_is(path)
        got = got or "no line that starts with '%s'" % word.decode()
        raise ObjError('%s: expected an .obj mesh, got %s' % (path, got))
    return found


def _numbers(lines, dtype):
    """All numbers of the lines in one row, or None if something is not a number."""
    with warnings.catch_warnings():
        # NumPy warns about text after the last number that it understood; later versions raise.
        warnings.simplefilter('error')
        try:
            return np.fromstring(b' '.join(lines), dtype, sep=' ')
        except (ValueError, DeprecationWarning):
            return None


def _first_unlike(lines, width, word):
    """The first line that is not `width` numbers (for faces: counted from 1), as text with its word."""
    for line in lines:
        row = _numbers([_AFTER_SLASH.sub(b'', line)], np.float64)
        if row is None or row.size != width or (word == b'f' and row.min() < 1):
            return (word + b' ' + line).decode('utf-8', 'replace').strip()
    return 'none'
