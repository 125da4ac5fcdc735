"""The second step of fitting: all coefficients together from the colours of the crop.

Robust Gauss-Newton on surface samples, coarse to fine: the colour that albedo and light give a sample against the
crop's colour where the sample is seen. The priors: what the landmarks left (a landmark_fit.Posterior), standard normal
texture, flat albedo, and a light that is mostly white and ambient. Nothing is rendered, so no graph is needed.
"""
from typing import NamedTuple

import cv2
import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import (
    AMBIENT_OFFSET,
    CAMERA_DISTANCE,
    COEFF_DIM,
    COEFF_SLICES,
    FOCAL,
    IMAGE_SIZE,
    SH_TERMS,
    TEX_DIM,
)
from Deep3DFaceReconstruction.fitting.landmark_fit import unknowns
from mesh_renderer import harmonics

# Standard deviation of each level's blur in pixels, and its share of the steps.
_LEVELS = ((2.0, 0.3), (1.0, 0.3), (0.6, 0.4))
# No step moves a coefficient by more, or an angle (radians).
_MOST, _MOST_ANGLE = 1.0, 0.15
_DAMPING = 1e-3

SHAPE = slice(0, 150)
TEXTURE = slice(150, 150 + TEX_DIM)
LIGHT = slice(150 + TEX_DIM, 150 + TEX_DIM + 3 * SH_TERMS)


class ShadingWeights(NamedTuple):
    """How far the fit trusts what; weights are inverse variances.

    Attributes:
      samples: so many independent pixels the face counts for.
      deviation, freedom: scale (1 = 255 levels) and degrees of freedom of a colour's Student-t error.
      texture: prior of a texture coefficient.  flatness: of the reflectance loss.
      light: of the light's terms; the second order counts four times.  white: of their differences between channels.
    """

    samples: float = 2000.0
    deviation: float = 0.05
    freedom: float = 3.0
    texture: float = 0.3
    flatness: float = 300.0
    light: float = 10.0
    white: float = 200.0


class ShadingFit:
    """Fits one face at a time.

    Args:
      samples: surface_samples.SurfaceSamples.
      weights: ShadingWeights; the defaults where None.
    """

    def __init__(self, samples, weights=None):
        self._samples = samples
        self._weights = weights or ShadingWeights()

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
        values = np.zeros(COEFF_DIM)
        values[SHAPE] = posterior.mean if start is None else unknowns(start)
        if start is not None:
            values[TEXTURE], values[LIGHT] = start[COEFF_SLICES['tex']], start[COEFF_SLICES['gamma']]
        light_prior = self._light_prior(is_grey(crop.bgr))
        attention = cv2.GaussianBlur(crop.attention, (0, 0), 1.0).astype(np.float32) / 255
        record, hessian = [], None
        for number, (blur, _) in enumerate(_LEVELS):
            image = _Image(crop.bgr, attention, blur)
            for step in range(_steps_of_level(number, steps)):
                geometry = self._samples.geometry(values)
                if step == 0:
                    facing = self._samples.facing(values, geometry)
                seen = image.sample(geometry, facing)
                if not len(seen.rows):
                    continue
                if start is None and not record:
                    values[LIGHT] = self._first_light(values, geometry, seen, light_prior)
                values, error, hessian = self._step(values, geometry, seen, posterior, light_prior)
                record.append(error)
        return _coefficients(values), _coefficients(_deviations(hessian)), record

    def _light_prior(self, grey):
        """[27,27] precision of the light."""
        order = np.concatenate([np.ones(4), np.full(SH_TERMS - 4, 4.0)])
        white = self._weights.white * (1e3 if grey else 1.0)
        between = np.eye(3) - 1.0 / 3
        return np.kron(np.eye(3), np.diag(order * self._weights.light)) + np.kron(between, np.diag(order * white))

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

    def _step(self, values, geometry, seen, posterior, light_prior):
        """(values after one step, mean absolute colour difference before it, hessian [257,257] with the priors)."""
        residual, slope = self._residual(values, geometry, seen)
        robust = (self._weights.freedom + 3) / (
            self._weights.freedom + (residual ** 2).sum(axis=1) / self._weights.deviation ** 2)
        root = np.sqrt(self._weight(seen) * robust / (1 + 3 / self._weights.freedom)).astype(np.float32)
        flat = (slope * root[:, np.newaxis, np.newaxis]).reshape(-1, COEFF_DIM)
        hessian = flat.T.dot(flat).astype(np.float64)
        gradient = flat.T.dot((residual * root[:, np.newaxis]).ravel().astype(np.float32)).astype(np.float64)
        self._add_priors(hessian, gradient, values, posterior, light_prior)
        step = np.linalg.solve(hessian + _DAMPING * np.diag(np.diag(hessian)), gradient)
        most = max(np.abs(step[6:SHAPE.stop]).max() / _MOST, np.abs(step[:3]).max() / _MOST_ANGLE, 1.0)
        error = 255 * (np.abs(residual).mean(axis=1) * seen.attention).sum() / max(seen.attention.sum(), 1e-9)
        return values - step / most, float(error), hessian

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

    def _add_priors(self, hessian, gradient, values, posterior, light_prior):
        weights = self._weights
        hessian[SHAPE, SHAPE] += posterior.precision
        gradient[SHAPE] += posterior.precision.dot(values[SHAPE] - posterior.mean)
        texture = weights.texture * np.eye(TEX_DIM) + weights.flatness * self._samples.flatness
        hessian[TEXTURE, TEXTURE] += texture
        gradient[TEXTURE] += texture.dot(values[TEXTURE]) + weights.flatness * self._samples.flatness_pull
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
        turns[:, :, 6:] = np.matmul(turn, _normal_slope(geometry, rows, samples))
        depth = (CAMERA_DISTANCE - geometry.moved[rows, 2])[:, np.newaxis]
        away = geometry.moved[rows, :2] / depth
        # d colour / d moved point, through the projection: [K,3 channels,3].
        into = np.concatenate([seen.slope, (seen.slope * away[:, np.newaxis]).sum(axis=2, keepdims=True)], axis=2)
        into = into * (FOCAL / depth)[:, :, np.newaxis]
        shade = albedo[:, :, np.newaxis] * np.matmul(light.astype(np.float32), _sh_slope(geometry.turned[rows]))
        return np.matmul(shade.astype(np.float32), turns) - np.matmul(into.astype(np.float32), moves)


