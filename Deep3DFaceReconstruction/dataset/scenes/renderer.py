"""Draws a head in two layers: what is opaque, and what is seen through in part (hair, lashes, lenses)."""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import CENTER, FOCAL, IMAGE_SIZE
from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.tf1 import tf
from mesh_renderer import rasterize_triangles

FINER = 1.5               # the image is drawn so many times as fine
SIDE = int(FINER * IMAGE_SIZE)
_NEAR, _FAR = 1.0, 100.0  # dm


class Camera(NamedTuple):
    """A pinhole camera and the part of its image that the crop is.

    Attributes:
      distance: dm, of the camera from the world's origin; it looks along -z.
      scale: crop pixels per unit of x / depth.
      center: [2] crop pixels, x and y up, of the optical axis.
    """

    distance: float
    scale: float
    center: np.ndarray

    def project(self, points):
        """[...,2] crop pixels, y up, of points [...,3] dm."""
        return self.scale * points[..., :2] / (self.distance - points[..., 2:]) + self.center

    def clip_space(self, points):
        """[V,4] float32 clip coordinates of the crop."""
        depth = self.distance - points[:, 2]
        clip = np.empty((len(points), 4), np.float32)
        clip[:, 0] = self.scale / CENTER * points[:, 0] + (self.center[0] / CENTER - 1) * depth
        clip[:, 1] = self.scale / CENTER * points[:, 1] + (self.center[1] / CENTER - 1) * depth
        clip[:, 2] = ((_FAR + _NEAR) * depth - 2 * _FAR * _NEAR) / (_FAR - _NEAR)
        clip[:, 3] = depth
        return clip


class Drawn(NamedTuple):
    """Images of SIDE x SIDE pixels, row 0 at the top.

    Attributes:
      colour: [S,S,3] float32 RGB, what is opaque, 0 where nothing is; covered: [S,S] float32, 0-1.
      triangle: [S,S] int32, of the opaque mesh, -1 for none; depth: [S,S] float32 dm, large where nothing is.
      thin: [S,S] int32, triangle of the layer in front, where it hides more than half of what is behind, else -1.
      parts: [S,S] uint8, of labels.NAMES, where whoever draws has found them.
    """

    colour: np.ndarray
    covered: np.ndarray
    triangle: np.ndarray
    depth: np.ndarray
    thin: np.ndarray
    parts: object = None


def frame_camera(distance, scale=FOCAL / 10.0):
    """The Camera at a distance (dm) whose crop is not yet placed; at 10 dm it is the decoder's."""
    return Camera(distance, scale * distance, np.array([CENTER, CENTER]))


class Layer(NamedTuple):
    """A mesh to draw: clip [V,4] float32, values [V,4] (RGB and opacity), triangles [F,3] int32."""

    clip: np.ndarray
    values: np.ndarray
    triangles: np.ndarray


class Renderer:
    """Holds the graph that draws; `threads` of TensorFlow share an image, 0 as many as there are cores."""

    def __init__(self, threads=0):
        def build():
            inputs, outputs = {}, []
            for name in ('solid', 'thin'):
                clip, values = (tf.placeholder(tf.float32, [1, None, width], name + part)
                                for width, part in ((4, '_clip'), (5, '_values')))
                triangles = tf.placeholder(tf.int32, [None, 3], name + '_triangles')
                seen = rasterize_triangles.render_attributes(clip, values, triangles, SIDE, SIDE, top_down=True)
                inputs.update({name + '_clip': clip, name + '_values': values, name + '_triangles': triangles})
                outputs.append((seen.image[0], seen.triangle_ids[0]))
            return inputs, tuple(outputs)
        self._draw = GraphFunction(build, tf.ConfigProto(intra_op_parallelism_threads=threads))

    def __call__(self, solid, thin):
        """Drawn of the opaque Layer and of the one that is seen through (or None)."""
        thin = Layer(np.zeros((3, 4), np.float32), np.zeros((3, 4), np.float32), np.array([[0, 1, 2]], np.int32)) \
            if thin is None else thin
        (image, triangle), (front, front_triangle) = self._draw(**dict(_feed('solid', solid), **_feed('thin', thin)))
        covered = np.float32(triangle >= 0)
        depth = np.where(triangle >= 0, image[:, :, 4], np.float32(_FAR))
        colour, hiding = np.ascontiguousarray(image[:, :, :3]), np.full(triangle.shape, -1, np.int32)
        row, column = np.nonzero((front_triangle >= 0) & (front[:, :, 4] < depth))
        over = front[row, column]
        # Colours are multiplied with what covers the background: what is behind is 0 there.
        colour[row, column] += over[:, 3:4] * (over[:, :3] - colour[row, column])
        covered[row, column] = np.maximum(covered[row, column], over[:, 3])
        hiding[row, column] = np.where(over[:, 3] > 0.5, front_triangle[row, column], -1)
        return Drawn(colour, covered, triangle, depth, hiding)


def _feed(name, layer):
    values = np.concatenate([layer.values, layer.clip[:, 3:]], axis=1)
    return {name + '_clip': layer.clip[np.newaxis], name + '_values': values[np.newaxis],
            name + '_triangles': layer.triangles}
