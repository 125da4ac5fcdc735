"""The ops of geometry.py and shading.py, composed of TensorFlow's own for devices without C++ kernels.

Same arguments and same results up to rounding; the callers check the inputs.
"""
import functools

import numpy as np

from mesh_renderer import harmonics
from mesh_renderer.tf1 import tf


@functools.lru_cache(maxsize=None)
def preferred():
    """Whether TensorFlow sees a GPU, where these functions run and the kernels do not."""
    return bool(tf.config.experimental.list_physical_devices('GPU'))


def blend(mean, basis, coefficients):
    return tf.matmul(coefficients, basis, transpose_b=True) + mean


def transform(points, linear, offset):
    return tf.matmul(points, linear) + offset[:, tf.newaxis]


def vertex_normals(vertices, triangles, vertex_faces):
    v0, v1, v2 = [tf.gather(vertices, triangles[:, k], axis=1) for k in range(3)]
    face_normals = tf.nn.l2_normalize(tf.linalg.cross(v0 - v1, v1 - v2), axis=2)
    face_normals = tf.concat([face_normals, tf.zeros_like(vertices[:, :1])], axis=1)
    return tf.nn.l2_normalize(tf.reduce_sum(tf.gather(face_normals, vertex_faces, axis=1), axis=2), axis=2)


def shade(albedo, normals, lights):
    x, y, z = tf.unstack(normals, axis=2)
    polynomials = tf.stack(harmonics.polynomials(x, y, z, tf.ones_like(x)), axis=2)
    return albedo * tf.matmul(polynomials, lights * harmonics.CONSTANTS.astype(np.float32), transpose_b=True)
