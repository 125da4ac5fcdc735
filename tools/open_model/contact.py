"""Keep lids in front of the eyeballs and lips apart: corrections of whole sets of shapes before their PCA."""
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph

from Deep3DFaceReconstruction.meshes import registration
from tools.open_model import coarse_mesh, topology

_LID_CLEARANCE = 0.035   # of the eyeball's radius
_LID_SOFTNESS = 0.012    # of the eyeball's radius: over which the push sets in
_SOFTNESS = 0.004        # dm
_TOUCH_REACH = 2.2       # edges from the margin within which lips or lids touch
_STATIONS = 9


class Spread(NamedTuple):
    """How the correction of a slit is measured and spread."""

    stations: float      # how far the stations reach, of the slit's half width
    whole: float         # edges from a margin within which the surface moves as the margin does
    reach: float         # edges from a margin at which it no longer moves
    from_middle: bool    # heights above the line midway between the margins: a slit that slants is not a closed one


LIPS = Spread(0.72, 0.0, 4.0, False)
SLANTING_LIPS = Spread(0.72, 0.0, 4.0, True)
LIDS = Spread(0.85, 3.0, 8.0, True)


def _middle_line(rest, margins, fine_x):
    """Sparse [N,n]: the height midway between the margins, at each full vertex's x."""
    upper, lower = margins
    x = 0.5 * (rest[upper, 0] + rest[lower, 0])
    order = np.argsort(x)
    column = np.clip(np.searchsorted(x[order], fine_x), 1, len(x) - 1)
    share = np.clip((fine_x - x[order][column - 1]) / (x[order][column] - x[order][column - 1]), 0, 1)
    rows = np.arange(len(fine_x))
    matrix = sp.csr_matrix((len(fine_x), len(rest)))
    for place, weight in ((order[column - 1], 1 - share), (order[column], share)):
        for margin in margins:
            matrix = matrix + sp.csr_matrix((0.5 * weight, (rows, margin[place])), matrix.shape)
    return matrix


def _softly_at_least(value, bound, softness):
    """max(value, bound) with a rounded corner, or a sharp one where softness is 0."""
    if not np.any(softness):
        return np.maximum(value, bound)
    return bound + softness * np.logaddexp(0, (value - bound) / softness)


class Lids:
    """Pushes the lids of one eye out of its eyeball, along the eyeball's radius."""

    def __init__(self, mesh, rest, eye_part):
        """Args: mesh: topology.CoarseMesh; rest: [n,3] the mean; eye_part: index into open_model.PARTS."""
        owner = np.unique(mesh.quads[mesh.part == eye_part])
        self._dome = owner[mesh.ring[owner] > topology.SOCKET_RINGS]
        center, radius = registration.sphere_fit(rest[self._dome])
        self._center = coarse_mesh.affine_weights(center[None], rest[self._dome])[0]
        away = rest - center
        near = (np.linalg.norm(away, axis=1) < 1.7 * radius) & (away[:, 2] > 0.1 * radius)
        near[self._dome] = False
        self._lid = np.flatnonzero(near & (mesh.ring == 0))

    def clear(self, shapes, softness=_LID_SOFTNESS):
        """[S,n,3] shapes, changed in place; softness: of the eyeball's radius, over which the push sets in."""
        dome = shapes[:, self._dome]
        center = np.einsum('d,sdc->sc', self._center, dome)[:, None]
        radius = np.linalg.norm(dome - center, axis=2).mean(axis=1)[:, None]
        away = shapes[:, self._lid] - center
        distance = np.linalg.norm(away, axis=2)
        wanted = _softly_at_least(distance, (1 + _LID_CLEARANCE) * radius, softness * radius)
        shapes[:, self._lid] = center + away * (wanted / distance)[:, :, None]


