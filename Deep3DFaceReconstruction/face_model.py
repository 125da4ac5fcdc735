"""The 3D morphable face model: loaded, checked and converted once.

Spec of the file: `BFM_model_front.mat`, the layout that the published program writes. Its indices start
from 1 and its bases come as stored; here everything is float32 and starts from 0.
"""
import os
from collections import namedtuple

import numpy as np
from scipy.io import loadmat

from Deep3DFaceReconstruction import assets, bfm09, open_model
from Deep3DFaceReconstruction.conventions import EX_DIM, ID_DIM, LANDMARK_COUNT, TEX_DIM

FaceModel = namedtuple('FaceModel', [
    'path',              # the file it came from
    'meanshape',         # [N,3] float32, dm, as stored: the decoder subtracts the mean over the vertices
    'id_base',           # [3N,80] float32, dm per standard deviation, xyz interleaved
    'ex_base',           # [3N,64] float32, likewise
    'meantex',           # [N,3] float32, albedo RGB 0-255
    'tex_base',          # [3N,80] float32, likewise, rgb interleaved
    'triangles',         # [F,3] int32
    'point_buf',         # [N,8] int32, the faces around each vertex; F stands for none
    'region_triangles',  # [f,3] int32, the smaller photometric region, as vertices of the whole mesh
    'skinmask',          # [N] float32, 0 or 1: the region of the reflectance loss
    'keypoints',         # [68] int32, the iBUG landmarks
])


class FaceModelError(assets.AssetError):
    """A face model file that cannot be used."""


def load_face_model(path=None):
    """Loads the face model that is there.

    In this order: `path`; BFM/BFM_model_front.mat; the BFM09 files in BFM/, converted on first use into that
    file; the open model, expanded on first use into BFM/open_model_front.mat.

    Args:
      path: a .mat file in the BFM_model_front layout, or None to look in BFM/.
    Returns:
      A FaceModel.
    Raises:
      FaceModelError: the file is missing or unreadable, a key is missing, or a shape, an index or a value is
        wrong; names the file, what was expected and what came.
    """
    if path is None:
        path = _find_model_file()
    return from_mat_dict(_read_mat(path), path)


def _find_model_file():
    if os.path.isfile(assets.BFM_MODEL):
        return assets.BFM_MODEL
    if bfm09.sources_present():
        bfm09.convert(assets.BFM_MODEL)
        return assets.BFM_MODEL
    front, source = assets.OPEN_MODEL_FRONT, assets.OPEN_MODEL
    if not os.path.isfile(front) or os.path.getmtime(front) < os.path.getmtime(source):
        try:
            open_model.write_open_model_front(front)
        except OSError as error:
            raise FaceModelError('%s: expected to write the expanded open face model here, but: %s'
                                 % (front, error.strerror or error))
    return front


def _read_mat(path):
    if not os.path.isfile(path):
        raise FaceModelError('%s: expected a face model (.mat), found no such file' % path)
    try:
        return loadmat(path)
    except Exception as error:  # loadmat raises a different type for every way in which a file can be bad.
        raise FaceModelError('%s: expected a MATLAB 5 face model, but it cannot be read: %s' % (path, error))


def from_mat_dict(mat, path='<dict>'):
    """Checks a dict in the BFM_model_front layout and converts it: float32, indices from 0.

    Args:
      mat: dict with the keys meanshape [1,3N], idBase [3N,80], exBase [3N,64], meantex [1,3N], texBase [3N,80],
        tri [F,3], point_buf [N,8], frontmask2_idx [n,1], tri_mask2 [f,3], skinmask [1,N], keypoints [1,68].
      path: named in error messages.
    Returns:
      A FaceModel.
    Raises:
      FaceModelError: see load_face_model.
    """
    get = _Checker(mat, path)
    meanshape = get.floats('meanshape', (1, None))
    if meanshape.shape[1] % 3 or not meanshape.shape[1]:
        raise FaceModelError('%s: meanshape: expected [1,3N] with N > 0, came %s' % (path, list(meanshape.shape)))
    count = meanshape.shape[1] // 3
    triangles = get.indices('tri', (None, 3), count)
    front = get.indices('frontmask2_idx', (None, 1), count).ravel()
    region = get.indices('tri_mask2', (None, 3), len(front))
    return FaceModel(
        path=path,
        meanshape=meanshape.reshape(-1, 3),
        id_base=get.floats('idBase', (3 * count, ID_DIM)),
        ex_base=get.floats('exBase', (3 * count, EX_DIM)),
        meantex=get.floats('meantex', (1, 3 * count)).reshape(-1, 3),
        tex_base=get.floats('texBase', (3 * count, TEX_DIM)),
        triangles=triangles,
        point_buf=get.indices('point_buf', (count, 8), len(triangles) + 1),
        region_triangles=front[region],
        skinmask=get.floats('skinmask', (1, count)).ravel(),
        keypoints=get.indices('keypoints', (1, LANDMARK_COUNT), count).ravel())


class _Checker:
    """Takes arrays out of a .mat dict, checking shape and range."""

    def __init__(self, mat, path):
        self._mat = mat
        self._path = path

    def _array(self, key, shape):
        if key not in self._mat:
            raise FaceModelError("%s: expected the key '%s' of a face model, found only: %s" % (
                self._path, key, ', '.join(sorted(k for k in self._mat if not k.startswith('__'))) or 'nothing'))
        array = np.asarray(self._mat[key])
        fits = array.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape))
        if not fits or array.dtype.kind not in 'fiub':
            raise FaceModelError('%s: %s: expected numbers of shape [%s], came %s of shape %s' % (
                self._path, key, ','.join('any' if n is None else str(n) for n in shape), array.dtype,
                list(array.shape)))
        return array

    def floats(self, key, shape):
        array = np.ascontiguousarray(self._array(key, shape), np.float32)
        if not np.isfinite(array).all():
            raise FaceModelError('%s: %s: expected finite numbers, came NaN or infinity' % (self._path, key))
        return array

    def indices(self, key, shape, limit):
        """0-based int32; the file counts from 1 to `limit`."""
        array = self._array(key, shape)
        if array.size and (array.min() < 1 or array.max() > limit or (array != np.floor(array)).any()):
            raise FaceModelError('%s: %s: expected whole numbers from 1 to %d, came %g to %g' % (
                self._path, key, limit, array.min(), array.max()))
        return np.ascontiguousarray(array).astype(np.int32) - 1  # from 1 to 0
