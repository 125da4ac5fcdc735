"""A face model cut down to the vertices that the supervised losses look at.

The decoder takes longer over the 38,000 vertices of the open model than a small network over the image. A few thousand
of them say the same: some spread evenly over the face, each with its neighbours so that normals stay exact, those under
the dense landmarks, and the 68 key vertices.
"""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import CAMERA_DISTANCE, COEFF_DIM, COEFF_SLICES, FOCAL
from Deep3DFaceReconstruction.face_model import FaceModel
from Deep3DFaceReconstruction.fitting.dense_points import dense_places

SPREAD = 300
DENSE = 468


class SampledFace(NamedTuple):
    """A part of a face model, itself a FaceModel that the decoder takes."""
    model: FaceModel             # its vertices are where the whole model's are; the last one balances their mean
    spread: np.ndarray           # [K] int: vertices of `model` spread over the face
    dense_vertices: np.ndarray   # [468,3] int: those under the dense landmarks
    dense_weights: np.ndarray    # [468,3] float32


def sampled_face(model, count=SPREAD):
    """The SampledFace of a face_model.FaceModel, `count` vertices spread over it.

    Raises:
      AssetError: the open model's file, which knows where the dense landmarks are, cannot be read.
    """
    spread = farthest_points(model.meanshape, np.unique(model.region_triangles), count)
    vertices, weights = (array[:DENSE] for array in dense_places(model))
    faces = np.unique(model.point_buf[spread])
    faces = faces[faces < len(model.triangles)]
    kept = np.unique(np.concatenate([model.triangles[faces].ravel(), spread, vertices.ravel(), model.keypoints]))
    return SampledFace(_cut(model, kept, faces), np.searchsorted(kept, spread), np.searchsorted(kept, vertices),
                       weights.astype(np.float32))


def farthest_points(points, candidates, count):
    """`count` of the candidates, each as far as possible from those before it (Gonzalez 1985).

    Args:
      points: [N,3].
      candidates: [M] int, rows of points, M >= count.
    Returns:
      [count] int, sorted.
    """
    points = np.asarray(points, np.float64)[candidates]
    chosen = [int(np.argmin(((points - points.mean(0)) ** 2).sum(1)))]
    distance = np.full(len(points), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(1))
        chosen.append(int(distance.argmax()))
    return np.sort(candidates[chosen])


def _cut(model, kept, faces):
    """The FaceModel of some vertices and faces, with a vertex that gives it the whole model's mean."""
    number = np.full(len(model.meanshape), -1)
    number[kept] = np.arange(len(kept))
    face_number = np.full(len(model.triangles) + 1, len(faces))
    face_number[faces] = np.arange(len(faces))
    mean = model.meanshape[kept].astype(np.float64)
    balance = numpy_decoder.mean_offset(model) * (len(kept) + 1) - mean.sum(0)
    rows = (3 * kept[:, np.newaxis] + np.arange(3)).ravel()

    def with_zeros(base):
        return np.concatenate([base[rows], np.zeros([3, base.shape[1]], base.dtype)])

    triangles = number[model.triangles[faces]].astype(np.int32)
    none = np.full([1, model.point_buf.shape[1]], len(faces))
    return model._replace(
        meanshape=np.float32(np.concatenate([mean, balance[np.newaxis]])),
        id_base=with_zeros(model.id_base), ex_base=with_zeros(model.ex_base), tex_base=with_zeros(model.tex_base),
        meantex=np.concatenate([model.meantex[kept], model.meantex[:1]]), triangles=triangles,
        point_buf=np.concatenate([face_number[model.point_buf[kept]], none]).astype(np.int32),
        region_triangles=triangles, skinmask=np.append(model.skinmask[kept], np.float32(0)),
        keypoints=number[model.keypoints].astype(np.int32), part=np.append(model.part[kept], np.int32(0)))


def importance(sampled):
    """How many pixels each coefficient moves the spread vertices: [257] float32, root mean squares.

    It is the length of the derivative of the image points (see losses.image_points) by the coefficient, at the mean
    face, frontal, in the middle of the crop. Albedo and light move nothing: 0.
    """
    model, rows = sampled.model, sampled.spread
    points = (model.meanshape[rows] - numpy_decoder.mean_offset(model)).astype(np.float64)
    scale = FOCAL / CAMERA_DISTANCE
    result = np.zeros(COEFF_DIM)
    components = (3 * rows[:, np.newaxis] + np.arange(3)).ravel()
    for name, base in (('id', model.id_base), ('ex', model.ex_base)):
        result[COEFF_SLICES[name]] = scale * np.sqrt((base[components] ** 2).sum(0) / len(rows))
    turned = [points @ numpy_decoder.rotation_matrix_derivative(np.zeros(3), axis) for axis in range(3)]
    result[COEFF_SLICES['angles']] = [scale * np.sqrt((t ** 2).sum(1).mean()) for t in turned]
    nearer = scale / CAMERA_DISTANCE * np.sqrt((points ** 2).sum(1).mean())
    result[COEFF_SLICES['translation']] = scale, scale, nearer
    return result.astype(np.float32)
