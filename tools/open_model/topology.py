"""The coarse mesh of the face: MakeHuman's skin in front of the ears, closed mouth and eyes.

The base mesh is one closed surface: behind the lips lies a cavity, behind the lids a socket, each a stack of
rings. The cavity is cut after a few rings and closed by a sheet between its upper and lower half; each socket
is cut behind the lid and closed by a dome, the visible part of the eyeball. So the face has one rim only, the
crop's, and no hole opens with the mouth or beside an eye. Two strips inside the mouth are the teeth's front.
"""
import collections

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

# The parts, by their place in open_model.PARTS.
SKIN, MOUTH, RIGHT_EYE, LEFT_EYE, TEETH = range(5)
MOUTH_RINGS = 5
SOCKET_RINGS = 1
_NARROWING = 0.35
# Angles from the gaze axis of the dome's rings, outside in; the last one bounds the dome's square grid.
DOME_ANGLES = (66.0, 46.0)

CoarseMesh = collections.namedtuple('CoarseMesh', 'quads quad_uvs uvs part weights ring')
CoarseMesh.__doc__ = """A coarse quad mesh whose vertices are fixed weighted sums of MakeHuman's vertices.

quads [Q,4]; quad_uvs [Q,4] into uvs [U,2]; part [Q] index into open_model.PARTS; weights: sparse
[n,19158], rows sum to one; ring [n]: 0 on the skin, k on the k-th ring inside the mouth or a socket."""


def uv_islands(quad_uvs, uv_count):
    """[Q] the connected texture island of every quad."""
    links = sp.coo_matrix((np.ones(quad_uvs.size), (quad_uvs.ravel(), np.roll(quad_uvs, 1, axis=1).ravel())),
                          shape=(uv_count, uv_count))
    return csgraph.connected_components(links, directed=False)[1][quad_uvs[:, 0]]


def _ring_numbers(quads, start, count):
    """[count] number of edges from the `start` vertices inside the given quads; -1 where not reached."""
    edges = np.concatenate([quads.ravel()[:, None], np.roll(quads, -1, axis=1).ravel()[:, None]], axis=1)
    edges = np.concatenate([edges, edges[:, ::-1]])
    ring = np.full(count, -1)
    ring[start] = 0
    for step in range(count):
        fresh = edges[(ring[edges[:, 0]] == step) & (ring[edges[:, 1]] < 0), 1]
        if not fresh.size:
            break
        ring[fresh] = step + 1
    return ring


def lid_rings(mesh):
    """[n] number of edges from the sockets' seams outwards, on the skin; 0 on the seams and inside."""
    seam = np.zeros(len(mesh.ring), bool)
    for eye in (RIGHT_EYE, LEFT_EYE):
        # The socket's rings are part of the skin, like the seam; only they touch the dome.
        seam[mesh.quads[mesh.part == eye]] = True
    for _ in range(SOCKET_RINGS):
        touched = seam[mesh.quads].any(axis=1) & (mesh.part == SKIN)
        seam[mesh.quads[touched]] |= (mesh.ring > 0)[mesh.quads[touched]]
    start = np.unique(mesh.quads[seam[mesh.quads].any(axis=1) & (mesh.part == SKIN)])
    start = start[mesh.ring[start] == 0]
    outside = mesh.quads[(mesh.ring[mesh.quads] == 0).all(axis=1)]
    return np.maximum(_ring_numbers(outside, start, len(mesh.ring)), 0)


def lip_rings(mesh):
    """[n] number of edges from the seam between lips and mouth outwards, on the skin; 0 on the seam and inside."""
    start = np.unique(mesh.quads[mesh.part == MOUTH])
    outside = mesh.quads[(mesh.ring[mesh.quads] == 0).all(axis=1)]
    return np.maximum(_ring_numbers(outside, start[mesh.ring[start] == 0], len(mesh.ring)), 0)


