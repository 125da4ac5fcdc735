"""Albedo and regions of one face model, carried over to another mesh by closest surface point."""
from typing import NamedTuple, Optional

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction.conventions import LANDMARK_COUNT
from Deep3DFaceReconstruction.face_model.open_model import PARTS
from Deep3DFaceReconstruction.meshes import closest_surface, registration

# A landmark's slack in the warp (see registration.smooth_warp). On the jaw line, landmarks mark an outline, not a
# place on the skin: only their neighbourhood counts.
_SLACK, _JAW_SLACK, _JAW = 0.02, 1.0, slice(0, 17)
# Beyond the source's rim, and deeper than this behind its openings, its colours are extended, not taken (dm).
_BEYOND = 0.03
# Pieces with fewer triangles than this share of the mesh are taken into the region around them, or out of it.
_SMALL_PIECE = 0.005
_TEETH = PARTS.index('teeth')
# Nostrils, eyes and mouth are deep this near to the landmarks from the bridge of the nose on (dm).
_INNER, _DEPTHS = slice(27, None), 0.3


class AlbedoSource(NamedTuple):
    """What the transfer needs of a face model."""
    vertices: np.ndarray    # [M,3] float64, dm
    triangles: np.ndarray   # [F,3] int, all, from 0
    part: np.ndarray        # [M] int, see FaceModel.part
    keypoints: np.ndarray   # [68] int, from 0
    meantex: np.ndarray     # [M,3] float32, RGB 0-255
    tex_base: np.ndarray    # [3M,K] float32
    skin: np.ndarray        # [M] bool, the region of the reflectance loss
    front: np.ndarray       # [M] bool, the smaller photometric region
    name: Optional[str]
    licence: Optional[str]

    def of_part(self, part):
        """[f,3] the triangles of a part."""
        return self.triangles[(self.part == part)[self.triangles].all(axis=1)]

    def at(self, closest, triangles):
        """[P,3,1+K] float32: the mean albedo and its components at closest points of some triangles."""
        fields = np.concatenate([self.meantex[:, :, None], self.tex_base.reshape(len(self.meantex), 3, -1)], axis=2)
        taken = closest_surface.interpolation_matrix(closest, triangles, len(self.vertices)).astype(np.float32)
        return taken.dot(fields.reshape(len(fields), -1)).reshape(-1, 3, fields.shape[2])


class CarriedAlbedo(NamedTuple):
    """What a mesh is given."""
    meantex: np.ndarray    # [N,3] float32, RGB 0-255
    tex_base: np.ndarray   # [3N,K] float32
    skin: np.ndarray       # [N] bool
    front: np.ndarray      # [f] int, the triangles of the smaller photometric region, in the mesh's order
    covered: np.ndarray    # [T] bool, the triangles that the source covers: one piece


def albedo_source(model):
    """What the transfer needs of a face model in the layout of BFM_model_front.mat.

    Where the model says which vertices are skin (`part` of the open model), colours come from there alone: eyes,
    teeth and the sheet behind the lips do not rub off.

    Args:
      model: dict, such as open_model.load_open_model returns; indices from 1.
    Returns:
      AlbedoSource.
    """
    count = model['meanshape'].size // 3
    triangles = np.asarray(model['tri']).astype(np.int64) - 1  # from 1 to 0
    front = np.zeros(count, bool)
    front[np.asarray(model['frontmask2_idx']).astype(np.int64).ravel() - 1] = True  # from 1 to 0
    part = np.asarray(model['part']).ravel().astype(np.int64) if 'part' in model else np.zeros(count, np.int64)
    return AlbedoSource(
        vertices=np.asarray(model['meanshape'], np.float64).reshape(-1, 3), triangles=triangles, part=part,
        keypoints=np.asarray(model['keypoints']).astype(np.int64).ravel() - 1,  # from 1 to 0
        meantex=np.asarray(model['meantex'], np.float32).reshape(-1, 3),
        tex_base=np.asarray(model['texBase'], np.float32), skin=np.asarray(model['skinmask']).ravel() > 0.5,
        front=front, name=_text(model.get('name')), licence=_text(model.get('licence')))


def _text(value):
    """A text, as it comes from a dict or from a .mat file."""
    return None if value is None else str(np.asarray(value).ravel()[0])


