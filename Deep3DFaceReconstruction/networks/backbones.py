"""The trunks that R-Net's heads can stand on: ResNet-50, as published, or MobileNet for speed."""
from typing import NamedTuple

from Deep3DFaceReconstruction import conventions
from Deep3DFaceReconstruction.networks import mobilenet_v1, resnet_v1
from Deep3DFaceReconstruction.tf1 import tf

RESNET, MOBILENET = conventions.BACKBONES
_FIRST_KERNEL = mobilenet_v1.SCOPE + '/Conv2d_0/weights'


class Backbone(NamedTuple):
    """Which trunk; the defaults are R-Net's as published."""
    name: str = RESNET
    width: float = 1.0                         # factor of MobileNet's numbers of channels; ResNet-50 has 1
    input_size: int = conventions.IMAGE_SIZE   # side to which crops of 224 pixels are scaled down inside the graph
    bn_decay: float = resnet_v1.BN_DECAY       # of batch norm's moving statistics in training

    @property
    def scope(self):
        """The variable scope of the trunk."""
        return resnet_v1.SCOPE if self.name == RESNET else mobilenet_v1.SCOPE

    @property
    def features(self):
        """How many features the heads get."""
        return resnet_v1.FEATURES if self.name == RESNET else mobilenet_v1.features(self.width)


DEFAULT = Backbone()


class Features(NamedTuple):
    """What a trunk makes of images."""
    maps: tf.Tensor    # [B,28,28,C] (14x14 where the input size is 112), an eighth of the input's size
    pooled: tf.Tensor  # [B,1,1,K], means of the last maps


def features_of(images, backbone, statistics=None):
    """The trunk on crops.

    Args:
      images: [B,224,224,3], BGR, 0-255, no mean subtracted; any numeric type.
      backbone: Backbone.
      statistics: a layers.MovingStatistics in training; None normalises by the moving statistics.
    Returns:
      Features.
    Raises:
      ValueError: no such trunk.
    """
    check(backbone)
    images = tf.cast(images, tf.float32)
    factor = conventions.IMAGE_SIZE // backbone.input_size
    if factor > 1:
        images = tf.nn.avg_pool(images, [1, factor, factor, 1], [1, factor, factor, 1], 'VALID')
    if backbone.name == RESNET:
        return Features(*resnet_v1.resnet_v1_50(images, statistics, backbone.bn_decay))
    return Features(*mobilenet_v1.mobilenet_v1(images, backbone.width, statistics, backbone.bn_decay))


def check(backbone):
    """Raises ValueError unless there is such a trunk."""
    if backbone.name not in conventions.BACKBONES:
        raise ValueError('backbone: expected %s, got %r' % (' or '.join(conventions.BACKBONES), backbone.name))
    if backbone.input_size not in conventions.INPUT_SIZES:
        raise ValueError('input_size: expected %s, got %r' % (
            ' or '.join(map(str, conventions.INPUT_SIZES)), backbone.input_size))
    if not (backbone.width == 1 if backbone.name == RESNET else 0 < backbone.width <= 4):
        raise ValueError('width: expected %s, got %r' % (
            '1 (ResNet-50 has one width)' if backbone.name == RESNET else 'more than 0 and at most 4', backbone.width))


def of_variables(shapes, input_size=conventions.IMAGE_SIZE):
    """The Backbone of a network, seen from its variables.

    Args:
      shapes: {variable name: list of int}.
      input_size: which no variable shows.
    """
    kernel = shapes.get(_FIRST_KERNEL)
    if kernel is None:
        return Backbone(input_size=input_size)
    return Backbone(MOBILENET, mobilenet_v1.width_of(kernel[-1]), input_size)


def last_block(name):
    """The starts of the names of the variables after the trunk's last stride."""
    if name == RESNET:
        return (resnet_v1.SCOPE + '/block4/',)
    return tuple('%s/%s' % (mobilenet_v1.SCOPE, layer) for layer in mobilenet_v1.LAST_BLOCK)
