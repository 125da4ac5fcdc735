"""The coarse quad mesh of the face, and how it is put together from pieces of MakeHuman's mesh and new vertices."""
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

# The parts, by their place in open_model.PARTS.
SKIN, MOUTH, RIGHT_EYE, LEFT_EYE, TEETH = range(5)


class CoarseMesh(NamedTuple):
    """A coarse quad mesh whose vertices are fixed weighted sums of MakeHuman's vertices."""

    quads: np.ndarray     # [Q,4]
    quad_uvs: np.ndarray  # [Q,4], into uvs
    uvs: np.ndarray       # [U,2]
    part: np.ndarray      # [Q], index into open_model.PARTS
    weights: sp.spmatrix  # [n,19158], rows sum to one
    ring: np.ndarray      # [n]: 0 on the skin, k on the k-th ring inside the mouth or a socket


def affine_weights(points, anchors):
    """[p,a] least-norm weights, each row summing to one, that express points by anchors exactly.

    Applied to moved anchors they move the points by the best affine map, so a dome stays an ellipsoid.
    """
    anchors = np.concatenate([anchors, np.ones((len(anchors), 1))], axis=1)
    points = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    return points.dot(np.linalg.pinv(anchors))


class Assembly:
    """Collects the pieces of the mesh: quads, their texture coordinates and part, and vertices that are new."""

    def __init__(self, human):
        self.quads, self.quad_uvs, self.part = [], [], []
        self.uvs, self.weights = [human.uvs], []
        self.ring = np.zeros(len(human.vertices), int)
        self._human = human

    def take(self, rows, part):
        """Add quads of the base mesh by their numbers."""
        self.add(self._human.quads[rows], self._human.quad_uvs[rows], part)

    def add(self, quads, quad_uvs, part):
        self.quads.append(quads)
        self.quad_uvs.append(quad_uvs)
        self.part.append(np.full(len(quads), part))

    def new_vertices(self, points, uvs, anchors, places, ring):
        """Add vertices at `points` [v,3] that follow the base vertices `anchors` [a] at `places` [a,3] affinely.

        Returns:
          (first new vertex, first new texture coordinate).
        """
        first = len(self.ring), sum(len(part) for part in self.uvs)
        weights = sp.lil_matrix((len(points), len(self._human.vertices)))
        weights[:, anchors] = affine_weights(points, places)
        self.weights.append(weights.tocsr())
        self.uvs.append(uvs)
        self.ring = np.concatenate([self.ring, np.full(len(points), ring)])
        return first

    def mesh(self, base_weights):
        quads = np.concatenate(self.quads)
        used, local = np.unique(quads, return_inverse=True)
        return CoarseMesh(local.reshape(-1, 4), np.concatenate(self.quad_uvs), np.concatenate(self.uvs),
                          np.concatenate(self.part), sp.vstack([base_weights] + self.weights).tocsr()[used],
                          self.ring[used])
