"""What of the sky each vertex of the head sees: soft shadows of nose, brow, chin and ears for any light.

For each vertex, nine spherical-harmonics coefficients of its visibility: a lamp in direction d reaches the vertex by
the share visibility(d) = coefficients . Y(d), cut to 0-1. After Sloan, Kautz and Snyder 2002.
"""
import numpy as np

from Deep3DFaceReconstruction.numpy_decoder import sh_basis, sphere

LEVEL = 1           # of subdivision, at which the transfer is stored
UNIT = 1 / 60.0     # of the stored integers
_DIRECTIONS = 256
_SIDE = 512         # pixels of a depth image
_BEHIND = 0.04      # dm: nearer than this to the surface in front, a vertex is on it


def transfer(vertices, triangles):
    """[V,9] int8: the coefficients of vertices [V,3] (dm) of a mesh [F,3], in units of UNIT."""
    directions = sphere(_DIRECTIONS)
    facing = _facing(vertices, triangles)
    seen = np.stack([_reached(vertices, triangles, facing, direction) for direction in directions], axis=1)
    basis = sh_basis(directions)
    found = np.linalg.lstsq(basis, seen.T.astype(np.float64), rcond=None)[0].T
    return np.clip(np.rint(found / UNIT), -127, 127).astype(np.int8)


def reached(coefficients, direction):
    """[V] 0-1: how much of a lamp in `direction` [3] reaches vertices of `coefficients` [V,9]."""
    return np.clip(coefficients.dot(sh_basis(np.asarray(direction, np.float64)).astype(np.float32)), 0, 1)


def _reached(vertices, triangles, facing, direction):
    """[V] bool: nothing lies between the vertices and a lamp far away in `direction`."""
    helper = np.array([0, 1.0, 0]) if abs(direction[1]) < 0.9 else np.array([1.0, 0, 0])
    side = np.cross(helper, direction)
    side /= np.linalg.norm(side)
    turned = vertices.dot(np.stack([side, np.cross(direction, side), direction], axis=1))
    low, high = turned[:, :2].min(axis=0), turned[:, :2].max(axis=0)
    pixels = (turned[:, :2] - low) * (_SIDE - 3) / (high - low).max() + 1
    corners, depth = pixels[triangles], turned[:, 2]
    nearest = np.full(_SIDE * _SIDE, -np.inf)
    # The triangles are a few pixels large: their corners and points between fill the depth image.
    steps = np.array([(a, b) for a in np.linspace(0, 1, 7) for b in np.linspace(0, 1, 7) if a + b <= 1.0001])
    weights = np.stack([steps[:, 0], steps[:, 1], 1 - steps.sum(axis=1)], axis=1)
    for weight in weights:
        place = np.einsum('k,fkc->fc', weight, corners).astype(np.int64)
        np.maximum.at(nearest, place[:, 1] * _SIDE + place[:, 0], depth[triangles].dot(weight))
    own = pixels.astype(np.int64)
    return depth > nearest[own[:, 1] * _SIDE + own[:, 0]] - _BEHIND - _slope(facing, direction)


def _facing(vertices, triangles):
    """[V,3] where each vertex faces: the normals around it, as long as their triangles are large."""
    corner = vertices[triangles]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    total = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(total, triangles[:, k], normal)
    return total


def _slope(facing, direction):
    """[V] dm of tolerance: within a pixel, a surface seen at a glancing angle spans more depth."""
    cosine = np.abs(facing.dot(direction)) / np.maximum(np.linalg.norm(facing, axis=1), 1e-12)
    return 0.015 * np.sqrt(1 / np.maximum(cosine, 0.1) ** 2 - 1)
