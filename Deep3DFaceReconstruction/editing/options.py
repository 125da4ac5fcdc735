"""The options of edit.py: commands, names, defaults, what each means. No TensorFlow, no files."""
import argparse
import re
from typing import Dict, NamedTuple, Optional, Tuple

from Deep3DFaceReconstruction.exports.catalogue import SUFFIXES, outputs_list, share
from Deep3DFaceReconstruction.system import assets, exit_codes
from Deep3DFaceReconstruction.system.arguments import add_face_model_option, number, positive

_COLOUR = re.compile('#?([0-9a-fA-F]{6})')
RGB = Tuple[int, int, int]
# Every edit writes these outputs of exports.catalogue, in its own way.
ALWAYS = ('mat', 'obj', 'png')


class EditOptions(NamedTuple):
    """What the command line of edit.py says, by the names of its flags; those of other commands have their defaults."""

    command: str
    target: str
    output: str = assets.OUTPUT_DIR
    face: int = 1
    face_model: Optional[str] = None
    verbose: bool = False
    photo: Optional[str] = None
    outputs: Tuple[str, ...] = ()
    source: Optional[str] = None
    source_photo: Optional[str] = None
    set: Optional[Dict[str, float]] = None
    pose: bool = False
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    light: Optional[str] = None
    turn: float = 0.0
    tint: Optional[RGB] = None
    lips: Optional[RGB] = None
    shadow: Optional[RGB] = None
    blush: float = 0.0
    strength: float = 1.0
    visible_mark: bool = True


def weights(text):
    """{name: weight} of 'name=number,...'; a type for argparse."""
    values = {}
    for part in text.split(','):
        name, equals, value = part.partition('=')
        try:
            values[name.strip()] = float(value)
        except ValueError:
            equals = ''
        if not equals or not name.strip() or not abs(values[name.strip()]) < float('inf'):
            raise argparse.ArgumentTypeError("expected NAME=WEIGHT,... such as jawOpen=0.6, got '%s'" % text)
    return values


def colour(text):
    """(red, green, blue), 0-255, of '#rrggbb'; a type for argparse."""
    match = _COLOUR.fullmatch(text)
    if not match:
        raise argparse.ArgumentTypeError("expected a colour such as #a03040, got '%s'" % text)
    return tuple(bytes.fromhex(match.group(1)))


def edit_outputs(text):
    """The outputs of exports.catalogue that an edit can have, besides those that it always has; a type for argparse."""
    names = outputs_list(text)
    if 'viewer' in names and text.strip() == 'viewer':
        raise argparse.ArgumentTypeError('expected outputs of one face, got viewer, the page of a run of demo.py')
    return tuple(name for name in names if name not in ALWAYS + ('viewer',))


degrees = number(float, -360, 'degrees from -360')


