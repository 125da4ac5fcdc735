"""The second step of fitting: all coefficients together from the colours of the crop.

Robust Gauss-Newton on surface samples, coarse to fine: the colour that albedo and light give a sample against the
crop's colour where the sample is seen. The priors: what the landmarks left (a landmark_fit.Posterior), standard normal
texture, flat albedo, and a light that is mostly white and ambient. The colours' variance is estimated for each photo:
hard shadows and highlights, which the light model lacks, must not become shape. No graph is needed.
"""
from typing import NamedTuple

import cv2
import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.bounded_steps import bounded_step
from Deep3DFaceReconstruction.conventions import (
    AMBIENT_OFFSET,
    CAMERA_DISTANCE,
    COEFF_DIM,
    FOCAL,
    SH_TERMS,
    TEX_DIM,
)
from Deep3DFaceReconstruction.fitting.crop_colors import CropColors, block_sums, is_grey, with_hues
from Deep3DFaceReconstruction.fitting.landmark_fit import LIGHT, SHAPE, TEXTURE, coefficients_of, values_of

# Standard deviation of each level's blur in pixels, and its share of the steps.
_LEVELS = ((2.0, 0.3), (1.0, 0.3), (0.6, 0.4))
# No step moves a coefficient by more, or an angle (radians).
_MOST, _MOST_ANGLE = 1.0, 0.15
DAMPING = 1e-3
# Bounds of the factor by which a photo's variance may differ from that of ShadingWeights.
_NOISE_RANGE = (0.4, 4.0)


class ShadingWeights(NamedTuple):
    """How far the fit trusts what; weights are inverse variances.

    Attributes:
      samples: so many independent pixels the face counts for.
      deviation, freedom: scale (1 = 255 levels) and degrees of freedom of a colour's Student-t error.
      texture: prior of a texture coefficient.  flatness: of the reflectance loss.
      light: of the light's terms.  second: how many times as much the second order counts. On normals that face the
        camera it is nearly a sum of the first two orders, so the colours hardly tell them apart.
      white: of the differences of the light's terms between channels; the second order counts four times.
      noise: mean absolute colour error, 0-255, of a photo that is trusted so far. The variance grows with its square.
    """

    samples: float = 2000.0
    deviation: float = 0.05
    freedom: float = 3.0
    texture: float = 0.3
    flatness: float = 300.0
    light: float = 10.0
    second: float = 100.0
    white: float = 200.0
    noise: float = 3.7


