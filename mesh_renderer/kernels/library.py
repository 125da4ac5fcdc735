"""Loads the compiled ops at first use, compiles them before where need be, and registers their gradients."""
import functools
import os

from mesh_renderer.kernels import build, places
from mesh_renderer.tf1 import tf


class LibraryError(OSError):
    """The compiled ops cannot be loaded; the message says why and what to type."""


@functools.lru_cache(maxsize=None)
def ops():
    """The module of compiled ops, with their gradients; compiled now where that has not been done.

    Raises:
        LibraryError: they are not compiled and cannot be, or do not load.
    """
    module = _loaded()
    _register_gradients(module)
    return module


def _loaded():
    found = places.find(build.stamp())
    if found:
        try:
            return load(found)
        except LibraryError:
            pass  # made for another build of the same version of TensorFlow
    return load(_compiled_now(force=bool(found)))


def _compiled_now(force):
    try:
        return build.build(force=force)[0]
    except build.BuildError as error:
        raise LibraryError('The renderer is not compiled for TensorFlow %s, and cannot be: %s' % (
            tf.__version__, ' '.join(str(error).split())))


def load(path):
    """The ops of the library at `path`.

    Raises:
        LibraryError: missing, or not loadable.
    """
    if not os.path.exists(path):
        raise LibraryError('The renderer is not compiled for TensorFlow %s (%s is missing). Type: make kernel' % (
            tf.__version__, path))
    try:
        return tf.load_op_library(path)
    except (tf.errors.OpError, OSError) as error:
        raise LibraryError('%s does not load into TensorFlow %s: %s. Type: make kernel' % (
            path, tf.__version__, getattr(error, 'message', error)))


def _register_gradients(library):
    tf.no_gradient('MeshRasterize')

    @tf.RegisterGradient('MeshBarycentrics')
    def barycentrics_grad(op, grad):
        vertices, triangles, triangle_ids = op.inputs
        return [library.mesh_barycentrics_grad(vertices, triangles, triangle_ids, grad,
                                               top_down=op.get_attr('top_down')), None, None]

    @tf.RegisterGradient('MeshInterpolate')
    def interpolate_grad(op, grad):
        vertices, attributes, triangles, triangle_ids, _ = op.inputs
        vertices_grad, attributes_grad = library.mesh_interpolate_grad(
            vertices, attributes, triangles, triangle_ids, grad, top_down=op.get_attr('top_down'))
        unseen = tf.cast(triangle_ids < 0, tf.float32)[..., tf.newaxis]
        background_grad = tf.reduce_sum(grad * unseen, axis=[0, 1, 2])
        return [vertices_grad, attributes_grad, None, None, background_grad]

    @tf.RegisterGradient('MeshVertexNormals')
    def vertex_normals_grad(op, grad):
        vertices, triangles, vertex_faces = op.inputs
        return [library.mesh_vertex_normals_grad(vertices, triangles, vertex_faces, grad), None, None]

    @tf.RegisterGradient('MeshShade')
    def shade_grad(op, grad):
        return list(library.mesh_shade_grad(op.inputs[0], op.inputs[1], op.inputs[2], grad))

    @tf.RegisterGradient('MeshBlend')
    def blend_grad(op, grad):
        _, basis, coefficients = op.inputs
        return [tf.reduce_sum(grad, axis=0), tf.matmul(grad, coefficients, transpose_a=True), tf.matmul(grad, basis)]

    @tf.RegisterGradient('MeshTransform')
    def transform_grad(op, grad):
        return list(library.mesh_transform_grad(op.inputs[0], op.inputs[1], op.inputs[2], grad))
