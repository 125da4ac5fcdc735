"""UV position maps, as PRNet (Feng et al. 2018) has them, and dense alignment: where any UV is in the photo."""
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction.photo.camera import in_camera, project
from Deep3DFaceReconstruction.surface.rasterizer import rasterize_texture, visible_points
from Deep3DFaceReconstruction.surface.regions import BROWS, EYES, LIPS, MOUTH, NOSE, is_below_jaw, region_of
from Deep3DFaceReconstruction.system.files import atomic_write
from Deep3DFaceReconstruction.system.png import write_png

SIZE = 256
# PRNet's weights of its four classes of texels; 0 also where no face is.
LANDMARK_WEIGHT, FEATURE_WEIGHT, FACE_WEIGHT, NECK_WEIGHT = 16, 4, 3, 0
# Texels around a landmark, in a map of 256, that count as the landmark.
_LANDMARK_RADIUS = 1.5
# Side of the table in which the triangle at a UV is looked up first.
_TABLE = 2048
_SLACK = 1e-4
_NEIGHBOURS = 32


class DenseAlignment(NamedTuple):
    """Points of a face's surface, given by texture coordinates."""
    points: np.ndarray   # [K,3] mesh units; NaN where the UV is not on the face
    pixels: np.ndarray   # [K,2] of the camera's image, y down; NaN likewise
    visible: np.ndarray  # [K] bool: in the image, and nothing in front


def position_map(camera, points, atlas, size=SIZE):
    """Where each texel's point of the face is in the photo.

    Args:
      camera: camera.Camera of the photo; points: [N,3] mesh points, dm; atlas: face_atlas.FaceAtlas.
      size: side in texels.
    Returns:
      [size,size,3] float32: x and y in pixels of the photo, y down; z in pixels too, towards the camera, 0 at the depth
      of the mesh's origin. NaN between the charts. Row 0 is v = 1.
    """
    placed = in_camera(camera, points)
    drawn = rasterize_texture(atlas.uv, placed[atlas.vertices], atlas.triangles, size)
    values = drawn.values.astype(np.float64)
    with np.errstate(divide='ignore', invalid='ignore'):
        pixels = values.dot(camera.K.T)[:, :, :2] / values[:, :, 2:]
    height = (camera.t[2] - values[:, :, 2:]) * camera.K[0, 0] / camera.t[2]
    result = np.concatenate([pixels, height], axis=2).astype(np.float32)
    result[drawn.triangle_ids < 0] = np.nan
    return result


def position_preview(position):
    """[S,S,3] uint8: x, y, z of a position map as red, green, blue, each 1-255 over its range; 0 between the charts."""
    known = np.isfinite(position[:, :, 0])
    image = np.zeros(position.shape, np.uint8)
    if known.any():
        found = position[known]
        low, span = found.min(axis=0), np.maximum(np.ptp(found, axis=0), 1e-6)
        image[known] = np.rint(1 + 254 * (found - low) / span)
    return image


def weight_mask(model, atlas, regions, size=SIZE):
    """[size,size] float32 weights of a position map's texels: landmarks 16, eyes to mouth 4, rest of face 3, neck 0.

    Args:
      model: face_model.FaceModel; atlas: its FaceAtlas; regions: its regions.Regions; size: side in texels.
    """
    values = np.concatenate([model.meanshape, regions.hidden[:, np.newaxis]], axis=1)[atlas.vertices]
    drawn = rasterize_texture(atlas.uv, values, atlas.triangles, size)
    face = drawn.triangle_ids >= 0
    mean, hidden = drawn.values[face, :3], drawn.values[face, 3]
    region = region_of(regions, mean, hidden)
    weights = np.where(is_below_jaw(regions, mean), NECK_WEIGHT, FACE_WEIGHT)
    weights[np.isin(region, (LIPS, EYES, BROWS, NOSE, MOUTH))] = FEATURE_WEIGHT
    result = np.zeros([size, size], np.float32)
    result[face] = weights
    rows, columns = np.nonzero(face)
    for vertex in model.keypoints:
        for uv in atlas.uv[atlas.vertices == vertex]:
            distance = np.hypot(columns + 0.5 - uv[0] * size, rows + 0.5 - (1 - uv[1]) * size)
            near = distance < _LANDMARK_RADIUS * size / SIZE
            result[rows[near], columns[near]] = LANDMARK_WEIGHT
    return result


