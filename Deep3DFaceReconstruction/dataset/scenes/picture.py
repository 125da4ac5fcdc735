"""A whole picture and its labels, as a function of a seed, a number and the coefficients."""
import functools
from typing import NamedTuple

import cv2
import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import AMBIENT_OFFSET, COEFF_SLICES, IMAGE_SIZE
from Deep3DFaceReconstruction.dataset import random_faces
from Deep3DFaceReconstruction.dataset.scenes import backgrounds, labels, lamps, mishaps, outfits
from Deep3DFaceReconstruction.dataset.scenes.labels import LabelledPoints
from Deep3DFaceReconstruction.dataset.scenes.portrait import Portraits
from Deep3DFaceReconstruction.dataset.scenes.renderer import FINER, Renderer, frame_camera
from Deep3DFaceReconstruction.photo.alignment import POS
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, standard_five_points

# Streams of random_faces.random_of.
_SCENE, _OUTFIT, _LIGHT, _MOOD = 1, 3, 4, 5
_NEAR, _FAR = 4.0, 25.0         # dm from the camera to the face: an arm's length to a telephoto lens
_DARKEST, _BRIGHTEST = 55, 185  # the face's mean brightness that a camera would expose for
_EXPOSED = 0.75                 # of the cameras
_NEAREST = np.int64((np.arange(IMAGE_SIZE) + 0.5) * FINER)  # the drawn pixel in the middle of each of the picture
_OTHERS = 6                     # other heads that backgrounds may show


class Picture(NamedTuple):
    """A picture and what is known of it.

    Attributes:
      image: [224,224,3] uint8 BGR.
      attention: [224,224] uint8, 255 where the face model's own surface is seen, else 0.
      parts: [224,224] uint8, of labels.NAMES.
      landmarks: [68,2] crop pixels, y-up.
      dense: [468,3] float32: x, y (crop pixels, y-up) and 1 where the point is seen, else 0.
      coeff: [257]; its light is that of the picture.
    """

    image: np.ndarray
    attention: np.ndarray
    parts: np.ndarray
    landmarks: np.ndarray
    dense: np.ndarray
    coeff: np.ndarray


