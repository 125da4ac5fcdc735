"""The head beyond the open model's face (ears, scalp, neck, shoulders), as linear functions of the face's coefficients.

The coarse mesh of the head begins with the vertices and quads of the face's. Its other vertices, and the albedo outside
the face's crop, are regressed on the coefficients that random people, expressions and skins have in the open model.
"""
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction.conventions import ID_DIM, TEX_DIM
from Deep3DFaceReconstruction.face_model import open_model
from tools.open_model import albedo, build, coarse_mesh, expressions, layout, paint_layers, people, topology

PEOPLE, EXPRESSIONS, PAINTED = 2500, 2500, 500
_SEED = 20190407
# The box of MakeHuman's skin to take about the point between the eyes, dm: down to the shoulders.
_LOW, _BACK, _SIDE = -2.75, -2.6, 2.3
_RIDGE, _TEX_RIDGE = 2e-4, 0.03   # of the coefficients' variance
_FIELD_REACH = 0.6      # dm, within which the albedo's smooth fields fade into their mean
_SMALL_MOVE = 2e-4      # dm: an expression's motion outside the face below this is none
_BLEND = 0.25           # dm, over which the albedo's step at the face's rim fades out


class JointMesh(NamedTuple):
    """The head's coarse mesh: the first `face_count` vertices and the first quads are the face's own."""

    mesh: coarse_mesh.CoarseMesh
    face_mesh: coarse_mesh.CoarseMesh
    face_full: build.FullMesh
    frame: tuple

    @property
    def face_count(self):
        return len(self.face_mesh.ring)


def average_adult(human, crowd):
    """[19158,3] MakeHuman's base mesh as the average adult."""
    return human.vertices + sum(weight * human.target(name)
                                for name, weight in zip(crowd.targets, crowd.average()) if weight)


def joint_mesh(human, average):
    """The JointMesh on an average adult [19158,3]."""
    face, face_full, frame = build.face_mesh(human, average)
    eye = average[human.group_vertices('helper-l-eye')].mean(axis=0)
    center = average[human.quads].mean(axis=1) - [0, eye[1], eye[2]]
    around = (center[:, 1] > _LOW) & (center[:, 2] > _BACK) & (np.abs(center[:, 0]) < _SIDE)
    head = topology.build(human, average, around)
    torso = _torso(human, around)
    used, local = np.unique(human.quads[torso], return_inverse=True)
    weights = sp.vstack([head.weights, sp.identity(len(average), format='csr')[used]]).tocsr()
    place, chosen = _numbered(face.weights, weights)
    quads = place[np.concatenate([head.quads, len(head.ring) + local.reshape(-1, 4)])]
    ring = np.concatenate([head.ring, np.zeros(len(used), int)])
    known = {tuple(sorted(quad)) for quad in face.quads.tolist()}
    new = np.array([tuple(sorted(quad)) not in known for quad in quads.tolist()])
    quad_uvs = np.concatenate([head.quad_uvs, human.quad_uvs[torso]])
    part = np.concatenate([head.part, np.full(len(torso), coarse_mesh.SKIN)])
    mesh = coarse_mesh.CoarseMesh(
        np.concatenate([face.quads, quads[new]]), np.concatenate([face.quad_uvs, quad_uvs[new]]), head.uvs,
        np.concatenate([face.part, part[new]]), weights[chosen], ring[chosen])
    return JointMesh(mesh, face, face_full, frame)


def _numbered(face, weights):
    """Numbers vertices so that the face's come first: (number of each row of `weights`, one row of each number).

    Two vertices are the same where they are the same sum of MakeHuman's.
    """
    probe = np.random.RandomState(0).randn(weights.shape[1], 4)
    own = np.concatenate([face.dot(probe), weights.dot(probe)])
    _, first, number = np.unique(own.round(9), axis=0, return_index=True, return_inverse=True)
    place = np.argsort(np.argsort(first))[number.ravel()][face.shape[0]:]
    chosen = np.empty(len(first), int)
    chosen[place[::-1]] = np.arange(len(place))[::-1]
    return place, chosen


