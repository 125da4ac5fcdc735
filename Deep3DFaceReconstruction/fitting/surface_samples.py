"""A few thousand small triangles of a face model that stand for its skin in the photometric fit."""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import CAMERA_DISTANCE, IMAGE_SIZE

SAMPLES, OCCLUDERS = 3000, 8000
# What hides a sample: something this much nearer in the same cell of so many pixels (dm).
_CELL, _NEARER = 4, 0.08
# A sample seen at a flatter angle than this (cosine) is left out.
_LEAST_FACING = 0.12
_LEVEL = 255.0


class Geometry(NamedTuple):
    """The samples under pose and shape; K of them."""
    rotation: np.ndarray   # [3,3] for row vectors
    shape: np.ndarray      # [K,3] centres in the model's frame, dm
    first: np.ndarray      # [K,3] one side of each triangle, model's frame
    second: np.ndarray     # [K,3] the other
    moved: np.ndarray      # [K,3] centres after the rigid transform
    normal: np.ndarray     # [K,3] unit normals, model's frame
    length: np.ndarray     # [K,1] length of first x second
    turned: np.ndarray     # [K,3] unit normals after the rotation


class SurfaceSamples:
    """Samples of a face model, drawn by area from its photometric region.

    Args:
      model: a face_model.FaceModel.
    Attributes (float32; K samples):
      center_base, first_base, second_base: [K,3,144] how centre and sides move, dm per standard deviation.
      albedo, albedo_base: [K,3], [K,3,80], RGB, 1 = 255 levels.
      area: [K] dm2, of the mean shape.
      flatness, flatness_pull: [80,80] and [80]: the reflectance loss is d'A d + 2 b'd + const of texture d.
    """

    def __init__(self, model):
        random = np.random.RandomState(0)
        mean = (model.meanshape - numpy_decoder.mean_offset(model)).astype(np.float32)
        triangles = model.region_triangles
        sides = mean[triangles[:, 1:]] - mean[triangles[:, :1]]
        area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1) / 2
        count = min(SAMPLES, int((area > 0).sum()))
        chosen = np.sort(random.choice(len(triangles), count, replace=False, p=area / area.sum()))
        self.area, corners = area[chosen], triangles[chosen]

        self._center, self._first, self._second = _center_and_sides(mean[corners])
        self.center_base, self.first_base, self.second_base = _center_and_sides(
            _shape_base(model, corners.ravel()).reshape(count, 3, 3, -1))
        rows = 3 * corners[:, :, np.newaxis] + np.arange(3)
        self.albedo = model.meantex[corners].mean(axis=1) / _LEVEL
        self.albedo_base = (model.tex_base[rows].mean(axis=1) / _LEVEL).astype(np.float32)
        hiding = np.sort(random.permutation(np.unique(model.triangles))[:OCCLUDERS])
        self._occluders, self._occluder_base = mean[hiding], _shape_base(model, hiding)
        self.flatness, self.flatness_pull = _flatness(model)

    def geometry(self, values):
        """The Geometry under unknowns [150+] in the order of landmark_fit.Posterior.mean."""
        rotation = numpy_decoder.rotation_matrix(values[:3]).astype(np.float32)
        shape_coeff = values[6:150].astype(np.float32)
        shape = self._center + self.center_base.dot(shape_coeff)
        first = self._first + self.first_base.dot(shape_coeff)
        second = self._second + self.second_base.dot(shape_coeff)
        normal = np.cross(first, second)
        length = np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        normal = normal / length
        moved = shape.dot(rotation) + values[3:6].astype(np.float32)
        return Geometry(rotation, shape, first, second, moved, normal, length, normal.dot(rotation))

    def normal_slope(self, geometry, rows):
        """[n,3,144]: d unit normal / d shape coefficient of samples `rows` [n] of a Geometry, model's frame."""
        first, second = geometry.first[rows][:, :, np.newaxis], geometry.second[rows][:, :, np.newaxis]
        slope = _cross(self.first_base[rows], second) + _cross(first, self.second_base[rows])
        slope /= geometry.length[rows][:, :, np.newaxis]
        normal = geometry.normal[rows]
        along = np.matmul(normal[:, np.newaxis], slope)
        return slope - normal[:, :, np.newaxis] * along

    def facing(self, values, geometry):
        """[K] cosine of the angle between each sample's normal and the view, 0 where the sample is not seen."""
        hiding = (self._occluders + self._occluder_base.dot(values[6:150].astype(np.float32))).dot(geometry.rotation)
        hiding = hiding + values[3:6].astype(np.float32)
        side = IMAGE_SIZE // _CELL + 16
        front = np.full(side * side, -np.inf, np.float32)
        np.maximum.at(front, _cell(hiding, side), hiding[:, 2])
        view = np.array([0, 0, CAMERA_DISTANCE], np.float32) - geometry.moved
        facing = (geometry.turned * view).sum(axis=1) / np.linalg.norm(view, axis=1)
        seen = (geometry.moved[:, 2] > front[_cell(geometry.moved, side)] - _NEARER) & (facing > _LEAST_FACING)
        return np.where(seen, facing, 0)


def _cross(a, b):
    """Cross product along axis 1 of [K,3,n] and [K,3,m], one of n and m being 1 or both alike."""
    return np.stack([a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1], a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
                     a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]], axis=1)


def _center_and_sides(corners):
    """Mean of the corners [K,3,...] and the sides from the first one to the others, each [K,...]."""
    return corners.mean(axis=1), corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]


def _shape_base(model, vertices):
    """[n,3,144] float32: how vertices move with identity and expression."""
    rows = 3 * vertices[:, np.newaxis] + np.arange(3)
    return np.concatenate([model.id_base[rows], model.ex_base[rows]], axis=2)


def _cell(points, side):
    """[n] int: the cell of the image that each moved point [n,3] falls into."""
    column, row = np.clip(np.floor(numpy_decoder.project(points) / _CELL).astype(int) + 8, 0, side - 1).T
    return row * side + column


def _flatness(model):
    """The reflectance loss as a quadratic of the texture coefficients: ([80,80], [80])."""
    skin = np.flatnonzero(model.skinmask > 0)
    if not len(skin):
        return np.zeros([model.tex_base.shape[1]] * 2), np.zeros(model.tex_base.shape[1])
    rows = 3 * skin[:, np.newaxis] + np.arange(3)
    base = model.tex_base[rows].astype(np.float64) / _LEVEL
    mean = model.meantex[skin].astype(np.float64) / _LEVEL
    base, mean = (base - base.mean(axis=0)).reshape(-1, base.shape[2]), (mean - mean.mean(axis=0)).ravel()
    return base.T.dot(base) / len(skin), base.T.dot(mean) / len(skin)
