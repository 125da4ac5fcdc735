"""Writes a textured mesh as NAME.obj, NAME.mtl and NAME_texture.png."""
import os
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.meshes.checks import check_mesh, check_triangles
from Deep3DFaceReconstruction.system.files import atomic_write

MATERIAL = 'face'


def face_corner_lines(triangles, uv_triangles):
    """The `f v/vt/vn ...` lines of an .obj file, counted from 1, as bytes; the same for every mesh of a model.

    Args:
      triangles: [F,3] int, from 0: vertices, which have a normal each; uv_triangles: [F,3] int: texture coordinates.
    """
    corners = np.stack([triangles, uv_triangles, triangles], axis=2) + 1
    return (('f %d/%d/%d %d/%d/%d %d/%d/%d\n' * len(corners)) % tuple(corners.ravel().tolist())).encode('ascii')


class TexturedMesh(NamedTuple):
    """A mesh with a normal at each vertex and texture coordinates at each corner of its triangles."""
    vertices: np.ndarray      # [N,3] float
    normals: np.ndarray       # [N,3] float, unit
    triangles: np.ndarray     # [F,3] int, from 0
    uv: np.ndarray            # [M,2] float in 0-1, v up
    uv_triangles: np.ndarray  # [F,3] int, from 0, indices into uv


def write_obj(path, mesh, texture_png, faces_text=None):
    """Writes a textured mesh: the .obj and beside it NAME.mtl and NAME_texture.png, each whole before it has its name.

    For example `write_obj('face.obj', TexturedMesh(shape, normals, triangles, atlas.uv, atlas.triangles),
    encode_png(texture))`.

    Args:
      path: the .obj file; NAME is its name without the ending, and may hold anything but control characters.
      mesh: TexturedMesh.
      texture_png: bytes of a PNG file, row 0 at v = 1.
      faces_text: face_corner_lines, where they are made already.
    Returns:
      the names of the three files. In those of the last two a double quote becomes a double prime, as Blender takes
      quotes out of the names that it reads.
    Raises:
      OSError: the folder cannot be written. ValueError: sizes that do not match, numbers that are not finite, or a name
        that an .obj file cannot refer to.
    """
    check_mesh(mesh.vertices, mesh.triangles, normals=mesh.normals)
    check_triangles(mesh.uv_triangles, len(mesh.uv), 'uv_triangles')
    if np.shape(mesh.uv_triangles) != np.shape(mesh.triangles) or not np.isfinite(mesh.uv).all():
        raise ValueError('uv_triangles: expected a row for each of %d triangles and finite uv, got shape %s' % (
            len(mesh.triangles), list(np.shape(mesh.uv_triangles))))
    folder, name = os.path.split(path)
    stem = os.path.join(folder, os.path.splitext(name)[0].replace('"', '\u2033'))
    material, texture = stem + '.mtl', stem + '_texture.png'
    if faces_text is None:
        faces_text = face_corner_lines(mesh.triangles, mesh.uv_triangles)
    references = _reference(material), _reference(texture)
    _write(texture, [texture_png])
    _write(material, [b'newmtl %s\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nd 1\nillum 1\nmap_Kd %s\n' % (
        MATERIAL.encode(), references[1])])
    _write(path, [b'mtllib %s\n' % references[0], _lines('v %.9g %.9g %.9g\n', mesh.vertices),
                  _lines('vt %.7g %.7g\n', mesh.uv), _lines('vn %.6g %.6g %.6g\n', mesh.normals),
                  b'usemtl %s\ns 1\n' % MATERIAL.encode(), faces_text])
    return [os.path.basename(file) for file in (path, material, texture)]


def _reference(path):
    """A file's name as an .obj or .mtl line refers to it: readers take the rest of the line; options begin with -."""
    name = os.path.basename(path)
    if not name.isprintable():
        raise ValueError('%r: expected a name without control characters, as an .obj file names its texture' % name)
    return os.fsencode('./' + name if name[0] in '- ' else name)


def _lines(line, rows):
    rows = np.asarray(rows)
    return ((line * len(rows)) % tuple(rows.ravel().tolist())).encode('ascii')


def _write(path, parts):
    with atomic_write(path) as temporary:
        with open(temporary, 'wb') as stream:
            stream.writelines(parts)
