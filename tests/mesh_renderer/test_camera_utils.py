"""Camera matrices against the published figures and against what they must do to points."""
import numpy as np
import pytest

from mesh_renderer import camera_utils
from mesh_renderer.tf1 import tf


def run(build):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(build())


@pytest.fixture(scope='module')
def figures(golden):
    return golden('camera_utils')


def test_equal_the_published_figures(figures):
    count = len(figures['fov_y'])
    euler, view, projection = run(lambda: (
        camera_utils.euler_matrices(figures['angles']),
        camera_utils.look_at(figures['eye'], figures['center'], figures['world_up']),
        camera_utils.perspective(figures['aspect_ratio'], figures['fov_y'], [float(figures['near_clip'])] * count,
                                 [float(figures['far_clip'])] * count)))
    np.testing.assert_allclose(euler, figures['euler_matrices'], atol=1e-6)
    np.testing.assert_allclose(view, figures['look_at'], atol=1e-6)
    np.testing.assert_allclose(projection, figures['perspective'], rtol=1e-6)


def test_euler_matrices_are_rotations():
    angles = np.random.RandomState(0).uniform(-4, 4, [20, 3]).astype(np.float32)
    matrices = run(lambda: camera_utils.euler_matrices(angles))
    rotation = matrices[:, :3, :3]
    np.testing.assert_allclose(rotation @ rotation.transpose(0, 2, 1), np.tile(np.eye(3), [20, 1, 1]), atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(rotation), 1, atol=1e-6)
    np.testing.assert_array_equal(matrices[:, 3], np.tile([0, 0, 0, 1], [20, 1]))


@pytest.mark.parametrize('axis', [0, 1, 2])
def test_a_quarter_turn_takes_one_axis_to_the_next(axis):
    angles = np.zeros([1, 3], np.float32)
    angles[0, axis] = np.pi / 2
    rotation = run(lambda: camera_utils.euler_matrices(angles))[0, :3, :3]
    unit = np.eye(3)
    np.testing.assert_allclose(rotation @ unit[(axis + 1) % 3], unit[(axis + 2) % 3], atol=1e-6)
    np.testing.assert_allclose(rotation @ unit[axis], unit[axis], atol=1e-6)


def test_look_at_puts_the_eye_at_the_origin_and_the_centre_ahead():
    rng = np.random.RandomState(1)
    eye, center = rng.randn(6, 3).astype(np.float32), rng.randn(6, 3).astype(np.float32)
    up = np.tile(np.float32([0, 1, 0]), [6, 1])
    view = run(lambda: camera_utils.look_at(eye, center, up))

    def camera(points):
        return np.einsum('bij,bj->bi', view, np.concatenate([points, np.ones([6, 1])], axis=1))[:, :3]

    distance = np.linalg.norm(center - eye, axis=1)
    np.testing.assert_allclose(camera(eye), 0, atol=1e-5)
    np.testing.assert_allclose(camera(center), np.stack([0 * distance, 0 * distance, -distance], 1), atol=1e-5)
    above = camera(eye + up)
    np.testing.assert_allclose(above[:, 0], 0, atol=1e-5)
    assert np.all(above[:, 1] > 0)


def test_perspective_maps_the_visible_volume_to_the_cube():
    aspect, fov, near, far = 1.5, 50.0, 0.25, 8.0
    matrix = run(lambda: camera_utils.perspective([aspect], [fov], [near], [far]))[0]
    height = np.tan(np.radians(fov / 2))
    for depth, z in ((near, -1), (far, 1)):
        clip = matrix @ [depth * height * aspect, depth * height, -depth, 1]
        np.testing.assert_allclose(clip / clip[3], [1, 1, z, 1], atol=1e-5)
        np.testing.assert_allclose(clip[3], depth, rtol=1e-6)


def test_transform_homogeneous():
    rng = np.random.RandomState(2)
    matrices, points = rng.randn(3, 4, 4).astype(np.float32), rng.randn(3, 7, 3).astype(np.float32)
    homogeneous = np.concatenate([points, np.ones([3, 7, 1], np.float32)], axis=2)
    of_points, of_homogeneous = run(lambda: [camera_utils.transform_homogeneous(matrices, p)
                                             for p in (points, homogeneous)])
    np.testing.assert_allclose(of_points, np.einsum('bij,bvj->bvi', matrices, homogeneous), atol=1e-5)
    np.testing.assert_allclose(of_points, of_homogeneous, atol=1e-6)


def test_a_camera_without_a_direction_is_named():
    point, up = np.float32([[1, 2, 3]]), np.float32([[0, 1, 0]])
    with pytest.raises(tf.errors.InvalidArgumentError, match='eye and center coincide'):
        run(lambda: camera_utils.look_at(point, point, up))
    with pytest.raises(tf.errors.InvalidArgumentError, match='world_up is zero or parallel to the line of sight'):
        run(lambda: camera_utils.look_at(point, point + up, up))


def test_wrong_shapes_are_named():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match=r'angles: expected rank 2 with a last axis of 3, got shape \[2, 4\]'):
            camera_utils.euler_matrices(np.zeros([2, 4], np.float32))
        with pytest.raises(ValueError, match=r'vertices: expected a last axis of 3 or 4, got shape \[1, 5, 2\]'):
            camera_utils.transform_homogeneous(tf.zeros([1, 4, 4]), tf.zeros([1, 5, 2]))
        with pytest.raises(ValueError, match='angles: expected rank 2 .*, got a tensor of unknown rank'):
            camera_utils.euler_matrices(tf.placeholder(tf.float32))
        with pytest.raises(ValueError, match='vertices: expected rank 3, got a tensor of unknown rank'):
            camera_utils.transform_homogeneous(tf.zeros([1, 4, 4]), tf.placeholder(tf.float32))
        with pytest.raises(ValueError, match='fov_y: expected rank 1'):
            camera_utils.perspective([1.0], 40.0, [0.1], [1.0])
        with pytest.raises(TypeError, match='eye: expected float32, got float64'):
            camera_utils.look_at(tf.zeros([1, 3], tf.float64), tf.ones([1, 3]), tf.ones([1, 3]))
