"""Random light: light from all around and lamps, some from the side or from behind, some coloured.

A lamp is a distant point. In the coefficients it is the nine spherical-harmonics terms of its clamped cosine, as the
decoder has them; in the image its light is also shadowed and shines on skin.
"""
import functools
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import AMBIENT_OFFSET, CHANNELS, SH_TERMS
from Deep3DFaceReconstruction.numpy_decoder import sh_basis, sphere
from mesh_renderer import harmonics

_WARM = np.array([1.0, 0.86, 0.68])
_SPECULAR_SQUARES = 4  # a highlight is the cosine to the power 2^4


class Light(NamedTuple):
    """Directions are in the camera's frame.

    Attributes:
      around: [3,9] spherical-harmonics terms of the light from all around.
      directions: [L,3] unit, towards the lamps; colours: [L,3], brightness of what faces a lamp.
      shine: strength of the highlights on skin.
    """

    around: np.ndarray
    directions: np.ndarray
    colours: np.ndarray
    shine: float

    def gamma(self):
        """[3,9] the lighting coefficients, without the ambient offset that the decoder adds."""
        total = self.around + np.einsum('lc,lk->ck', self.colours, lamp_terms(self.directions))
        total = total.copy()
        total[:, 0] -= AMBIENT_OFFSET
        return total


def lamp_terms(directions):
    """[L,9]: the terms of max(0, normal . direction) for unit directions [L,3], least squares over the sphere."""
    normals, solve = _sphere()
    return np.maximum(np.asarray(directions, np.float64).dot(normals.T), 0).dot(solve)


@functools.lru_cache(maxsize=None)
def _sphere():
    """(normals [600,3] all around, [600,9] from values there to the terms of their least-squares fit)"""
    normals = sphere(600)
    return normals, np.linalg.pinv(sh_basis(normals)).T


def draw(random, variety):
    """A random Light.

    Args:
      random: RandomState.
      variety: 0: even white light; 1: the full range of directions, strengths and colours.
    """
    basis_constant = sh_basis(np.array([0, 0, 1.0]))[0]
    exposure = 0.95 * np.exp(variety * random.uniform(-0.35, 0.25))
    share = variety * random.beta(1.3, 1.2) * 0.9   # of the light, from lamps
    count = 1 + int(random.uniform() < 0.4)
    lamps = np.stack([_direction(random) for _ in range(count)])
    strength = share * exposure * np.array([1.35, random.uniform(0.2, 0.9)])[:count] / np.sqrt(count)
    tint = _tints(random, count + 1, variety)
    around = np.zeros((CHANNELS, SH_TERMS))
    around[:, 0] = tint[0] * exposure * (1 - 0.85 * share) / basis_constant
    # Brighter from above (sky) or from below (sand, a table).
    around[:, 1] = around[:, 0] * variety * random.uniform(-0.08, 0.3)
    around[:, 2:] = around[:, :1] * variety * 0.08 * random.randn(1, SH_TERMS - 2)
    return Light(around, lamps, tint[1:] * strength[:, np.newaxis], variety * random.uniform(0.0, 0.35) ** 1.5)


def _direction(random):
    """Mostly from the front and above, sometimes from the side, seldom from behind or below."""
    kind = random.uniform()
    limit = 60 if kind < 0.55 else 100 if kind < 0.88 else 170
    azimuth, elevation = np.radians([random.uniform(-limit, limit), random.uniform(-25, 70)])
    return np.array([np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)])


def _tints(random, count, variety):
    """[count,3]: near white, some warm or cold, seldom a colour."""
    tint = np.ones((count, 3)) + variety * 0.04 * random.randn(count, 3)
    warm = variety * np.clip(random.randn(count, 1) * 0.35, -0.6, 1)
    tint = tint * np.where(warm > 0, _WARM ** warm, _WARM[::-1] ** -warm)
    if random.uniform() < 0.08 * variety:
        tint[-1] *= random.uniform(0.35, 1.25, 3)
    return tint / tint.mean(axis=1, keepdims=True)


def shade(light, normals, seen, turn):
    """What light reaches vertices, and their highlights.

    Args:
      light: Light.
      normals: [V,3] float32 unit, camera's frame.
      seen: [V,9] float32, coefficients of shadows.transfer in the head's own frame.
      turn: [3,3], takes row vectors of the head's frame into the camera's.
    Returns:
      (diffuse [V,3] float32, factors of the albedo; specular [V,3] float32, added to 0-1 colours).
    """
    basis = np.stack(harmonics.polynomials(*normals.T, np.ones(len(normals), np.float32)), axis=1)
    basis *= np.float32(harmonics.CONSTANTS)
    open_sky = np.clip(seen[:, :1] * np.float32(sh_basis(np.array([0, 0, 1.0]))[0] * 2), 0.25, 1) ** 0.7
    diffuse = basis.dot(light.around.T.astype(np.float32)) * open_sky
    specular = np.zeros_like(diffuse)
    terms = lamp_terms(light.directions).astype(np.float32)
    for direction, colour, term in zip(light.directions, light.colours.astype(np.float32), terms):
        own = sh_basis(turn.dot(direction)).astype(np.float32)
        reached = np.clip(1.15 * seen.dot(own) - 0.05, 0.0, 1.0)
        strength = np.maximum(basis.dot(term), 0) * reached
        diffuse += strength[:, np.newaxis] * colour
        half = direction + [0, 0, 1.0]
        half = (half / max(np.linalg.norm(half), 1e-6)).astype(np.float32)
        gloss = np.maximum(normals.dot(half), 0)
        for _ in range(_SPECULAR_SQUARES):
            gloss *= gloss
        specular += (np.float32(light.shine) * gloss * reached)[:, np.newaxis] * colour
    return np.maximum(diffuse, 0), specular
