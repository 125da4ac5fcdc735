"""dlib's face-recognition network as a TensorFlow graph, and the chip that it looks at.

King 2017, "High quality face recognition with deep metric learning": a residual network with 29 convolutions
(He et al. 2016, fewer layers, half the filters) whose 128 numbers lie closer than 0.6 for one person. The
weights are in the public domain (CC0) and come with the package face_recognition_models.
"""
import numpy as np

from Deep3DFaceReconstruction import conventions
from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks.identity import dlib_format
from Deep3DFaceReconstruction.photo.landmarks import standard_five_points
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.tf1 import tf

WEIGHTS = 'dlib_face_recognition_resnet_model_v1.dat'
CHIP_SIZE = 150
FEATURES = 128
# Faces whose features lie closer than this are taken to be one person's.
SAME_PERSON = 0.6

# How far the chip reaches beyond the box of dlib's mean face, as a part of that box.
_PADDING = 0.25

# dlib's mean face: x, y (down) in its own box, by 0-based landmark of the 68. Brows and jaw move with
# expression and age, and of the mouth's outline dlib leaves the lower half out.
_MEAN_FACE = {
    27: (0.490127, 0.203352), 28: (0.490127, 0.307009), 29: (0.490127, 0.409805), 30: (0.490127, 0.515625),
    31: (0.36688, 0.587326), 32: (0.426036, 0.609345), 33: (0.490127, 0.628106), 34: (0.554217, 0.609345),
    35: (0.613373, 0.587326), 36: (0.121737, 0.216423), 37: (0.187122, 0.178758), 38: (0.265825, 0.179852),
    39: (0.334606, 0.231733), 40: (0.260918, 0.245099), 41: (0.182743, 0.244077), 42: (0.645647, 0.231733),
    43: (0.714428, 0.179852), 44: (0.793132, 0.178758), 45: (0.858516, 0.216423), 46: (0.79751, 0.244077),
    47: (0.719335, 0.245099), 48: (0.254149, 0.780233), 49: (0.340985, 0.745405), 50: (0.428858, 0.727388),
    51: (0.490127, 0.742578), 52: (0.551395, 0.727388), 53: (0.639268, 0.745405), 54: (0.726104, 0.780233),
    60: (0.290379, 0.784792), 61: (0.428096, 0.778746), 62: (0.490127, 0.785343), 63: (0.552157, 0.778746),
    64: (0.689874, 0.784792), 65: (0.553364, 0.824182), 66: (0.490127, 0.831803), 67: (0.42689, 0.824182),
}

def _chip_points(landmarks):
    """Where the chip has these landmarks of the mean face: [L,2] float64, pixels, x right, y down."""
    mean = np.array([_MEAN_FACE[i] for i in landmarks])
    return CHIP_SIZE * (_PADDING + mean) / (1 + 2 * _PADDING)


class DlibIdNet:
    """The network's constants, read once; each call adds the network to the current graph."""

    def __init__(self, path=None):
        """Reads the weights.

        Args:
          path: dlib's serialised network; by default the installed package's.
        Raises:
          AssetError: missing, or another network.
        """
        path = path or assets.dlib_model(WEIGHTS)
        self._layers = [(layer.name.split('_')[0], layer.fields) for layer in dlib_format.read_network(path)]
        if self._layers[-1][0] != 'fc' or self._layers[-1][1]['outputs'] != FEATURES:
            raise AssetError('%s: expected a network that ends with %d outputs, got %r'
                             % (path, FEATURES, self._layers[-1][0]))

    def __call__(self, chips):
        """The features of face chips, differentiable in them.

        Args:
          chips: [B,150,150,3] float32, RGB, 0-255.
        Returns:
          [B,128] float32, what dlib's compute_face_descriptor gives.
        """
        x = skip = weights = None
        after_addition = False
        with tf.name_scope('DlibIdNet'):
            for kind, fields in self._layers:
                if kind == 'input':
                    mean = np.array([fields['red'], fields['green'], fields['blue']], np.float32)
                    x = (chips - mean) / 256.0
                elif kind == 'con':
                    count = int(np.prod(fields['filter_shape']))
                    params = fields['params'].ravel()
                    # Samples, channels, rows, columns -> rows, columns, channels, filters.
                    weights = params[:count].reshape(fields['filter_shape']).transpose(2, 3, 1, 0)
                    bias, convolution = params[count:], fields
                elif kind == 'affine':
                    gamma, beta = fields['params'].reshape(2, -1)
                    x = _convolve(x, weights * gamma, bias * gamma + beta, convolution)
                elif kind == 'relu':
                    x = tf.nn.relu(x)
                    skip = x if after_addition else skip
                elif kind == 'max':
                    x = skip = tf.nn.max_pool(x, *_pool(fields))
                elif kind == 'avg' and fields['nr']:
                    # Only shortcuts are averaged: where a block halves the map.
                    skip = tf.nn.avg_pool(skip, *_pool(fields))
                elif kind == 'avg':
                    x = tf.reduce_mean(x, [1, 2])
                elif kind == 'add':
                    x = _add(x, skip)
                elif kind == 'fc':
                    x = tf.matmul(x, fields['params'][:, :, 0, 0])
                after_addition = kind == 'add'
        return x


def _convolve(x, weights, bias, fields):
    """Convolution with dlib's explicit zero padding, and the bias."""
    pad_y, pad_x = fields['padding_y'], fields['padding_x']
    y = tf.nn.conv2d(x, weights, strides=[1, fields['stride_y'], fields['stride_x'], 1],
                     padding=[[0, 0], [pad_y, pad_y], [pad_x, pad_x], [0, 0]])
    return tf.nn.bias_add(y, bias)


