"""The options of video.py: names, defaults, what each means. No TensorFlow, no files."""
import argparse
from typing import NamedTuple, Optional, Tuple

from Deep3DFaceReconstruction.system.arguments import add_face_model_option, positive

OUTPUTS = ('video', 'coefficients', 'arkit', 'plot', 'glb')
DETECTORS = ('auto', 'mediapipe', 'dlib')
FITS = ('landmarks', 'photometric')
STYLES = ('face', 'clay', 'points')


class VideoOptions(NamedTuple):
    """What the command line of video.py says, by the names of its flags."""

    input: str
    output: str
    face_model: Optional[str]
    fit: str
    detector: str
    outputs: Tuple[str, ...]
    style: str
    faces: int
    frames: Optional[int]
    no_smoothing: bool
    resume: bool
    verbose: bool


def _outputs(text):
    names = tuple(name.strip() for name in text.split(',') if name.strip())
    unknown = [name for name in names if name not in OUTPUTS]
    if unknown or not names:
        raise argparse.ArgumentTypeError("expected some of %s, got '%s'" % (','.join(OUTPUTS), text))
    return names


def video_parser():
    """The command line of video.py as an argparse parser."""
    parser = argparse.ArgumentParser(
        prog='video.py', formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description='Follows the faces of a clip: one identity and albedo per person, and pose, expression and light '
                    'in every frame, smoothed. Writes overlay.mp4 (the faces drawn over the clip, with its sound), '
                    'coefficients.csv, arkit.csv (weights of the 52 ARKit shapes), person_N.mat (what stays the same), '
                    'person_N.glb (the animated face) and trajectories.png.',
        epilog='Exit code: 0 when the whole clip is done, 1 when it could not be done, 130 after Ctrl-C, which leaves '
               'whole files of what is done; --resume goes on from there.')
    parser.add_argument('--input', required=True, metavar='CLIP', help='a video file, a folder of frames (sorted by '
                                                                       'name, 25 a second) or the number of a camera')
    parser.add_argument('--output', required=True, metavar='DIR', help='folder for the results')
    add_face_model_option(parser)
    parser.add_argument('--fit', choices=FITS, default='photometric',
                        help='what a frame is fitted to: its landmarks, or its pixels as well')
    parser.add_argument('--detector', choices=DETECTORS, default='dlib',
                        help="what finds faces and landmarks: mediapipe: Google's face mesh (468 points, also of faces "
                             "seen from the side); dlib: 68 points; auto: the mesh where it is installed, and dlib's "
                             "descriptors, where they are installed, to tell people apart")
    parser.add_argument('--outputs', type=_outputs, default=OUTPUTS, metavar='LIST',
                        help='what to write: some of %s' % ','.join(OUTPUTS))
    parser.add_argument('--style', choices=STYLES, default='face',
                        help='the overlay: the face in its colours, in grey clay, or the landmarks of the mesh')
    parser.add_argument('--faces', type=positive, default=4, metavar='N', help='faces that are followed at once')
    parser.add_argument('--frames', type=positive, default=None, metavar='N', help='stop after so many frames')
    parser.add_argument('--no_smoothing', action='store_true', help='every frame as it was fitted')
    parser.add_argument('--resume', action='store_true', help='go on where a run with the same options stopped')
    parser.add_argument('--verbose', action='store_true', help='show what TensorFlow has to say')
    return parser


def parse_video(arguments=None):
    """VideoOptions from a list of words (the process's own by default); exits with code 2 on a mistake."""
    options = vars(video_parser().parse_args(arguments))
    return VideoOptions(**dict(options, outputs=tuple(options['outputs'])))
