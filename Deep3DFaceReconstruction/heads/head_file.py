"""Reads BFM/open_head.npz: what tools/open_model/head_build.py has computed from MakeHuman's assets.

  quads [q,4]             the coarse quads outside the face; vertices below the face's count are the face's own
  mean [n,3], id [80,n,3], ex [64,n,3]   the n coarse vertices outside the face (dm); int8 times id_scale, ex_scale
  tex_mean [N,3]          albedo of the fully refined head; tex [80,m,3] at the coarse vertices of tex_rows
  beard [N]               where a beard grows
  seen [M,9]              shadow transfer of the head refined once, see shadows.py
  accessories, accessory_kinds, aK_*     hair, lashes, tongue, hats, tops
"""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.meshes import subdivision
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.npz_file import NpzKind, read_npz

POSITION_UNIT = 2e-4  # dm, of the accessories' vertices
_KIND = NpzKind('the head of the open face model', 'python -m tools.open_model.head_build', FaceModelError)
_KEYS = ('quads', 'mean', 'id', 'id_scale', 'ex', 'ex_scale', 'tex_mean', 'tex', 'tex_scale', 'tex_rows', 'beard',
         'seen', 'accessories', 'accessory_kinds')


class Accessory(NamedTuple):
    """Something worn, on the mean head; refined, ready to be moved and drawn.

    Attributes:
      name, kind: 'hair', 'lashes', 'tongue', 'hat' or 'top'.
      vertices: [V,3] float32 dm, coarse.
      matrix: sparse [W,V], refines them.
      triangles: [F,3] int32, refined; those that are drawn.
      colour: [W,C] float32, RGB 0-255, or brightness 0-255 where C is 1.
      opacity: [W] float32, 0-1.
    """

    name: str
    kind: str
    vertices: np.ndarray
    matrix: object
    triangles: np.ndarray
    colour: np.ndarray
    opacity: np.ndarray


def read(path=assets.OPEN_HEAD):
    """The arrays of the file as a dict.

    Raises:
      FaceModelError: the file is missing, unreadable or incomplete.
    """
    return read_npz(path, _KIND, _KEYS, whole=True)


def unpacked(data, name):
    """[K,...] float32: an array stored as integers times a scale for each k."""
    values = data[name]
    return values.astype(np.float32) * data[name + '_scale'].reshape((-1,) + (1,) * (values.ndim - 1))


def accessories(data):
    """list of Accessory of the arrays that `read` returns."""
    return [_accessory(data, number, str(name), str(kind))
            for number, (name, kind) in enumerate(zip(data['accessories'], data['accessory_kinds']))]


def _accessory(data, number, name, kind):
    get = {key: data['a%d_%s' % (number, key)] for key in ('vertices', 'quads', 'level', 'keep', 'colour', 'opacity')}
    fine, matrix = subdivision.subdivide(get['quads'].astype(np.int64), len(get['vertices']), int(get['level']),
                                         subdivision.midpoint_split)
    triangles = subdivision.split_quads(fine)
    triangles = triangles[np.unpackbits(get['keep'])[:len(triangles)].astype(bool)]
    used, local = np.unique(triangles, return_inverse=True)
    return Accessory(name, kind, get['vertices'].astype(np.float32) * np.float32(POSITION_UNIT),
                     matrix[used].astype(np.float32), local.reshape(-1, 3).astype(np.int32),
                     get['colour'][used].astype(np.float32), get['opacity'][used].astype(np.float32) / 255)
