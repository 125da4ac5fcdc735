"""The decoder's equations in NumPy, for steps that need a few points and no graph.

Frames and units: see conventions.py. Row vectors, as in face_decoder.py, which is the same in TensorFlow.
"""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import (
    AMBIENT_OFFSET,
    CAMERA_DISTANCE,
    CENTER,
    CHANNELS,
    COEFF_SLICES,
    FOCAL,
    SH_TERMS,
)
from mesh_renderer import harmonics


def rotation_matrix(angles):
    """The transpose of Rz Ry Rx, for row vectors; Face3D.Compute_rotation_matrix.

    Args:
      angles: [...,3], radians about x, y, z.
    Returns:
      [...,3,3] float64.
    """
    cos, sin = np.cos(angles), np.sin(angles)
    return _composed([_axis_rotation(axis, cos[..., axis], sin[..., axis], 1.0) for axis in range(3)])


def rotation_matrix_derivative(angles, axis):
    """d rotation_matrix(angles) / d angles[..., axis]: [...,3,3] float64."""
    cos, sin = np.cos(angles), np.sin(angles)
    factors = [_axis_rotation(i, cos[..., i], sin[..., i], 1.0) for i in range(3)]
    factors[axis] = _axis_rotation(axis, -sin[..., axis], cos[..., axis], 0.0)
    return _composed(factors)


def _axis_rotation(axis, cos, sin, fixed):
    """[...,3,3]: the right-handed rotation of column vectors about one axis, whose own entry is `fixed`."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.zeros(np.shape(cos) + (3, 3))
    matrix[..., axis, axis] = fixed
    matrix[..., first, first] = matrix[..., second, second] = cos
    matrix[..., first, second], matrix[..., second, first] = -sin, sin
    return matrix


def _composed(factors):
    about_x, about_y, about_z = factors
    return np.swapaxes(about_z @ about_y @ about_x, -1, -2)


def project(points):
    """Pinhole projection; Face3D.Projection_block.

    Args:
      points: [...,3] dm, after the rigid transform.
    Returns:
      [...,2] pixels of the 224-pixel crop, y up.
    """
    points = np.asarray(points)
    return FOCAL * points[..., :2] / (CAMERA_DISTANCE - points[..., 2:]) + CENTER


def project_derivative(points):
    """d project(points) / d points: [...,2,3], pixels per dm."""
    points = np.asarray(points)
    depth = CAMERA_DISTANCE - points[..., 2]
    derivative = np.zeros(points.shape[:-1] + (2, 3))
    derivative[..., 0, 0] = derivative[..., 1, 1] = FOCAL / depth
    derivative[..., 2] = FOCAL * points[..., :2] / depth[..., np.newaxis] ** 2
    return derivative


def mean_offset(model):
    """[3] float64, dm: the mean vertex of a face_model.FaceModel, which the decoder moves to the origin."""
    return model.meanshape.mean(axis=0, dtype=np.float64)


def shape_of(model, coeff):
    """[N,3] float64, dm: the shape block of coefficients [257] (eq. 1)."""
    moved = model.id_base.dot(coeff[COEFF_SLICES['id']]) + model.ex_base.dot(coeff[COEFF_SLICES['ex']])
    return model.meanshape - mean_offset(model) + moved.reshape(-1, 3)


def neutral_shape(model, coeff):
    """shape_of without the expression."""
    coeff = np.array(coeff, np.float64)
    coeff[COEFF_SLICES['ex']] = 0
    return shape_of(model, coeff)


def albedo_of(model, coeff):
    """[N,3] float, RGB 0-255 and beyond: the texture block of coefficients [257] (eq. 1)."""
    return model.meantex + model.tex_base.dot(coeff[COEFF_SLICES['tex']]).reshape(-1, 3)


class KeyVertices(NamedTuple):
    """The part of a face model that moves its 68 landmarks."""
    mean: np.ndarray  # [68,3] float64, dm, about the mean vertex
    base: np.ndarray  # [204,144] float64, dm per standard deviation, xyz interleaved; identity, then expression

    def shape(self, coeff):
        """[68,3] float64, dm, the model's own frame: eq. 1 for coeff [144], identity then expression."""
        return self.mean + self.base.dot(coeff).reshape(-1, 3)


def key_vertices(model):
    """KeyVertices of a face_model.FaceModel."""
    rows = (3 * model.keypoints[:, np.newaxis] + np.arange(3)).ravel()
    base = np.concatenate([model.id_base[rows], model.ex_base[rows]], axis=1).astype(np.float64)
    return KeyVertices(model.meanshape[model.keypoints] - mean_offset(model), base)


def sh_basis(normals):
    """The nine spherical-harmonics terms [...,9] at unit normals [...,3]; see mesh_renderer.harmonics."""
    x, y, z = np.moveaxis(np.asarray(normals), -1, 0)
    return np.stack(harmonics.polynomials(x, y, z, np.ones_like(x)), axis=-1) * harmonics.CONSTANTS


def sh_basis_derivative(normals):
    """d sh_basis / d normal: [K,9,3] of normals [K,3], in their dtype."""
    x, y, z = normals.T
    zero, one = np.zeros_like(x), np.ones_like(x)
    slope = np.stack([np.stack(row, axis=1) for row in (
        (zero, zero, zero), (zero, one, zero), (zero, zero, one), (one, zero, zero), (y, x, zero), (zero, z, y),
        (zero, zero, 6 * z), (z, zero, x), (2 * x, -2 * y, zero))], axis=1)
    return (slope * harmonics.CONSTANTS[:, np.newaxis]).astype(normals.dtype)


def light_terms(gamma):
    """[3,9] float64 of coefficients gamma [27], with the ambient light: shading = sh_basis(normal) . terms (eq. 2)."""
    terms = np.array(gamma, np.float64).reshape(CHANNELS, SH_TERMS)
    terms[:, 0] += AMBIENT_OFFSET
    return terms


def sphere(count):
    """[count,3] unit vectors spread evenly (a Fibonacci spiral)."""
    k = np.arange(count) + 0.5
    height, turn = 1 - 2 * k / count, k * np.pi * (1 + 5 ** 0.5)
    radius = np.sqrt(1 - height ** 2)
    return np.stack([radius * np.cos(turn), height, radius * np.sin(turn)], axis=1)