class ShadingFit:
    """Fits one face at a time.

    Args:
      samples: surface_samples.SurfaceSamples.
      weights: ShadingWeights; the defaults where None.
      lower: [257] the least value of each coefficient (bounded_steps.lower_bounds), -inf where it is free; None: all
        are.
    """

    def __init__(self, samples, weights=None, lower=None):
        self._samples = samples
        self._weights = weights or ShadingWeights()
        self._lower = None if lower is None else values_of(lower)

    def __call__(self, crop, posterior, steps, start=None):
        """Fits pose, shape, texture and light.

        Args:
          crop: photo.crops.FaceCrop.
          posterior: landmark_fit.Posterior.
          steps: of Gauss-Newton, at least one; each level of detail gets its share.
          start: [257] coefficients to begin from; the posterior's mean and the best light for it where None.
        Returns:
          (coefficients [257] float32, their standard deviations [257] float32, list of the mean absolute colour
          difference 0-255 before each step). Deviations are those of the linearised posterior; NaN where no step saw
          the face.
        """
        face, record, deviations = self.begin(crop, posterior, start), [], np.full(COEFF_DIM, np.nan)
        for level in levels_of(steps):
            equations = face.equations(level)
            if equations is not None:
                noise = self.noise(equations.error)
                hessian, gradient = face.with_noise(equations, noise)
                damped = hessian + DAMPING * np.diag(np.diag(hessian))
                face.values = face.values - limited(bounded_step(damped, gradient, face.room))
                record.append(equations.error)
        if record:
            deviations = np.sqrt(np.diag(np.linalg.inv(hessian)))
            deviations[SHAPE] *= np.sqrt(noise)
        return face.coefficients(), coefficients_of(deviations), record

    def begin(self, crop, posterior, start=None):
        """The FaceUnderFit of a crop, for a loop of one's own; arguments as of a call."""
        return FaceUnderFit(self, crop, posterior, start)

    def noise(self, error):
        """How many times the variance of ShadingWeights a photo's colours have, by their mean absolute error 0-255."""
        return float(np.clip((error / self._weights.noise) ** 2, *_NOISE_RANGE))

    def _light_prior(self, grey):
        """[27,27] precision of the light."""
        is_second = np.arange(SH_TERMS) >= 4
        light = self._weights.light * np.where(is_second, self._weights.second, 1.0)
        white = self._weights.white * np.where(is_second, 4.0, 1.0) * (1e3 if grey else 1.0)
        return np.kron(np.eye(3), np.diag(light)) + np.kron(np.eye(3) - 1.0 / 3, np.diag(white))

    def _weight(self, seen):
        """[n] inverse variances: by the area in the image and how likely it shows skin."""
        share = seen.attention * seen.facing * self._samples.area[seen.rows]
        return share * (self._weights.samples / self._weights.deviation ** 2 / max(float(share.sum()), 1e-9))

    def _first_light(self, values, geometry, seen, prior):
        """The light [27] that best explains the colours by the albedo: linear least squares."""
        basis = numpy_decoder.sh_basis(geometry.turned[seen.rows])
        albedo, weight = self._albedo(values, seen.rows), self._weight(seen)
        system, right = prior.copy(), np.zeros(3 * SH_TERMS)
        for channel in range(3):
            design = basis * albedo[:, channel:channel + 1]
            part = slice(channel * SH_TERMS, (channel + 1) * SH_TERMS)
            weighted = design * weight[:, np.newaxis]
            system[part, part] += weighted.T.dot(design)
            right[part] = weighted.T.dot(seen.colour[:, channel] - AMBIENT_OFFSET * design[:, 0])
        return np.linalg.solve(system, right)

    def _albedo(self, values, rows):
        return self._samples.albedo[rows] + self._samples.albedo_base[rows].dot(values[TEXTURE].astype(np.float32))

    def _normal_equations(self, values, geometry, seen):
        """The Equations of the colours alone."""
        residual, slope, error = self._weighted(values, geometry, seen)
        flat = slope.reshape(-1, COEFF_DIM)
        return Equations(flat.T.dot(flat).astype(np.float64), flat.T.dot(residual.ravel()).astype(np.float64), error)

    def _weighted(self, values, geometry, seen):
        """(residual [n,3] and slope [n,3,257], each times the root of its weight; mean colour difference, 0-255)."""
        residual, slope = self._residual(values, geometry, seen)
        robust = (self._weights.freedom + 3) / (
            self._weights.freedom + (residual ** 2).sum(axis=1) / self._weights.deviation ** 2)
        root = np.sqrt(self._weight(seen) * robust / (1 + 3 / self._weights.freedom)).astype(np.float32)
        error = 255 * (np.abs(residual).mean(axis=1) * seen.attention).sum() / max(seen.attention.sum(), 1e-9)
        residual = (residual * root[:, np.newaxis]).astype(np.float32)
        return residual, slope * root[:, np.newaxis, np.newaxis], float(error)

    def _residual(self, values, geometry, seen):
        """(colours [n,3] of the samples less the image's, their derivative [n,3,257])."""
        light = values[LIGHT].reshape(3, SH_TERMS).copy()
        light[:, 0] += AMBIENT_OFFSET
        albedo = self._albedo(values, seen.rows)
        basis = numpy_decoder.sh_basis(geometry.turned[seen.rows]).astype(np.float32)
        shade = basis.dot(light.T.astype(np.float32))
        slope = np.zeros([len(seen.rows), 3, COEFF_DIM], np.float32)
        slope[:, :, SHAPE] = self._shape_slope(values, geometry, seen, albedo, light)
        slope[:, :, TEXTURE] = self._samples.albedo_base[seen.rows] * shade[:, :, np.newaxis]
        for channel in range(3):
            first = LIGHT.start + channel * SH_TERMS
            slope[:, channel, first:first + SH_TERMS] = albedo[:, channel:channel + 1] * basis
        return albedo * shade - seen.colour, slope

    def texture_prior(self, values):
        """(hessian [80,80], gradient [80]) of what is known of any face's texture."""
        texture = self._weights.texture * np.eye(TEX_DIM) + self._weights.flatness * self._samples.flatness
        return texture, texture.dot(values[TEXTURE]) + self._weights.flatness * self._samples.flatness_pull

    def _add_priors(self, equations, values, posterior, light_prior):
        hessian, gradient, _ = equations
        hessian[SHAPE, SHAPE] += posterior.precision
        gradient[SHAPE] += posterior.gradient(values[SHAPE])
        texture, pull = self.texture_prior(values)
        hessian[TEXTURE, TEXTURE] += texture
        gradient[TEXTURE] += pull
        hessian[LIGHT, LIGHT] += light_prior
        gradient[LIGHT] += light_prior.dot(values[LIGHT])

    def _shape_slope(self, values, geometry, seen, albedo, light):
        """[K,3,150]: how residuals move with pose and shape, through the place in the image and through the shade."""
        rows, samples = seen.rows, self._samples
        turn = geometry.rotation.T
        moves = np.empty([len(rows), 3, 150], np.float32)
        turns = np.empty([len(rows), 3, 150], np.float32)
        for axis in range(3):
            derivative = numpy_decoder.rotation_matrix_derivative(values[:3], axis).astype(np.float32)
            moves[:, :, axis] = geometry.shape[rows].dot(derivative)
            turns[:, :, axis] = geometry.normal[rows].dot(derivative)
        moves[:, :, 3:6], turns[:, :, 3:6] = np.eye(3, dtype=np.float32), 0
        moves[:, :, 6:] = np.matmul(turn, samples.center_base[rows])
        turns[:, :, 6:] = np.matmul(turn, samples.normal_slope(geometry, rows))
        depth = (CAMERA_DISTANCE - geometry.moved[rows, 2])[:, np.newaxis]
        away = geometry.moved[rows, :2] / depth
        # d colour / d moved point, through the projection: [K,3 channels,3].
        into = np.concatenate([seen.slope, (seen.slope * away[:, np.newaxis]).sum(axis=2, keepdims=True)], axis=2)
        into = into * (FOCAL / depth)[:, :, np.newaxis]
        shade = albedo[:, :, np.newaxis] * np.matmul(
            light.astype(np.float32), numpy_decoder.sh_basis_derivative(geometry.turned[rows]))
        return np.matmul(shade.astype(np.float32), turns) - np.matmul(into.astype(np.float32), moves)


