"""The options of demo.py: names, defaults, what each means. No TensorFlow, no files."""
import argparse
from typing import NamedTuple, Optional, Tuple

from Deep3DFaceReconstruction.exports import catalogue
from Deep3DFaceReconstruction.system import assets, exit_codes
from Deep3DFaceReconstruction.system.arguments import add_face_model_option, positive

DEFAULT_ITERATIONS = 10
# The options that change what is in the results of a photo.
RESULT_OPTIONS = (
    'face_model', 'faces', 'fit', 'detector', 'iterations', 'outputs', 'overlay_alpha', 'texture', 'texture_size')


class DemoOptions(NamedTuple):
    """What the command line of demo.py says, by the names of its flags."""

    input: str
    output: str
    face_model: Optional[str]
    use_pb: int
    pretrain_weights: Optional[str]
    batch_size: int
    faces: str
    fit: str
    detector: str
    iterations: int
    verbose: bool
    outputs: Tuple[str, ...]
    overlay_alpha: float
    texture: str
    texture_size: int
    resume: bool


def demo_parser():
    """The command line of demo.py as an argparse parser."""
    parser = argparse.ArgumentParser(
        prog='demo.py', formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description='Reconstructs the 3D face in each photo of a folder. For a photo NAME.jpg it writes NAME.mat '
                    '(coefficients, shape, colour, landmarks), NAME_mesh.obj (a coloured mesh), NAME.png (what to '
                    'look at) and a line of summary.csv. NAME.txt beside a photo may give its five points '
                    '(eyes, nose, mouth corners; one "x y" a line); otherwise faces are detected.',
        epilog=exit_codes.EPILOG)
    parser.add_argument('--input', default=assets.INPUT_DIR, metavar='DIR', help='folder of photos')
    parser.add_argument('--output', default=assets.OUTPUT_DIR, metavar='DIR', help='folder for the results')
    add_face_model_option(parser)
    parser.add_argument('--use_pb', type=int, choices=(0, 1), default=1,
                        help='1: take the network from network/FaceReconModel.pb, or from open_r_net.pb for the open '
                             'face model, where it is there; 0: never')
    parser.add_argument('--pretrain_weights', default=None, metavar='CKPT',
                        help='a training checkpoint (such as result/MODEL/iter_N.ckpt) to run the network from, when '
                             'no .pb is used')
    parser.add_argument('--batch_size', type=positive, default=8, metavar='N', help='photos per run of the network')
    parser.add_argument('--faces', choices=('largest', 'all'), default='largest',
                        help='which faces of a photo: the largest, or all (written as NAME_1, NAME_2, largest first)')
    parser.add_argument('--fit', choices=('auto', 'only', 'fast', 'refine', 'never'), default='auto',
                        help='fitting by analysis and synthesis. auto: when there are no network weights, or only '
                             'open_r_net.pb, whose answer is a beginning where it fits better than the landmarks; '
                             'only: always, without the network; fast: to the landmarks alone, without texture and '
                             'light; refine: start from the answer of the network; never: the network or nothing')
    parser.add_argument('--detector', choices=('auto', 'mediapipe', 'dlib'), default='auto',
                        help="what finds faces and landmarks. mediapipe: Google's networks; dlib: dlib's; auto: "
                             "Google's, with dlib's as a second opinion and for photos in which Google's find no face")
    parser.add_argument('--iterations', type=positive, default=DEFAULT_ITERATIONS, metavar='N',
                        help='steps of fitting to the colours, per face')
    _add_output_options(parser)
    parser.add_argument('--resume', action='store_true',
                        help='skip photos whose results are whole and were made from the same photo, landmark file, '
                             'model and options')
    parser.add_argument('--verbose', action='store_true',
                        help='show the losses of each fit, and what TensorFlow has to say')
    return parser


def _add_output_options(parser):
    parser.add_argument('--outputs', type=catalogue.outputs_list, default=','.join(catalogue.DEFAULT), metavar='LIST',
                        help='what is written of each face: all, or some of %s (docs/outputs.md shows each)'
                             % ','.join(catalogue.SUFFIXES))
    parser.add_argument('--overlay_alpha', type=catalogue.share, default=1.0, metavar='A',
                        help='how much of the photo the mesh covers in NAME_overlay.png, 0 to 1')
    parser.add_argument('--texture', choices=catalogue.TEXTURES, default=catalogue.TEXTURES[0],
                        help="the texture's colours: the photo's, with its light, or the albedo, without")
    parser.add_argument('--texture_size', type=catalogue.texture_size, default=catalogue.TEXTURE_SIZE, metavar='N',
                        help='side of the texture in texels')


def parse_demo(arguments=None):
    """DemoOptions from a list of words (the process's own by default); exits with code 2 on a mistake."""
    return DemoOptions(**vars(demo_parser().parse_args(arguments)))
