"""The 3D morphable face model: read, checked and converted once.

Spec of the file: `BFM_model_front.mat`, the layout that the published program writes. Its indices start
from 1 and its bases come as stored; here everything is float32, int32 and starts from 0.

`python -m Deep3DFaceReconstruction.face_model -h` converts and checks models.
"""
import os
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import EX_DIM, ID_DIM, LANDMARK_COUNT, TEX_DIM
from Deep3DFaceReconstruction.errors import FaceModelError, one_line
from Deep3DFaceReconstruction.face_model import cache, open_model
from Deep3DFaceReconstruction.face_model.converters import bfm09
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.mat_file import CheckedArrays, MatFile

# One more whenever the same file gives other arrays than before, so that caches are made anew.
READER_VERSION = 3

UNKNOWN_LICENCE = 'unknown'
BFM09_SIZED_LICENCE = 'unknown; it has the topology of the Basel Face Model 2009, so probably its licence'


class FaceModel(NamedTuple):
    """A face model of N vertices and F triangles; made by load_face_model or from_mat_dict, which check it.

    The arrays are read-only. Bases with fewer components than the program's 80, 64 and 80 are filled up with zeros.
    """
    path: str                     # the file it is read from
    name: str
    licence: str
    id_dim: int                   # components before the zeros
    ex_dim: int
    tex_dim: int
    meanshape: np.ndarray         # [N,3] float32, dm, as stored: the decoder subtracts the mean over the vertices
    id_base: np.ndarray           # [3N,80] float32, dm per standard deviation, xyz interleaved
    ex_base: np.ndarray           # [3N,64] float32, likewise
    ex_lower: np.ndarray          # [64] float32, the least that each expression coefficient may be; -inf where free
    meantex: np.ndarray           # [N,3] float32, albedo RGB 0-255
    tex_base: np.ndarray          # [3N,80] float32, likewise, rgb interleaved
    triangles: np.ndarray         # [F,3] int32
    point_buf: np.ndarray         # [N,8] int32, the faces around each vertex; F stands for none
    region_triangles: np.ndarray  # [f,3] int32, the smaller photometric region, as vertices of the whole mesh
    skinmask: np.ndarray          # [N] float32, 0 or 1: the region of the reflectance loss
    keypoints: np.ndarray         # [68] int32, the iBUG landmarks
    part: np.ndarray              # [N] int32, which part of the face (skin, an eye, ...); all 0 where the model has one


def load_face_model(path=None):
    """Loads a face model: the one place that reads model files.

    What was read and checked once is taken from the cache beside the file (cache.py) the next time.

    Args:
      path: a .mat file in the BFM_model_front layout, or the open model's .npz; None looks in BFM/ for, in this
        order: BFM_model_front.mat; the BFM09 files, converted on first use into that file; the open model.
    Returns:
      A FaceModel.
    Raises:
      FaceModelError: the file is missing or unreadable, a key is missing, or a shape, an
        index or a value is wrong; names the file, what was expected and what it got.
    """
    path = _find_model_file() if path is None else path
    names = [name for name in FaceModel._fields if name != 'path']

    def read():
        model = _read(path)
        return {name: getattr(model, name) for name in names}

    return FaceModel(path=path, **cache.cached(path, READER_VERSION, names, read))


def is_open_model(path=None):
    """Whether load_face_model(path) reads the open model of the repository; nothing is read to tell."""
    if path is not None:
        return os.path.realpath(path) == os.path.realpath(assets.OPEN_MODEL)
    return not os.path.isfile(assets.BFM_MODEL) and not bfm09.sources_present()


def _find_model_file():
    if os.path.isfile(assets.BFM_MODEL):
        return assets.BFM_MODEL
    if not bfm09.sources_present():
        return assets.OPEN_MODEL
    try:
        bfm09.convert(assets.BFM_MODEL)
    except OSError as error:
        raise FaceModelError('%s: expected to write the converted Basel Face Model here, got: %s' % (
            assets.BFM_MODEL, one_line(error)))
    return assets.BFM_MODEL


def _read(path):
    if path.endswith('.npz'):
        return from_mat_dict(open_model.load_open_model(path), path)
    return from_mat_dict(MatFile(path, FaceModelError, 'a face model'), path)


