"""Camera matrices for column vectors: clip = perspective . look_at . world, as in OpenGL.

World frames are right-handed with Y up; a camera looks along its own -z. Matrices are [B,4,4] float32.
"""
import math

from mesh_renderer import checks
from mesh_renderer.tf1 import tf

# A shorter vector has no direction.
_SHORTEST_DIRECTION = 1e-6


def perspective(aspect_ratio, fov_y, near_clip, far_clip):
    """Perspective projection to clip space; the visible volume maps to -w <= x, y, z <= w.

    Args:
        aspect_ratio: [B], width over height.
        fov_y: [B], the full vertical angle of view, degrees.
        near_clip, far_clip: [B], distances from the eye of the two clipping planes, > 0.

    Returns:
        [B,4,4] matrices, to be multiplied by column vectors in the camera's frame.
    """
    aspect_ratio = checks.float_input(aspect_ratio, 'aspect_ratio', 1)
    fov_y = checks.float_input(fov_y, 'fov_y', 1)
    near_clip = checks.float_input(near_clip, 'near_clip', 1)
    far_clip = checks.float_input(far_clip, 'far_clip', 1)
    focal = 1.0 / tf.tan(fov_y * (math.pi / 360.0))
    depth = far_clip - near_clip
    zero, one = tf.zeros_like(focal), tf.ones_like(focal)
    rows = [
        [focal / aspect_ratio, zero, zero, zero],
        [zero, focal, zero, zero],
        [zero, zero, -(far_clip + near_clip) / depth, -2.0 * (far_clip * near_clip / depth)],
        [zero, zero, -one, zero],
    ]
    return tf.stack([tf.stack(row, axis=1) for row in rows], axis=1)


def look_at(eye, center, world_up):
    """World to camera: the camera stands at `eye`, looks at `center`, and `world_up` points up in its image.

    Args:
        eye, center, world_up: [B,3], world frame.

    Returns:
        [B,4,4] matrices, to be multiplied by column vectors in the world frame.

    Raises:
        tf.errors.InvalidArgumentError (when run): eye and center coincide, or world_up is parallel to the
            line of sight.
    """
    eye, center = checks.float_input(eye, 'eye', 2, 3), checks.float_input(center, 'center', 2, 3)
    world_up = checks.float_input(world_up, 'world_up', 2, 3)
    forward = _unit(center - eye, 'camera_utils.look_at: eye and center coincide')
    side = _unit(tf.linalg.cross(forward, world_up),
                 'camera_utils.look_at: world_up is zero or parallel to the line of sight')
    up = tf.linalg.cross(side, forward)
    rotation = tf.stack([side, up, -forward], axis=1)
    translation = -tf.matmul(rotation, eye[:, :, tf.newaxis])
    return _with_last_row(tf.concat([rotation, translation], axis=2))


def _unit(vectors, complaint):
    norm = tf.norm(vectors, axis=1, keepdims=True)
    with tf.control_dependencies([tf.assert_greater(norm, _SHORTEST_DIRECTION, message=complaint)]):
        return vectors / norm


def _with_last_row(matrices):
    """[B,3,4] -> [B,4,4] with the row (0, 0, 0, 1) below."""
    row = tf.zeros_like(matrices[:, :1, :]) + tf.constant([0.0, 0.0, 0.0, 1.0])
    return tf.concat([matrices, row], axis=1)


def euler_matrices(angles):
    """Rotations by Rz(c) Ry(b) Rx(a): first about x, then y, then z, the axes of the world held fixed.

    Args:
        angles: [B,3], a, b, c, radians.

    Returns:
        [B,4,4] homogeneous matrices, to be multiplied by column vectors.
    """
    angles = checks.float_input(angles, 'angles', 2, 3)
    sx, sy, sz = tf.unstack(tf.sin(angles), axis=1)
    cx, cy, cz = tf.unstack(tf.cos(angles), axis=1)
    zero = tf.zeros_like(sx)
    rows = [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx, zero],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx, zero],
        [-sy, cy * sx, cy * cx, zero],
    ]
    return _with_last_row(tf.stack([tf.stack(row, axis=1) for row in rows], axis=1))


def transform_homogeneous(matrices, vertices):
    """Applies `matrices` to points.

    Args:
        matrices: [B,4,4], for column vectors.
        vertices: [B,V,3] points, or [B,V,4] homogeneous ones.

    Returns:
        [B,V,4] homogeneous points.

    Raises:
        ValueError: wrong rank or width.
    """
    matrices, vertices = checks.float_input(matrices, 'matrices', 3, 4), checks.float_input(vertices, 'vertices', 3)
    width = vertices.shape.as_list()[-1]
    if width not in (3, 4):
        raise ValueError(f'vertices: expected a last axis of 3 or 4, got shape {vertices.shape.as_list()}')
    if width == 3:
        vertices = tf.concat([vertices, tf.ones_like(vertices[:, :, :1])], axis=2)
    return tf.matmul(vertices, matrices, transpose_b=True)
