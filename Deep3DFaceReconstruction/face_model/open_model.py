"""The open face model: read its compact file, refine it, write it in the layout of BFM_model_front.mat.

The compact file holds the shape bases at the resolution of a coarse quad mesh (about 2,400 vertices); two
levels of Catmull-Clark subdivision give the full mesh. Albedo is stored at the full mesh's vertices.
`tools/open_model` makes the file; docs/models.md says what is in it.
"""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import EX_DIM, ID_DIM, LANDMARK_COUNT, TEX_DIM
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.meshes import subdivision
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.mat_file import basis_columns, save_mat
from Deep3DFaceReconstruction.system.npz_file import NpzKind, read_npz

NAME = 'Open face model (MakeHuman)'
LICENCE = 'CC0 1.0'

LEVELS = 2
RIM_ROUNDS = 6
PARTS = ('skin', 'mouth', 'right eye', 'left eye', 'teeth')
EYE_PARTS = tuple(PARTS.index(name) for name in ('right eye', 'left eye'))
_KIND = NpzKind('the open face model', 'python -m tools.open_model', FaceModelError)
_KEYS = ('quads', 'keep', 'mean', 'id', 'id_scale', 'ex', 'ex_scale', 'tex_mean', 'tex', 'tex_scale', 'fill',
         'fill_color', 'uv', 'part', 'keypoints', 'skin', 'front')
_NAMED_KEYS = ('named', 'named_moves', 'named_pairs', 'named_corrections', 'named_unit')


def pack(values, dtype):
    """Quantizes [K, ...] component by component: (integers of `dtype`, float32 scale [K]); zero stays zero."""
    peak = np.abs(values).reshape(len(values), -1).max(axis=1)
    scale = (np.where(peak > 0, peak, 1) / np.iinfo(dtype).max).astype(np.float32)
    shape = (-1,) + (1,) * (values.ndim - 1)
    return np.rint(values / scale.reshape(shape)).astype(dtype), scale


def _unpack(values, scale):
    return values.astype(np.float32) * scale.reshape((-1,) + (1,) * (values.ndim - 1))


