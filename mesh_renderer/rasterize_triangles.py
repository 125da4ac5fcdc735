"""Rasterization of triangle meshes, differentiable in what the pixels show.

Conventions. Clip space is xyzw, X right, Y up, in front of the eye where w > 0; what is on screen has
-w <= x, y, z <= w. A pixel (row, column) is sampled at its centre; row 0 is the bottom (y = -1), or the top
with top_down=True, which costs nothing. Both windings are drawn, an edge counts as inside, the nearest
triangle is seen and the later one among equally near. z outside [-1, 1] is clipped pixel by pixel, and of a
triangle that crosses the eye plane the part in front is drawn. Degenerate triangles and triangles with a NaN
or infinite coordinate are never drawn. Coordinates whose products leave the range of float32 may not
be drawn. Coverage is decided in float32, as in the published renderer: neighbouring triangles share their edges
to the bit, but where triangles are smaller than about a thousandth of the view, as in a mesh of ten million, the
corners lose accuracy and about 2 % of the pixels are left open.

Gradients. Which triangle a pixel sees is held fixed; the gradient is that of the barycentric coordinates of
the pixel centre in this triangle. What that leaves out matters where it is large:
- A pixel at a silhouette or an occlusion edge would change colour in a jump when the edge passes its centre.
  This has no gradient here: a loss that can only fall by growing, shrinking or uncovering a surface gets no
  pull from the pixels outside it. Textured or shaded surfaces are pulled by their inner pixels; silhouettes
  need another term (landmarks, a mask) or blurred images.
- Masks, triangle ids and z-buffer have no gradient, and neither has the z coordinate of a vertex.
- A triangle seen edge on has large gradients: barycentric coordinates grow without bound as its area on
  screen vanishes.

Cost. Memory is O(B*H*W + B*V + T); images (and bands of an image, where there are fewer images than
threads) are shared out among TensorFlow's intra-op threads. Results are the same to the bit whatever the
number of threads, forward and backward, and on every x86-64 processor.
"""
from typing import NamedTuple

import numpy as np

from mesh_renderer import camera_utils, checks
from mesh_renderer.kernels import library
from mesh_renderer.tf1 import tf


class RasterizedTriangles(NamedTuple):
    """What each pixel sees: [H,W,...], or [B,H,W,...] where the vertices have a batch axis."""
    barycentric_coordinates: tf.Tensor  # [...,3] float32, perspective-correct, in [0, 1], sum 1; 0 in the background
    triangle_ids: tf.Tensor             # [...] int32; 0 in the background
    z_buffer: tf.Tensor                 # [...] float32, normalised device z in [-1, 1]; 1 in the background


class RenderedAttributes(NamedTuple):
    """The image of a mesh and what each of its pixels sees; only `image` has a gradient."""
    image: tf.Tensor         # [B,H,W,A] float32, 0 in the background
    mask: tf.Tensor          # [B,H,W,1] float32, 1 where a triangle is seen, else 0
    region_mask: tf.Tensor   # [B,H,W,1] float32, 1 where the region would be seen if it were rendered alone; or None
    triangle_ids: tf.Tensor  # [B,H,W] int32, -1 in the background
    z_buffer: tf.Tensor      # [B,H,W] float32, 1 in the background


# Bits of the kernel's roles: see kernels/rasterize.h.
_DRAW, _REGION = 1, 2


def rasterize_triangles(clip_space_vertices, triangles, image_width, image_height):
    """Which triangle every pixel sees, and where on it.

    Args:
        clip_space_vertices: [V,4] or [B,V,4] float32.
        triangles: [T,3] int32, indices into V. One list for the whole batch.
        image_width, image_height: pixels, Python integers from 1 to 32767.

    Returns:
        RasterizedTriangles; the gradient flows through barycentric_coordinates.

    Raises:
        ValueError, TypeError: a wrong rank, width or type, or an image size that is not such an integer.
        tf.errors.InvalidArgumentError (when run): an index out of range.
    """
    vertices, batched = _batched(clip_space_vertices, 'clip_space_vertices', 4)
    triangles = checks.triangle_tensor(triangles, 'triangles')
    seen = _visible(vertices, triangles, None, image_width, image_height, False)
    barycentrics = library.ops().mesh_barycentrics(vertices, triangles, seen.triangle_ids)
    result = RasterizedTriangles(barycentrics, tf.maximum(seen.triangle_ids, 0), seen.z_buffer)
    return result if batched else RasterizedTriangles(*[tf.squeeze(x, axis=0) for x in result])


def rasterize(world_space_vertices, attributes, triangles, camera_matrices, image_width, image_height,
              background_value):
    """Interpolates vertex attributes over the image of a mesh.

    Args:
        world_space_vertices: [B,V,3] float32.
        attributes: [B,V,A] float32.
        triangles: [T,3] int32.
        camera_matrices: [B,4,4] float32, world to clip space, for column vectors.
        image_width, image_height: pixels, Python integers from 1 to 32767.
        background_value: [A], what pixels outside all triangles show.

    Returns:
        [B,H,W,A] float32, row 0 at the bottom.

    Raises:
        As rasterize_triangles.
    """
    clip_space_vertices = camera_utils.transform_homogeneous(camera_matrices, world_space_vertices)
    return rasterize_clip_space(clip_space_vertices, attributes, triangles, image_width, image_height,
                                background_value)


