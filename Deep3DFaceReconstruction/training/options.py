"""The options of train.py: names, defaults, what each means. No TensorFlow, no files."""
import argparse
import json
import os
from collections import OrderedDict
from typing import List, NamedTuple, Optional, Tuple

from Deep3DFaceReconstruction.conventions import ID_NETWORKS
from Deep3DFaceReconstruction.supervision.options import POSITION_MAP, add_supervised_options, fault_of
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.arguments import (
    add_backbone_options,
    add_face_model_option,
    at_least_two,
    natural,
    not_negative,
    positive,
)

_DEFAULT_PB = ''  # of --export, depending on --sets
_DATA = os.path.join(assets.ROOT, 'processed_data')

# The published training; --preset paper is what the paper itself says.
_PUBLISHED = OrderedDict([
    ('gamma', 27), ('batch_size', 16), ('steps', 200000),
    ('lr', 1e-4), ('lr_heads', 1.0), ('lr_decay', 0.2), ('lr_decay_step', 100000),
    ('w_photo', 1.92), ('w_landmark', 1.6e-3), ('w_id', 0.2), ('w_reg', 3e-4), ('w_ex', 0.8), ('w_tex', 1.7e-2),
    ('w_reflect', 5.0), ('w_gamma', 10.0), ('weight_decay', 0.0), ('bn_decay', 0.997),
    ('residual_gamma', 1.0)])
PRESETS = {
    'published': _PUBLISHED,
    'paper': OrderedDict(_PUBLISHED, gamma=9, batch_size=5, steps=500000, lr_decay=1.0, w_photo=1.9, w_tex=1.7e-3,
                         w_gamma=0.0),
}

# What --sets changes of either: the paper's training of C-Net.
_SETS = OrderedDict([('batch_size', 5), ('steps', 10000), ('lr', 2e-5), ('lr_decay', 1.0)])

ALL, LAST_BLOCK = 'all', 'last_block'
SCHEDULES = STEP, COSINE = 'step', 'cosine'
# fc-NAME of R_Net.
HEADS = ('id', 'ex', 'tex', 'angles', 'gamma', 'XY', 'Z')


class TrainOptions(NamedTuple):
    """What the command line says; train.py -h explains each."""
    # what goes in and out
    data_path: List[str]
    val_data_path: List[str]
    face_model: Optional[str]
    model_name: str
    result: str
    pretrain_weights: Optional[str]
    resume: bool
    export: Optional[str]
    sets: bool  # train C-Net on image sets
    set_size: int
    # the network and the losses
    preset: str
    gamma: int  # how many lighting coefficients: light_dim elsewhere
    id_net: str
    w_photo: float
    w_landmark: float
    w_id: float
    w_reg: float
    w_ex: float
    w_tex: float
    w_reflect: float
    w_gamma: float
    weight_decay: float
    bn_decay: float
    freeze_bn: bool
    residual_gamma: float
    backbone: str
    width: float
    input_size: int
    supervised: bool
    network: str  # one of supervision.options.NETWORKS
    w_vertex: float
    w_coeff: float
    w_dense: float
    w_colour: float
    # the optimizer
    steps: int
    batch_size: int
    accumulate: int
    lr: float
    lr_heads: float
    train_only: str
    center_heads: bool
    lr_schedule: str  # one of SCHEDULES
    lr_decay: float
    lr_decay_step: int
    seed: int
    augment: bool
    # how often, how many
    save_every: int
    validate_every: int
    summary_every: int
    keep: int
    val_batch_size: int
    loader_threads: int
    threads: int
    # many machines
    ps_hosts: Tuple[str, ...]
    worker_hosts: Tuple[str, ...]
    job_name: Optional[str]
    task_index: int
    verbose: bool


def train_parser():
    """The command line of train.py as an argparse parser."""
    parser = argparse.ArgumentParser(
        prog='train.py', formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False,
        description='Trains R-Net with the hybrid weakly-supervised loss of Deng et al. 2019 on training sets that '
                    'preprocess_img.py or synthesize.py wrote, or with --sets C-Net on image sets. Checkpoints go to '
                    'RESULT/MODEL_NAME/iter_N.ckpt, TensorBoard summaries to RESULT/MODEL_NAME/summary.',
        epilog='SIGINT and SIGTERM save a checkpoint and stop; --resume continues from it. Exit code: 0 when training '
               'is complete, 1 when it began and failed, 2 when it could not begin, 130 when it was stopped.')
    _add_files(parser.add_argument_group('what goes in and out'))
    network = parser.add_argument_group('the network and the losses')
    _add_losses(network)
    _add_network(network)
    add_supervised_options(parser.add_argument_group('training on known coefficients'))
    _add_optimizer(parser.add_argument_group('the optimizer (Adam)'))
    _add_counts(parser.add_argument_group('how often and how many'))
    _add_cluster(parser.add_argument_group('many machines',
                                           'The same on all; or set TF_CONFIG. See docs/training.md.'))
    parser.add_argument('--verbose', action='store_true', help="show TensorFlow's own messages")
    return parser


