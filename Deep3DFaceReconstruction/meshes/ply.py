"""Writes binary .ply meshes with normals and vertex colours."""
import numpy as np

from Deep3DFaceReconstruction.meshes.checks import check_mesh
from Deep3DFaceReconstruction.system.files import atomic_write

_VERTEX = np.dtype([('position', '<f4', 3), ('normal', '<f4', 3), ('color', 'u1', 3)])
_FACE = np.dtype([('count', 'u1'), ('corners', '<i4', 3)])
_HEADER = '''ply
format binary_little_endian 1.0
element vertex %d
property float x
property float y
property float z
property float nx
property float ny
property float nz
property uchar red
property uchar green
property uchar blue
element face %d
property list uchar int vertex_indices
end_header
'''


def write_ply(path, vertices, normals, colors, triangles):
    """Writes a mesh as binary PLY; to a temporary file, then renamed.

    For example `write_ply('face.ply', shape, vertex_normals(shape, triangles), colors, triangles)`.

    Args:
      path: the .ply file.
      vertices: [N,3] float; normals: [N,3] float, unit; colors: [N,3] RGB 0-255, rounded.
      triangles: [F,3] int, from 0.
    Raises:
      OSError: the folder cannot be written. ValueError: sizes that do not match, or numbers that are not finite.
    """
    check_mesh(vertices, triangles, normals=normals, colors=colors)
    vertex = np.empty(len(vertices), _VERTEX)
    vertex['position'], vertex['normal'] = vertices, normals
    vertex['color'] = np.rint(np.clip(colors, 0, 255))
    face = np.empty(len(triangles), _FACE)
    face['count'], face['corners'] = 3, triangles
    with atomic_write(path) as temporary:
        with open(temporary, 'wb') as stream:
            stream.write((_HEADER % (len(vertex), len(face))).encode('ascii'))
            stream.write(vertex.tobytes())
            stream.write(face.tobytes())