def full_topology(quads, vertex_count, keep):
    """The refined mesh, cropped, its rim evened out.

    Args:
      quads: [Q,4] coarse quads, from 0.
      vertex_count: coarse vertices n.
      keep: [2 Q 4^LEVELS] bool, the fine triangles inside the crop.
    Returns:
      (triangles [F,3], from 0; sparse matrix [N,n] from coarse to full vertices; used [N], the full vertices'
      numbers before the crop; sparse matrix [N,N] that evened out the rim).
    """
    fine, matrix = subdivision.subdivide(quads, vertex_count, LEVELS)
    triangles = subdivision.split_quads(fine)[keep]
    used, triangles = np.unique(triangles, return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    smoothing = subdivision.rim_smoothing(triangles, len(used), RIM_ROUNDS)
    return triangles, smoothing.dot(matrix[used]), used, smoothing


def load_open_model(path=assets.OPEN_MODEL):
    """Reads and refines the open face model.

    Args:
      path: the compact file (.npz).
    Returns:
      A dict in the layout of BFM_model_front.mat. N vertices, F triangles; decimetres, x right, y up, the
      face looks along +z; albedo RGB 0-255; index arrays start from 1 and are stored as float32:
      meanshape, meantex [1,3N] float32 (xyz or rgb interleaved); idBase, texBase [3N,80] float32 and exBase
      [3N,64] float64, times their standard deviation; tri [F,3]; point_buf [N,8], F+1 = none;
      frontmask2_idx [n,1]; tri_mask2 [f,3], indices into frontmask2_idx's order; skinmask [1,N] 0/1;
      keypoints [1,68]. Beyond that layout: uv [N,2] float32, texture coordinates of the MakeHuman skins
      (v up); part [1,N] float32, an index from 0 into PARTS; name, licence.
    Raises:
      FaceModelError: the file is missing, unreadable or incomplete.
    """
    data = read_npz(path, _KIND, _KEYS)
    quads = data['quads'].astype(np.int64)
    keep = np.unpackbits(data['keep'])[:2 * len(quads) * 4 ** LEVELS].astype(bool)
    triangles, matrix, _, _ = full_topology(quads, len(data['mean']), keep)
    shapes, albedo = _refined(data, matrix)
    model = {
        'meanshape': shapes[0].reshape(1, -1),
        'idBase': basis_columns(shapes[1:1 + ID_DIM]),
        'exBase': basis_columns(shapes[1 + ID_DIM:]).astype(np.float64),
        'meantex': data['tex_mean'].reshape(1, -1),
        'texBase': basis_columns(albedo),
        'keypoints': data['keypoints'][None].astype(np.int64) + 1,
        'uv': data['uv'].astype(np.float32) / np.iinfo(data['uv'].dtype).max,
        'part': data['part'][None],
    }
    model.update(_regions(data, triangles, matrix.shape[0]))
    for key, value in model.items():
        if key != 'exBase':
            model[key] = np.ascontiguousarray(value, dtype=np.float32)
    _check(model, path)
    model.update(name=NAME, licence=LICENCE)
    return model


class CoarseFace(NamedTuple):
    """The open model before it is refined; n coarse vertices.

    Attributes:
      quads: [Q,4] int64, from 0.
      keep: [2 Q 4^LEVELS] bool, the fine triangles inside the crop.
      shapes: [1+80+64,n,3] float32 dm: mean, identity, expression.
    """

    quads: np.ndarray
    keep: np.ndarray
    shapes: np.ndarray


def load_coarse(path=assets.OPEN_MODEL):
    """The CoarseFace of the open model's file; raises as load_open_model."""
    data = read_npz(path, _KIND, _KEYS)
    quads = data['quads'].astype(np.int64)
    return CoarseFace(quads, np.unpackbits(data['keep'])[:2 * len(quads) * 4 ** LEVELS].astype(bool),
                      _coarse_shapes(data))


def _coarse_shapes(data):
    return np.concatenate([data['mean'][None], _unpack(data['id'], data['id_scale']),
                           _unpack(data['ex'], data['ex_scale'])])


def _refined(data, matrix):
    """The shapes (mean, identity, expression) [1+80+64,N,3] and the albedo basis [80,N,3] on the full mesh, float32.

    One product refines everything: the mean, both shape bases and the smooth albedo fields.
    """
    count, coarse_count = matrix.shape
    coarse = _coarse_shapes(data)
    shape_count = 3 * len(coarse)
    stacked = np.concatenate([coarse.transpose(1, 0, 2).reshape(coarse_count, -1),
                              data['fill'].astype(np.float32).T], axis=1)
    refined = matrix.astype(np.float32).dot(stacked)
    shapes = refined[:, :shape_count].reshape(count, -1, 3).transpose(1, 0, 2)
    fields = refined[:, shape_count:].T[:, :, None] * data['fill_color'].astype(np.float32)[:, None, :]
    return shapes, np.concatenate([_unpack(data['tex'], data['tex_scale']), fields])


def _regions(data, triangles, count):
    """Triangles and regions under their keys in BFM_model_front.mat; indices start from 1."""
    front = np.unpackbits(data['front'])[:count].astype(bool)
    in_front = front[triangles].all(axis=1)
    return {
        'tri': triangles + 1,
        'point_buf': subdivision.vertex_face_table(triangles, count) + 1,
        'frontmask2_idx': np.flatnonzero(front)[:, None] + 1,
        'tri_mask2': np.cumsum(front)[triangles[in_front]],
        'skinmask': np.unpackbits(data['skin'])[None, :count],
    }


def _check(model, path):
    count = model['meanshape'].shape[1] // 3
    expected = {'meanshape': (1, 3 * count), 'idBase': (3 * count, ID_DIM), 'exBase': (3 * count, EX_DIM),
                'meantex': (1, 3 * count), 'texBase': (3 * count, TEX_DIM), 'skinmask': (1, count),
                'part': (1, count), 'uv': (count, 2), 'keypoints': (1, LANDMARK_COUNT)}
    for key, shape in expected.items():
        if model[key].shape != shape:
            raise FaceModelError('%s: expected %s of shape %s, got %s' % (path, key, shape, model[key].shape))


def write_open_model_front(path=assets.OPEN_MODEL_FRONT, source=assets.OPEN_MODEL):
    """Writes the full open model as a .mat file in the layout of BFM_model_front.mat.

    Args:
      path: the .mat file to write.
      source: the compact file.
    Returns:
      The model that was written, as `load_open_model` returns it.
    Raises:
      FaceModelError: the compact file is missing or broken.
    """
    model = load_open_model(source)
    save_mat(path, model)
    return model


def load_named(path=assets.OPEN_MODEL):
    """The named shapes of the open model on its full mesh; see named_shapes.NamedShapes.

    Args:
      path: the compact file (.npz).
    Returns:
      (names, tuple of K; moves [K,N,3] float32 dm; pairs [P,2] int64; corrections [P,N,3] float32 dm).
    Raises:
      FaceModelError: see load_open_model.
    """
    data = read_npz(path, _KIND, ('quads', 'keep', 'mean') + _NAMED_KEYS)
    quads = data['quads'].astype(np.int64)
    keep = np.unpackbits(data['keep'])[:2 * len(quads) * 4 ** LEVELS].astype(bool)
    _, matrix, _, _ = full_topology(quads, len(data['mean']), keep)
    coarse = data['named_unit'] * np.concatenate([data['named_moves'], data['named_corrections']]).astype(np.float32)
    stacked = coarse.transpose(1, 0, 2).reshape(len(data['mean']), -1)
    shapes = matrix.astype(np.float32).dot(stacked).reshape(matrix.shape[0], len(coarse), 3).transpose(1, 0, 2)
    count = len(data['named'])
    return (tuple(str(name) for name in data['named']), np.ascontiguousarray(shapes[:count]),
            data['named_pairs'].astype(np.int64), np.ascontiguousarray(shapes[count:]))
