"""A reconstruction onto a scan: crop around the nose tip, ICP with isotropic scale, distances.

ICP (Besl & McKay 1992; with scale: Zinsser et al. 2005) moves the scan's points onto the reconstruction's surface, as
the distances are measured at the scan's points; the inverse moves the reconstruction. Points whose closest point lies
on the reconstruction's rim do not pull (Turk & Levoy 1994), but are measured.
"""
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.meshes.closest_surface import closest_points, on_rim

# Points of the scan that ICP uses, its rounds, and the change of the mean square distance (mm^2) at which it stops.
ICP_POINTS, ICP_ROUNDS, ICP_CHANGE = 3000, 50, 1e-7
_POINT_ROUNDS = 10
_FEWEST_POINTS = 50


class Mesh(NamedTuple):
    """Vertices [N,3] float64, millimetres, and triangles [F,3] int from 0."""
    vertices: np.ndarray
    triangles: np.ndarray


class Distances(NamedTuple):
    """How far a cropped scan is from an aligned reconstruction.

    Attributes:
      plane: [M] mm, from each point of the scan to the plane of the closest triangle.
      point: [M] mm, to the nearest vertex.
      outside: share of the points whose closest point is on the reconstruction's rim.
    """
    plane: np.ndarray
    point: np.ndarray
    outside: float


def crop(mesh, center, radius):
    """The part of a Mesh whose vertices lie within a radius (mm) of a point [3].

    Raises:
      InputError: hardly anything is left, as where the unit or the point is wrong.
    """
    kept = np.linalg.norm(mesh.vertices - center, axis=1) <= radius
    if kept.sum() < _FEWEST_POINTS:
        raise InputError('expected a scan with at least %d vertices within %g mm of the nose tip, got %d'
                         % (_FEWEST_POINTS, radius, kept.sum()))
    number = np.cumsum(kept) - 1
    inside = kept[mesh.triangles].all(axis=1)
    return Mesh(mesh.vertices[kept], number[mesh.triangles[inside]])


def transform(matrix, points):
    """Points [N,3] through a matrix [4,4] for column vectors."""
    return points.dot(matrix[:3, :3].T) + matrix[:3, 3]


def similarity_matrix(scale, rotation, shift):
    """[4,4] for column vectors of what meshes.registration.similarity returns."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = scale * rotation.T, shift
    return matrix


def icp(scan, face, initial):
    """The similarity that brings a reconstruction onto a scan.

    Args:
      scan: [M,3] mm, its points.
      face: Mesh of the reconstruction.
      initial: [4,4] for column vectors, about right: face to scan.
    Returns:
      [4,4], face to scan.
    """
    from trimesh.registration import procrustes

    chosen = scan[np.random.RandomState(0).permutation(len(scan))[:ICP_POINTS]]
    to_face = np.linalg.inv(initial)
    best, former = to_face, np.inf
    for number in range(ICP_ROUNDS):
        moved, goal, normals = _pulling(transform(to_face, chosen), face)
        # In the scan's size, which a shrinking scan would otherwise make small.
        cost = ((moved - goal) ** 2).sum(axis=1).mean() / scale_of(to_face) ** 2
        if number > _POINT_ROUNDS and former - cost < ICP_CHANGE:
            break
        best, former = to_face, cost
        step = (procrustes(moved, goal, reflection=False, return_cost=False) if number < _POINT_ROUNDS
                else plane_step(moved, goal, normals))
        to_face = step.dot(to_face)
    return np.linalg.inv(best)


def _pulling(moved, face):
    """(points, their closest points, the unit normals there), each [K,3], without those on the rim."""
    closest = closest_points(moved, face.vertices, face.triangles)
    normals, length = _normals(face, closest)
    kept = ~on_rim(closest, face.triangles) & (length > 0)
    if kept.sum() < _FEWEST_POINTS:
        raise InputError('expected a scan that lies on the reconstruction, got one beside it')
    return moved[kept], _places(face, closest)[kept], normals[kept]


def plane_step(points, goal, normals):
    """The similarity [4,4] that brings points nearest to the planes through goals, linearised (all [K,3])."""
    center = points.mean(axis=0)
    arm = points - center
    system = np.column_stack([np.cross(arm, normals), (arm * normals).sum(axis=1), normals])
    solution = np.linalg.lstsq(system, ((goal - points) * normals).sum(axis=1), rcond=None)[0]
    # For row vectors, as transform has them transposed.
    rotation = Rotation.from_rotvec(solution[:3]).as_matrix().T
    scale = np.exp(solution[3])
    return similarity_matrix(scale, rotation, center + solution[4:] - scale * center.dot(rotation))


def scale_of(matrix):
    """The isotropic scale of a similarity [4,4]."""
    return float(np.linalg.det(matrix[:3, :3]) ** (1 / 3))


def distances(scan, face):
    """Distances of a scan from a reconstruction that is aligned already; both Mesh."""
    closest = closest_points(scan.vertices, face.vertices, face.triangles)
    normals, length = _normals(face, closest)
    plane = np.abs(((scan.vertices - _places(face, closest)) * normals).sum(axis=1))
    plane = np.where(length > 0, plane, closest.distance)
    point = cKDTree(face.vertices).query(scan.vertices)[0]
    return Distances(plane, point, float(on_rim(closest, face.triangles).mean()))


def _places(face, closest):
    """[P,3]: where the closest points are."""
    return np.einsum('pk,pkc->pc', closest.weights, face.vertices[face.triangles[closest.triangle]])


def _normals(face, closest):
    """(unit normals [P,3] of the closest triangles, length [P] of their cross products: 0 where there is no normal)."""
    corners = face.vertices[face.triangles[closest.triangle]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1)
    return normals / np.where(length > 0, length, 1)[:, np.newaxis], length
