"""Draws meshes as arrays with the project's own kernel: which triangle a pixel sees, and interpolated values there."""
import functools
import math
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.photo.camera import in_camera, project
from Deep3DFaceReconstruction.tf1 import tf
from mesh_renderer import rasterize_triangles

# A larger image is drawn in tiles of at most this side; a tile's side is a multiple of STEP, so that few graphs exist.
MAX_TILE = 1024
STEP = 128
GRAPHS = 32

# The longer side of the image in which visibility is decided, and how far behind its surface a point still counts (dm).
VISIBILITY_SIDE = 768
VISIBLE_BEHIND = 0.02


class Window(NamedTuple):
    """A rectangle of an image in pixels: columns [left, right), rows [top, bottom)."""
    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self):
        """(rows, columns) to take it from an array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def is_empty(self):
        return self.left >= self.right or self.top >= self.bottom


class Raster(NamedTuple):
    """A drawn window of h x w pixels, row 0 at the top."""
    triangle_ids: np.ndarray  # [h,w] int32, the triangle that is seen; -1 where none is
    values: np.ndarray        # [h,w,A] float32, 0 where no triangle is seen


def mesh_window(camera, points, margin=1):
    """The Window of the camera's image that holds the mesh points [N,3]; empty where it is not in the image."""
    placed = in_camera(camera, points)
    width, height = camera.size
    if (placed[:, 2] <= 0).any():
        return Window(0, 0, width, height)
    pixels = placed.dot(camera.K.T)
    pixels = pixels[:, :2] / pixels[:, 2:]
    if not np.isfinite(pixels).all():
        return Window(0, 0, 0, 0)
    low = np.floor(pixels.min(axis=0)) - margin
    high = np.ceil(pixels.max(axis=0)) + margin + 1
    limits = [width, height]
    return Window(*[int(value) for value in np.concatenate([np.clip(low, 0, limits), np.clip(high, 0, limits)])])


def tiles(window, side=MAX_TILE):
    """Windows of at most side x side pixels that cover a window."""
    return [Window(left, top, min(left + side, window.right), min(top + side, window.bottom))
            for top in range(window.top, window.bottom, side) for left in range(window.left, window.right, side)]


def rasterize(camera, points, values, triangles, window=None):
    """Draws a mesh as the camera sees it.

    Args:
      camera: camera.Camera.
      points: [N,3] float, mesh units.
      values: [N,A] float, interpolated (perspective-correct).
      triangles: [F,3] int.
      window: Window of the camera's image; None: all of it.
    Returns:
      Raster of the window. Memory: 4 (A + 4) bytes a pixel.
    """
    window = Window(0, 0, *camera.size) if window is None else window
    placed = in_camera(camera, points)
    shape = (max(window.bottom - window.top, 0), max(window.right - window.left, 0))
    values, triangles = _checked(values, triangles, len(placed))
    result = Raster(np.full(shape, -1, np.int32), np.zeros(shape + (values.shape[1],), np.float32))
    for tile in tiles(window):
        width, height = _padded(tile.right - tile.left), _padded(tile.bottom - tile.top)
        clip = _clip_space(camera.K, placed, tile, width, height)
        part = _draw(clip, values, triangles, width, height)
        rows = slice(tile.top - window.top, tile.bottom - window.top)
        columns = slice(tile.left - window.left, tile.right - window.left)
        for whole, drawn in zip(result, part):
            whole[rows, columns] = drawn[:tile.bottom - tile.top, :tile.right - tile.left]
    return result


