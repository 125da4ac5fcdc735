"""Wrong inputs of the rasterizer: one line names the tensor, what was expected and what it is."""
import numpy as np
import pytest

from mesh_renderer import checks
from mesh_renderer import rasterize_triangles as rt
from mesh_renderer.kernels import library
from mesh_renderer.tf1 import tf


@pytest.mark.parametrize('change, error, message', [
    (dict(clip_space_vertices=np.zeros([3], np.float32)), ValueError, r'clip_space_vertices: expected rank 3.*\[3\]'),
    (dict(clip_space_vertices=np.zeros([1, 3, 3], np.float32)), ValueError,
     r'clip_space_vertices: expected rank 3 with a last axis of 4, got shape \[1, 3, 3\]'),
    (dict(triangles=[0, 1, 2]), ValueError, r'triangles: expected shape \[triangles, 3\], got \[3\]'),
    (dict(triangles=[[0, 1]]), ValueError, r'triangles: expected shape \[triangles, 3\], got \[1, 2\]'),
    (dict(triangles=[[0., 1., 2.]]), TypeError, 'triangles: expected int32, got float64'),
    (dict(triangles=[[0, 1, -2]]), ValueError, 'triangles: expected vertex indices >= 0 in int32, got -2'),
    (dict(image_width=0), ValueError, 'image_width: expected a Python integer >= 1, got 0'),
    (dict(image_height=2.5), ValueError, 'image_height: expected a Python integer >= 1, got 2.5'),
    (dict(image_height=32768), ValueError, 'image_height: expected at most 32767 pixels, got 32768'),
    (dict(clip_space_vertices='cube'), TypeError, "clip_space_vertices: expected an array of numbers, got 'cube'"),
])
def test_wrong_input_is_named(change, error, message):
    arguments = dict(clip_space_vertices=np.zeros([1, 3, 4], np.float32), triangles=[[0, 1, 2]], image_width=4,
                     image_height=4)
    arguments.update(change)
    with tf.Graph().as_default(), pytest.raises(error, match=message):
        rt.rasterize_triangles(**arguments)


def test_wrong_tensor_types_are_named():
    with tf.Graph().as_default():
        with pytest.raises(TypeError, match='clip_space_vertices: expected float32, got float64'):
            rt.rasterize_triangles(tf.zeros([3, 4], tf.float64), [[0, 1, 2]], 4, 4)
        with pytest.raises(TypeError, match='triangles: expected int32, got int64'):
            rt.rasterize_triangles(tf.zeros([3, 4]), tf.zeros([1, 3], tf.int64), 4, 4)
        with pytest.raises(ValueError, match=r'attributes: expected one row per vertex.*got shape \[1, 5, 2\]'):
            rt.rasterize_clip_space(tf.zeros([1, 3, 4]), tf.zeros([1, 5, 2]), [[0, 1, 2]], 4, 4, [0.0, 0.0])
        with pytest.raises(ValueError, match='attributes: expected rank 3, as clip_space_vertices has, got rank 2'):
            rt.rasterize_clip_space(tf.zeros([1, 3, 4]), tf.zeros([3, 2]), [[0, 1, 2]], 4, 4, [0.0, 0.0])
        with pytest.raises(ValueError, match='background_value: expected rank 1 with a last axis of 2'):
            rt.rasterize_clip_space(tf.zeros([1, 3, 4]), tf.zeros([1, 3, 2]), [[0, 1, 2]], 4, 4, [0.0])


@pytest.mark.parametrize('triangle, value', [([0, 1, 3], 3), ([0, 2 ** 31 - 1, 1], 2 ** 31 - 1), ([0, 1, -1], -1)])
def test_an_index_out_of_range_is_named(triangle, value):
    place = triangle.index(value)
    with tf.Graph().as_default(), tf.Session() as session:
        triangles = tf.constant([[0, 1, 2], triangle], tf.int32)
        seen = rt.rasterize_triangles(tf.zeros([1, 3, 4]), triangles, 4, 4)
        with pytest.raises(tf.errors.InvalidArgumentError,
                           match=r'triangles\[1, %d\]: expected a vertex index in \[0, 3\), got %d' % (place, value)):
            session.run(seen.z_buffer)


def test_shapes_that_are_known_only_when_run_are_checked():
    with tf.Graph().as_default(), tf.Session() as session:
        vertices, triangles = tf.placeholder(tf.float32), tf.placeholder(tf.int32)
        seen = rt.rasterize_triangles(vertices, triangles, 4, 4)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r'clip_space_vertices: expected shape .*\[1,3,3\]'):
            session.run(seen.z_buffer, {vertices: np.zeros([1, 3, 3]), triangles: [[0, 1, 2]]})
        with pytest.raises(tf.errors.InvalidArgumentError, match=r'triangles: expected shape .*\[1,2\]'):
            session.run(seen.z_buffer, {vertices: np.zeros([1, 3, 4]), triangles: [[0, 1]]})


def test_the_kernel_has_the_same_largest_size():
    with tf.Graph().as_default(), tf.Session() as session:
        for size, fits in ((checks.LARGEST_IMAGE_SIZE, True), (checks.LARGEST_IMAGE_SIZE + 1, False)):
            seen = library.ops().mesh_rasterize(tf.zeros([0, 3, 4]), tf.constant([[0, 1, 2]]), tf.zeros([0], tf.uint8),
                                                image_width=size, image_height=1)
            if fits:
                assert session.run(seen.mask).shape == (0, 1, size)
            else:
                with pytest.raises(tf.errors.InvalidArgumentError, match='expected at most 32767, got 32768, 1'):
                    session.run(seen.mask)


def test_ids_that_no_rasterizer_made_are_refused():
    with tf.Graph().as_default(), tf.Session() as session:
        ids = tf.fill([1, 2, 2], 1)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r'triangle_ids: expected values in \[-1, 1\), got 1'):
            session.run(library.ops().mesh_barycentrics(tf.zeros([1, 3, 4]), [[0, 1, 2]], ids))
