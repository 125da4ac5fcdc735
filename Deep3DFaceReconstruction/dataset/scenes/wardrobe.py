"""Hair, hats and clothes as meshes that follow a head: bound to the coarse head mesh of the mean person."""
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree

_NEIGHBOURS = 6
_SOFT = 0.05          # dm, added to the distances that weights are the inverse of
_SHADE, _SHADE_REACH = 0.55, 0.09   # how dark skin is under hair, and how far that reaches (dm)
# The middle of the skull and its half axes on the mean head, dm, about the face's mean vertex.
SKULL = np.array([0.0, 0.42, -0.42], np.float32)
_SHORT_OF = 0.35      # of the skull's height: hair below hangs, and faces outwards


class Garment(NamedTuple):
    """One accessory on one side (mirrored or not); W vertices.

    Attributes:
      rest: [W,3] float32 dm, on the mean head.
      bound: sparse [W,n], adds the motion of the coarse head.
      triangles: [F,3] int32; colour: [W,C]; opacity: [W].
      normals: [W,3] float32 unit: of hair, those of a smooth head of hair.
      shadow: [N] float32, what it leaves of the light on the head's N vertices; None where it casts none.
    """

    rest: np.ndarray
    bound: object
    triangles: np.ndarray
    colour: np.ndarray
    opacity: np.ndarray
    normals: np.ndarray
    shadow: object


class Wardrobe:
    """Everything that can be worn.

    Args:
      head: heads.head_model.Head.
      offset: [3] dm, the face's mean vertex, which the head's frame is about.
      accessories: list of heads.head_file.Accessory.
    """

    def __init__(self, head, offset, accessories):
        self._head_mean = head.mean
        self._skin = head.refined(head.mean)
        self._offset = np.asarray(offset, np.float32)
        self._accessories = {each.name: each for each in accessories}
        self._tree = cKDTree(head.mean)
        self._made = {}
        self.names = {kind: [each.name for each in accessories if each.kind == kind]
                      for kind in ('hair', 'lashes', 'tongue', 'hat', 'top')}

    def garment(self, name, mirrored=False):
        """The Garment of an accessory's name; made at its first use."""
        if (name, mirrored) not in self._made:
            self._made[name, mirrored] = self._make(self._accessories[name], mirrored)
        return self._made[name, mirrored]

    def _make(self, accessory, mirrored):
        vertices = accessory.vertices - self._offset
        if mirrored:
            vertices = vertices * np.float32([-1, 1, 1])
        rest = accessory.matrix.dot(vertices)
        shadow = self._shadow(rest) if accessory.kind in ('hair', 'hat') else None
        return Garment(rest, accessory.matrix.dot(self.binding(vertices)).tocsr(), accessory.triangles,
                       accessory.colour, accessory.opacity, _round_normals(rest), shadow)

    def binding(self, vertices):
        """Sparse [V,n]: how vertices [V,3] near the mean head follow its coarse vertices."""
        distance, near = self._tree.query(vertices, k=_NEIGHBOURS)
        weight = 1 / (distance + _SOFT) ** 2
        weight /= weight.sum(axis=1, keepdims=True)
        rows = np.repeat(np.arange(len(vertices)), _NEIGHBOURS)
        return sp.csr_matrix((weight.ravel().astype(np.float32), (rows, near.ravel())),
                             (len(vertices), len(self._head_mean)))

    def _shadow(self, rest):
        distance, _ = cKDTree(rest).query(self._skin, distance_upper_bound=4 * _SHADE_REACH)
        return np.float32(1 - _SHADE * np.exp(-np.minimum(distance / _SHADE_REACH, 9) ** 2))


def worn(garment, moved, volume=1.0):
    """[W,3] float32 dm: a garment's vertices.

    Args:
      garment: Garment.
      moved: [n,3] float32, the coarse head less the mean one.
      volume: factor of the distance from the middle of the skull.
    """
    rest = garment.rest if volume == 1.0 else SKULL + (garment.rest - SKULL) * np.float32(volume)
    return rest + garment.bound.dot(moved)


def _round_normals(points):
    away = points - SKULL
    away[:, 1] = np.where(away[:, 1] > 0, away[:, 1], _SHORT_OF * away[:, 1])
    return (away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)).astype(np.float32)