class Slit:
    """Keeps an upper margin above a lower one, moving both alike and their surroundings along.

    The opening is measured and corrected at stations along the slit; between them it is interpolated, and at the
    corners, where the margins are one, nothing moves.
    """

    def __init__(self, mesh, full, rest, margins, spread, still=()):
        """Args: mesh: topology.CoarseMesh; full: build.FullMesh; rest: [n,3] the mean, dm; margins: the coarse
        vertices (upper, lower), each in the order of growing x; spread: a Spread; still: coarse vertices that never
        move."""
        links = sp.coo_matrix((np.ones(mesh.quads.size),
                               (mesh.quads.ravel(), np.roll(mesh.quads, 1, axis=1).ravel())), (len(rest),) * 2)
        edges = np.stack([csgraph.dijkstra(links, directed=False, indices=margin, unweighted=True,
                                           limit=spread.reach, min_only=True) for margin in margins])
        edges = np.minimum(edges, spread.reach + 1)
        corners = rest[np.concatenate(margins), 0]
        first, last = corners.min(), corners.max()
        center = 0.0 if first < 0 < last else 0.5 * (first + last)
        stations = center + spread.stations * np.linspace(first - center, last - center, _STATIONS)
        nodes = np.concatenate([[first], stations, [last]])

        near = np.setdiff1d(np.flatnonzero(edges.min(axis=0) < spread.reach), still)
        falloff = 1 - np.maximum(edges[:, near].min(axis=0) - spread.whole, 0) / (spread.reach - spread.whole)
        side = np.clip(edges[1, near] - edges[0, near], -1, 1)
        between = np.stack([np.interp(rest[near, 0], nodes, unit) for unit in np.eye(_STATIONS + 2)[1:-1]])
        falloff *= falloff * (3 - 2 * falloff)
        self._near = near
        self._follow = 0.5 * between * side * falloff
        self.belonging = np.zeros(len(rest))
        self.belonging[near] = falloff

        # The margins touch where their surfaces bulge most: heights are taken on the full mesh, around each station.
        fine_edges, fine_x = full.matrix.dot(edges.T).T, full.matrix.dot(rest[:, 0])
        station = np.abs(fine_x[:, None] - stations).argmin(axis=1)
        within = np.abs(fine_x - stations[station]) < 0.5 * (nodes[2] - nodes[1])
        height = full.matrix - _middle_line(rest, margins, fine_x) if spread.from_middle else full.matrix
        self._rows = []
        for one, other in ((0, 1), (1, 0)):
            lip = (fine_edges[one] < _TOUCH_REACH) & (fine_edges[one] < fine_edges[other])
            lip &= full.part <= coarse_mesh.MOUTH
            self._rows.append([height[lip & within & (station == k)] for k in range(_STATIONS)])

    def gap(self, shapes):
        """[S,k] height of the upper margin's lowest above the lower margin's highest point, station by station, dm."""
        height = np.ascontiguousarray(shapes[:, :, 1].T)
        return np.stack([above.dot(height).min(axis=0) - below.dot(height).max(axis=0)
                         for above, below in zip(*self._rows)], axis=1)

    def move(self, shapes, opening):
        """Open every station by `opening` [S,k] dm (negative: close); shapes are changed in place."""
        shapes[:, self._near, 1] += opening.dot(self._follow)

    def part(self, shapes, least, rounds=2, softness=_SOFTNESS):
        """Open the stations whose gap is below `least` (a number or [k]), dm; shapes are changed in place."""
        for _ in range(rounds):
            gap = self.gap(shapes)
            self.move(shapes, _softly_at_least(gap, least, softness) - gap)


class Lips(Slit):
    """The slit between the lips."""

    def __init__(self, mesh, full, rest, spread=LIPS):
        """Args: mesh: topology.CoarseMesh; full: build.FullMesh; rest: [n,3] the mean, dm; spread: a Spread."""
        mouth = mesh.quads[mesh.part == coarse_mesh.MOUTH]
        margins = topology.halves(topology.ring_loop(mouth, mesh.ring, 0), rest)
        Slit.__init__(self, mesh, full, rest, margins, spread)


class EyeSlit(Slit):
    """The slit between the lids of one eye."""

    def __init__(self, mesh, full, rest, eye_part):
        """Args: mesh: topology.CoarseMesh; full: build.FullMesh; rest: [n,3] the mean, dm; eye_part: index into
        open_model.PARTS."""
        eye = np.unique(mesh.quads[mesh.part == eye_part])
        seen = rest[eye[mesh.ring[eye] > topology.SOCKET_RINGS], 0]
        # The socket's rings belong to the skin; these are the ones around this eyeball.
        socket = (mesh.part == coarse_mesh.SKIN) & (mesh.ring[mesh.quads] > 0).any(axis=1)
        socket &= (np.sign(rest[mesh.quads][:, :, 0]) == np.sign(seen.mean())).all(axis=1)
        loop = topology.ring_loop(mesh.quads[socket], mesh.ring, 0)
        margins = topology.halves(loop, rest - [seen.mean(), 0, 0])
        Slit.__init__(self, mesh, full, rest, margins, LIDS, eye[mesh.ring[eye] > topology.SOCKET_RINGS])