def ring_loop(quads, ring, depth):
    """The loop of vertices on ring `depth` [r], in the order in which the given quads, on one side, run."""
    ends = np.stack([quads, np.roll(quads, -1, axis=1)], axis=2).reshape(-1, 2)
    follower = dict(ends[(ring[ends] == depth).all(axis=1)])
    loop = [min(follower)]
    while follower[loop[-1]] != loop[0]:
        loop.append(follower[loop[-1]])
    if len(loop) != len(follower):
        raise ValueError('expected one loop of %d vertices at ring %d, found one of %d'
                         % (len(follower), depth, len(loop)))
    return np.asarray(loop)


def halves(loop, vertices):
    """The upper and the lower half of a mouth loop, both in the order of growing x, column by column.

    Each half is centred on its vertex in the middle plane; the corners of the mouth lie in the middle of the
    edges between the halves.
    """
    half = len(loop) // 2
    loop = np.roll(loop, half // 2 - np.abs(vertices[loop, 0]).argmin())
    one, other = loop[:half], loop[:half - 1:-1]
    if vertices[one[0], 0] > vertices[one[-1], 0]:
        one, other = one[::-1], other[::-1]
    return (one, other) if vertices[one, 1].mean() > vertices[other, 1].mean() else (other, one)


def _sheet(loop, vertices):
    """[k,4] quads between the upper and the lower half of the loop at which the mouth's cavity is cut."""
    upper, lower = halves(loop, vertices)
    sheet = np.stack([upper[1:], upper[:-1], lower[:-1], lower[1:]], axis=1)
    # Where the cavity's quads run along the loop one way, the sheet's must run the other way.
    place = np.argsort(loop)[np.searchsorted(loop[np.argsort(loop)], upper[:2])]
    along = (place[1] - place[0]) % len(loop) == 1
    return sheet if along else sheet[:, ::-1]


class _Grid:
    """A k x k quad grid whose boundary is a given loop of 4k vertices."""

    def __init__(self, loop, first_new):
        side = len(loop) // 4
        if side * 4 != len(loop):
            raise ValueError('expected a loop of a multiple of four vertices, got %d' % len(loop))
        index = np.full((side + 1, side + 1), -1)
        index[0, :side] = loop[:side]
        index[:side, side] = loop[side:2 * side]
        index[side, side:0:-1] = loop[2 * side:3 * side]
        index[side:0:-1, 0] = loop[3 * side:]
        inside = index < 0
        index[inside] = first_new + np.arange(inside.sum())
        self.index, self.new = index, index[inside]
        self.quads = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]],
                              axis=2).reshape(-1, 4)

    def spread(self, boundary_values):
        """Harmonic values of the new vertices: each is the mean of its four neighbours."""
        side = self.index.shape[0] - 1
        number = -np.ones(self.index.shape, int)
        number[1:side, 1:side] = np.arange((side - 1) ** 2).reshape(side - 1, side - 1)
        rows = number[1:side, 1:side].ravel()
        system = np.eye(len(rows))
        right = np.zeros((len(rows), boundary_values.shape[1]))
        known = dict(zip(np.concatenate([self.index[0, :side], self.index[:side, side],
                                         self.index[side, side:0:-1], self.index[side:0:-1, 0]]),
                         boundary_values))
        for shift in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            near = np.roll(number, shift, axis=(0, 1))[1:side, 1:side].ravel()
            vertex = np.roll(self.index, shift, axis=(0, 1))[1:side, 1:side].ravel()
            free = near >= 0
            system[rows[free], near[free]] -= 0.25
            right[rows[~free]] += 0.25 * np.stack([known[v] for v in vertex[~free]])
        return np.linalg.solve(system, right)


def sphere_fit(points):
    """Centre and radius of the least-squares sphere through [n,3] points."""
    system = np.concatenate([2 * points, np.ones((len(points), 1))], axis=1)
    solution = np.linalg.lstsq(system, (points ** 2).sum(axis=1), rcond=None)[0]
    return solution[:3], np.sqrt(solution[3] + (solution[:3] ** 2).sum())


