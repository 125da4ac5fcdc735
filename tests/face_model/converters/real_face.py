"""A real face for stand-ins of other models: the open model's skin, refined once, as a quad mesh of its own."""
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction.conventions import EX_DIM, ID_DIM
from Deep3DFaceReconstruction.face_model import load_face_model, named_shapes, open_model
from Deep3DFaceReconstruction.meshes import subdivision
from Deep3DFaceReconstruction.meshes.registration import sphere_fit
from Deep3DFaceReconstruction.system import assets
from tests.face_model.converters.ict_stand_in import ball_points

BALL = 300


class RealFace(NamedTuple):
    """dm, the program's frame.

    Attributes:
      mean: [n,3].  identity: [80,n,3].  expression: [64,n,3].  named: {ARKit's name: [n,3] at weight 1}.
      quads: [q,4].  landmarks: [68] int.
      eyes: [2,BALL,3] points of spheres in the place of the eyeballs, the right one first.
    """

    mean: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    named: dict
    quads: np.ndarray
    landmarks: np.ndarray
    eyes: np.ndarray


def real_face(with_names=False):
    """The RealFace; its vertices are those of the open model's full mesh that one level less has."""
    model, coarse = load_face_model(assets.OPEN_MODEL), open_model.load_coarse()
    quads, matrix = subdivision.catmull_clark(coarse.quads, coarse.shapes.shape[1])
    # Old vertices keep their numbers, so a vertex of this level has the same number in the full mesh before its crop.
    used = open_model.full_topology(coarse.quads, coarse.shapes.shape[1], coarse.keep)[2]
    quads = quads[coarse.keep.reshape(-1, 8).all(axis=1)]
    skin = np.isin(used, np.arange(matrix.shape[0])) & (model.part == 0)
    is_skin = np.zeros(used.max() + 1, bool)
    is_skin[used[skin]] = True
    quads = quads[is_skin[quads].all(axis=1)]
    kept = np.unique(quads)
    full = np.searchsorted(used, kept)
    mean = model.meanshape[full].astype(np.float64)
    named = {}
    if with_names:
        shapes = named_shapes.load_named_shapes(model)
        named = {name: move[full].astype(np.float64) for name, move in zip(shapes.names, shapes.moves)}
    landmarks = cKDTree(mean).query(model.meanshape[model.keypoints])[1]
    assert len(np.unique(landmarks)) == 68
    return RealFace(mean, _rows(model.id_base, ID_DIM, full), _rows(model.ex_base, EX_DIM, full), named,
                    np.searchsorted(kept, quads), landmarks, _eyes(model))


def _rows(base, count, rows):
    return base.T.reshape(count, -1, 3)[:, rows].astype(np.float64)


def _eyes(model):
    balls = []
    for number in open_model.EYE_PARTS:
        mine = model.meanshape[model.part == number].astype(np.float64)
        centre, size = sphere_fit(mine[mine[:, 2] > np.median(mine[:, 2])])
        balls.append(centre + size * ball_points(BALL))
    return np.stack(balls)