class Studio:
    """Takes pictures of heads of the open model; may be used by several threads.

    Args:
      model: face_model.FaceModel, the open one.  seed: of all draws.  options: random_faces.SynthesisOptions.
      views: pictures of each person, see random_faces.CoefficientSampler.  threads: see renderer.Renderer.
    """

    def __init__(self, model, seed, options, views=1, threads=0):
        self._portraits, self._render = Portraits(model), Renderer(threads)
        self._points = LabelledPoints(model)
        self._seed, self._options, self._views = seed, options, views
        self._others = []
        if options.blur:
            sampler = random_faces.CoefficientSampler(model, seed + 1, options)
            self._others = [self._other(index, coeff) for index, coeff in enumerate(sampler(range(_OTHERS)))]

    def picture(self, index, coeff):
        """The Picture of a number; coeff [257] as random_faces.CoefficientSampler has it."""
        scene = random_faces.random_of(self._seed, index, _SCENE)
        coeff, drawn, camera, points = self._shown(self._seed, index, coeff)
        image = backgrounds.draw(scene, IMAGE_SIZE, self._others)
        colour, cover = _reduced(drawn)
        image *= 1 - cover
        image += colour
        seen_parts = drawn.parts[_NEAREST[:, np.newaxis], _NEAREST]
        if scene.uniform() < self._options.occluded:
            for _ in range(scene.randint(1, 3)):
                seen_parts[mishaps.draw_occluder(scene, image)] = labels.OCCLUDER
        attention = np.uint8(255 * ((seen_parts > 0) & (seen_parts < labels.HEAD)))
        places = camera.project(points.dense)
        seen = _seen(places, camera.distance - points.dense[:, 2], drawn.depth, seen_parts)
        return Picture(mishaps.spoil(scene, image, self._options), attention, seen_parts,
                       camera.project(points.landmarks),
                       np.concatenate([places, seen[:, None]], axis=1).astype(np.float32), coeff)

    def _shown(self, seed, index, coeff):
        """(coeff with the picture's light, renderer.Drawn, renderer.Camera, labelled_points.Points)"""
        options, portraits = self._options, self._portraits
        outfit = outfits.draw(random_faces.random_of(seed, index // self._views, _OUTFIT), portraits.wardrobe.names)
        if self._views > 1:
            outfit = outfits.another_day(outfit, random_faces.random_of(seed, index, _MOOD))
        random = random_faces.random_of(seed, index, _LIGHT)
        light = lamps.draw(random, options.light)
        distance = np.exp(random.uniform(np.log(_NEAR), np.log(_FAR)))
        coeff = np.array(coeff, np.float64)
        points = self._points.placed(coeff, outfit.lids)
        camera = _aligned(frame_camera(distance + coeff[COEFF_SLICES['translation']][2]), points)
        body = portraits.body(coeff, outfit)
        solid, thin, solid_parts, thin_parts = portraits.layers(coeff, outfit, light, camera, body)
        drawn = self._render(solid, thin)
        drawn = drawn._replace(parts=_parts(drawn, solid_parts, thin_parts))
        gain = self._exposure(random, drawn)
        gamma = light.gamma()
        gamma[:, 0] += AMBIENT_OFFSET
        gamma *= gain
        gamma[:, 0] -= AMBIENT_OFFSET
        coeff[COEFF_SLICES['gamma']] = gamma.reshape(-1)
        return coeff.astype(np.float32), drawn._replace(colour=drawn.colour * np.float32(gain)), camera, points

    def _exposure(self, random, drawn):
        """The factor that brings the face to the brightness that a camera exposes for."""
        goal, exposed = random.uniform(_DARKEST, _BRIGHTEST), random.uniform() < _EXPOSED
        face = drawn.parts[::2, ::2]
        bright = drawn.colour[::2, ::2][(face > 0) & (face < labels.HEAD)]
        if not exposed or not len(bright) or not self._options.light:
            return 1.0
        return float(np.clip(goal / max(bright.mean(), 1.0), 0.4, 2.2))

    def _other(self, index, coeff):
        _, drawn, _, _ = self._shown(self._seed + 1, index, coeff)
        return _reduced(drawn)


def _parts(drawn, solid, thin):
    """[S,S] uint8 of renderer.Drawn, from the parts of the triangles of the two layers."""
    solid = np.append(solid, np.uint8(0))  # -1 is the last
    found = solid[drawn.triangle]
    row, column = np.nonzero(drawn.thin >= 0)
    found[row, column] = thin[drawn.thin[row, column]] if len(thin) else 0
    return found


def _reduced(drawn):
    """([224,224,3] float32 BGR times cover, [224,224,1] cover) of renderer.Drawn."""
    shrink = functools.partial(cv2.resize, dsize=(IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_AREA)
    colour = np.minimum(shrink(drawn.colour), 255)
    return np.ascontiguousarray(colour[:, :, ::-1]), shrink(drawn.covered)[:, :, None]


def _aligned(camera, points):
    """The Camera whose crop has the five points where the decoder's camera has them, up to the perspective."""
    standard = standard_five_points().T
    goal_t, goal_s = POS(five_from_68(numpy_decoder.project(points.landmarks)).T, standard)
    t, s = POS(five_from_68(camera.project(points.landmarks)).T, standard)
    factor = float(goal_s / s)
    return camera._replace(scale=camera.scale * factor, center=(camera.center - t[:, 0]) * factor + goal_t[:, 0])


def _seen(places, depth, nearest, found):
    """[K] bool: points at crop pixels [K,2] (y-up) and depths [K] that nothing hides."""
    size = nearest.shape[0]
    column = np.floor(places[:, 0] * FINER).astype(int)
    row = size - 1 - np.floor(places[:, 1] * FINER).astype(int)
    inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    row, column = np.clip(row, 0, size - 1), np.clip(column, 0, size - 1)
    in_front = found[np.int64(row / FINER), np.int64(column / FINER)] > labels.HEAD
    return inside & (depth < nearest[row, column] + 0.05) & ~in_front