def affine_weights(points, anchors):
    """[p,a] least-norm weights, each row summing to one, that express points by anchors exactly.

    Applied to moved anchors they move the points by the best affine map, so a dome stays an ellipsoid.
    """
    anchors = np.concatenate([anchors, np.ones((len(anchors), 1))], axis=1)
    points = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    return points.dot(np.linalg.pinv(anchors))


def _dome(loop, vertices, helper, first_new):
    """The eyeball's dome inside a socket loop.

    Returns:
      (quads [q,4]; of the new vertices, angles from the gaze axis [v,2], radians times direction; points [v,3]).
    """
    center, radius = sphere_fit(vertices[helper])
    ring_direction = vertices[loop, :2] - vertices[loop, :2].mean(axis=0)
    around = np.arctan2(ring_direction[:, 1], ring_direction[:, 0])
    count = len(loop)
    quads, plane, outer, next_new = [], [], loop, first_new
    for angle in DOME_ANGLES:
        inner = next_new + np.arange(count)
        quads.append(np.stack([np.roll(outer, -1), outer, inner, np.roll(inner, -1)], axis=1))
        plane.append(np.radians(angle) * np.stack([np.cos(around), np.sin(around)], axis=1))
        outer, next_new = inner, next_new + count
    # The grid's corners lie on the diagonals, as far as the loop allows.
    corner = np.abs(np.angle(np.exp(1j * (around - np.radians(135))))).argmin()
    grid = _Grid(np.roll(outer, -corner), next_new)
    quads.append(grid.quads[:, ::-1])
    plane.append(grid.spread(np.roll(plane[-1], -corner, axis=0)))
    plane = np.concatenate(plane)
    theta = np.linalg.norm(plane, axis=1)
    sine = np.sin(theta) / np.maximum(theta, 1e-12)
    points = center + radius * np.stack([sine * plane[:, 0], sine * plane[:, 1], np.cos(theta)], axis=1)
    return np.concatenate(quads), plane, points


def _narrowed(mean, ring, cavity):
    """Sparse [V,V]: the identity, but the mouth's cavity is made narrower behind the lips.

    MakeHuman's cavity lines the cheeks so closely that it comes through them in a broad open smile. Each vertex
    is blended with its mirror image, which moves it towards the middle plane and nowhere else.
    """
    cavity = cavity[ring[cavity] > 0]
    twin = cavity[cKDTree(mean[cavity]).query(mean[cavity] * [-1, 1, 1])[1]]
    blend = 0.5 * _NARROWING * np.minimum(ring[cavity] / 3.0, 1)
    matrix = sp.identity(len(mean), format='lil')
    matrix[cavity, cavity] = 1 - blend
    matrix[cavity, twin] = matrix[cavity, twin].toarray().ravel() + blend
    return matrix.tocsr()


def _teeth_front(human, mean, name):
    """Indices of the quads on the front of a row of teeth: those that look away from the mouth's middle."""
    rows = np.flatnonzero(human.group == name)
    quads = human.quads[rows]
    corner = mean[quads]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 1])
    away = corner.mean(axis=1) - corner.mean(axis=(0, 1))
    away[:, 1] = 0
    return rows[(normal * away).sum(axis=1) > 0]


class _Assembly:
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


