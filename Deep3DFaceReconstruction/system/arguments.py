"""What several command lines share: types of numbers, and the option --face_model. No files, no NumPy."""
import argparse


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
