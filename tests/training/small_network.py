"""The smallest trunk, for tests of what does not depend on the layers."""
from Deep3DFaceReconstruction.networks.backbones import MOBILENET, RESNET, Backbone

BACKBONE = Backbone(MOBILENET, 0.25, 112)


def words(backbone):
    """The options of train.py for a trunk."""
    return ['--backbone', backbone.name, '--width', str(backbone.width), '--input_size', str(backbone.input_size)]


WORDS, PUBLISHED_WORDS = words(BACKBONE), words(Backbone(RESNET))