def build(human, mean, wanted):
    """Assemble the coarse face mesh.

    Args:
      human: source.MakeHuman.
      mean: [19158,3] a mean adult, on which spheres are fitted and loops ordered.
      wanted: [18486] bool, the quads of the head's skin to take.
    Returns:
      CoarseMesh.
    """
    body = np.flatnonzero(human.group == 'body')
    island = uv_islands(human.quad_uvs[body], len(human.uvs))
    center = mean[human.quads[body]].mean(axis=1)
    eyes = [human.group_vertices('helper-%s-eye' % side) for side in 'rl']
    eye_centers = np.stack([mean[helper].mean(axis=0) for helper in eyes])
    # The face's island of texture is the one with the foremost quad, the nose's tip, below the eyes.
    below = np.linalg.norm(center - eye_centers.mean(axis=0) + [0, 0.3, 0], axis=1) < 0.8
    face = island[np.argmax(np.where(below, center[:, 2], -np.inf))]
    on_skin = np.unique(human.quads[body[island == face]])

    def cavity(near):
        """The quads behind the opening nearest to a point, and each base vertex's ring in there (-1: none)."""
        others = np.setdiff1d(island, [face])
        distance = [np.linalg.norm(center[island == k].mean(axis=0) - near) for k in others]
        rows = body[island == others[np.argmin(distance)]]
        return rows, _ring_numbers(human.quads[rows], np.intersect1d(on_skin, human.quads[rows]), len(mean))

    assembly = _Assembly(human)
    assembly.take(body[(island == face) & wanted[body]], SKIN)

    rows, ring = cavity(eye_centers.mean(axis=0) - [0, 0.67, 0.2])
    assembly.ring = np.maximum(assembly.ring, ring)
    rows = rows[(ring[human.quads[rows]] <= MOUTH_RINGS).all(axis=1)]
    sheet = _sheet(ring_loop(human.quads[rows], ring, MOUTH_RINGS), mean)
    uv_of = dict(zip(human.quads[rows].ravel(), human.quad_uvs[rows].ravel()))
    assembly.take(rows, MOUTH)
    assembly.add(sheet, np.vectorize(uv_of.get)(sheet), MOUTH)
    base_weights = _narrowed(mean, assembly.ring, np.unique(human.quads[rows]))

    for name in ('helper-upper-teeth', 'helper-lower-teeth'):
        front = _teeth_front(human, mean, name)
        assembly.take(front, TEETH)
        assembly.ring[human.quads[front]] = MOUTH_RINGS

    for part, helper, eye_center in ((RIGHT_EYE, eyes[0], eye_centers[0]), (LEFT_EYE, eyes[1], eye_centers[1])):
        rows, ring = cavity(eye_center)
        assembly.ring[:len(ring)] = np.maximum(assembly.ring[:len(ring)], ring)
        rows = rows[(ring[human.quads[rows]] <= SOCKET_RINGS).all(axis=1)]
        loop = ring_loop(human.quads[rows], ring, SOCKET_RINGS)
        dome, plane, points = _dome(loop, mean, helper, len(assembly.ring))
        vertex, uv = assembly.new_vertices(points, dome_uv(plane, part), helper, mean[helper], SOCKET_RINGS + 1)
        uv_of = dict(zip(human.quads[rows].ravel(), human.quad_uvs[rows].ravel()))
        uv_of.update(zip(vertex + np.arange(len(points)), uv + np.arange(len(points))))
        assembly.take(rows, SKIN)
        assembly.add(dome, np.vectorize(uv_of.get)(dome), part)
    return assembly.mesh(base_weights)


# Where the two eyeballs lie in the eye textures, and the iris there: centres and radius, as UV (v up).
_EYE_UV = {RIGHT_EYE: (149.5 / 512, 1 - 363.0 / 512), LEFT_EYE: (361.5 / 512, 1 - 152.5 / 512)}
_IRIS_UV_RADIUS = 59.0 / 512
IRIS_ANGLE = 22.0


def dome_uv(plane, part):
    """Texture coordinates in the eye textures for an eye's angles from the gaze [v,2] (radians times direction)."""
    theta = np.linalg.norm(plane, axis=1, keepdims=True)
    reach = np.sin(theta) / np.sin(np.radians(IRIS_ANGLE)) * _IRIS_UV_RADIUS
    return np.asarray(_EYE_UV[part]) + reach * plane / np.maximum(theta, 1e-12)
