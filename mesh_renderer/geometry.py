"""The geometry of a batch of meshes before it is drawn, each step one op with its gradient.

Where TensorFlow sees a GPU the steps are composed of its own ops instead, which run there.
"""
from mesh_renderer import checks
from mesh_renderer.dispatch import mesh_op
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
    mean, basis = _input(mean, 'mean', 1), _input(basis, 'basis', 2)
    coefficients = _input(coefficients, 'coefficients', 2)
    return mesh_op('blend', mean, basis, coefficients)


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
    points, linear = _input(points, 'points', 3, 3), _input(linear, 'linear', 3)
    offset = _input(offset, 'offset', 2)
    return mesh_op('transform', points, linear, offset)


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
    vertices = _input(vertices, 'vertices', 3, 3)
    triangles = checks.triangle_tensor(triangles, 'triangles')
    vertex_faces = tf.convert_to_tensor(vertex_faces, tf.int32)
    return mesh_op('vertex_normals', vertices, triangles, vertex_faces)


def _input(value, name, rank, last=None):
    return checks.float_input(value, name, rank, last, kernel_checks=True)