def _torso(human, around):
    """Numbers of the quads of neck and shoulders: those of the island of the skin's texture that goes on below."""
    body = np.flatnonzero(human.group == 'body')
    island = topology.uv_islands(human.quad_uvs[body], len(human.uvs))
    inside = around[body]
    below = np.unique(island[~inside])
    return body[inside & np.isin(island, below)]


def _faded(components, places, wanted):
    """[K,n,3] smooth fields [K,m,3] at `places` [m,3] continued to `wanted` [n,3], where they fade into their mean."""
    distance, near = cKDTree(places).query(wanted, k=64)
    weight = 1 / (distance + 0.05) ** 2
    weight /= weight.sum(axis=1, keepdims=True)
    fade = np.exp(-(distance[:, 0] / _FIELD_REACH) ** 2)[:, None]
    mean = components.mean(axis=1)
    return np.stack([average + fade * ((field[near] * weight[:, :, None]).sum(axis=1) - average)
                     for field, average in zip(components, mean)])


def _regressed(coefficients, values, intercept, ridge=_RIDGE):
    """(mean [n,3], components [K,n,3]) of values [S,n,3] on coefficients [S,K]."""
    design = np.concatenate([coefficients, np.full((len(coefficients), 1), float(intercept))], axis=1)
    gram = design.T.dot(design) / len(design) + ridge * np.eye(design.shape[1])
    found = np.linalg.solve(gram, design.T.dot(values.reshape(len(values), -1)) / len(design))
    found = found.reshape((-1,) + values.shape[1:])
    return found[-1], found[:-1]


def _coefficients(basis, shapes):
    """[S,K] least squares of shapes [S,...] on a basis [K,...]."""
    basis, flat = basis.reshape(len(basis), -1), shapes.reshape(len(shapes), -1)
    gram = basis.dot(basis.T)
    return np.linalg.solve(gram + 1e-6 * np.trace(gram) / len(gram) * np.eye(len(gram)), basis.dot(flat.T)).T


def identity(human, crowd, joint, face):
    """(mean [n,3], components [80,n,3]) of the n vertices outside the face.

    Args:
      face: the open model's coarse (mean [m,3], identity [80,m,3], expression [64,m,3]).
    """
    random = np.random.RandomState(_SEED)
    mean, basis, _ = face
    count, anchor = joint.face_count, joint.face_mesh.ring == 0
    moves = np.stack([joint.mesh.weights.dot(human.target(name)) for name in crowd.targets])
    outside, found = [], []
    weights = crowd.draw(PEOPLE, random)
    base = joint.mesh.weights.dot(human.vertices)
    whole = np.zeros(base.shape)
    whole[:count] = mean
    for part in np.array_split(weights, 10):
        shapes = part.dot(moves.reshape(len(moves), -1)).reshape((-1,) + base.shape) + base
        scale, rotation, shift = joint.frame
        shapes = scale * shapes.dot(rotation) + shift
        aligned = people.rigid_align(shapes, whole, np.concatenate([anchor, np.zeros(len(base) - count)]))
        outside.append(aligned[:, count:])
        found.append(_coefficients(basis[:, anchor], aligned[:, :count][:, anchor] - mean[anchor]))
    return _regressed(np.concatenate(found), np.concatenate(outside), True)


def expression(human, joint, rest, face):
    """[64,n,3] how the n vertices outside the face move with the expression.

    Args:
      rest: [face + n,3] the neutral mean head.  face: see identity.
    """
    random = np.random.RandomState(_SEED + 1)
    scale, rotation, _ = joint.frame
    units = expressions.ExpressionUnits(human, joint.mesh, rest, scale * rotation)
    shapes = units.displacements(units.draw(EXPRESSIONS, random), random.dirichlet(np.full(3, 0.8), EXPRESSIONS))
    count, still = joint.face_count, topology.lip_rings(joint.face_mesh) > 3
    anchor = (joint.face_mesh.ring == 0) & still
    found = _coefficients(face[2][:, anchor], shapes[:, :count][:, anchor])
    _, components = _regressed(found, shapes[:, count:], False)
    components[np.abs(components) < _SMALL_MOVE] = 0
    return components


