"""From the shapes of another face model to one in the layout of BFM_model_front.mat.

What ICT-FaceKit and GNM have in common: a mesh that reaches further than a photo's face, eyeballs of their own, no
albedo of this kind. The mesh is cropped to what the albedo's source covers, takes albedo and regions from it
(albedo_transfer), and gets its eyeballs (eyeballs) and dark nostrils (openness).
"""
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from Deep3DFaceReconstruction.conventions import EX_DIM, ID_DIM
from Deep3DFaceReconstruction.face_model.converters import albedo_transfer, eyeballs, openness
from Deep3DFaceReconstruction.face_model.open_model import EYE_PARTS
from Deep3DFaceReconstruction.meshes import subdivision
from Deep3DFaceReconstruction.system.mat_file import basis_columns

# The wings and the base of the nose among the 68, from 0; nostrils lie this near, and not further below (dm).
_NOSE_BASE, _NOSTRILS, _BELOW = slice(31, 36), 0.3, 0.05
# What hides a nostril lies this near to it (dm).
_AROUND = 0.5
# A place this open is as dark as the second number, one that open has its colour.
_CLOSED, _OPEN, _DARK = 0.08, 0.3, 0.15
# Of evening out the edge of the crop, which runs along the mesh's own lines.
_RIM_ROUNDS = 25


class Shapes(NamedTuple):
    """A face model's shapes in the program's frame: dm, y up, face along +z.

    Attributes:
      values: [1+I+E,N,3] float64: the mean; what I identities and E expressions move.
      identities: I.
      triangles: [F,3] int, from 0, counter-clockwise as seen from outside.
      keypoints: [68] int, from 0.
      eyes: the right and the left eyeball's vertices in the same shapes, [1+I+E,m,3] each; or none.
    """

    values: np.ndarray
    identities: int
    triangles: np.ndarray
    keypoints: np.ndarray
    eyes: tuple


def assemble(shapes, source):
    """The model in the layout of BFM_model_front.mat; indices start from 1.

    Args:
      shapes: Shapes.
      source: albedo_transfer.AlbedoSource, whose face is the crop.
    Returns:
      A dict of arrays, with `part` and, where there are eyeballs, exEyeTurns [E,6]: how each expression turns the right
      and the left eyeball, rotation vectors in radians.
    Raises:
      ValueError: a landmark lies beyond the source's face, or too many triangles meet in a vertex.
    """
    albedo = albedo_transfer.carry_over(source, shapes.values[0], shapes.triangles, shapes.keypoints)
    kept, skin = _cropped(shapes, albedo)
    light = _nostril_light(skin)
    fields = np.concatenate([albedo.meantex[kept][:, :, None],
                             albedo.tex_base.reshape(len(albedo.meantex), 3, -1)[kept]], axis=2)
    fields *= light[:, None, None]
    front = np.zeros(len(shapes.triangles), bool)
    front[albedo.front] = True
    pieces = [_Piece(skin.values, skin.triangles, fields, albedo.skin[kept] & (light > 0.99),
                     front[albedo.covered], 0)]
    turns = []
    has_eyes = all((source.part == number).any() for number in EYE_PARTS)
    for number, eye in zip(EYE_PARTS, shapes.eyes if has_eyes else ()):
        ball = eyeballs.eyeball(eye, shapes.identities)
        pieces.append(_Piece(ball.shapes, ball.triangles, eyeballs.colours(source, number, ball.shapes[0]),
                             np.zeros(len(ball.front), bool), ball.front[ball.triangles].all(axis=1), number))
        turns.append(ball.turns[1 + shapes.identities:])
    model = _mat_dict(_joined(pieces), shapes.identities, skin.keypoints)
    if turns:
        model['exEyeTurns'] = np.concatenate(turns, axis=1).astype(np.float32)
    return model