def visible_points(camera, points, triangles, queries, behind=VISIBLE_BEHIND):
    """Which points of a mesh's surface the camera sees: in the image, and nothing in front of them.

    Args:
      camera: camera.Camera.
      points: [N,3] float; triangles: [F,3] int: the mesh, decimetres.
      queries: [Q,3] float, points on its surface.
      behind: decimetres by which a point may lie behind what is drawn there.
    Returns:
      [Q] bool.
    """
    window = mesh_window(camera, points)
    longest = max(window.right - window.left, window.bottom - window.top)
    if window.is_empty:
        return np.zeros(len(queries), bool)
    small = resized(camera, min(1.0, VISIBILITY_SIDE / longest))
    window = mesh_window(small, points)
    depth = in_camera(small, points)[:, 2:]
    drawn = rasterize(small, points, depth, triangles, window)
    surface = np.where(drawn.triangle_ids >= 0, drawn.values[:, :, 0], np.inf)
    pixels, depth = project(small, queries)
    inside = ((pixels > -0.5) & (pixels < np.array(small.size) - 0.5)).all(axis=1) & (depth > 0)
    column, row = np.rint(np.where(inside[:, None], pixels, 0) - [window.left, window.top]).astype(int).T
    limit = np.array(surface.shape) - 1
    around = [surface[np.clip(row + down, 0, limit[0]), np.clip(column + right, 0, limit[1])]
              for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return inside & (depth <= np.max(around, axis=0) + behind)


def resized(camera, factor):
    """The camera of the same image resized by a factor; its size is rounded up."""
    scale = np.diag([factor, factor, 1.0])
    scale[:2, 2] = 0.5 * factor - 0.5  # edges keep their places
    size = tuple(max(int(math.ceil(length * factor)), 1) for length in camera.size)
    return camera._replace(K=scale.dot(camera.K), size=size)


def rasterize_texture(uv, values, triangles, size):
    """Draws an atlas: what each texel of a square texture belongs to.

    Args:
      uv: [M,2] float in 0-1, v up.
      values: [M,A] float.
      triangles: [F,3] int, indices into uv.
      size: the texture's side in texels.
    Returns:
      Raster of [size,size]; row 0 is v = 1.
    """
    values, triangles = _checked(values, triangles, len(uv))
    result = Raster(np.full([size, size], -1, np.int32), np.zeros([size, size, values.shape[1]], np.float32))
    for tile in tiles(Window(0, 0, size, size)):
        width, height = _padded(tile.right - tile.left), _padded(tile.bottom - tile.top)
        clip = np.ones([len(uv), 4], np.float32)
        clip[:, 0] = 2 * (uv[:, 0] * size - tile.left) / width - 1
        clip[:, 1] = 1 - 2 * ((1 - uv[:, 1]) * size - tile.top) / height
        clip[:, 2] = 0
        part = _draw(clip, values, triangles, width, height)
        for whole, drawn in zip(result, part):
            whole[tile.slices] = drawn[:tile.bottom - tile.top, :tile.right - tile.left]
    return result


def _checked(values, triangles, count):
    values = np.asarray(values, np.float32)
    triangles = np.ascontiguousarray(triangles, np.int32)
    if values.ndim != 2 or len(values) != count:
        raise ValueError('values: expected one row for each of %d points, got shape %s' % (count, list(values.shape)))
    return values, triangles


def _padded(length):
    return int(math.ceil(length / STEP)) * STEP


def _clip_space(K, placed, tile, width, height):
    """[N,4] float32 clip coordinates in a tile of width x height pixels, of points [N,3] in the camera's frame."""
    depth = placed[:, 2]
    ahead = depth[depth > 0]
    near, far = (0.5 * ahead.min(), 2 * ahead.max()) if len(ahead) else (1.0, 2.0)
    clip = np.empty([len(placed), 4])
    pixel_x = K[0, 0] * placed[:, 0] + (K[0, 2] + 0.5 - tile.left) * depth
    pixel_y = K[1, 1] * placed[:, 1] + (K[1, 2] + 0.5 - tile.top) * depth
    clip[:, 0] = 2 * pixel_x / width - depth
    clip[:, 1] = depth - 2 * pixel_y / height
    clip[:, 2] = (far + near) / (far - near) * depth - 2 * far * near / (far - near)
    clip[:, 3] = depth
    return clip.astype(np.float32)


def _draw(clip, values, triangles, width, height):
    ids, drawn = _drawing(width, height)(clip=clip[np.newaxis], values=values[np.newaxis], triangles=triangles)
    return Raster(ids[0], drawn[0])


@functools.lru_cache(maxsize=GRAPHS)
def _drawing(width, height):
    """A GraphFunction that draws an image of this size."""
    def build():
        inputs = {'clip': tf.placeholder(tf.float32, [1, None, 4]),
                  'values': tf.placeholder(tf.float32, [1, None, None]),
                  'triangles': tf.placeholder(tf.int32, [None, 3])}
        drawn = rasterize_triangles.render_attributes(
            inputs['clip'], inputs['values'], inputs['triangles'], width, height, top_down=True)
        return inputs, (drawn.triangle_ids, drawn.image)
    return GraphFunction(build)