def dense_alignment(uv, camera, points, triangles, atlas):
    """The points of a face at texture coordinates, and whether the photo shows them.

    For example, the photo's pixel of every texel of a drawing made in the atlas; the same UV is the same place of every
    face of the model.

    Args:
      uv: [K,2] float, v up; camera: camera.Camera; points: [N,3] mesh points; triangles: [F,3] int, the model's.
      atlas: face_atlas.FaceAtlas.
    Returns:
      DenseAlignment.
    """
    uv = np.asarray(uv, np.float64)
    triangle, weights = locate(uv, atlas)
    found = triangle >= 0
    result = np.full([len(uv), 3], np.nan)
    corners = np.asarray(points, np.float64)[np.asarray(triangles)[triangle[found]]]
    result[found] = (corners * weights[found][:, :, np.newaxis]).sum(axis=1)
    pixels, visible = np.full([len(uv), 2], np.nan), np.zeros(len(uv), bool)
    if found.any():
        pixels[found] = project(camera, result[found])[0]
        visible[found] = visible_points(camera, points, triangles, result[found])
    return DenseAlignment(result, pixels, visible)


def locate(uv, atlas):
    """(triangle [K] int, -1 where none; barycentric weights [K,3]) of texture coordinates [K,2]."""
    uv = np.asarray(uv, np.float64)
    table = rasterize_texture(atlas.uv, np.zeros([len(atlas.uv), 1]), atlas.triangles, _TABLE).triangle_ids
    column = np.floor(uv[:, 0] * _TABLE).astype(int)
    row = np.floor((1 - uv[:, 1]) * _TABLE).astype(int)
    inside = (row >= 0) & (row < _TABLE) & (column >= 0) & (column < _TABLE)
    first = np.where(inside, table[np.clip(row, 0, _TABLE - 1), np.clip(column, 0, _TABLE - 1)], -1)
    best, weights = _best(uv, first[:, np.newaxis], atlas)
    # At a border, or where triangles are smaller than a texel, it is another one nearby.
    missed = np.flatnonzero((best < 0) & np.isfinite(uv).all(axis=1))
    if len(missed):
        middles = cKDTree(atlas.uv[atlas.triangles].mean(axis=1))
        count = min(_NEIGHBOURS, len(atlas.triangles))
        near = middles.query(uv[missed], count)[1].reshape(len(missed), count)
        best[missed], weights[missed] = _best(uv[missed], near, atlas)
    return best, weights


def _best(uv, candidates, atlas):
    """The one of a few triangles [K,C] that holds each point, and the point's weights in it."""
    count = candidates.shape[1]
    corners = atlas.uv[atlas.triangles[candidates.ravel()]].astype(np.float64)
    weights = _barycentric(np.repeat(uv, count, axis=0), corners).reshape(len(uv), count, 3)
    lowest = np.where(candidates >= 0, weights.min(axis=2), -np.inf)
    choice, rows = lowest.argmax(axis=1), np.arange(len(uv))
    held = lowest[rows, choice] >= -_SLACK
    return np.where(held, candidates[rows, choice], -1), weights[rows, choice] * held[:, np.newaxis]


def _barycentric(points, corners):
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]

    def cross(p, q):
        return p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]
    whole = cross(b - a, c - a)
    whole = np.where(np.abs(whole) > 1e-20, whole, np.inf)
    second, third = cross(points - a, c - a) / whole, cross(b - a, points - a) / whole
    return np.stack([1 - second - third, second, third], axis=1)


def write_position(stem, found):
    """Writes a position map [S,S,3] as STEM_position.npy, and STEM_position.png to look at.

    Raises:
      OSError: the folder cannot be written.
    """
    with atomic_write(stem + '_position.npy') as temporary, open(temporary, 'wb') as stream:
        np.save(stream, found, allow_pickle=False)
    write_png(stem + '_position.png', position_preview(found))
