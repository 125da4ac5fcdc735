"""The files of one reconstruction: `NAME_mesh.obj` and `NAME.mat`, in the published formats."""
import numpy as np

from Deep3DFaceReconstruction.system.files import atomic_write


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
