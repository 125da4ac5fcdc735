"""What demo.py --outputs can write, by name, and how it is tried. Needs nothing but Python itself."""
import argparse
from collections import OrderedDict
from typing import Dict, List, NamedTuple

from Deep3DFaceReconstruction.errors import UserError, one_line

# What is written -> the files, behind NAME.
SUFFIXES = OrderedDict([
    ('mat', ('.mat',)),
    ('obj', ('_mesh.obj',)),
    ('png', ('.png',)),
    ('camera', ('_camera.json',)),
    ('overlay', ('_overlay.png',)),
    ('landmarks', ('_landmarks.png',)),
    ('pose', ('_pose.png',)),
    ('depth', ('_depth.png', '_depth_preview.png')),
    ('normals', ('_normals.png',)),
    ('pncc', ('_pncc.png',)),
    ('segmentation', ('_segmentation.png',)),
    ('texture', ('.obj', '.mtl', '_texture.png')),
    ('position', ('_position.npy', '_position.png')),
    ('ply', ('.ply',)),
    ('glb', ('.glb',)),
    ('arkit', ('_arkit.json',)),  # where the face model has named shapes
    ('head', ('_head.glb', '_head.obj', '_head.mtl', '_head_texture.png')),  # the open model alone has one
    ('viewer', ()),  # one page for the whole run: VIEWER_PAGE
])
VIEWER_PAGE = 'index.html'
# Between the names of files in summary.csv's column `files`.
FILE_SEPARATOR = '|'
DEFAULT = ('mat', 'obj', 'png')
ALL = 'all'


TEXTURES = ('photo', 'albedo')
TEXTURE_SIZE, SMALLEST_TEXTURE, LARGEST_TEXTURE = 1024, 64, 8192


def share(text):
    """A number from 0 to 1; a type for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError('expected a number from 0 to 1, got %s' % text)
    return value


def texture_size(text):
    """The side of a texture in texels; a type for argparse."""
    if not text.isdigit() or not SMALLEST_TEXTURE <= int(text) <= LARGEST_TEXTURE:
        raise argparse.ArgumentTypeError('expected a whole number from %d to %d, got %s' % (
            SMALLEST_TEXTURE, LARGEST_TEXTURE, text))
    return int(text)


def outputs_list(text):
    """A tuple of names, in the order of SUFFIXES, from 'mat,obj,png' or 'all'; a type for argparse.

    Raises:
      argparse.ArgumentTypeError: an unknown name, or none; the message lists all.
    """
    wanted = [name.strip() for name in text.split(',') if name.strip()]
    unknown = [name for name in wanted if name not in SUFFIXES and name != ALL]
    if unknown or not wanted:
        raise argparse.ArgumentTypeError('expected %s or some of %s, got %s' % (
            ALL, ','.join(SUFFIXES), ','.join(unknown) or 'nothing'))
    return tuple(name for name in SUFFIXES if ALL in wanted or name in wanted)


class Outcome(NamedTuple):
    """What became of some outputs."""
    files: List[str]          # names of the files that are written
    failures: Dict[str, str]  # output -> the reason why it is not

    def joined(self, other):
        """Both in one."""
        return Outcome(self.files + other.files, dict(self.failures, **other.failures))


def try_writers(writers, wanted, name):
    """Writes outputs one after the other; one that fails does not keep the others from being written.

    Args:
      writers: {output: function without arguments, which may return the names of its files where they are not those of
        SUFFIXES}; wanted: outputs, those without a writer are passed over.
      name: what the files are called, without ending.
    Returns:
      Outcome.
    """
    outcome = Outcome([], {})
    for output in wanted:
        if output not in writers:
            continue
        try:
            files = writers[output]()
        except (OSError, ValueError, UserError) as error:
            outcome.failures[output] = one_line(error)
        else:
            outcome.files.extend(files or [name + suffix for suffix in SUFFIXES[output]])
    return outcome
