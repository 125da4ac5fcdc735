"""The coarse mesh of the face: MakeHuman's skin in front of the ears, closed mouth and eyes.

The base mesh is one closed surface: behind the lips lies a cavity, behind the lids a socket, each a stack of
rings. The cavity is cut after a few rings and closed by a sheet between its upper and lower half; each socket
is cut behind the lid and closed by a dome, the visible part of the eyeball. So the face has one rim only, the
crop's, and no hole opens with the mouth or beside an eye. Two strips inside the mouth are the teeth's front.
"""
import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from tools.open_model.coarse_mesh import LEFT_EYE, MOUTH, RIGHT_EYE, SKIN, TEETH, Assembly
from tools.open_model.eyeball import dome, dome_uv

MOUTH_RINGS = 5
SOCKET_RINGS = 1
_NARROWING = 0.35

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


class _Openings:
    """The openings of the face's skin, and the quads that line the cavity behind each.

    Attributes: face [b] bool, which of the body's quads `body` [b] are the face's own island of texture.
    """

    def __init__(self, human, mean, eye_centers):
        self._human = human
        self.body = np.flatnonzero(human.group == 'body')
        self._island = uv_islands(human.quad_uvs[self.body], len(human.uvs))
        self._center = mean[human.quads[self.body]].mean(axis=1)
        # The face's island of texture is the one with the foremost quad, the nose's tip, below the eyes.
        below = np.linalg.norm(self._center - eye_centers.mean(axis=0) + [0, 0.3, 0], axis=1) < 0.8
        face = self._island[np.argmax(np.where(below, self._center[:, 2], -np.inf))]
        self.face = self._island == face
        self._others = np.setdiff1d(self._island, [face])
        self._on_skin = np.unique(human.quads[self.body[self.face]])

    def cavity(self, near):
        """The quads behind the opening nearest to a point, and each base vertex's ring in there (-1: none)."""
        distance = [np.linalg.norm(self._center[self._island == k].mean(axis=0) - near) for k in self._others]
        rows = self.body[self._island == self._others[np.argmin(distance)]]
        quads = self._human.quads[rows]
        return rows, _ring_numbers(quads, np.intersect1d(self._on_skin, quads), len(self._human.vertices))


def build(human, mean, wanted):
    """Assembles the coarse face mesh.

    Args:
      human: source.MakeHuman.
      mean: [19158,3] a mean adult, on which spheres are fitted and loops ordered.
      wanted: [18486] bool, the quads of the head's skin to take.
    Returns:
      CoarseMesh.
    """
    eyes = [human.group_vertices('helper-%s-eye' % side) for side in 'rl']
    eye_centers = np.stack([mean[helper].mean(axis=0) for helper in eyes])
    openings = _Openings(human, mean, eye_centers)
    assembly = Assembly(human)
    assembly.take(openings.body[openings.face & wanted[openings.body]], SKIN)
    mouth = _add_mouth(assembly, human, mean, openings.cavity(eye_centers.mean(axis=0) - [0, 0.67, 0.2]))
    base_weights = _narrowed(mean, assembly.ring, mouth)
    _add_teeth(assembly, human, mean)
    for part, helper, eye_center in ((RIGHT_EYE, eyes[0], eye_centers[0]), (LEFT_EYE, eyes[1], eye_centers[1])):
        _add_eye(assembly, human, mean, part, helper, openings.cavity(eye_center))
    return assembly.mesh(base_weights)


def _add_mouth(assembly, human, mean, cavity):
    """Adds the first rings of the mouth's cavity and the sheet that closes them; returns their vertices."""
    rows, ring = cavity
    assembly.ring = np.maximum(assembly.ring, ring)
    rows = rows[(ring[human.quads[rows]] <= MOUTH_RINGS).all(axis=1)]
    sheet = _sheet(ring_loop(human.quads[rows], ring, MOUTH_RINGS), mean)
    uv_of = dict(zip(human.quads[rows].ravel(), human.quad_uvs[rows].ravel()))
    assembly.take(rows, MOUTH)
    assembly.add(sheet, np.vectorize(uv_of.get)(sheet), MOUTH)
    return np.unique(human.quads[rows])


def _add_teeth(assembly, human, mean):
    for name in ('helper-upper-teeth', 'helper-lower-teeth'):
        front = _teeth_front(human, mean, name)
        assembly.take(front, TEETH)
        assembly.ring[human.quads[front]] = MOUTH_RINGS


def _add_eye(assembly, human, mean, part, helper, cavity):
    """Adds the first rings of a socket and the dome of its eyeball, which follows the vertices `helper`."""
    rows, ring = cavity
    assembly.ring[:len(ring)] = np.maximum(assembly.ring[:len(ring)], ring)
    rows = rows[(ring[human.quads[rows]] <= SOCKET_RINGS).all(axis=1)]
    loop = ring_loop(human.quads[rows], ring, SOCKET_RINGS)
    quads, plane, points = dome(loop, mean, helper, len(assembly.ring))
    vertex, uv = assembly.new_vertices(points, dome_uv(plane, part), helper, mean[helper], SOCKET_RINGS + 1)
    uv_of = dict(zip(human.quads[rows].ravel(), human.quad_uvs[rows].ravel()))
    uv_of.update(zip(vertex + np.arange(len(points)), uv + np.arange(len(points))))
    assembly.take(rows, SKIN)
    assembly.add(quads, np.vectorize(uv_of.get)(quads), part)