def _normal_slope(geometry, rows, samples):
    """[K,3,144]: d unit normal / d shape coefficient, model's frame."""
    first, second = geometry.first[rows][:, :, np.newaxis], geometry.second[rows][:, :, np.newaxis]
    slope = (_cross(samples.first_base[rows], second) + _cross(first, samples.second_base[rows]))
    slope /= geometry.length[rows][:, :, np.newaxis]
    normal = geometry.normal[rows]
    along = np.matmul(normal[:, np.newaxis], slope)
    return slope - normal[:, :, np.newaxis] * along


def _cross(a, b):
    """Cross product along axis 1 of [K,3,n] and [K,3,m], one of n and m being 1 or both alike."""
    return np.stack([a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1], a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
                     a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]], axis=1)


def _sh_slope(normals):
    """[K,9,3]: d sh_basis / d normal."""
    x, y, z = normals.T
    zero, one = np.zeros_like(x), np.ones_like(x)
    slope = np.stack([np.stack(row, axis=1) for row in (
        (zero, zero, zero), (zero, one, zero), (zero, zero, one), (one, zero, zero), (y, x, zero), (zero, z, y),
        (zero, zero, 6 * z), (z, zero, x), (2 * x, -2 * y, zero))], axis=1)
    return (slope * harmonics.CONSTANTS[:, np.newaxis]).astype(np.float32)


class _Seen(NamedTuple):
    """The samples that the image shows; n of them."""
    rows: np.ndarray       # [n] int
    colour: np.ndarray     # [n,3] RGB, 1 = 255 levels
    slope: np.ndarray      # [n,3,2] of the colour per pixel to the right and up
    attention: np.ndarray  # [n] 0-1
    facing: np.ndarray     # [n] cosine


class _Image:
    """A blurred crop with its slopes."""

    def __init__(self, crop_bgr, attention, blur):
        image = cv2.GaussianBlur(crop_bgr[:, :, ::-1].astype(np.float32) / 255, (0, 0), blur)
        right = cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=3) / 8
        down = cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=3) / 8
        self._layers = (image, right, -down, attention)

    def sample(self, geometry, facing):
        """The _Seen of samples of a Geometry whose cosines are `facing` [K], 0 where hidden."""
        place = numpy_decoder.project(geometry.moved) - 0.5  # a pixel's centre is half a pixel from its edge
        place[:, 1] = IMAGE_SIZE - 1 - place[:, 1]
        inside = np.logical_and(place > 1, place < IMAGE_SIZE - 2).all(axis=1)
        rows = np.flatnonzero(inside & (facing > 0))
        if not len(rows):
            return _Seen(rows, *[np.zeros(0)] * 4)
        x, y = place[rows].T.astype(np.float32)[:, np.newaxis]
        colour, right, up, attention = (cv2.remap(layer, x, y, cv2.INTER_LINEAR)[0] for layer in self._layers)
        return _Seen(rows, colour, np.stack([right, up], axis=2), attention, facing[rows])


def is_grey(crop_bgr):
    """Whether an image [H,W,3] uint8 has no colours: then the light is white."""
    image = crop_bgr.astype(np.int16)
    return float(np.abs(image - image.mean(axis=2, keepdims=True)).mean()) < 2.0


def _steps_of_level(number, steps):
    """How many of all steps a level gets."""
    ends = np.rint(np.cumsum([0.0] + [share for _, share in _LEVELS]) * steps).astype(int)
    return int(ends[number + 1] - ends[number])


def _deviations(hessian):
    """[257] standard deviations of the unknowns from the inverse of their hessian; NaN without one."""
    return np.full(COEFF_DIM, np.nan) if hessian is None else np.sqrt(np.diag(np.linalg.inv(hessian)))


def _coefficients(values):
    """Unknowns [257], or their deviations, in the order of the coefficients."""
    coeff = np.zeros(COEFF_DIM)
    coeff[COEFF_SLICES['angles']], coeff[COEFF_SLICES['translation']] = values[:3], values[3:6]
    coeff[COEFF_SLICES['id']], coeff[COEFF_SLICES['ex']] = values[6:86], values[86:150]
    coeff[COEFF_SLICES['tex']], coeff[COEFF_SLICES['gamma']] = values[TEXTURE], values[LIGHT]
    return coeff.astype(np.float32)
