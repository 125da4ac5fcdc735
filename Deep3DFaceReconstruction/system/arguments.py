"""What several command lines share: types of numbers, the face model, the network's trunk. No files, no NumPy."""
import argparse

from Deep3DFaceReconstruction.conventions import BACKBONES, IMAGE_SIZE, INPUT_SIZES


def number(kind, least, what):
    """An argparse type: `kind` (int or float) of a word, finite and at least `least`; `what` names it in the error."""
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value < float('inf'):
            raise argparse.ArgumentTypeError("expected %s, got '%s'" % (what, text))
        return value
    return parse


positive = number(int, 1, 'a whole number of at least 1')
at_least_two = number(int, 2, 'a whole number of at least 2')
natural = number(int, 0, 'a whole number of at least 0')
not_negative = number(float, 0, 'a number of at least 0')


def add_face_model_option(parser):
    """Adds --face_model FILE to an argparse parser or group; None means what face_model.load_face_model() finds."""
    parser.add_argument('--face_model', default=None, metavar='FILE',
                        help='the face model, a .mat file in the layout of BFM_model_front.mat; without it, the one in '
                             'BFM/: BFM_model_front.mat, or the parts of the Basel Face Model, or the open model')


def add_backbone_options(group):
    """Adds --backbone, --width and --input_size to an argparse parser or group; see networks.backbones."""
    group.add_argument('--backbone', choices=BACKBONES, default=BACKBONES[0],
                       help='the trunk of R-Net: ResNet-50, as published, or MobileNet, at a fiftieth of the cost with '
                            '--width 0.5 --input_size 112')
    group.add_argument('--width', type=number(float, 0.1, 'a number of at least 0.1'), default=1.0, metavar='X',
                       help="factor of MobileNet's numbers of channels, such as 0.5; ResNet-50 has 1")
    group.add_argument('--input_size', type=int, choices=INPUT_SIZES, default=IMAGE_SIZE,
                       help='side to which the network scales crops down before its first layer')
