"""What the functions of mesh_renderer check of their inputs while the graph is built.

Every message reads `TENSOR: expected X, got Y`. What is known only when the graph runs is checked by the kernels.
"""
import reprlib

import numpy as np

from mesh_renderer.tf1 import tf

# kernels/rasterize.h: kLargestSize.
LARGEST_IMAGE_SIZE = 32767


def float_tensor(value, name):
    """`value` as a float32 tensor: arrays and numbers of any type are converted, tensors must have it.

    Raises:
        TypeError: a tensor of another type.
    """
    if isinstance(value, (tf.Tensor, tf.Variable)):
        tensor = tf.convert_to_tensor(value)
        if tensor.dtype != tf.float32:
            raise TypeError(f'{name}: expected float32, got {tensor.dtype.name}')
        return tensor
    try:
        return tf.convert_to_tensor(value, dtype=tf.float32, name=name)
    except (TypeError, ValueError):
        raise TypeError(f'{name}: expected an array of numbers, got {_shown(value)}')


def require_rank(tensor, rank, last, name, kernel_checks=False):
    """`tensor` with `rank` axes, the last of which has size `last` (None: any).

    Args:
        tensor: any tensor.
        rank: number of axes.
        last: size of the last axis, or None.
        name: of the tensor, for messages.
        kernel_checks: leave what is unknown now to the kernel. Otherwise an unknown rank is an error, and a last axis
            of unknown size is checked by an op of its own.

    Raises:
        ValueError: a wrong rank or last axis.
    """
    wanted = f'rank {rank}' + ('' if last is None else f' with a last axis of {last}')
    if tensor.shape.ndims is None:
        if kernel_checks:
            return tensor
        raise ValueError(f'{name}: expected {wanted}, got a tensor of unknown rank')
    sizes = tensor.shape.as_list()
    if len(sizes) != rank or (last is not None and sizes[-1] not in (None, last)):
        raise ValueError(f'{name}: expected {wanted}, got shape {sizes}')
    if last is not None and sizes[-1] is None and not kernel_checks:
        return tf.ensure_shape(tensor, sizes[:-1] + [last])
    return tensor


def float_input(value, name, rank, last=None, kernel_checks=False):
    """float_tensor, then require_rank."""
    return require_rank(float_tensor(value, name), rank, last, name, kernel_checks)


def per_image(value, name, batch, last=None):
    """One number or vector for each image of a batch.

    Args:
        value: [B] or a number; with `last`, [B,last] or [last]. B may be 1.
        name: for messages.
        batch: number of images, an int where it is known, else a scalar tensor.
        last: size of a vector.

    Returns:
        [B] or [B,last] float32.

    Raises:
        TypeError, ValueError: a wrong type, rank, width or batch.
    """
    tensor = float_tensor(value, name)
    rank = 1 if last is None else 2
    if tensor.shape.ndims == rank - 1:
        tensor = tf.tile(tensor[tf.newaxis], [batch] + [1] * (rank - 1))
    tensor = require_rank(tensor, rank, last, name)
    require_batch(tensor, batch, name)
    return tensor


def require_batch(tensor, batch, name):
    """Raises ValueError if the first axis of `tensor` is surely neither `batch` nor 1."""
    count = tensor.shape.as_list()[0]
    if not isinstance(batch, tf.Tensor) and count not in (None, 1, batch):
        raise ValueError(f'{name}: expected one entry for each of {batch} images, got shape {tensor.shape.as_list()}')


def require_same_vertices(tensor, vertices, name, vertices_name):
    """Raises ValueError if `tensor` [B,V,...] surely has another B or V than `vertices` [B,V,...]."""
    if not tensor.shape[:2].is_compatible_with(vertices.shape[:2]):
        batch, count = vertices.shape.as_list()[:2]
        raise ValueError(f'{name}: expected one row per vertex, [{batch}, {count}, ...] as in {vertices_name}, '
                         f'got shape {tensor.shape.as_list()}')


def image_size(value, name):
    """`value` as an int.

    Raises:
        ValueError: anything but a Python integer from 1 to LARGEST_IMAGE_SIZE.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f'{name}: expected a Python integer >= 1, got {_shown(value)}')
    if value > LARGEST_IMAGE_SIZE:
        raise ValueError(f'{name}: expected at most {LARGEST_IMAGE_SIZE} pixels, got {value}')
    return int(value)


def triangle_array(value, name):
    """`value` as a [T,3] int32 array, or None if it is a tensor.

    Raises:
        TypeError, ValueError: not integers, another shape, or an index that is negative or beyond int32.
    """
    if isinstance(value, (tf.Tensor, tf.Variable)):
        return None
    array = np.asarray(value)
    if array.size == 0:
        array = array.astype(np.int32).reshape(array.shape if array.ndim == 2 else (0, 3))
    if not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f'{name}: expected int32, got {array.dtype}')
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(f'{name}: expected shape [triangles, 3], got {list(array.shape)}')
    wrong = array[(array < 0) | (array > np.iinfo(np.int32).max)]
    if wrong.size:
        raise ValueError(f'{name}: expected vertex indices >= 0 in int32, got {wrong[0]}')
    return array.astype(np.int32)


def triangle_tensor(value, name):
    """`value`, an array or a tensor, as a [T,3] int32 tensor.

    Raises:
        TypeError, ValueError: see triangle_array; a tensor of another type or shape.
    """
    array = triangle_array(value, name)
    if array is not None:
        return tf.constant(array)
    tensor = tf.convert_to_tensor(value)
    if tensor.dtype != tf.int32:
        raise TypeError(f'{name}: expected int32, got {tensor.dtype.name}')
    return require_rank(tensor, 2, 3, name, kernel_checks=True)


def _shown(value):
    """What a message says of a value of the wrong kind: short, on one line."""
    return 'a tensor' if isinstance(value, (tf.Tensor, tf.Variable)) else ' '.join(reprlib.repr(value).split())
