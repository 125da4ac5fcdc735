"""The options of preprocess_img.py and synthesize.py. No NumPy, no files."""
import argparse
import os

from Deep3DFaceReconstruction.system import assets, exit_codes
from Deep3DFaceReconstruction.system.arguments import add_face_model_option, at_least_two, positive

# Wrong landmarks are worse than none: above this the five points and the 68 do not mean the same face.
DEFAULT_MAX_ERROR = 20.0


def preprocess_parser():
    """The command line of preprocess_img.py as an argparse parser."""
    parser = argparse.ArgumentParser(
        prog='preprocess_img.py', formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description='Turns photos into a training set: for a photo NAME.jpg the aligned crop SAVE/NAME.png, '
                    'its 68 landmarks SAVE/lm/NAME.txt and SAVE/lm_bin/NAME.bin, and its skin mask SAVE/mask/NAME.png. '
                    'NAME.txt beside a photo may give its five points (eyes, nose, mouth corners; one "x y" a line); '
                    'otherwise the largest face is detected. SAVE/report.csv says what became of each photo, '
                    'SAVE/contact_sheet.png shows it. A run that was stopped goes on where it was.',
        epilog=exit_codes.EPILOG)
    parser.add_argument('--img_path', default=assets.INPUT_DIR, metavar='DIR', help='folder of photos')
    parser.add_argument('--save_path', default=os.path.join(assets.ROOT, 'processed_data'), metavar='SAVE',
                        help='folder of the training set')
    parser.add_argument('--sets', action='store_true',
                        help='each subfolder of DIR holds photos of one person; makes a training set SAVE/PERSON of '
                             'each, for train.py --sets')
    parser.add_argument('--jobs', type=positive, default=1, metavar='N', help='processes on this machine')
    parser.add_argument('--scheduler', metavar='ADDRESS',
                        help='work on the Dask cluster whose scheduler is at this address (tcp://host:8786) instead; '
                             'its machines need both folders under the same paths, and this program on PYTHONPATH')
    parser.add_argument('--max_error', type=float, default=DEFAULT_MAX_ERROR, metavar='PX',
                        help='refuse a photo whose 68 landmarks lie further than this from its five points, on average')
    parser.add_argument('--redo', action='store_true', help='make again what is there already')
    return parser


def synthesis_parser():
    """The command line of synthesize.py as an argparse parser."""
    parser = argparse.ArgumentParser(
        prog='synthesize.py', formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description='Makes images of random faces. Identity, expression, skin, pose, light, background, objects in '
                    'front of the face, blur and noise are drawn at random; the true landmarks, mask and coefficients '
                    'lie beside each image (SAVE/NAME.png, lm/, lm_bin/, mask/, coeff/NAME.npy), as train.py '
                    'reads them. With the open face model they are whole heads with hair and clothes, and 468 dense '
                    'landmarks (dense/NAME.npy) and the parts of the image (parts/NAME.png) lie there too. '
                    'SAVE/contact_sheet.png shows them. A run that was stopped goes on where it was.',
        epilog=exit_codes.EPILOG)
    parser.add_argument('--save_path', required=True, metavar='SAVE', help='folder of the training set')
    number = parser.add_mutually_exclusive_group()
    number.add_argument('--count', type=positive, default=1000, metavar='N', help='images, each of another person')
    number.add_argument('--sets', type=positive, default=None, metavar='PEOPLE',
                        help='image sets of so many people instead, as train.py --sets reads them: SAVE/000000/ has '
                             'the images of the first person, whose identity and albedo are the same in all of them')
    parser.add_argument('--views', type=at_least_two, default=5, metavar='N', help='images of each person with --sets')
    add_face_model_option(parser)
    parser.add_argument('--seed', type=int, default=0, help='another seed gives other images, such as for validation')
    parser.add_argument('--max_yaw', type=float, default=90.0, metavar='DEG', help='largest turn to either side')
    parser.add_argument('--max_pitch', type=float, default=40.0, metavar='DEG', help='largest nod up or down')
    parser.add_argument('--max_roll', type=float, default=45.0, metavar='DEG', help='largest tilt to either side')
    parser.add_argument('--faces_only', action='store_true', help='no heads, hair and clothes around the faces')
    parser.add_argument('--plain', action='store_true',
                        help='no heads either, nothing in front of the face, no blur, no noise')
    parser.add_argument('--jobs', type=positive, default=1, metavar='N', help='processes on this machine, for heads')
    parser.add_argument('--batch_size', type=positive, default=16, metavar='N', help='images decoded at a time')
    return parser
