"""Another expression or pose: shapes by name, another face's expression, a head that turns."""
import difflib

import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.editing.subject import expression_offset
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.face_model import eyes
from Deep3DFaceReconstruction.face_model.named_shapes import ExpressionMap, load_named_shapes
from Deep3DFaceReconstruction.numpy_decoder import neutral_shape, rotation_matrix

# The head turns about a point so far behind and below the mean vertex of its face, dm.
PIVOT = np.array([0.0, -0.2, -0.8])


def with_shapes(subject, model, values):
    """A Subject's face with named shapes at new weights; its other shapes and what no shape says stay.

    Args:
      subject: subject.Subject.  model: face_model.FaceModel with named shapes.
      values: {name: weight}, clamped to 0-1; names that check_names has passed.
    Returns:
      (coeff [257], shape [N,3], notes): the coefficients are the nearest that there are.
    Raises:
      FaceModelError: the model has no named shapes.
    """
    named = load_named_shapes(model)
    notes = clamp_notes(values, 0, 1)
    between = ExpressionMap(model, named)
    old = between.weights(subject.coeff[COEFF_SLICES['ex']])[0]
    for side, blink in zip(eyes.SIDES, subject.blink):
        if 'eyeBlink' + side in named.names:
            place = named.names.index('eyeBlink' + side)
            old[place] = min(old[place] + blink, 1.0)
    new = old.copy()
    for name, value in values.items():
        new[named.names.index(name)] = value
    offset = expression_offset(subject, model) + named.offset(new) - named.offset(old)
    coeff = subject.coeff.copy()
    ex = COEFF_SLICES['ex']
    coeff[ex] += (between.coefficients(named.allowed(new)) - between.coefficients(named.allowed(old)))[0]
    # A one-sided shape does not turn into its opposite.
    coeff[ex] = np.maximum(coeff[ex], np.minimum(model.ex_lower, subject.coeff[ex]))
    return coeff, neutral_shape(model, coeff) + offset, notes


def check_names(values, names, where):
    """Raises InputError for a name in `values` that is not in `names`, with the nearest of them."""
    for name in values:
        if name not in names:
            lower = {known.lower(): known for known in names}
            near = [lower[word] for word in difflib.get_close_matches(name.lower(), list(lower), 3, 0.5)]
            raise InputError('%s: expected %s, got %s' % (
                where, 'one of %s' % ', '.join(near or list(names)[:6]) + ('' if near else ', ...'), name))


def clamp_notes(values, low, high):
    """Lines that say which values are clamped to [low, high]."""
    return tuple('%s=%g is clamped to %g' % (name, value, min(max(value, low), high))
                 for name, value in values.items() if not low <= value <= high)


def transferred(source, target, model):
    """The target's face with the source's expression.

    Args:
      source, target: subject.Subject of one face_model.FaceModel.
    Returns:
      (coeff [257], shape [N,3]).
    """
    coeff = target.coeff.copy()
    coeff[COEFF_SLICES['ex']] = source.coeff[COEFF_SLICES['ex']]
    return coeff, neutral_shape(model, coeff) + expression_offset(source, model)


def with_identity_of(source, target, model):
    """The source's face with the target's expression, pose and light.

    Args:
      source, target: subject.Subject of one face_model.FaceModel.
    Returns:
      (coeff [257], shape [N,3]).
    """
    coeff, shape = transferred(target, source, model)
    for name in ('angles', 'gamma', 'translation'):
        coeff[COEFF_SLICES[name]] = target.coeff[COEFF_SLICES[name]]
    return coeff, shape


def turned(coeff, angles):
    """Coefficients [257] with the head at angles [3] (radians about x, y, z); it turns about a point of the neck."""
    coeff = np.array(coeff, np.float64)
    old, place = coeff[COEFF_SLICES['angles']].copy(), COEFF_SLICES['translation']
    coeff[COEFF_SLICES['angles']] = angles
    coeff[place] += PIVOT.dot(rotation_matrix(old)) - PIVOT.dot(rotation_matrix(np.asarray(angles, np.float64)))
    return coeff