def _add_files(group):
    group.add_argument('--data_path', nargs='+', default=[_DATA], metavar='DIR',
                       help='training sets: folders, or text files that list folders or images; all are mixed')
    group.add_argument('--val_data_path', nargs='+', default=[_DATA], metavar='DIR', help='validation sets, likewise')
    add_face_model_option(group)
    group.add_argument('--model_name', default='model_test', metavar='NAME', help='folder of this run under RESULT')
    group.add_argument('--result', default=os.path.join(assets.ROOT, 'result'), metavar='DIR',
                       help='folder of all runs')
    group.add_argument('--pretrain_weights', default=None, metavar='CKPT',
                       help='start R-Net from this checkpoint; without it, the trunk starts from '
                            'weights/resnet/resnet_v1_50.ckpt if that file exists. With --sets: the R-Net, a '
                            'checkpoint or a .pb; without it, network/FaceReconModel.pb')
    group.add_argument('--sets', action='store_true',
                       help='train C-Net: the data are folders with a sub-folder for each person; R-Net stays as it '
                            'is. Defaults are then 5 sets a batch, 10000 steps and a learning rate of 2e-5')
    group.add_argument('--set_size', type=at_least_two, default=5, metavar='N', help='images of a set, with --sets')
    group.add_argument('--resume', action='store_true',
                       help='continue from the newest checkpoint of the run, if there is one')
    group.add_argument('--export', nargs='?', const=_DEFAULT_PB, default=None, metavar='PB',
                       help='freeze the best (or else the newest) checkpoint into PB, by default '
                            'network/FaceReconModel.pb, or network/CNetModel.pb with --sets, which demo.py uses: at '
                            'the end of training, or at once if the run exists and --resume is not given. A PB that '
                            'train.py did not write is not overwritten')


def _add_losses(group):
    group.add_argument('--preset', choices=sorted(PRESETS), default='published',
                       help='the hyper-parameters of the published program or those of the paper')
    _add(group, '--gamma', int, 'lighting coefficients: 27 (three channels) or 9 (white light)', choices=(27, 9))
    group.add_argument('--id_net', choices=ID_NETWORKS, default='auto',
                       help='network of the perceptual loss. auto: facenet if weights/id_net has it, else dlib')
    for name, what in (('photo', 'photometric loss'), ('landmark', 'landmark loss'), ('id', 'perceptual loss'),
                       ('reg', 'coefficient prior'), ('ex', 'expression within the prior'),
                       ('tex', 'texture within the prior'), ('reflect', 'reflectance loss'),
                       ('gamma', 'loss that keeps the light white')):
        _add(group, '--w_' + name, not_negative, 'weight of the ' + what)


def _add_network(group):
    add_backbone_options(group)
    _add(group, '--weight_decay', not_negative, 'weight of the square of all convolution weights (half the sum)')
    _add(group, '--bn_decay', not_negative, 'how much of the moving statistics of batch norm a step keeps; a short '
         'training from scratch needs less, such as 0.9')
    group.add_argument('--freeze_bn', action='store_true',
                       help='batch norm normalises by its moving statistics in training too, because those of a small '
                            'batch depend more on the other images than on the image itself. A network that starts '
                            'from random numbers measures them first')
    _add(group, '--residual_gamma', not_negative, 'initial factor of what each residual unit adds, for a trunk that '
         'starts from random numbers; less than 1 learns faster at first')


def _add_optimizer(group):
    _add(group, '--steps', natural, 'total number of steps, including those before --resume')
    _add(group, '--batch_size', positive, 'images per step and worker and accumulation')
    group.add_argument('--accumulate', type=positive, default=1, metavar='N',
                       help='batches per step, one after the other: --batch_size 4 --accumulate 4 for 16 images on a '
                            'small GPU; batch norm sees 4 at a time')
    _add(group, '--lr', not_negative, 'learning rate')
    _add(group, '--lr_heads', not_negative, 'its factor for the seven heads; a trunk that starts from random numbers '
         'needs a rate that is too high for its heads')
    group.add_argument('--train_only', type=_part, default=ALL, metavar='PART',
                       help='what of R-Net is trained: all; last_block (what follows the last stride of the trunk, '
                            'block 4 of ResNet-50; and all heads); heads; or some heads: heads:%s. The rest and all '
                            'batch-norm statistics stay as --pretrain_weights has them, to the bit' % ','.join(HEADS))
    group.add_argument('--center_heads', action='store_true',
                       help='train the heads about the mean feature; checkpoints keep their format. From random '
                            'numbers, two thirds of the steps then give the same landmark error')
    group.add_argument('--lr_schedule', choices=SCHEDULES, default=STEP,
                       help='how it falls: once, at --lr_decay_step, or as half a cosine that ends at 0 at --steps')
    _add(group, '--lr_decay', not_negative, 'its factor from --lr_decay_step on')
    _add(group, '--lr_decay_step', natural, 'step from which the learning rate is lower')
    group.add_argument('--seed', type=natural, default=0, metavar='N', help='of initialisation and data order')
    group.add_argument('--augment', action='store_true', help='shift, scale, colour and mirror the training images')