def edit_parser():
    """The command line of edit.py as an argparse parser."""
    parser = argparse.ArgumentParser(
        prog='edit.py', epilog=exit_codes.EPILOG,
        description='Edits the face in a photo. For a photo NAME.jpg it writes NAME_COMMAND.png (the edited photo in '
                    'full size), NAME_COMMAND.mat (coefficients, shape) and NAME_COMMAND_mesh.obj with its texture. '
                    'A photo may also be given as the NAME.mat that demo.py made of it, which saves the fitting.')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND')
    commands.required = True
    add = _adder(commands)
    add('express', 'sets named expression shapes').add_argument(
        '--set', type=weights, required=True, metavar='NAME=WEIGHT,...',
        help='ARKit shapes and their weights, 0 to 1, such as jawOpen=0.6,mouthSmileLeft=1; other shapes stay')
    add('attributes', 'makes the face older, heavier, ...').add_argument(
        '--set', type=weights, required=True, metavar='NAME=AMOUNT,...',
        help='attributes and by how many standard deviations of the population to change them, -4 to 4, such as '
             'age=+2,weight=-1 (docs/editing.md lists them); the open face model alone has them')
    command = add('transfer', "gives the target the source's expression", with_source=True)
    command.add_argument('--pose', action='store_true', help="turn the head as the source's, too, within the limits "
                                                             'of the command pose')
    command = add('pose', 'turns the head')
    command.add_argument('--yaw', type=degrees, default=0.0, metavar='DEG', help="to the image's right, at most 30")
    command.add_argument('--pitch', type=degrees, default=0.0, metavar='DEG', help='down, at most 20')
    command.add_argument('--roll', type=degrees, default=0.0, metavar='DEG', help='counterclockwise, at most 20')
    add('swap', "puts the source's face into the target's photo", with_source=True).add_argument(
        '--no_visible_mark', dest='visible_mark', action='store_false',
        help="leave out the line 'face swapped' in the picture; the mark in the metadata stays (docs/editing.md says "
             'what consent and law ask for)')
    _add_light(add('relight', 'changes the light on the face'))
    command = add('makeup', 'puts lipstick, blush and eye shadow on the face')
    command.add_argument('--lips', type=colour, metavar='#RRGGBB', help='lipstick')
    command.add_argument('--shadow', type=colour, metavar='#RRGGBB', help='eye shadow')
    command.add_argument('--blush', type=share, default=0.0, metavar='SHARE', help='how much blush, 0 to 1')
    command.add_argument('--strength', type=share, default=1.0, metavar='SHARE',
                         help='how well lipstick and eye shadow cover the skin, 0 to 1 (default: 1)')
    return parser


def _adder(commands):
    """A function that adds a command with the options that all have."""
    def add(name, what, with_source=False):
        parser = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + '.')
        if with_source:
            parser.add_argument('source', metavar='SOURCE', help='the photo that gives, or its .mat file')
            parser.add_argument('--source_photo', metavar='FILE', help='the photo of a SOURCE.mat, where it was moved')
        parser.add_argument('target', metavar='TARGET', help='the photo to edit, or its .mat file')
        parser.add_argument('--output', default=assets.OUTPUT_DIR, metavar='DIR',
                            help='folder for the results (default: %(default)s)')
        parser.add_argument('--face', type=positive, default=1, metavar='N',
                            help='which face of the target, 1 for the largest (default: 1)')
        parser.add_argument('--photo', metavar='FILE', help='the photo of a TARGET.mat, where it was moved')
        parser.add_argument('--outputs', type=edit_outputs, default=(), metavar='LIST',
                            help='what else is written of the edited face, as by demo.py --outputs: all, or some of %s'
                                 % ','.join(name for name in SUFFIXES if name not in ALWAYS + ('viewer',)))
        add_face_model_option(parser)
        parser.add_argument('--verbose', action='store_true', help='show what TensorFlow has to say')
        return parser
    return add


def _add_light(parser):
    parser.add_argument('--light', metavar='LIGHT',
                        help='the new light: soft, front, left, right, top or below; or another photo, whose light is '
                             'taken; or 27 numbers, the light of the coefficients (--light=N,N,...)')
    parser.add_argument('--turn', type=degrees, default=0.0, metavar='DEG',
                        help="turns the light about the vertical axis, to the image's right")
    parser.add_argument('--tint', type=colour, metavar='#RRGGBB', help='the colour of the lamp')


def parse_edit(arguments=None):
    """EditOptions from a list of words (the process's own by default); exits with code 2 on a mistake."""
    parser = edit_parser()
    options = EditOptions(**vars(parser.parse_args(arguments)))
    if options.command == 'relight' and not (options.light or options.turn or options.tint):
        parser.error('relight: expected --light, --turn or --tint')
    if options.command == 'makeup' and not (options.lips or options.shadow or options.blush):
        parser.error('makeup: expected --lips, --shadow or --blush')
    if options.command == 'pose' and not (options.yaw or options.pitch or options.roll):
        parser.error('pose: expected --yaw, --pitch or --roll')
    return options