def from_mat_dict(mat, path='<dict>'):
    """Checks a dict in the BFM_model_front layout and converts it: float32, indices from 0.

    Args:
      mat: mapping with the keys meanshape [1,3N], idBase [3N,80], exBase [3N,64], meantex [1,3N], texBase [3N,80],
        tri [F,3], point_buf [N,8], frontmask2_idx [n,1], tri_mask2 [f,3], skinmask [1,N], keypoints [1,68]; bases
        may have fewer columns. Optional: name, licence, text; part [1,N], numbers from 0; exOneSided [1,k], 0 or 1:
        whether an expression's coefficient must not be negative (k at most 64; those behind are free).
      path: named in error messages; its file name is the model's name where there is no `name`.
    Returns:
      A FaceModel.
    Raises:
      FaceModelError: see load_face_model.
    """
    get = CheckedArrays(mat, path, FaceModelError, 'a face model')
    meanshape = get.floats('meanshape', (1, None))
    if meanshape.shape[1] % 3 or not meanshape.shape[1]:
        raise get.wrong('meanshape', '[1,3N] with N > 0', list(meanshape.shape))
    count = meanshape.shape[1] // 3
    triangles = get.indices('tri', (None, 3), count)
    front = get.indices('frontmask2_idx', (None, 1), count).ravel()
    id_base, id_dim = _basis(get, 'idBase', 3 * count, ID_DIM)
    ex_base, ex_dim = _basis(get, 'exBase', 3 * count, EX_DIM)
    tex_base, tex_dim = _basis(get, 'texBase', 3 * count, TEX_DIM)
    return _read_only(FaceModel(
        path=path,
        name=get.text('name', os.path.splitext(os.path.basename(path))[0]),
        licence=get.text('licence', _probable_licence(count, len(triangles))),
        id_dim=id_dim, ex_dim=ex_dim, tex_dim=tex_dim,
        meanshape=meanshape.reshape(-1, 3),
        id_base=id_base,
        ex_base=ex_base,
        ex_lower=_lower_bounds(get),
        meantex=get.floats('meantex', (1, 3 * count)).reshape(-1, 3),
        tex_base=tex_base,
        triangles=triangles,
        point_buf=get.indices('point_buf', (count, 8), len(triangles) + 1),
        region_triangles=front[get.indices('tri_mask2', (None, 3), len(front))],
        skinmask=get.floats('skinmask', (1, count)).ravel(),
        keypoints=get.indices('keypoints', (1, LANDMARK_COUNT), count).ravel(),
        part=_parts(get, count)))


def _parts(get, count):
    """[N] int32: the part of each vertex; 0 where the file does not say."""
    return (get.floats('part', (1, count)).ravel() if 'part' in get else np.zeros(count)).astype(np.int32)


def _probable_licence(vertices, triangles):
    """The licence of a file that does not say it."""
    of_bfm09 = (vertices, triangles) == (bfm09.FRONT_VERTICES, bfm09.FRONT_TRIANGLES)
    return BFM09_SIZED_LICENCE if of_bfm09 else UNKNOWN_LICENCE


def _lower_bounds(get):
    """[64] float32: 0 for expressions that are one-sided, else -inf."""
    lower = np.full(EX_DIM, -np.inf, np.float32)
    if 'exOneSided' in get:
        flags = get.numbers('exOneSided', (1, None)).ravel()
        if len(flags) > EX_DIM or not np.isin(flags, (0, 1)).all():
            raise get.wrong('exOneSided', 'at most %d numbers, 0 or 1' % EX_DIM,
                            '%d, %g to %g' % (len(flags), flags.min(), flags.max()))
        lower[:len(flags)][flags == 1] = 0
    return lower


def _basis(get, key, rows, columns):
    """(float32 [rows, columns], components up to the last that is not zero); zero where the file has none."""
    base = get.floats(key, (rows, None))
    missing = columns - base.shape[1]
    if missing < 0:
        raise get.wrong(key, 'at most %d components' % columns, base.shape[1])
    if missing:
        base = np.concatenate([base, np.zeros([rows, missing], np.float32)], axis=1)
    moving = np.flatnonzero(base.any(axis=0))
    return base, int(moving[-1]) + 1 if len(moving) else 0


def _read_only(model):
    """The model with views of its arrays that cannot be written; what the caller passed in stays the caller's."""
    views = {}
    for field, value in model._asdict().items():
        if isinstance(value, np.ndarray):
            views[field] = value.view()
            views[field].flags.writeable = False
    return model._replace(**views)
