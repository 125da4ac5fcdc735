"""Training pictures with known answers: random faces of the face model, decoded, put into made-up scenes.

Landmarks, mask and coefficients are exact; the layout is that of `sample_files`, with coeff/NAME.npy beside.
"""
import os
from collections import deque, namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from Deep3DFaceReconstruction.conventions import (
    ALIGN_SCALE,
    AMBIENT_OFFSET,
    CAMERA_DISTANCE,
    CENTER,
    COEFF_DIM,
    COEFF_SLICES,
    IMAGE_SIZE,
    SH_TERMS,
)
from Deep3DFaceReconstruction.dataset import sample_files
from Deep3DFaceReconstruction.dataset.scene_effects import draw_background, draw_occluder, spoil
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.numpy_decoder import key_vertices, project, rotation_matrix
from Deep3DFaceReconstruction.photo.alignment import POS
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, standard_five_points
from Deep3DFaceReconstruction.tf1 import tf
from mesh_renderer import harmonics

# Angles are drawn evenly from -max to max, degrees. *_sd: standard deviations of the coefficients (cut at 2.5 times).
# light: 0 is even white light, 1 the full range of directions, strengths and tints. shift_px, scale: how far from
# perfectly aligned, as real landmarks are. occluded: probability of something before the face. blur, noise,
# compression: see scene_effects.spoil.
SynthesisOptions = namedtuple('SynthesisOptions', [
    'max_yaw', 'max_pitch', 'max_roll', 'id_sd', 'ex_sd', 'tex_sd', 'light', 'shift_px', 'scale', 'occluded', 'blur',
    'noise', 'compression'])
DEFAULT_OPTIONS = SynthesisOptions(
    max_yaw=75.0, max_pitch=30.0, max_roll=20.0, id_sd=1.0, ex_sd=1.0, tex_sd=1.0, light=1.0, shift_px=4.0, scale=0.04,
    occluded=0.3, blur=1.5, noise=8.0, compression=0.3)
# No occluders and nothing that spoils the picture.
PLAIN_OPTIONS = DEFAULT_OPTIONS._replace(occluded=0.0, blur=0.0, noise=0.0, compression=0.0)

_CUT = 2.5
_WRITERS = 2


def synthesize(save_path, count, model, seed=0, options=DEFAULT_OPTIONS, batch_size=16,
               progress=lambda: None):
    """Makes a set of `count` pictures named 000000, 000001, ...; what is there already and whole is kept.

    Picture n depends on the seed, the options, the face model and n alone. (Another batch size, or another version
    of TensorFlow, may change the last bit of a vertex, and so, here and there, which triangle a pixel on an edge sees.)

    Args:
      save_path: the set's folder.
      count: pictures.
      model: face_model.FaceModel.
      seed: a whole number.
      options: SynthesisOptions.
      batch_size: pictures decoded at a time.
      progress: called without arguments after every picture.
    Returns:
      list of the samples' names.
    Raises:
      DataError, OSError: the folder cannot be written.
    """
    names = ['%06d' % index for index in range(count)]
    recipe = 'synthesis seed=%d model=%s %s' % (seed, os.path.basename(model.path), tuple(options))
    with sample_files.set_opened(save_path):
        missing = []
        for index, name in enumerate(names):
            notes = sample_files.read_notes(sample_files.sample_named(save_path, name))
            if notes is not None and notes.get('source') == recipe:
                progress()
            else:
                missing.append(index)
        if missing:
            _make(save_path, missing, seed, options, model, batch_size, recipe, progress)
    return names


