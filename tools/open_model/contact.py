"""Keep lids in front of the eyeballs and lips apart: corrections of whole sets of shapes before their PCA."""
import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph

from tools.open_model import coarse_mesh, eyeball, topology

_LID_CLEARANCE = 0.035   # of the eyeball's radius
_LID_SOFTNESS = 0.012    # of the eyeball's radius: over which the push sets in
_LIP_REACH = 4.0         # edges over which a lip follows its margin
_LIP_SOFTNESS = 0.004    # dm
_TOUCH_REACH = 2.2       # edges from the margin within which the lips touch
_STATIONS = 9
_STATION_REACH = 0.72     # of the half width of the mouth


def _softly_at_least(value, bound, softness):
    """max(value, bound) with a rounded corner."""
    return bound + softness * np.logaddexp(0, (value - bound) / softness)


class Lids:
    """Pushes the lids of one eye out of its eyeball, along the eyeball's radius."""

    def __init__(self, mesh, rest, eye_part):
        """Args: mesh: topology.CoarseMesh; rest: [n,3] the mean; eye_part: index into open_model.PARTS."""
        owner = np.unique(mesh.quads[mesh.part == eye_part])
        self._dome = owner[mesh.ring[owner] > topology.SOCKET_RINGS]
        center, radius = eyeball.sphere_fit(rest[self._dome])
        self._center = coarse_mesh.affine_weights(center[None], rest[self._dome])[0]
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
    """Keeps the upper lip above the lower lip, moving both alike and their surroundings along.

    The opening is measured and corrected at stations along the mouth; between them it is interpolated, and at
    the corners, where the lips are one, nothing moves.
    """

    def __init__(self, mesh, full, rest):
        """Args: mesh: topology.CoarseMesh; full: build.FullMesh; rest: [n,3] the mean, dm."""
        mouth = mesh.quads[mesh.part == coarse_mesh.MOUTH]
        upper, lower = topology.halves(topology.ring_loop(mouth, mesh.ring, 0), rest)
        links = sp.coo_matrix((np.ones(mesh.quads.size),
                               (mesh.quads.ravel(), np.roll(mesh.quads, 1, axis=1).ravel())), (len(rest),) * 2)
        edges = np.stack([csgraph.dijkstra(links, directed=False, indices=margin, unweighted=True,
                                           limit=_LIP_REACH, min_only=True) for margin in (upper, lower)])
        edges = np.minimum(edges, _LIP_REACH + 1)
        corners = rest[np.concatenate([upper, lower]), 0]
        self._stations = _STATION_REACH * np.linspace(corners.min(), corners.max(), _STATIONS)
        nodes = np.concatenate([[corners.min()], self._stations, [corners.max()]])

        near = np.flatnonzero(edges.min(axis=0) < _LIP_REACH)
        falloff = 1 - edges[:, near].min(axis=0) / _LIP_REACH
        side = np.clip(edges[1, near] - edges[0, near], -1, 1)
        between = np.stack([np.interp(rest[near, 0], nodes, unit) for unit in np.eye(_STATIONS + 2)[1:-1]])
        self._near = near
        self._follow = 0.5 * between * side * falloff * falloff * (3 - 2 * falloff)

        # The lips touch where their surfaces bulge most: heights are taken on the full mesh, around each station.
        fine_edges, fine_x = full.matrix.dot(edges.T).T, full.matrix.dot(rest[:, 0])
        station = np.abs(fine_x[:, None] - self._stations).argmin(axis=1)
        within = np.abs(fine_x - self._stations[station]) < 0.5 * (nodes[2] - nodes[1])
        self._rows = []
        for one, other in ((0, 1), (1, 0)):
            lip = (fine_edges[one] < _TOUCH_REACH) & (fine_edges[one] < fine_edges[other])
            lip &= full.part <= coarse_mesh.MOUTH
            self._rows.append([full.matrix[lip & within & (station == k)] for k in range(_STATIONS)])

    def gap(self, shapes):
        """[S,k] height of the upper lip's lowest above the lower lip's highest point, station by station, dm."""
        height = np.ascontiguousarray(shapes[:, :, 1].T)
        return np.stack([above.dot(height).min(axis=0) - below.dot(height).max(axis=0)
                         for above, below in zip(*self._rows)], axis=1)

    def move(self, shapes, opening):
        """Open every station by `opening` [S,k] dm (negative: close); shapes are changed in place."""
        shapes[:, self._near, 1] += opening.dot(self._follow)

    def part(self, shapes, least, rounds=2):
        """Open the stations whose gap is below `least` (a number or [k]), dm; shapes are changed in place."""
        for _ in range(rounds):
            gap = self.gap(shapes)
            self.move(shapes, _softly_at_least(gap, least, _LIP_SOFTNESS) - gap)