def _pool(fields):
    """Window, strides and padding for TensorFlow's pooling ops."""
    return [1, fields['nr'], fields['nc'], 1], [1, fields['stride_y'], fields['stride_x'], 1], 'VALID'


def _add(a, b):
    """Sum of two maps; the smaller one counts as zero where it has no rows, columns or channels."""
    sizes = [max(pair) for pair in zip(a.shape.as_list()[1:], b.shape.as_list()[1:])]

    def padded(x):
        missing = [[0, size - own] for size, own in zip(sizes, x.shape.as_list()[1:])]
        return tf.pad(x, [[0, 0]] + missing) if np.any(missing) else x
    return padded(a) + padded(b)


def standard_chip_transform():
    """The similarity from chip to crop for the mean face, which needs no landmarks.

    Returns:
      [4] float32 (a, b, tx, ty): crop x = a x - b y + tx and crop y = b x + a y + ty, pixels, y down.
    """
    points = standard_five_points()[:, :2] * conventions.ALIGN_SCALE
    # About the crop's centre, then y-up to rows: row = 223 - y.
    x, y = points[:, 0] + conventions.CENTER, conventions.IMAGE_SIZE - 1 - (points[:, 1] + conventions.CENTER)
    eye_corners_nose_mouth = _chip_points([36, 39, 42, 45, 30, 48, 54])
    u, v = np.concatenate([eye_corners_nose_mouth[:4].reshape(2, 2, 2).mean(1), eye_corners_nose_mouth[4:]]).T
    zero, one = np.zeros_like(u), np.ones_like(u)
    rows = np.concatenate([np.stack([u, -v, one, zero], 1), np.stack([v, u, zero, one], 1)])
    return np.linalg.lstsq(rows, np.concatenate([x, y]), rcond=None)[0].astype(np.float32)


def chip_transforms(landmarks):
    """The similarity from chip to crop that dlib finds from 68 landmarks (Umeyama 1991, without reflection).

    Args:
      landmarks: [B,68,2] float32, crop pixels, x right and y **up** (as in the training set).
    Returns:
      [B,4] float32, see standard_chip_transform.
    """
    ids = sorted(_MEAN_FACE)
    chip = _chip_points(ids).astype(np.float32)
    points = tf.gather(landmarks, ids, axis=1)
    x, y = points[..., 0], conventions.IMAGE_SIZE - 1.0 - points[..., 1]
    center = chip.mean(0)
    u, v = (chip - center).T
    # Least squares of a rotation with scale: complex regression of the crop points on the chip points.
    norm = float(np.sum(u * u + v * v))
    a = tf.reduce_sum(u * x + v * y, 1) / norm
    b = tf.reduce_sum(u * y - v * x, 1) / norm
    tx = tf.reduce_mean(x, 1) - a * center[0] + b * center[1]
    ty = tf.reduce_mean(y, 1) - b * center[0] - a * center[1]
    return tf.stack([a, b, tx, ty], 1)


def face_chips(images, landmarks=None):
    """The chips of aligned crops, differentiable in the images.

    The transform is found once per image and no gradient flows through it: an image and its rendering are
    looked at through the same window.

    Args:
      images: [B,224,224,3] float32, BGR, 0-255.
      landmarks: [B,68,2] float32, y-up, of the images; None: the mean face's place in every crop.
    Returns:
      [B,150,150,3] float32, RGB, 0-255, bilinear, 0 outside the crop.
    """
    with tf.name_scope('FaceChips'):
        if landmarks is None:
            transforms = tf.tile(standard_chip_transform()[None], [tf.shape(images)[0], 1])
        else:
            transforms = tf.stop_gradient(chip_transforms(landmarks))
        a, b, tx, ty = [t[:, None] for t in tf.unstack(transforms, axis=1)]
        # dlib's chip of n pixels is n - 1 units wide, about the middle of n units.
        units = CHIP_SIZE / 2 + (np.arange(CHIP_SIZE) - (CHIP_SIZE - 1) / 2) * (CHIP_SIZE - 1) / CHIP_SIZE
        row, column = [axis.ravel().astype(np.float32) for axis in np.meshgrid(units, units, indexing='ij')]
        pixels = _bilinear(images, a * column - b * row + tx, b * column + a * row + ty)
        return tf.reshape(pixels[..., ::-1], [-1, CHIP_SIZE, CHIP_SIZE, 3])


def _bilinear(images, x, y):
    """Samples images [B,H,W,C] at x, y [B,P] (pixels, y down) -> [B,P,C]; 0 outside."""
    batch = tf.shape(images)[0]
    height, width, channels = images.shape.as_list()[1:]
    inside = tf.cast((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1), images.dtype)
    # The last row and column are reached from the pixel before, so that all four neighbours exist.
    left = tf.clip_by_value(tf.floor(x), 0.0, width - 2.0)
    top = tf.clip_by_value(tf.floor(y), 0.0, height - 2.0)
    dx, dy = (x - left)[..., None], (y - top)[..., None]
    flat = tf.reshape(images, [-1, channels])
    start = (tf.range(batch)[:, None] * height + tf.cast(top, tf.int32)) * width + tf.cast(left, tf.int32)
    above = tf.gather(flat, start) * (1 - dx) + tf.gather(flat, start + 1) * dx
    below = tf.gather(flat, start + width) * (1 - dx) + tf.gather(flat, start + width + 1) * dx
    return (above * (1 - dy) + below * dy) * inside[..., None]
