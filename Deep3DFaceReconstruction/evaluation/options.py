"""The options of evaluate.py."""
import argparse

from Deep3DFaceReconstruction.system.arguments import add_face_model_option, positive

PROTOCOLS = ('aflw2000', 'synthetic', 'micc', 'facewarehouse', 'bu3dfe', 'now', 'realy', 'compare', 'reference')


def parse_evaluate(arguments=None):
    """The command line of evaluate.py as a namespace; exits with code 2 on a mistake."""
    parser = argparse.ArgumentParser(
        prog='evaluate.py', description='Measures reconstructions against the truth, or against another port.',
        epilog='Exit code: 0 when all samples were measured and no limit was exceeded, 1 otherwise, 2 when nothing '
               'could be started. docs/evaluation.md explains every protocol.')
    protocols = parser.add_subparsers(dest='protocol', metavar='|'.join(PROTOCOLS))
    protocols.required = True
    _add_aflw2000(protocols)
    _add_synthetic(protocols)
    _add_scans(protocols)
    _add_challenges(protocols)
    compare = protocols.add_parser('compare', help='two folders of .mat files of the same photos',
                                   description='Compares the .mat files of two folders, from this program or another '
                                               'port: crop, coefficients, vertices, landmarks, rendering.')
    compare.add_argument('first', metavar='A', help='folder of NAME.mat files')
    compare.add_argument('second', metavar='B', help='folder of NAME.mat files')
    compare.add_argument('--output', required=True, metavar='DIR', help='folder for the tables and plots')
    add_face_model_option(compare)
    reference = protocols.add_parser('reference', help="a port's figures against the published program's",
                                     description='Compares NAME.npz files of a port with the reference figures of the '
                                                 'same name in tests/golden, array by array.')
    reference.add_argument('first', metavar='DIR', help='folder of NAME.npz files with the arrays to check')
    reference.add_argument('--output', required=True, metavar='DIR', help='folder for the table and the plot')
    return parser.parse_args(arguments)


def _add_aflw2000(protocols):
    parser = protocols.add_parser('aflw2000', help='68-point NME and pose error by yaw on AFLW2000-3D',
                                  description='Landmark error (NME, 2-D and 3-D) and pose error by yaw on a folder in '
                                              "AFLW2000-3D's layout: NAME.jpg beside NAME.mat.")
    _add_data(parser)
    parser.add_argument('--max_nme', type=float, metavar='PERCENT', help='exit with 1 above this mean 2-D NME')


def _add_synthetic(protocols):
    parser = protocols.add_parser('synthetic', help='exact truth from synthesize.py',
                                  description='Vertex, coefficient, landmark and light errors on a folder that '
                                              'synthesize.py made.')
    _add_data(parser)


def _add_scans(protocols):
    for name, title in (('micc', 'MICC Florence'), ('facewarehouse', 'FaceWarehouse'), ('bu3dfe', 'BU-3DFE')):
        parser = protocols.add_parser(name, help='distance of the scans of %s' % title,
                                      description='Point-to-plane and point-to-point distances in mm of the scans '
                                                  'of %s from reconstructions, aligned by ICP with isotropic '
                                                  'scale.' % title)
        _add_data(parser)
        parser.add_argument('--frames', type=positive, default=20, metavar='N',
                            help='frames of a video at most, evenly spaced')
        parser.add_argument('--unit_mm', type=float, default=None, metavar='MM',
                            help='millimetres per unit of the scans (default: docs/evaluation.md)')
        parser.add_argument('--radius', type=float, default=None, metavar='MM',
                            help='measure this far around the nose tip (default: docs/evaluation.md)')


def _add_challenges(protocols):
    now = protocols.add_parser('now', help="meshes and landmarks for NoW's own program",
                               description='Writes OUTPUT/predictions in the layout that the program of the NoW '
                                           'challenge reads: a neutral .obj and seven landmarks for each image.')
    _add_data(now)
    realy = protocols.add_parser('realy', help="meshes and a template for REALY's own program",
                                 description='Writes OUTPUT/predictions and OUTPUT/template.obj for the program of the '
                                             'REALY benchmark. Its 85 keypoints on the template are yours to supply.')
    _add_data(realy)
    realy.add_argument('--neutral', action='store_true', help='leave out the expression')


def _add_data(parser):
    parser.add_argument('--data', required=True, metavar='DIR', help='the dataset')
    parser.add_argument('--output', required=True, metavar='DIR', help='folder for results, tables and plots')
    parser.add_argument('--results', metavar='DIR', help='folder of NAME.mat files to measure, from any port (default: '
                                                         'reconstruct into OUTPUT/results; what is there is kept)')
    parser.add_argument('--demo_options', default='', metavar='"..."',
                        help='further options of demo.py for the reconstruction, such as "--fit fast"')
    parser.add_argument('--jobs', type=positive, default=1, metavar='N',
                        help='processes on this machine that reconstruct, and that align and measure scans')
    parser.add_argument('--scheduler', metavar='ADDRESS',
                        help='work on the Dask cluster whose scheduler is at this address instead; its machines need '
                             'the folders under the same paths, and this program on PYTHONPATH')
    add_face_model_option(parser)
