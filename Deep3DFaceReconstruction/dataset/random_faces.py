"""Random faces with known coefficients: identity, expression, albedo, pose and light, as functions of a seed."""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import (
    ALIGN_SCALE,
    AMBIENT_OFFSET,
    CAMERA_DISTANCE,
    CENTER,
    COEFF_DIM,
    COEFF_SLICES,
    SH_TERMS,
)
from Deep3DFaceReconstruction.numpy_decoder import key_vertices, project, rotation_matrix
from Deep3DFaceReconstruction.photo.alignment import POS
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, standard_five_points
from mesh_renderer import harmonics

_CUT = 2.5
# Streams 0 and 1 of `random_of` are an image's coefficients and its scene.
_PERSON_STREAM = 2


class SynthesisOptions(NamedTuple):
    """What varies between synthetic faces, and how much.

    Attributes:
      max_yaw, max_pitch, max_roll: degrees; yaw is drawn evenly from -max to max, pitch and roll more often near 0
        (a triangular distribution).
      id_sd, ex_sd, tex_sd: standard deviations of the coefficients, cut at 2.5 times.
      light: 0 is even white light, 1 the full range of directions, strengths and tints.
      shift_px, scale: how far from perfectly aligned, as real landmarks are.
      occluded: probability of something before the face.
      blur, noise, compression: see scene_effects.degrade.
      heads: whole heads with hair and clothes, where the face model has a head; else the face alone.
    """

    max_yaw: float = 90.0
    max_pitch: float = 40.0
    max_roll: float = 45.0
    id_sd: float = 1.0
    ex_sd: float = 1.0
    tex_sd: float = 1.0
    light: float = 1.0
    shift_px: float = 5.0
    scale: float = 0.06
    occluded: float = 0.25
    blur: float = 1.5
    noise: float = 8.0
    compression: float = 0.3
    heads: bool = True


DEFAULT_OPTIONS = SynthesisOptions()
# The face alone, no occluders and nothing that degrades the image.
PLAIN_OPTIONS = DEFAULT_OPTIONS._replace(occluded=0.0, blur=0.0, noise=0.0, compression=0.0, heads=False)


class CoefficientSampler:
    """Draws coefficient vectors; the face stands in the crop where alignment would have put it.

    Args:
      model: face_model.FaceModel.
      seed: of all draws.
      options: SynthesisOptions.
      views: images of each person: those with the numbers from p * views on share identity and albedo. With 1, every
        image shows another person.
    """

    def __init__(self, model, seed, options, views=1):
        self._key_vertices = key_vertices(model)
        self._one_sided = np.isfinite(model.ex_lower)
        self._seed = seed
        self._options = options
        self._views = views

    def __call__(self, indices):
        """[len(indices), 257] float32: the vectors of the images with these numbers."""
        return np.stack([self._one(index) for index in indices]).astype(np.float32)

    def _one(self, index):
        options, random = self._options, random_of(self._seed, index, 0)
        person = random if self._views == 1 else random_of(self._seed, index // self._views, _PERSON_STREAM)
        coeff = np.zeros(COEFF_DIM)
        for name, deviation, source in (('id', options.id_sd, person), ('ex', options.ex_sd, random),
                                        ('tex', options.tex_sd, person)):
            part = coeff[COEFF_SLICES[name]]
            part[:] = np.clip(source.randn(len(part)), -_CUT, _CUT) * deviation
        expression = coeff[COEFF_SLICES['ex']]
        expression[self._one_sided] = np.abs(expression[self._one_sided])  # their bound is 0
        limits = np.radians([options.max_pitch, options.max_yaw, options.max_roll])
        share = random.uniform(-1, 1, (2, 3))
        coeff[COEFF_SLICES['angles']] = np.where([False, True, False], share[0], share.mean(axis=0)) * limits
        coeff[COEFF_SLICES['gamma']] = draw_light(random, options.light).reshape(-1)
        shift = random.uniform(-1, 1, 2) * options.shift_px
        factor = (1 + options.scale) ** random.uniform(-1, 1)
        points = self._key_vertices.shape(coeff[:COEFF_SLICES['ex'].stop])
        rotated = points @ rotation_matrix(coeff[COEFF_SLICES['angles']])
        coeff[COEFF_SLICES['translation']] = aligned_translation(rotated, shift, factor)
        return coeff


def draw_light(random, variety):
    """Lighting coefficients of one distant lamp, light from all around, and a little of the second order.

    Args:
      random: RandomState.
      variety: 0-1, see SynthesisOptions.light.
    Returns:
      [3, 9] gamma, without the ambient offset that the decoder adds. What is turned to the lamp is 0.65 to 1.25
      times as bright as its albedo, apart from tints.
    """
    azimuth, elevation = np.radians([random.uniform(-80, 80), random.uniform(-30, 70)])
    toward = np.array([np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)])
    brightness = 0.95 + variety * random.uniform(-0.3, 0.3)
    share = variety * random.uniform(0, 0.55)
    tints = 1 + variety * 0.07 * random.randn(2, 3)
    second = variety * 0.03 * random.randn(3, SH_TERMS - 4)
    gamma = np.zeros((3, SH_TERMS))
    gamma[:, 0] = tints[0] * brightness * (1 - share) / harmonics.CONSTANTS[0] - AMBIENT_OFFSET
    # The basis is y, z, x times constants: these weights give a brightness of share * normal . toward.
    lamp = toward[[1, 2, 0]] * brightness * share / harmonics.CONSTANTS[1:4]
    gamma[:, 1:4] = tints[1][:, np.newaxis] * lamp
    gamma[:, 4:] = second
    return gamma


def aligned_translation(landmarks68, shift, factor):
    """Where a face must stand for `align_img` to leave the crop as it is, up to a shift and a factor.

    Args:
      landmarks68: [68,3] dm, rotated, about the face's own origin.
      shift: (right, up) in pixels.
      factor: larger than 1 makes the face larger.
    Returns:
      [3] dm.
    """
    standard = standard_five_points().T
    translation = np.zeros(3)
    # Weak perspective makes each step nearly exact; after five the rest is far below a hundredth of a pixel.
    for _ in range(5):
        points = landmarks68 + translation
        t, s = POS(five_from_68(project(points)).T, standard)
        translation[:2] -= (t[:, 0] - CENTER - shift) / s
        depth = CAMERA_DISTANCE - translation[2]
        translation[2] = CAMERA_DISTANCE - depth * s / (ALIGN_SCALE * factor)
    return translation


def random_of(seed, index, stream):
    """The random state of one image or person; coefficients and scene of an image have streams of their own."""
    return np.random.RandomState([seed % 2 ** 32, index, stream])
