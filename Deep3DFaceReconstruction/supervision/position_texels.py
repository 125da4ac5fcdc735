"""Between meshes and position maps: which point of the face each texel shows, and which texels show a vertex."""
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import CAMERA_DISTANCE, CENTER, FOCAL
from Deep3DFaceReconstruction.exports import position
from Deep3DFaceReconstruction.surface import face_atlas, regions


class Texels(NamedTuple):
    """The texels of a map of S x S that show the face, n of them.

    Attributes:
      places: [n] int, row * S + column.
      corners: [n,3] int, vertices of the triangle of each; weights: [n,3] float32, barycentric.
      importance: [n] float32, see exports.position.weight_mask.
      of_vertex: [N] int, for each vertex of the model the nearest texel, as an index into `places`.
    """
    places: np.ndarray
    corners: np.ndarray
    weights: np.ndarray
    importance: np.ndarray
    of_vertex: np.ndarray


def texels_of(model, size=position.SIZE):
    """The Texels of a face_model.FaceModel."""
    atlas = face_atlas.face_atlas(model)
    rows, columns = np.divmod(np.arange(size * size), size)
    centers = np.stack([(columns + 0.5) / size, 1 - (rows + 0.5) / size], axis=1)
    triangle, weights = position.locate(centers, atlas)
    places = np.flatnonzero(triangle >= 0)
    mask = position.weight_mask(model, atlas, regions.build_regions(model), size)
    nearest = cKDTree(centers[places]).query(atlas.uv)[1]
    of_vertex = np.zeros(len(model.meanshape), int)
    of_vertex[atlas.vertices] = nearest
    return Texels(places, np.asarray(model.triangles)[triangle[places]], weights[places].astype(np.float32),
                  mask.ravel()[places], of_vertex)


def mean_map(model, texels, size=position.SIZE):
    """[size,size,3] float32: the map of the mean face, frontal in the middle of the crop; 0 between the charts."""
    points = (model.meanshape - numpy_decoder.mean_offset(model))[texels.corners]
    points = (points * texels.weights[:, :, np.newaxis]).sum(axis=1)
    depth = points[:, 2:] * (FOCAL / CAMERA_DISTANCE)
    result = np.zeros([size * size, 3], np.float32)
    result[texels.places] = np.concatenate([numpy_decoder.project(points), depth], axis=1)
    return result.reshape(size, size, 3)


def vertices_of_map(found, texels):
    """The vertices of a position map [S,S,3]: [N,3] in its units, each where the nearest texel is."""
    return found.reshape(-1, 3)[texels.places[texels.of_vertex]]


def to_mesh_units(vertices):
    """Vertices [N,3] of a map in dm, under the camera's pose: weak perspective at the crop's distance."""
    return (vertices - [CENTER, CENTER, 0]) * (CAMERA_DISTANCE / FOCAL)
