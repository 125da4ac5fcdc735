"""Another light on a face: turned, tinted, one by name, 27 numbers, or another photo's.

A light here is [3,9], the spherical-harmonics terms of red, green and blue with the ambient light in them: shading =
sh_basis(normal) . light (eq. 2). The world's frame: x right in the image, y up, z to the viewer.
"""
import numpy as np

from Deep3DFaceReconstruction.conventions import AMBIENT_OFFSET, COEFF_SLICES, GAMMA_DIM, LUMA
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.numpy_decoder import light_terms, rotation_matrix, sh_basis, sphere

# Name -> (share of ambient light, direction to the lamp or None).
PRESETS = {
    'soft': (1.0, None),
    'front': (0.5, (0.0, 0.15, 1.0)),
    'left': (0.5, (-1.0, 0.25, 0.35)),
    'right': (0.5, (1.0, 0.25, 0.35)),
    'top': (0.6, (0.0, 1.0, 0.45)),
    'below': (0.6, (0.0, -1.0, 0.55)),
}
# Directions over which lights are compared and fitted.
_DIRECTIONS = 400


def light_of(coeff):
    """[3,9] of coefficients [257]."""
    return light_terms(np.asarray(coeff)[COEFF_SLICES['gamma']])


def with_light(coeff, light):
    """A copy of coefficients [257] with a light [3,9]."""
    coeff, light = np.array(coeff, np.float64), np.array(light)
    light[:, 0] -= AMBIENT_OFFSET
    coeff[COEFF_SLICES['gamma']] = light.ravel()
    return coeff


def turned_light(light, yaw, pitch=0.0):
    """The light [3,9] turned by degrees about the vertical axis (positive: to the image's right), then up."""
    rotation = rotation_matrix(np.radians([-pitch, yaw, 0.0]))
    directions = sphere(_DIRECTIONS)
    # What shone on a normal shines on the turned one.
    return np.linalg.lstsq(sh_basis(directions.dot(rotation)), sh_basis(directions).dot(light.T), rcond=None)[0].T


def tinted(light, colour, strength=1.0):
    """The light [3,9] in another colour [3] (RGB 0-1, as a lamp's), as bright as before.

    Args:
      strength: 0 (as it is) to 1.
    """
    factor = np.maximum(np.asarray(colour, np.float64), 0.02)
    tint = (factor / brightness(factor)) ** strength
    return light * tint[:, np.newaxis]


def check_light(text):
    """Raises InputError where `light_by_name` would not know a light."""
    if text not in PRESETS:
        from_numbers(text)


def light_by_name(text, like):
    """The light [3,9] of PRESETS or of 27 numbers; like: [3,9], see `preset`.

    Raises:
      InputError: neither.
    """
    return preset(text, like) if text in PRESETS else from_numbers(text)


def preset(name, like):
    """A light of PRESETS [3,9] in the colour of another one, as bright on average on a face turned to the viewer."""
    ambient, direction = PRESETS[name]
    directions = sphere(_DIRECTIONS)
    shading = np.full(_DIRECTIONS, ambient)
    if direction is not None:
        shading += (1 - ambient) * np.maximum(directions.dot(np.array(direction) / np.linalg.norm(direction)), 0) * 2
    terms = np.linalg.lstsq(sh_basis(directions), shading, rcond=None)[0]
    front = directions[directions[:, 2] > 0.3]
    level = sh_basis(front).dot(like.T).mean(axis=0)
    return level[:, np.newaxis] * terms / sh_basis(front).dot(terms).mean()


def from_numbers(text):
    """The light [3,9] of 27 numbers: `gamma` of the coefficients, nine of red, nine of green, nine of blue.

    Raises:
      InputError: other than 27 finite numbers.
    """
    try:
        values = np.array([float(word) for word in text.replace(',', ' ').split()])
    except ValueError:
        raise InputError('--light: expected a photo, %d numbers or one of %s, got %s' % (
            GAMMA_DIM, ', '.join(PRESETS), text))
    if len(values) != GAMMA_DIM or not np.isfinite(values).all():
        raise InputError('--light: expected %d finite numbers, got %d%s' % (
            GAMMA_DIM, len(values), ' with NaN or infinity' if not np.isfinite(values).all() else ''))
    return light_terms(values)


def brightness(rgb):
    """Luma of RGB [...,3], Rec. 601."""
    return np.asarray(rgb).dot(LUMA)
