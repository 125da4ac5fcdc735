"""The whole head of the open model: ears, scalp, neck and shoulders as linear functions of the face's coefficients."""
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_SLICES, ID_DIM
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model import open_model
from Deep3DFaceReconstruction.heads import head_file
from Deep3DFaceReconstruction.meshes import subdivision
from Deep3DFaceReconstruction.system import assets

# Vertices of face and head that are nearer to each other than this in the mean are the same (dm).
_SAME = 1e-5


class Head(NamedTuple):
    """A head of N vertices, refined from n coarse ones; M of them are vertices of the face model.

    Attributes:
      triangles: [F,3] int32.
      matrix: sparse [N,n] float32, refines.
      mean: [n,3] float32 dm, coarse, about the face's mean vertex, as the decoder has it.
      base: [3n,144] float32, identity and expression.
      face_rows: [M] int64, of the head's vertices; model_rows: [M], the same vertices of the face model.
      meantex: [N,3] float32; tex_face [3M,80], tex_coarse [3n,80] float32: albedo of the face and around it.
      part: [N] int32, see FaceModel.part.
      face_part: [F] bool, triangles whose corners are all the face's.
      beard: [N] float32, 0-1.
    """

    triangles: np.ndarray
    matrix: object
    mean: np.ndarray
    base: np.ndarray
    face_rows: np.ndarray
    model_rows: np.ndarray
    meantex: np.ndarray
    tex_face: np.ndarray
    tex_coarse: np.ndarray
    part: np.ndarray
    face_part: np.ndarray
    beard: np.ndarray

    def coarse(self, coeff):
        """[n,3] float32 dm: coarse vertices of coefficients [257] (or [144])."""
        shape = np.asarray(coeff, np.float32).ravel()[:COEFF_SLICES['ex'].stop]
        return self.mean + self.base.dot(shape).reshape(-1, 3)

    def refined(self, coarse):
        """[N,3] float32 of coarse vertices [n,3]."""
        return self.matrix.dot(coarse)

    def albedo(self, tex):
        """[N,3] float32, RGB 0-255, not clipped, of texture coefficients [80]."""
        tex = np.asarray(tex, np.float32)
        moved = self.matrix.dot(self.tex_coarse.dot(tex).reshape(-1, 3))
        moved[self.face_rows] = self.tex_face.dot(tex).reshape(-1, 3)
        return self.meantex + moved


def has_head(model):
    """Whether a face_model.FaceModel has a head: the open model alone."""
    return model.name == open_model.NAME


def load_head(model, level=open_model.LEVELS, path=assets.OPEN_HEAD):
    """The Head around a face model.

    Args:
      model: face_model.FaceModel, the open one.
      level: times that the coarse mesh is refined; 2 as the face model.
      path: of the head's file.
    Raises:
      FaceModelError: another model than the open one, or the file is missing or broken.
    """
    if not has_head(model):
        raise FaceModelError('%s: expected the open face model, which alone has a head, got %s'
                             % (model.path, model.name))
    data = head_file.read(path)
    face = open_model.load_coarse(model.path)
    quads = np.concatenate([face.quads, data['quads'].astype(np.int64)])
    outside = np.concatenate([data['mean'][np.newaxis], head_file.unpacked(data, 'id'), head_file.unpacked(data, 'ex')])
    shapes = np.concatenate([face.shapes, outside], axis=1)
    fine, matrix = subdivision.subdivide(quads, shapes.shape[1], level)
    triangles = subdivision.split_quads(fine).astype(np.int32)
    rows, model_rows = _same_vertices(face, matrix.dot(shapes[0].astype(np.float64)), level)
    is_face = np.zeros(matrix.shape[0], bool)
    is_face[rows] = True
    part = _parts(triangles, rows, model.part[model_rows], len(is_face))
    columns = (3 * model_rows[:, np.newaxis] + np.arange(3)).ravel()
    meantex = data['tex_mean'][:len(is_face)].astype(np.float32)
    meantex[rows] = model.meantex[model_rows]
    return Head(triangles, matrix.astype(np.float32),
                (shapes[0] - numpy_decoder.mean_offset(model)).astype(np.float32),
                np.ascontiguousarray(shapes[1:].reshape(len(shapes) - 1, -1).T), rows, model_rows, meantex,
                np.ascontiguousarray(model.tex_base[columns]), _tex_coarse(data, shapes.shape[1]), part,
                is_face[triangles].all(axis=1), data['beard'][:len(is_face)].astype(np.float32) / 255)


def _parts(triangles, rows, known, count):
    """[count] int32: the parts of the face's vertices; rims of pieces of their own (teeth) have that of the piece."""
    part = np.zeros(count, np.int32)
    part[rows] = known
    links = sp.coo_matrix((np.ones(triangles.size), (triangles.ravel(), np.roll(triangles, 1, axis=1).ravel())),
                          (count, count))
    piece = csgraph.connected_components(links, directed=False)[1]
    lowest = np.full(piece.max() + 1, len(open_model.PARTS))
    np.minimum.at(lowest, piece[rows], known)
    return np.where(part == 0, lowest[piece] % len(open_model.PARTS), part).astype(np.int32)


def _tex_coarse(data, count):
    """[3n,80] the albedo's components at the coarse vertices; zero where none are needed."""
    rows = np.unpackbits(data['tex_rows'])[:count].astype(bool)
    components = np.zeros((ID_DIM, count, 3), np.float32)
    components[:, rows] = head_file.unpacked(data, 'tex')
    return np.ascontiguousarray(components.reshape(len(components), -1).T)


def _same_vertices(face, head, level):
    """(rows of the head [N,3] refined `level` times, rows of the face model) of the vertices that are the same."""
    _, matrix, used, _ = open_model.full_topology(face.quads, face.shapes.shape[1], face.keep)
    mean = face.shapes[0].astype(np.float64)
    _, plain = subdivision.subdivide(face.quads, len(mean), level)
    plain = plain.dot(mean)
    # Subdivision keeps the numbers of the vertices that were there before; the crop leaves those of `used`.
    place = np.searchsorted(used, np.arange(len(plain)))
    kept = np.flatnonzero(used[np.minimum(place, len(used) - 1)] == np.arange(len(plain)))
    distance, nearest = cKDTree(head).query(plain[kept])
    same = distance < _SAME
    if level == open_model.LEVELS:  # the crop's rim was evened out: it is no longer the head's
        same &= np.abs(matrix.dot(mean)[place[kept]] - plain[kept]).max(axis=1) < _SAME
    return nearest[same], place[kept[same]]