class Skin(NamedTuple):
    """Albedo and beard of the head.

    Attributes:
      mean: [N,3] RGB on the full head; components: [80,n,3] at the coarse vertices.
      beard: [N] 0-1, where a beard grows.
    """

    mean: np.ndarray
    components: np.ndarray
    beard: np.ndarray


def skin(human, average, joint, rest, full):
    """The Skin of the head.

    Args:
      rest: [n,3] the neutral mean head's coarse vertices.  full: its build.FullMesh.
    """
    fine = full.matrix.dot(rest)
    full.set_eye_uv(fine)
    landmarks = layout.landmark_vertices(full.uv, full.part, layout.LANDMARK_UV)
    scale, rotation, shift = joint.frame
    raw = (fine - shift).dot(rotation.T) / scale
    layers = paint_layers.layers(human, average, paint_layers.Surface(
        full.uv, full.part, full.depth, full.matrix.dot(topology.lid_rings(joint.mesh)), raw, fine,
        build.vertex_normals(fine, full.triangles), landmarks))
    faces = albedo.paint(layers, PAINTED, np.random.RandomState(_SEED + 2))
    mean = faces.mean(axis=0)
    model = open_model.load_open_model()
    face_rows, own_rows = matching(full, joint.face_full, rest, joint.face_count)
    basis = model['texBase'].reshape(-1, 3, TEX_DIM)[own_rows].transpose(2, 0, 1).astype(np.float64)
    goal = model['meantex'].reshape(-1, 3)[own_rows]
    painted = build.PAINTED_COMPONENTS
    found = _coefficients(basis, faces[:, face_rows] - goal)
    coarse = full.row_of(np.arange(len(rest)))
    rim = _rim(full, face_rows)
    seen = faces[:, np.concatenate([coarse, face_rows[rim]])].astype(np.float64)
    _, components = _regressed(found[:, :painted], seen, True, _TEX_RIDGE)
    # Where the regression misses the face's own components at its rim, the step is carried outwards.
    step = _faded(basis[:painted, rim] - components[:, len(coarse):], fine[face_rows[rim]], fine[coarse])
    smooth = _faded(basis[painted:], fine[face_rows], fine[coarse])
    components = np.concatenate([components[:, :len(coarse)] + step, smooth])
    mean = mean + _step_at_rim(fine, face_rows, rim, goal - mean[face_rows])
    mean[face_rows] = goal
    return Skin(mean, components, layers.beard)


def matching(full, face_full, rest, face_count):
    """(rows of the full head's vertices, rows of the full face's) that are the same, the face's rim left out."""
    # Away from its rim, which was evened out, the face's vertices are those of the head.
    distance, nearest = cKDTree(full.matrix.dot(rest)).query(face_full.matrix.dot(rest[:face_count]))
    same = distance < 1e-7
    return nearest[same], np.flatnonzero(same)


def _rim(full, face_rows):
    """Places in `face_rows` of the face's outermost vertices."""
    inside = np.zeros(full.matrix.shape[0], bool)
    inside[face_rows] = True
    edge = inside[full.triangles].any(axis=1) & ~inside[full.triangles].all(axis=1)
    rim = np.unique(full.triangles[edge])
    rim = rim[inside[rim] & (full.part[rim] == coarse_mesh.SKIN)]
    place = np.full(len(inside), -1)
    place[face_rows] = np.arange(len(face_rows))
    return place[rim]


def _step_at_rim(fine, face_rows, rim, step):
    """[N,3] the albedo's step [M,3] at the face's rim, continued outwards and faded out."""
    distance, near = cKDTree(fine[face_rows[rim]]).query(fine, k=24)
    weight = 1 / (distance + 0.02)
    carried = (step[rim][near] * weight[:, :, None]).sum(axis=1) / weight.sum(axis=1)[:, None]
    fade = 0.3 + 0.7 * np.exp(-(distance[:, 0] / _BLEND) ** 2)
    carried *= fade[:, None]
    carried[face_rows] = 0
    return carried


def coarse_face():
    """The open model's coarse (mean [m,3], identity [80,m,3], expression [64,m,3]), dm."""
    shapes = open_model.load_coarse().shapes.astype(np.float64)
    return shapes[0], shapes[1:1 + ID_DIM], shapes[1 + ID_DIM:]