def carry_over(source, vertices, triangles, keypoints):
    """Gives a mesh the albedo and the regions of a face model.

    The mesh is warped by the 68 landmarks onto the source's mean face, so that lips meet lips; each vertex takes
    what the source has, interpolated in its triangle, at the closest point of its surface. Where the mesh goes
    beyond the source's rim, colours go on harmonically: as smoothly as a soap film.

    Args:
      source: AlbedoSource.
      vertices: [N,3] mean, dm.  triangles: [T,3] int, from 0.  keypoints: [68] int, from 0.
    Returns:
      CarriedAlbedo; its photometric region is one connected piece, without holes that are not the mesh's own.
    """
    vertices = np.asarray(vertices, np.float64)
    goal = source.vertices[source.keypoints]
    scale, rotation, shift = registration.similarity(vertices[keypoints], goal)
    placed = scale * vertices.dot(rotation) + shift
    slack = np.full(LANDMARK_COUNT, _SLACK)
    slack[_JAW] = _JAW_SLACK
    placed = registration.smooth_warp(placed[keypoints], goal, slack)(placed)

    outer = source.of_part(0)
    closest = closest_surface.closest_points(placed, source.vertices, outer)
    beyond = closest_surface.on_rim(closest, outer) & (closest.distance > _BEYOND)
    fields = source.at(closest, outer)
    fields = extended(fields.reshape(len(fields), -1), beyond, triangles).reshape(fields.shape)

    taken = closest_surface.interpolation_matrix(closest, outer, len(source.vertices))
    skin = (taken.dot(source.skin.astype(np.float64)) > 0.5) & ~beyond
    front = (taken.dot(source.front.astype(np.float64)) > 0.5) & ~beyond
    outside = _outside(source, placed, closest, beyond)[triangles].any(axis=1)
    return CarriedAlbedo(meantex=np.ascontiguousarray(fields[:, :, 0]),
                         tex_base=np.ascontiguousarray(fields[:, :, 1:]).reshape(3 * len(fields), -1),
                         skin=skin, front=np.flatnonzero(_clean(front[triangles].all(axis=1), triangles)),
                         covered=_clean(~outside, triangles) if outside.any() else ~outside)


def _outside(source, placed, closest, beyond):
    """[N] bool: placed vertices beyond the source's face: those beyond its skin that do not lie in one of its openings,
    and those that lie as far from it as only the depths of nostrils, eyes and mouth do, elsewhere."""
    inner = source.vertices[source.keypoints[_INNER]]
    outside = (closest.distance > 2 * _BEYOND) & (cKDTree(inner).query(placed)[0] > _DEPTHS)
    rows = np.flatnonzero(beyond)
    triangles = source.triangles[(source.part != _TEETH)[source.triangles].all(axis=1)]
    closest = closest_surface.closest_points(placed[rows], source.vertices, triangles)
    outside[rows] = closest_surface.on_rim(closest, triangles) & (closest.distance > _BEYOND)
    return outside


def extended(fields, unknown, triangles):
    """[N,K] fields whose unknown vertices are the mean of their neighbours; where none is known they stay.

    Args:
      fields: [N,K] float32.  unknown: [N] bool.  triangles: [T,3] int, from 0.
    """
    count = len(unknown)
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    links = sp.csr_matrix((np.ones(len(pairs)), pairs.T), (count, count))
    links = links + links.T
    # A piece of mesh without a known vertex has nothing to go on.
    piece = csgraph.connected_components(links, directed=False)[1]
    known = ~unknown
    has_known = np.bincount(piece, known) > 0
    solved = np.flatnonzero(unknown & has_known[piece])
    if not len(solved):
        return fields
    rows = links[solved]
    degree = np.asarray(rows.sum(axis=1)).ravel()
    given = np.flatnonzero(known)
    right = rows[:, given].dot(fields[given].astype(np.float64))
    factor = splu((sp.diags(degree) - rows[:, solved]).tocsc())
    result = fields.copy()
    result[solved] = factor.solve(np.ascontiguousarray(right))
    return result


def _clean(chosen, triangles):
    """[T] bool: the largest piece of the chosen triangles, its holes filled unless they are large.

    Pieces hang together by edges. A hole of the mesh itself is not a triangle, so it stays.
    """
    links = _neighbours(triangles)
    small = _SMALL_PIECE * len(triangles)
    chosen = _largest(chosen, links)
    label = _pieces(~chosen, links)
    size = np.bincount(label[label >= 0], minlength=1)
    chosen = chosen | ((label >= 0) & (size[label] < small))
    # Triangles that hang on by one edge make the outline ragged.
    while True:
        loose = chosen & (links.dot(chosen.astype(np.float64)) < 2)
        if not loose.any():
            return _largest(chosen, links)
        chosen = chosen & ~loose


def _neighbours(triangles):
    """Sparse [T,T] 0/1: which triangles share an edge."""
    ends = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    _, edge = np.unique(ends, axis=0, return_inverse=True)
    of = sp.csr_matrix((np.ones(len(edge)), (np.repeat(np.arange(len(triangles)), 3), edge.ravel())))
    links = of.dot(of.T)
    links.setdiag(0)
    links.eliminate_zeros()
    return links


def _pieces(chosen, links):
    """[T] int: the number of the connected piece of every chosen triangle, -1 for the others."""
    rows = np.flatnonzero(chosen)
    label = np.full(len(chosen), -1)
    if len(rows):
        label[rows] = csgraph.connected_components(links[rows][:, rows], directed=False)[1]
    return label


def _largest(chosen, links):
    label = _pieces(chosen, links)
    return chosen & (label == np.bincount(label[chosen], minlength=1).argmax())
