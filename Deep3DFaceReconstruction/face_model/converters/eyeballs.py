"""Eyeballs for a converted face: spheres where the source has its own, coloured as another model's by where they look.

A source's eyeballs may have a cornea, poles with many triangles and an iris behind; all that a face model needs of
them is where they are in each shape. They move with identity alone: gaze is no part of an expression (face_model/eyes).
"""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.meshes import closest_surface, subdivision
from Deep3DFaceReconstruction.meshes.registration import sphere_fit

# Among the 68, from 0: the lids of the right and of the left eye.
_LIDS = (slice(36, 42), slice(42, 48))
# An eyeball's centre lies behind the middle of its lids, no further than this, and beside it by less (dm).
_DEEP, _BESIDE = 0.35, 0.15
# Seen between the lids: what lies within this angle of the line of sight, as a cosine.
_FRONT = 0.5
# A cube, refined so often.
_LEVELS = 4
_CUBE = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])


class Eyeball(NamedTuple):
    """An eyeball of a converted model.

    Attributes:
      shapes: [K,n,3] dm: the mean, then what each component moves.
      triangles: [t,3] int, from 0, counter-clockwise as seen from outside.
      front: [n] bool, what may be seen between the lids.
      turns: [K,3] how each component turns the source's eyeball: rotation vectors, radians.
    """

    shapes: np.ndarray
    triangles: np.ndarray
    front: np.ndarray
    turns: np.ndarray


def eyeball(shapes, identities):
    """The Eyeball in the place of a source's.

    Args:
      shapes: [K,m,3] the source's vertices in the program's frame, dm: mean, identities, expressions.
      identities: number of identities; what comes behind moves the new eyeball not at all.
    """
    directions, triangles = _sphere()
    centre, radius = sphere_fit(shapes[0])
    away = shapes[0] - centre
    squared = (away ** 2).sum()
    result, turns = np.zeros((len(shapes),) + directions.shape), np.zeros([len(shapes), 3])
    result[0] = centre + radius * directions
    for row, moved in enumerate(shapes[1:], 1):
        shift = moved.mean(axis=0)
        turns[row] = 1.5 * np.cross(away, moved - shift).sum(axis=0) / squared  # of a sphere's points
        if row <= identities:
            result[row] = shift + (away * (moved - shift)).sum() / squared * radius * directions
    return Eyeball(result, triangles, directions[:, 2] > _FRONT, turns)


def _sphere():
    """(directions [n,3], triangles [t,3]) of a sphere without poles."""
    corners = np.stack(np.meshgrid([-1.0, 1], [-1.0, 1], [-1.0, 1], indexing='ij'), axis=3).reshape(8, 3)
    quads, matrix = subdivision.subdivide(_CUBE, 8, _LEVELS)
    points = matrix.dot(corners)
    directions, triangles = points / np.linalg.norm(points, axis=1, keepdims=True), subdivision.split_quads(quads)
    first = directions[triangles[0]]
    outwards = np.cross(first[1] - first[0], first[2] - first[0]).dot(first[0]) > 0
    return directions, triangles if outwards else triangles[:, ::-1]


def check_places(balls, landmarks, source):
    """Refuses eyeballs that do not lie behind the lids.

    Args:
      balls: the two eyeballs' vertices [n,3] in the program's frame, right one first.
      landmarks: [68,3] there.
      source: named in the message.
    Raises:
      FaceModelError.
    """
    for name, ball, lids in zip(('right', 'left'), balls, _LIDS):
        away = sphere_fit(ball)[0] - landmarks[lids].mean(axis=0)
        if np.abs(away[:2]).max() > _BESIDE or not -_DEEP < away[2] < 0:
            raise FaceModelError('%s: expected the %s eyeball behind its lids, got its centre %.2f, %.2f, %.2f dm '
                                 'away (right, up, to the front)' % ((source, name) + tuple(away)))


def colours(source, part, vertices):
    """Albedo and its components for an eyeball.

    Two points of eyeballs correspond that lie at the same distance from the line of sight: an iris keeps its size
    whatever the radius of the ball.

    Args:
      source: albedo_transfer.AlbedoSource.
      part: number of the eyeball among the source's parts.
      vertices: [n,3] the eyeball, dm.
    Returns:
      [n,3,1+K] float32: the mean, then the components.
    """
    triangles = source.of_part(part)
    mine = source.vertices[np.unique(triangles)]
    centre, radius = sphere_fit(mine[mine[:, 2] > np.median(mine[:, 2])])
    own_centre, own_radius = sphere_fit(vertices)
    away = vertices - own_centre
    across = np.linalg.norm(away[:, :2], axis=1)
    goal = away * (radius / own_radius)
    seen = (away[:, 2] > 0) & (across < radius)
    goal[seen, :2], goal[seen, 2] = away[seen, :2], np.sqrt(radius ** 2 - across[seen] ** 2)
    closest = closest_surface.closest_points(goal + centre, source.vertices, triangles)
    return source.at(closest, triangles)
