"""The options of supervised training, for train.py. No TensorFlow, no files."""
from typing import NamedTuple

from Deep3DFaceReconstruction.system.arguments import not_negative


class SupervisedWeights(NamedTuple):
    """What each supervised loss counts in the total; supervision.losses has their units."""
    vertex: float = 0.01
    coeff: float = 0.01
    dense: float = 0.2
    colour: float = 2.0


def add_supervised_options(group):
    """Adds --supervised and the weights of its losses to an argparse parser or group."""
    group.add_argument('--supervised', action='store_true',
                       help='train on the known coefficients of samples (synthesize.py writes them): where they move '
                            'vertices and landmarks, and what colours they give. Samples without coefficients in '
                            '--data_path, such as photos, count with the weak losses. With --sets: on the true '
                            'identity of each set, in mm of the vertices')
    for name, what in (('vertex', 'square distance of vertices in pixels'),
                       ('coeff', "square of the coefficients' errors, by how far each moves the vertices in pixels"),
                       ('dense', 'negative log-likelihood of 468 landmarks, whose spread is learned'),
                       ('colour', 'difference of albedo and of lit colour')):
        group.add_argument('--w_' + name, type=not_negative, default=getattr(SupervisedWeights(), name), metavar='X',
                           help='with --supervised, the weight of the ' + what)


def weights_of(options):
    """SupervisedWeights from the parsed options."""
    return SupervisedWeights(options.w_vertex, options.w_coeff, options.w_dense, options.w_colour)
