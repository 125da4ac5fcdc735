"""Reads the layers of a network that dlib has serialised (dlib/serialize.h, dlib/dnn/core.h and layers.h).

The file nests: every layer writes its format version, then the layer below it, then itself. So the versions of
all layers come first, outermost first, and the layers follow in the order in which an image passes them.
"""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.errors import AssetError, one_line
from Deep3DFaceReconstruction.system import file_kinds


class Layer(NamedTuple):
    """One layer of a network."""
    name: str     # dlib's, with its format version, such as 'con_4'
    fields: dict  # {name: value}, as _DETAILS lists them


# What each layer writes after its name, in order: 'int', 'float', 'tensor', or 'alias' (the shape of a part of
# a tensor). Layers without parameters write nothing.
_POOL = [('nr', 'int'), ('nc', 'int'), ('stride_y', 'int'), ('stride_x', 'int'), ('padding_y', 'int'),
         ('padding_x', 'int')]
_RATES = [(name, 'float') for name in ('rate', 'decay', 'bias_rate', 'bias_decay')]
_DETAILS = {
    'input_rgb_image_sized': [('red', 'float'), ('green', 'float'), ('blue', 'float'), ('nr', 'int'), ('nc', 'int')],
    'con_4': [('params', 'tensor'), ('filters', 'int')] + _POOL + [('filter_shape', 'alias'),
                                                                   ('bias_shape', 'alias')] + _RATES,
    'affine_': [('params', 'tensor'), ('gamma_shape', 'alias'), ('beta_shape', 'alias'), ('mode', 'int')],
    'fc_2': [('outputs', 'int'), ('inputs', 'int'), ('params', 'tensor'), ('weight_shape', 'alias'),
             ('bias_shape', 'alias'), ('bias_mode', 'int')] + _RATES,
    'max_pool_2': _POOL,
    'avg_pool_2': _POOL,
    'relu_': [],
    'add_prev_': [],
}
_HIGHEST_VERSION = 3


class _Stream:
    """A cursor over the file's bytes that knows dlib's portable encodings."""

    def __init__(self, data):
        self._data = data
        self._at = 0

    def bytes(self, count):
        if self._at + count > len(self._data):
            raise ValueError('it ends within a value')
        self._at += count
        return self._data[self._at - count:self._at]

    @property
    def at_end(self):
        return self._at == len(self._data)

    def int(self):
        """A count of bytes (with the sign in its top bit), then these bytes, lowest first."""
        control = self.bytes(1)[0]
        value = int.from_bytes(self.bytes(control & 0x0f), 'little')
        return -value if control & 0x80 else value

    def float(self):
        """mantissa * 2^exponent, both ints."""
        mantissa = self.int()
        return mantissa * 2.0 ** self.int()

    def text(self, length=None):
        return self.bytes(self.int() if length is None else length).decode('latin-1')

    def alias(self):
        """A version and four sizes: samples, channels, rows, columns."""
        version = self.int()
        if version not in (1, 2):
            raise ValueError('expected tensor version 1 or 2, got %d' % version)
        return tuple(self.int() for _ in range(4))

    def tensor(self):
        """Sizes as in an alias, then float32 values, lowest byte first."""
        shape = self.alias()
        return np.frombuffer(self.bytes(4 * int(np.prod(shape))), '<f4').reshape(shape)

    def layer(self, length=None):
        """One layer with its name (of known length, if given), without its training state.

        The state is three flags and the tensors of gradient, cached output and parameter gradient.
        """
        name = self.text(length)
        if name not in _DETAILS:
            raise ValueError('expected one of the layers %s, got %r' % (', '.join(sorted(_DETAILS)), name[:40]))
        fields = {field: getattr(self, kind)() for field, kind in _DETAILS[name]}
        if not name.startswith('input'):
            self.bytes(3)
            for _ in range(3):
                self.tensor()
        return Layer(name, fields)


def read_network(path):
    """The layers of a serialised metric-learning network, from the image on.

    Args:
      path: such as 'dlib_face_recognition_resnet_model_v1.dat'.
    Returns:
      list of Layer, the input layer first.
    Raises:
      AssetError: missing, or not such a network.
    """
    try:
        with open(path, 'rb') as f:
            stream = _Stream(f.read())
    except OSError as error:
        raise AssetError('%s: expected a dlib network, got one that cannot be read (%s)' % (path, one_line(error)))
    try:
        stream.int()
        loss = stream.text()
        if loss != 'loss_metric_2':
            raise ValueError("expected a network with the loss 'loss_metric_2', got %r" % loss[:40])
        stream.float()
        stream.float()
        # Versions, one for each layer, until the length of the input layer's name.
        number = stream.int()
        while 0 < number <= _HIGHEST_VERSION:
            number = stream.int()
        layers = [stream.layer(number), stream.layer()]
        stream.int()  # the layer beside the input also writes how many samples make one image
        while not stream.at_end:
            layers.append(stream.layer())
        return layers
    except (ValueError, OverflowError) as error:
        raise AssetError('%s: expected a dlib network, %s' % (
            path, file_kinds.got(path, 'got one that cannot be read: %s' % error)))
