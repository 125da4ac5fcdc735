"""Keep lids in front of the eyeballs and lips apart: corrections of whole sets of shapes before their PCA."""
import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph

from BFM.open_model_builder import topology

_LID_CLEARANCE = 0.035   # of the eyeball's radius
_LID_SOFTNESS = 0.012    # of the eyeball's radius: over which the push sets in
_LIP_REACH = 4.0         # edges over which a lip follows its margin
_LIP_SOFTNESS = 0.004    # dm


def _softly_at_least(value, bound, softness):
    """max(value, bound) with a rounded corner."""
    return bound + softness * np.logaddexp(0, (value - bound) / softness)


class Lids:
    """Pushes the lids of one eye out of its eyeball, along the eyeball's radius."""

    def __init__(self, mesh, rest, eye_part):
        """Args: mesh: topology.CoarseMesh; rest: [n,3] the mean; eye_part: index into open_model.PARTS."""
        owner = np.unique(mesh.quads[mesh.part == eye_part])
        self._dome = owner[mesh.ring[owner] > topology.SOCKET_RINGS]
        center, radius = topology.sphere_fit(rest[self._dome])
        self._center = topology.affine_weights(center[None], rest[self._dome])[0]
        away = rest - center
        near = (np.linalg.norm(away, axis=1) < 1.7 * radius) & (away[:, 2] > 0.1 * radius)
        near[self._dome] = False
        self._lid = np.flatnonzero(near & (mesh.ring == 0))

    def clear(self, shapes):
        """[S,n,3] shapes, changed in place."""
        dome = shapes[:, self._dome]
        center = np.einsum('d,sdc->sc', self._center, dome)[:, None]
        radius = np.linalg.norm(dome - center, axis=2).mean(axis=1)[:, None]
        away = shapes[:, self._lid] - center
        distance = np.linalg.norm(away, axis=2)
        wanted = _softly_at_least(distance, (1 + _LID_CLEARANCE) * radius, _LID_SOFTNESS * radius)
        shapes[:, self._lid] = center + away * (wanted / distance)[:, :, None]


class Lips:
    """Keeps the upper lip's margin above the lower lip's, moving both alike and their surroundings along.

    Attributes:
      margin: [2k] coarse vertices of the upper margin, then of the lower one, column by column.
    """

    def __init__(self, mesh, rest):
        mouth = mesh.quads[mesh.part == 1]
        one, other = topology.halves(topology.ring_loop(mouth, mesh.ring, 0), rest)
        self._upper, self._lower = (one, other) if rest[one, 1].mean() > rest[other, 1].mean() else (other, one)
        links = sp.coo_matrix((np.ones(mesh.quads.size),
                               (mesh.quads.ravel(), np.roll(mesh.quads, 1, axis=1).ravel())), (len(rest),) * 2)
        self.margin = margin = np.concatenate([self._upper, self._lower])
        distance, _, source = csgraph.dijkstra(links, directed=False, indices=margin, unweighted=True,
                                               limit=_LIP_REACH, min_only=True, return_predecessors=True)
        self._near = np.flatnonzero(distance < _LIP_REACH)
        self._column = np.searchsorted(np.sort(margin), source[self._near])
        self._column = np.argsort(margin)[self._column]
        falloff = 1 - distance[self._near] / _LIP_REACH
        self._falloff = falloff * falloff * (3 - 2 * falloff)

    def gap(self, shapes):
        """[S,k] height of the upper margin above the lower one, column by column, dm."""
        return shapes[:, self._upper, 1] - shapes[:, self._lower, 1]

    def move(self, shapes, opening):
        """Open every column by `opening` [S,k] dm (negative: close); shapes are changed in place."""
        half = 0.5 * np.concatenate([opening, -opening], axis=1)
        shapes[:, self._near, 1] += half[:, self._column] * self._falloff

    def part(self, shapes, least):
        """Open the columns whose gap is below `least` [k], dm; shapes are changed in place."""
        gap = self.gap(shapes)
        self.move(shapes, _softly_at_least(gap, least, _LIP_SOFTNESS) - gap)