def _add_counts(group):
    for name, default, what in (('save_every', 1000, 'steps between checkpoints'),
                                ('validate_every', 1000, 'steps between validations'),
                                ('summary_every', 100, 'steps between summaries'),
                                ('keep', 5, 'newest checkpoints kept, beside the best'),
                                ('val_batch_size', 16, 'images per validation batch'),
                                ('loader_threads', 2, 'threads that read images')):
        group.add_argument('--' + name, type=positive, default=default, metavar='N', help=what)
    group.add_argument('--threads', type=natural, default=0, metavar='N', help='of TensorFlow; 0: one for each core')


def _add_cluster(group):
    group.add_argument('--ps_hosts', type=_hosts, default=(), metavar='HOST:PORT,...', help='parameter servers')
    group.add_argument('--worker_hosts', type=_hosts, default=(), metavar='HOST:PORT,...',
                       help='workers; the first one is the chief: it saves and validates')
    group.add_argument('--job_name', choices=('ps', 'worker'), default=None, help='what this process is')
    group.add_argument('--task_index', type=natural, default=0, metavar='N', help='which of them it is, from 0')


def parse_train(arguments=None):
    """TrainOptions from a list of words (the process's own by default); exits with code 2 on a mistake.

    A preset sets what the command line leaves open.
    """
    parser = train_parser()
    known = parser.parse_known_args(arguments)[0]
    parser.set_defaults(**OrderedDict(PRESETS[known.preset], **(_SETS if known.sets else {})))
    options = parser.parse_args(arguments)
    if options.export == _DEFAULT_PB:
        options.export = (assets.C_NET_PB if options.sets else
                          assets.POSITION_MAP_PB if options.network == POSITION_MAP else assets.FACE_RECON_PB)
    if options.sets and (options.train_only != ALL or options.freeze_bn or options.center_heads):
        parser.error('--sets leaves R-Net as it is: without --train_only, --freeze_bn and --center_heads')
    if fault_of(options):
        parser.error(fault_of(options))
    if bool(options.ps_hosts) != bool(options.worker_hosts):
        parser.error('--ps_hosts and --worker_hosts go together')
    if options.ps_hosts and options.job_name is None:
        parser.error('--ps_hosts and --worker_hosts need --job_name and --task_index')
    if options.job_name and not options.ps_hosts:
        parser.error('--job_name needs --ps_hosts and --worker_hosts')
    return TrainOptions(**vars(options))


def to_json(options):
    """TrainOptions as readable JSON, in the order of the fields."""
    return json.dumps(options._asdict(), indent=2) + '\n'


def freezes_norm(options):
    """Whether batch norm keeps its moving statistics: those of a part that is not trained must not move."""
    return options.freeze_bn or options.train_only != ALL


def trained_scopes(part, last_block=('resnet_v1_50/block4/',)):
    """The starts of the names of R_Net's variables that --train_only PART trains; None for all of them.

    Args:
      part: TrainOptions.train_only.
      last_block: the same of the trunk's last block, see backbones.last_block.
    """
    if part == ALL:
        return None
    names = part.partition(':')[2]
    heads = tuple('fc-%s/' % name for name in (names.split(',') if names else HEADS))
    return (last_block if part == LAST_BLOCK else ()) + heads


def _add(group, flag, kind, text, **more):
    name = flag[2:]
    if 'choices' not in more:
        more['metavar'] = 'N' if kind in (natural, positive) else 'X'
    if PRESETS['paper'][name] != _PUBLISHED[name]:
        text += '; paper: %g' % PRESETS['paper'][name]
    group.add_argument(flag, type=kind, default=_PUBLISHED[name], help=text, **more)


def _part(text):
    kind, colon, names = text.partition(':')
    known = kind == 'heads' and (not colon or set(names.split(',')) <= set(HEADS)) or text in (ALL, LAST_BLOCK)
    if not known:
        raise argparse.ArgumentTypeError("expected all, last_block, heads or heads:NAME,... of %s, got '%s'"
                                         % (','.join(HEADS), text))
    return text


def _hosts(text):
    hosts = tuple(text.split(','))
    for host in hosts:
        if not host.rpartition(':')[0] or not host.rpartition(':')[2].isdigit():
            raise argparse.ArgumentTypeError("expected HOST:PORT,HOST:PORT, got '%s'" % text)
    return hosts