def _make(save_path, indices, seed, options, model, batch_size, recipe, progress):
    sampler = CoefficientSampler(model, seed, options)
    pending = deque()
    with renderer(model) as render, ThreadPoolExecutor(_WRITERS) as writers:
        try:
            for start in range(0, len(indices), batch_size):
                batch = indices[start:start + batch_size]
                coeff = sampler(batch)
                # The last batch is filled up, as its size may change the last bits of the matrix products.
                padded = np.concatenate([coeff, np.repeat(coeff[-1:], batch_size - len(batch), axis=0)])
                faces, masks, landmarks = render(coeff=padded)
                for place, index in enumerate(batch):
                    pending.append(writers.submit(
                        _write_scene, save_path, index, seed, options, recipe,
                        faces[place], masks[place], landmarks[place], coeff[place]))
                # One batch is written while the next is decoded, and no more are held.
                while len(pending) > batch_size:
                    pending.popleft().result()
                    progress()
            while pending:
                pending.popleft().result()
                progress()
        finally:
            for future in pending:
                future.cancel()


def _write_scene(save_path, index, seed, options, recipe, face, mask, landmarks, coeff):
    image, attention = compose(_random(seed, index, 1), face, mask, options)
    sample_files.write_sample(sample_files.sample_named(save_path, '%06d' % index), image, landmarks,
                              np.repeat(attention[..., np.newaxis], 3, axis=2), {'source': recipe}, coeff)


def compose(random, face, mask, options):
    """Puts a rendered face into a scene.

    Args:
      random: RandomState.
      face: [224,224,3] float32 BGR, as rendered; mask: [224,224] bool, where it is.
      options: SynthesisOptions.
    Returns:
      (picture [224,224,3] uint8 BGR, attention [224,224] uint8: 255 where the picture shows the face, else 0).
    """
    picture = draw_background(random, IMAGE_SIZE)
    picture[mask] = face[mask]
    if random.uniform() < options.occluded:
        for _ in range(random.randint(1, 3)):
            mask = mask & ~draw_occluder(random, picture, np.array([CENTER, CENTER]))
    picture = spoil(random, picture, options.blur, options.noise, options.compression)
    return picture, np.uint8(mask) * 255


class CoefficientSampler:
    """Draws coefficient vectors; the face stands in the crop where alignment would have put it."""

    def __init__(self, model, seed, options):
        self._key_vertices = key_vertices(model)
        self._seed = seed
        self._options = options

    def __call__(self, indices):
        """[len(indices), 257] float32: the vectors of the pictures with these numbers."""
        return np.stack([self._one(_random(self._seed, index, 0)) for index in indices]).astype(np.float32)

    def _one(self, random):
        options = self._options
        coeff = np.zeros(COEFF_DIM)
        for name, deviation in (('id', options.id_sd), ('ex', options.ex_sd), ('tex', options.tex_sd)):
            part = coeff[COEFF_SLICES[name]]
            part[:] = np.clip(random.randn(len(part)), -_CUT, _CUT) * deviation
        limits = np.radians([options.max_pitch, options.max_yaw, options.max_roll])
        coeff[COEFF_SLICES['angles']] = random.uniform(-1, 1, 3) * limits
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
      times as bright as its albedo, tints aside.
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


def renderer(model):
    """Coefficients to faces without a scene.

    Args:
      model: face_model.FaceModel.
    Returns:
      GraphFunction of coeff [B,257] -> (faces [B,224,224,3] float32 BGR 0-255, masks [B,224,224] bool, landmarks
      [B,68,2] y-up).
    """
    def build():
        face3d = Face3D(model)
        coeff = tf.placeholder(tf.float32, [None, COEFF_DIM], 'coeff')
        geometry = face3d.Geometry_block(coeff)
        rgba, mask, _ = face3d.Render_block(geometry.face_shape_t, geometry.face_color)
        return {'coeff': coeff}, (tf.reverse(rgba[..., :3], axis=[3]), mask[..., 0] > 0.5, geometry.landmark_p)
    return GraphFunction(build)


def _random(seed, index, stream):
    """The random state of one picture; its coefficients and its scene have streams of their own."""
    return np.random.RandomState([seed % 2 ** 32, index, stream])