class _Piece(NamedTuple):
    """A part of the model: shapes, triangles, albedo [n,3,1+K], skin per vertex, region per triangle, its number."""

    shapes: np.ndarray
    triangles: np.ndarray
    albedo: np.ndarray
    skin: np.ndarray
    front: np.ndarray
    part: int


def _cropped(shapes, albedo):
    """(numbers of the vertices that stay, the Shapes with these alone), the new edge evened out."""
    kept, triangles = np.unique(shapes.triangles[albedo.covered], return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    lost = np.setdiff1d(shapes.keypoints, kept)
    if len(lost):
        raise ValueError("expected landmarks within the face of the albedo's source, got vertex %d beyond" % lost[0])
    values = shapes.values[:, kept]
    if not albedo.covered.all():
        # Only the new edge: those of eyes and mouth stay.
        old = subdivision.rim_smoothing(shapes.triangles, shapes.values.shape[1], 1).diagonal()[kept] < 1
        even = sp.diags((~old).astype(float)).dot(subdivision.rim_smoothing(triangles, len(kept), _RIM_ROUNDS))
        even = (even + sp.diags(old.astype(float))).tocsr()
        values = even.dot(values.transpose(1, 0, 2).reshape(len(kept), -1)).reshape(len(kept), -1, 3)
        values = values.transpose(1, 0, 2)
    return kept, shapes._replace(values=values, triangles=triangles,
                                 keypoints=np.searchsorted(kept, shapes.keypoints))


def _nostril_light(shapes):
    """[N] 0-1: what is left of the albedo where little light gets into a nostril, 1 elsewhere."""
    vertices, marks = shapes.values[0], shapes.values[0][shapes.keypoints[_NOSE_BASE]]
    base = marks.mean(axis=0)
    away = np.linalg.norm(vertices - base, axis=1)
    rows = np.flatnonzero((away < _NOSTRILS) & (vertices[:, 1] > marks[:, 1].min() - _BELOW))
    hiding = shapes.triangles[(away < _AROUND)[shapes.triangles].all(axis=1)]
    light = np.ones(len(vertices))
    share = np.clip((openness.openness(vertices, hiding, rows) - _CLOSED) / (_OPEN - _CLOSED), 0, 1)
    light[rows] = _DARK + (1 - _DARK) * share
    return light


def _joined(pieces):
    """One _Piece of all; its part is [N]."""
    first = np.cumsum([0] + [piece.shapes.shape[1] for piece in pieces])
    return _Piece(np.concatenate([piece.shapes for piece in pieces], axis=1),
                  np.concatenate([piece.triangles + start for piece, start in zip(pieces, first)]),
                  np.concatenate([piece.albedo for piece in pieces]),
                  np.concatenate([piece.skin for piece in pieces]), np.concatenate([piece.front for piece in pieces]),
                  np.concatenate([np.full(piece.shapes.shape[1], piece.part) for piece in pieces]))


def _mat_dict(face, identities, keypoints):
    front, region = np.unique(face.triangles[face.front], return_inverse=True)
    point_buf = subdivision.vertex_face_table(face.triangles, face.shapes.shape[1])
    model = {
        'meanshape': face.shapes[0].reshape(1, -1),
        'idBase': basis_columns(face.shapes[1:1 + identities], ID_DIM),
        'exBase': basis_columns(face.shapes[1 + identities:], EX_DIM),
        'meantex': face.albedo[:, :, 0].reshape(1, -1),
        'texBase': face.albedo[:, :, 1:].reshape(3 * len(face.part), -1),
        'tri': face.triangles + 1,
        'point_buf': point_buf + 1,
        'frontmask2_idx': front[:, None] + 1,
        'tri_mask2': region.reshape(-1, 3) + 1,
        'skinmask': face.skin[None],
        'keypoints': keypoints[None] + 1,
        'part': face.part[None],
    }
    return {key: np.ascontiguousarray(value, np.float64 if key == 'exBase' else np.float32)
            for key, value in model.items()}
