"""How open a place of a surface lies: the share of what it faces that nothing of the surface hides."""
import numpy as np

from Deep3DFaceReconstruction.meshes.normals import vertex_normals
from Deep3DFaceReconstruction.numpy_decoder import sphere

# Directions in which a surface is looked at, evenly over the sphere.
_DIRECTIONS = 80
# Width of the cells of each view, dm; as fine as the triangles of the meshes that this is for.
_CELL = 0.015
# A place faces what lies within this angle of its normal, as a cosine: flatter, its own neighbours hide the view.
_FACING = 0.5
# What hides a point lies further in front of it than this, dm.
_NEARER = 0.03
# Steps along the sides of a triangle to the points that stand for it; a triangle longer than so many cells needs more.
_STEPS, _MANY_STEPS, _LONG = 3, 16, 3


def openness(vertices, triangles, rows):
    """[n] 0-1 for vertices: 1 where nothing hides what they face, 0 in a closed cave.

    Args:
      vertices: [N,3], dm.
      triangles: [F,3] int, what may hide; counter-clockwise as seen from outside.
      rows: [n] int, the vertices that are asked for.
    """
    corners = vertices[triangles]
    is_long = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1) > _LONG * _CELL
    blockers = np.concatenate([np.einsum('sk,fkc->fsc', _samples(steps), chosen).reshape(-1, 3) for steps, chosen in (
        (_STEPS, corners[~is_long]), (_MANY_STEPS, corners[is_long]))])
    normals = vertex_normals(vertices, triangles)[rows]
    total, free = np.zeros(len(rows)), np.zeros(len(rows))
    for direction in sphere(_DIRECTIONS):
        facing = normals.dot(direction)
        asked = np.flatnonzero(facing > _FACING)
        total[asked] += facing[asked]
        free[asked] += facing[asked] * _seen(vertices[rows[asked]], blockers, direction)
    return free / np.maximum(total, 1e-30)


def _samples(steps):
    """[S,3] barycentric coordinates of a grid with so many steps along each side."""
    first, second = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1))
    inside = first + second <= steps
    first, second = first[inside] / steps, second[inside] / steps
    return np.stack([first, second, 1 - first - second], axis=1)


def _seen(points, blockers, direction):
    """[n] bool: no blocker lies in front of a point, seen against a direction."""
    side = np.cross(direction, np.eye(3)[np.abs(direction).argmin()])
    plane = np.stack([side, np.cross(direction, side)], axis=1) / np.linalg.norm(side)
    places = np.floor(np.concatenate([blockers, points]).dot(plane) / _CELL).astype(np.int64)
    places -= places.min(axis=0)
    cell = places[:, 0] * (places[:, 1].max() + 1) + places[:, 1]
    depth = blockers.dot(direction)
    order = np.argsort(depth)
    front = np.full(cell.max() + 1, -np.inf)
    front[cell[order]] = depth[order]  # the foremost comes last and stays
    return points.dot(direction) >= front[cell[len(blockers):]] - _NEARER