def rasterize_clip_space(clip_space_vertices, attributes, triangles, image_width, image_height,
                         background_value):
    """As rasterize, for vertices that are in clip space already.

    Args:
        clip_space_vertices: [B,V,4] float32 (or [V,4] with attributes [V,A]; the result is [H,W,A]).
        attributes, triangles, image_width, image_height, background_value: as rasterize.

    Returns:
        [B,H,W,A] float32, row 0 at the bottom. The gradient flows to clip_space_vertices and attributes.

    Raises:
        As rasterize_triangles.
    """
    vertices, attributes, batched = _mesh(clip_space_vertices, attributes)
    triangles = checks.triangle_tensor(triangles, 'triangles')
    channels = None if attributes.shape.ndims is None else attributes.shape.as_list()[-1]
    background = checks.float_input(background_value, 'background_value', 1, channels, kernel_checks=True)
    seen = _visible(vertices, triangles, None, image_width, image_height, False)
    image = library.ops().mesh_interpolate(vertices, attributes, triangles, seen.triangle_ids, background)
    return image if batched else tf.squeeze(image, axis=0)


def render_attributes(clip_space_vertices, attributes, triangles, image_width, image_height,
                      region_triangles=None, top_down=False):
    """The image of a mesh, its mask, and the mask of a part of it, in one pass.

    Args:
        clip_space_vertices: [B,V,4] float32.
        attributes: [B,V,A] float32.
        triangles: [T,3] int32.
        image_width, image_height: pixels, Python integers from 1 to 32767.
        region_triangles: [F,3] int32, indices into V, or None. Usually some of `triangles` (this is found out
            where both are arrays, and costs nothing when run); others take part in region_mask alone.
        top_down: row 0 is the top of the image, not the bottom.

    Returns:
        RenderedAttributes; the gradient flows through image alone, to clip_space_vertices and attributes. A pixel of
        region_mask is 1 whether or not the rest of the mesh hides the region there.

    Raises:
        As rasterize_triangles.
    """
    vertices, attributes, batched = _mesh(clip_space_vertices, attributes)
    if not batched:
        raise ValueError('clip_space_vertices: expected a batch, [batch, vertices, 4], got %s' % (
            vertices.shape.as_list()[1:]))
    triangles, roles = _with_region(triangles, region_triangles)
    seen = _visible(vertices, triangles, roles, image_width, image_height, top_down)
    background = tf.zeros([tf.shape(attributes)[2]])
    image = library.ops().mesh_interpolate(vertices, attributes, triangles, seen.triangle_ids, background,
                                           top_down=top_down)
    region_mask = None if roles is None else seen.region_mask[..., tf.newaxis]
    return RenderedAttributes(image, seen.mask[..., tf.newaxis], region_mask, seen.triangle_ids,
                              seen.z_buffer)


def _visible(vertices, triangles, roles, image_width, image_height, top_down):
    return library.ops().mesh_rasterize(
        vertices, triangles, tf.zeros([0], tf.uint8) if roles is None else roles,
        image_width=checks.image_size(image_width, 'image_width'),
        image_height=checks.image_size(image_height, 'image_height'), top_down=top_down, with_region=roles is not None)


def _batched(value, name, width):
    """`value` as a [B,V,width] tensor, and whether it has a batch axis already; width None: any."""
    tensor = checks.float_tensor(value, name)
    if tensor.shape.ndims == 2:
        return checks.require_rank(tensor, 2, width, name)[tf.newaxis], False
    return checks.require_rank(tensor, 3, width, name, kernel_checks=True), True


def _mesh(clip_space_vertices, attributes):
    """Both as batches, checked against each other as far as their static shapes tell."""
    vertices, batched = _batched(clip_space_vertices, 'clip_space_vertices', 4)
    attributes, attributes_batched = _batched(attributes, 'attributes', None)
    if batched != attributes_batched:
        raise ValueError('attributes: expected rank %d, as clip_space_vertices has, got rank %d' % (
            2 + batched, 2 + attributes_batched))
    checks.require_same_vertices(attributes, vertices, 'attributes', 'clip_space_vertices')
    return vertices, attributes, batched


def _with_region(triangles, region_triangles):
    """Triangles and their roles (None without a region).

    Triangles of the region that do not belong to the mesh are appended and count for the region alone.
    """
    if region_triangles is None:
        return checks.triangle_tensor(triangles, 'triangles'), None
    mesh = checks.triangle_array(triangles, 'triangles')
    region = checks.triangle_array(region_triangles, 'region_triangles')
    if mesh is None or region is None:
        mesh = checks.triangle_tensor(triangles, 'triangles')
        region = checks.triangle_tensor(region_triangles, 'region_triangles')
        roles = tf.concat([tf.fill([tf.shape(mesh)[0]], tf.constant(_DRAW, tf.uint8)),
                           tf.fill([tf.shape(region)[0]], tf.constant(_REGION, tf.uint8))], axis=0)
        return tf.concat([mesh, region], axis=0), roles
    in_region = _rows_in(mesh, region)
    extra = region[~_rows_in(region, mesh)]
    roles = np.concatenate([np.where(in_region, _DRAW | _REGION, _DRAW), np.full(len(extra), _REGION)])
    return tf.constant(np.concatenate([mesh, extra])), tf.constant(roles.astype(np.uint8))


def _rows_in(rows, others):
    """[T] bool: which triangles of `rows` are among `others`, whatever the order of their corners."""
    first, second, third = np.sort(np.concatenate([rows, others]), axis=1).astype(np.int64).T
    # Numbers of 63 bits sort faster than rows do: an index has 31 bits, and a pair is numbered first.
    pair = np.unique(first << 31 | second, return_inverse=True)[1]
    keys = pair << 31 | third
    return np.isin(keys[:len(rows)], keys[len(rows):])
