"""The geometry of a batch of meshes before it is drawn, each step one op with its gradient.

Where TensorFlow sees a GPU the steps are composed of its own ops instead, which run there.
"""
from mesh_renderer import camera_utils, fallback, rasterize_triangles
from mesh_renderer.kernels import library
from mesh_renderer.tf1 import tf


def blend_shapes(mean, basis, coefficients):
    """A linear model: mean + basis . coefficients, for each mesh of a batch.

    What takes the time is to read the basis, once for every 16 meshes. The terms are added in their order, the
    mean last; in partial sums where there are at most four meshes, so that the last bits of a result differ
    between small and large batches.

    Args:
        mean: [M] float32.
        basis: [M,K] float32.
        coefficients: [B,K] float32.

    Returns:
        [B,M] float32. The gradient flows to all three.

    Raises:
        ValueError, TypeError: a wrong rank or type.
        tf.errors.InvalidArgumentError (when run): sizes that do not match.
    """
    mean, basis = _checked(mean, 'mean', 1, None), _checked(basis, 'basis', 2, None)
    coefficients = _checked(coefficients, 'coefficients', 2, None)
    return (fallback.blend_shapes if fallback.preferred() else library.ops().mesh_blend)(mean, basis, coefficients)


def transform_points(points, linear, offset):
    """An affine map for the points of each mesh, which are rows: points . linear + offset.

    Args:
        points: [B,V,3] float32.
        linear: [B,3,W] float32, W = 3 or 4.
        offset: [B,W] float32.

    Returns:
        [B,V,W] float32. The gradient flows to all three.

    Raises:
        ValueError, TypeError: a wrong rank, width or type.
        tf.errors.InvalidArgumentError (when run): sizes that do not match.
    """
    points, linear = _checked(points, 'points', 3, 3), _checked(linear, 'linear', 3, None)
    offset = _checked(offset, 'offset', 2, None)
    return (fallback.transform_points if fallback.preferred() else library.ops().mesh_transform)(
        points, linear, offset)


def vertex_normals(vertices, triangles, vertex_faces):
    """Unit normals of vertices: the normalised sum of the unit normals of the triangles around each.

    The normal of a triangle is that of (v0 - v1) x (v1 - v2): outward where its corners go counter-clockwise
    seen from outside. A vector x is normalised as x / sqrt(max(x.x, 1e-12)), so that degenerate triangles
    contribute next to nothing and a vertex with no other gets a zero normal.

    Args:
        vertices: [B,V,3] float32.
        triangles: [T,3] int32, indices into V.
        vertex_faces: [V,K] int32, the triangles around each vertex; T stands for none.

    Returns:
        [B,V,3] float32. The gradient flows to vertices.

    Raises:
        ValueError, TypeError: a wrong rank, width or type.
        tf.errors.InvalidArgumentError (when run): an index out of range.
    """
    vertices = _checked(vertices, 'vertices', 3, 3)
    triangles = rasterize_triangles._triangle_tensor(triangles, 'triangles')
    vertex_faces = tf.convert_to_tensor(vertex_faces, tf.int32)
    return (fallback.vertex_normals if fallback.preferred() else library.ops().mesh_vertex_normals)(
        vertices, triangles, vertex_faces)


def _checked(value, name, rank, last):
    tensor = camera_utils._float_tensor(value, name)
    camera_utils._require_rank(tensor, rank, last, name)
    return tensor