class Equations(NamedTuple):
    """Normal equations of one Gauss-Newton step, in the order of SHAPE, TEXTURE, LIGHT.

    Attributes:
      hessian: [257,257].  gradient: [257].
      error: mean absolute colour difference before the step, 0-255.
    """
    hessian: np.ndarray
    gradient: np.ndarray
    error: float


class FaceUnderFit:
    """A crop, and its unknowns on the way to the answer; made by ShadingFit.begin.

    Attributes:
      values: [257] float64, the unknowns in the order of SHAPE, TEXTURE, LIGHT; to be moved by the caller.
      trust: what the colours count for beside landmarks and shape, 1 at first; to be set by the caller.
    """

    def __init__(self, fit, crop, posterior, start):
        self._fit, self._crop, self._posterior = fit, crop, posterior
        self.values = np.zeros(COEFF_DIM)
        self.values[SHAPE] = posterior.mean
        if start is not None:
            self.values = values_of(start)
            if fit._lower is not None:
                self.values = np.maximum(self.values, fit._lower)
        self.trust = 1.0
        self._needs_light = start is None
        self._grey = is_grey(crop.bgr)
        self._light_prior = fit._light_prior(self._grey)
        self._attention = cv2.GaussianBlur(crop.attention, (0, 0), 1.0).astype(np.float32) / 255
        self._level = None

    def equations(self, level):
        """The Equations about `values` with all priors, at a level of levels_of; None where no sample is seen."""
        fit, (geometry, seen) = self._fit, self._see(level)
        if not len(seen.rows):
            return None
        hessian, gradient, error = fit._normal_equations(self.values, geometry, seen)
        equations = Equations(self.trust * hessian, self.trust * gradient, error)
        fit._add_priors(equations, self.values, self._posterior, self.trust * self._light_prior)
        return equations

    def scores(self, level):
        """[B,257] about `values`: the gradients of the colours, without trust, of B square blocks of the crop."""
        geometry, seen = self._see(level)
        residual, slope, _ = self._fit._weighted(self.values, geometry, seen)
        return block_sums(geometry, seen, (slope * residual[:, :, np.newaxis]).sum(axis=1))

    def _see(self, level):
        """(Geometry of the samples, SeenSamples) at a level; finds the first light where there is none."""
        fit, geometry = self._fit, self._fit._samples.geometry(self.values)
        if level != self._level:
            self._level = level
            self._image = CropColors(self._crop.bgr, self._attention, _LEVELS[level][0])
            self._facing = fit._samples.facing(self.values, geometry)
        seen = self._image.sample(geometry, self._facing)
        if self._grey and len(seen.rows):
            seen = with_hues(seen, fit._samples.albedo)
        if self._needs_light and len(seen.rows):
            self._needs_light = False
            self.values[LIGHT] = fit._first_light(self.values, geometry, seen, self._light_prior)
        return geometry, seen

    def with_noise(self, equations, noise):
        """(hessian, gradient), times `noise`, of Equations for colours of that many times the variance.

        The priors of texture and light stay relative to the colours, which they alone explain.
        """
        hessian, gradient = equations.hessian.copy(), equations.gradient.copy()
        hessian[SHAPE, SHAPE] += (noise - 1) * self._posterior.precision
        gradient[SHAPE] += (noise - 1) * self._posterior.gradient(self.values[SHAPE])
        return hessian, gradient

    @property
    def room(self):
        """[257] how far each of the values lies above its lower bound, for bounded_step; None without bounds."""
        return None if self._fit._lower is None else self.values - self._fit._lower

    def coefficients(self):
        """[257] float32 of the values."""
        return coefficients_of(self.values)


def limited(step):
    """A step [257] that moves no coefficient and no angle too far."""
    return step / max(np.abs(step[6:SHAPE.stop]).max() / _MOST, np.abs(step[:3]).max() / _MOST_ANGLE, 1.0)


def levels_of(steps):
    """The level of detail of each of so many steps: coarse first."""
    ends = np.rint(np.cumsum([share for _, share in _LEVELS]) * steps)
    return [int(level) for level in np.searchsorted(ends, np.arange(steps), side='right')]
