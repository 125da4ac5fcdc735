"""The commands of edit.py: a Subject and the options -> Edited."""
from typing import NamedTuple, Tuple

import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.editing import attributes, expression, lighting, makeup
from Deep3DFaceReconstruction.editing.rendering import mark

# The most that a head is turned from the photo's pose, degrees: with the head around the face, which says how hair,
# ears and neck go along, and without one.
MAX_TURNS = {'pitch': 20.0, 'yaw': 30.0, 'roll': 20.0}
MAX_TURN_OF_FACE = 10.0
# A photo from further to the side shows too little of the other half of the face to turn it to the front.
SIDE_VIEW = 40.0


class Edited(NamedTuple):
    """What a command makes of a Subject.

    Attributes:
      coeff: [257] float64.
      shape: [N,3] float64 dm, the model's frame; it may hold more than the coefficients can say.
      image: [H,W,3] uint8 RGB.
      notes: lines for the user.
    """

    coeff: np.ndarray
    shape: np.ndarray
    image: np.ndarray
    notes: Tuple[str, ...] = ()


def express(editor, target, options, source):
    """The target with named shapes at the weights of options.set.

    Args:
      editor: editor.Editor.  target: subject.Subject.  options: options.EditOptions.
      source: subject.Subject of the second photo, or None; so for all commands.
    """
    coeff, shape, notes = expression.with_shapes(target, editor.model, options.set)
    return Edited(coeff, shape, editor.redraw(target, coeff, shape).image, notes)


def transfer(editor, target, options, source):
    """The target with the source's expression and, with options.pose, its turn of the head."""
    coeff, shape = expression.transferred(source, target, editor.model)
    notes = ()
    if options.pose:
        wanted = np.degrees(source.coeff[COEFF_SLICES['angles']] - target.coeff[COEFF_SLICES['angles']])
        coeff, notes = turned(editor, coeff, wanted)
    return Edited(coeff, shape, editor.redraw(target, coeff, shape).image, notes)


def pose(editor, target, options, source):
    """The target with its head turned by options.pitch, yaw and roll."""
    coeff, notes = turned(editor, target.coeff, [options.pitch, options.yaw, options.roll])
    return Edited(coeff, target.shape, editor.redraw(target, coeff).image, notes)


def turned(editor, coeff, degrees):
    """(coefficients [257] of a head turned by degrees [3] about x, y, z; notes on what was clamped)."""
    limits = [MAX_TURN_OF_FACE if editor.head is None else limit for limit in MAX_TURNS.values()]
    yaw = np.degrees(coeff[COEFF_SLICES['angles']][1])
    if abs(yaw) > SIDE_VIEW and yaw * degrees[1] < 0:
        limits[1] = MAX_TURN_OF_FACE
    notes = sum((expression.clamp_notes({axis: round(float(value), 1)}, -limit, limit)
                 for axis, value, limit in zip(MAX_TURNS, degrees, limits)), ())
    turn = np.radians(np.clip(degrees, np.negative(limits), limits))
    return expression.turned(coeff, coeff[COEFF_SLICES['angles']] + turn), notes


def relight(editor, target, options, source):
    """The target under another light: options.light, then turned by options.turn, then tinted."""
    old = lighting.light_of(target.coeff)
    light = old
    if source is not None:
        light = lighting.light_of(source.coeff)
    elif options.light:
        light = lighting.light_by_name(options.light, old)
    if options.turn:
        light = lighting.turned_light(light, options.turn)
    if options.tint:
        light = lighting.tinted(light, np.array(options.tint) / 255.0)
    coeff = lighting.with_light(target.coeff, light)
    return Edited(coeff, target.shape, editor.redraw(target, coeff).image)


def make_up(editor, target, options, source):
    """The target with lipstick, blush and eye shadow."""
    return Edited(target.coeff, target.shape, makeup.made_up(editor, target, options))


def attribute(editor, target, options, source):
    """The target with the attributes of options.set added."""
    coeff, shape, notes = attributes.with_attributes(target, editor.model, options.set)
    image = editor.redraw(target, coeff, shape).image
    return Edited(coeff, shape, attributes.with_relief(editor, target, (coeff, shape, image), options.set), notes)


def swap(editor, target, options, source):
    """The target with the source's face: its shape and texture, under the target's expression, pose and light."""
    coeff, shape = expression.with_identity_of(source, target, editor.model)
    image = editor.swapped(source, target, coeff, shape)
    return Edited(coeff, shape, mark.marked(image, 'face swapped') if options.visible_mark else image)


COMMANDS = {'express': express, 'transfer': transfer, 'pose': pose, 'relight': relight, 'makeup': make_up,
            'attributes': attribute, 'swap': swap}
