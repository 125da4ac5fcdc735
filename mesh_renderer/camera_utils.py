"""Camera matrices for column vectors: clip = perspective . look_at . world, as in OpenGL.

World frames are right-handed with Y up; a camera looks along its own -z. Matrices are [B,4,4] float32.
"""
import math

from mesh_renderer.tf1 import tf

# Shorter than this is no direction.
_SHORTEST_DIRECTION = 1e-6


def _float_tensor(value, name):
    tensor = tf.convert_to_tensor(value, name=name.split('.')[-1])
    if tensor.dtype != tf.float32:
        if isinstance(value, tf.Tensor):
            raise TypeError(f'{name}: expected float32, got {tensor.dtype.name}')
        tensor = tf.convert_to_tensor(value, dtype=tf.float32)
    return tensor


def _require_rank(tensor, rank, last, name):
    """Raises ValueError unless `tensor` has `rank` axes and its last one is `last` (unknown passes)."""
    if tensor.shape.ndims is None:
        return
    sizes = tensor.shape.as_list()
    if len(sizes) != rank or (last is not None and sizes[-1] not in (None, last)):
        raise ValueError('{}: expected rank {}{}, got shape {}'.format(
            name, rank, '' if last is None else f' with a last axis of {last}', sizes))


def perspective(aspect_ratio, fov_y, near_clip, far_clip):
    """Perspective projection to clip space; the visible volume maps to -w <= x, y, z <= w.

    Args:
        aspect_ratio: [B], width over height.
        fov_y: [B], the full vertical angle of view, degrees.
        near_clip, far_clip: [B], distances from the eye of the two clipping planes, > 0.

    Returns:
        [B,4,4] matrices, to be multiplied by column vectors in the camera's frame.
    """
    aspect_ratio = _float_tensor(aspect_ratio, 'aspect_ratio')
    fov_y = _float_tensor(fov_y, 'fov_y')
    near_clip = _float_tensor(near_clip, 'near_clip')
    far_clip = _float_tensor(far_clip, 'far_clip')
    for name, value in (('aspect_ratio', aspect_ratio), ('fov_y', fov_y), ('near_clip', near_clip),
                        ('far_clip', far_clip)):
        _require_rank(value, 1, None, name)

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
    """World to camera: the camera stands at `eye`, looks at `center`, and `world_up` points up in its picture.

    Args:
        eye, center, world_up: [B,3], world frame.

    Returns:
        [B,4,4] matrices, to be multiplied by column vectors in the world frame.

    Raises:
        tf.errors.InvalidArgumentError (when run): eye and center coincide, or world_up is parallel to the
            line of sight.
    """
    eye, center = _float_tensor(eye, 'eye'), _float_tensor(center, 'center')
    world_up = _float_tensor(world_up, 'world_up')
    for name, value in (('eye', eye), ('center', center), ('world_up', world_up)):
        _require_rank(value, 2, 3, name)

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
    angles = _float_tensor(angles, 'angles')
    _require_rank(angles, 2, 3, 'angles')
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
    matrices, vertices = _float_tensor(matrices, 'matrices'), _float_tensor(vertices, 'vertices')
    _require_rank(matrices, 3, 4, 'matrices')
    _require_rank(vertices, 3, None, 'vertices')
    width = vertices.shape.as_list()[-1]
    if width not in (3, 4):
        raise ValueError(f'vertices: expected a last axis of 3 or 4, got shape {vertices.shape.as_list()}')
    if width == 3:
        vertices = tf.concat([vertices, tf.ones_like(vertices[:, :, :1])], axis=2)
    return tf.matmul(vertices, matrices, transpose_b=True)
