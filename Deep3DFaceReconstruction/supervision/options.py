"""The options of supervised training, for train.py. No TensorFlow, no files."""
from typing import NamedTuple

from Deep3DFaceReconstruction.conventions import BACKBONES
from Deep3DFaceReconstruction.system.arguments import not_negative

NETWORKS = R_NET, POSITION_MAP = ('r_net', 'position_map')


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
    group.add_argument('--network', choices=NETWORKS, default=R_NET,
                       help='with --supervised, what is trained: R-Net, or a network that gives a position map of the '
                            'face (Feng et al. 2018), --width times as wide as the published one')
    for name, what in (('vertex', 'square distance of vertices in pixels'),
                       ('coeff', "square of the coefficients' errors, by how far each moves the vertices in pixels"),
                       ('dense', 'negative log-likelihood of 468 landmarks, whose spread is learned'),
                       ('colour', 'difference of albedo and of lit colour')):
        group.add_argument('--w_' + name, type=not_negative, default=getattr(SupervisedWeights(), name), metavar='X',
                           help='with --supervised, the weight of the ' + what)


def fault_of(options):
    """What is wrong with options of train.py that do not go together, in words, or None."""
    if options.network == POSITION_MAP:
        if not options.supervised or options.sets:
            return '--network position_map learns from known coefficients: expected --supervised, and no --sets'
        if options.train_only != 'all' or options.freeze_bn or options.center_heads:
            return '--network position_map is trained as a whole: without --train_only, --freeze_bn and --center_heads'
    elif options.backbone == BACKBONES[0] and options.width != 1:
        return '--width is for --backbone %s' % BACKBONES[1]
    return None


def weights_of(options):
    """SupervisedWeights from the parsed options."""
    return SupervisedWeights(options.w_vertex, options.w_coeff, options.w_dense, options.w_colour)
