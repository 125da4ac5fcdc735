"""A clip of exact truth: a head of the open model turns, nods, speaks, blinks and looks about, with noise."""
from typing import NamedTuple

import cv2
import numpy as np
from skimage import data

from Deep3DFaceReconstruction.conventions import CENTER, FOCAL, IMAGE_SIZE, TEX_DIM
from Deep3DFaceReconstruction.dataset.scenes import lamps, outfits
from Deep3DFaceReconstruction.dataset.scenes.portrait import Portraits
from Deep3DFaceReconstruction.dataset.scenes.renderer import Renderer, frame_camera
from Deep3DFaceReconstruction.face_model import arkit
from Deep3DFaceReconstruction.face_model.eyes import SIDES, EyeState, eyes_of
from Deep3DFaceReconstruction.face_model.named_shapes import ExpressionMap, load_named_shapes
from Deep3DFaceReconstruction.motion.following import coefficients_of
from Deep3DFaceReconstruction.motion.frame_fit import ANGLES, EXPRESSION, STATE_DIM, TRANSLATION, CropCamera
from Deep3DFaceReconstruction.motion.people import Person
from Deep3DFaceReconstruction.numpy_decoder import key_vertices, project, rotation_matrix
from Deep3DFaceReconstruction.video.frames import Frame

# A lamp from the upper left and light from all around.
LIGHT = lamps.Light(np.repeat(0.7 * np.eye(9)[:1], 3, axis=0), np.array([[-0.4, 0.5, 0.77]]), np.full((1, 3), 0.95),
                    0.05)
# Crop pixels that the drawn window spans, over the crop's: the whole head is in it.
WINDOW = 1 / 0.6
BLINKS = [arkit.NAMES.index('eyeBlink' + side) for side in SIDES]


class MadeClip(NamedTuple):
    """Frames of a made clip and what is true of them."""

    frames: list          # of frames.Frame
    states: np.ndarray    # [T,70]
    weights: np.ndarray   # [T,52] ARKit weights but those of gaze
    gaze: np.ndarray      # [T,2] yaw and pitch of both eyes, radians
    camera: CropCamera
    landmarks: np.ndarray  # [T,68,2] pixels of the frame, y-down, the first pixel's centre at (0, 0)
    person: Person


def person_of(model, seed=3, deviation=0.8):
    """A random Person, as far as drawing needs one."""
    random = np.random.RandomState(seed)
    identity, texture = deviation * random.randn(2, TEX_DIM)
    shape = model.meanshape - model.meanshape.mean(axis=0) + model.id_base.dot(identity).reshape(-1, 3)
    albedo = np.clip(model.meantex + model.tex_base.dot(texture).reshape(-1, 3), 1, 255)
    return Person(number=1, descriptor=None, identity=identity, texture=texture, shape=shape.astype(np.float32),
                  albedo=albedo.astype(np.float32), neutral=None, strays=None, appearance=None)


def motion(count, fps=30.0):
    """(angles [T,3], {shape name: weights [T]}): two seconds and more of a talking head."""
    time = np.arange(count) / fps
    angles = np.stack([np.radians(8) * np.sin(2 * np.pi * 0.7 * time), np.radians(25) * np.sin(2 * np.pi * 0.3 * time),
                       np.radians(4) * np.sin(2 * np.pi * 0.2 * time + 1)], axis=1)
    syllables = np.clip(np.sin(2 * np.pi * 2.2 * time), 0, 1) ** 1.5
    blink = np.exp(-0.5 * ((time % 1.5 - 0.8) / 0.05) ** 2)
    return angles, {'jawOpen': 0.45 * syllables, 'mouthSmileLeft': 0.3 + 0.3 * np.sin(2 * np.pi * 0.25 * time),
                    'mouthSmileRight': 0.3 + 0.3 * np.sin(2 * np.pi * 0.25 * time),
                    'eyeBlinkLeft': blink, 'eyeBlinkRight': blink, 'browInnerUp': 0.3 * syllables}


def glances(count, fps=30.0):
    """[T,2] yaw and pitch: to one side, to the other and down, half a second each."""
    targets = np.radians([[0, 0], [15, 0], [-15, 0], [0, -10]])
    steps = targets[(np.arange(count) / (0.5 * fps)).astype(int) % len(targets)]
    kernel = np.ones(3) / 3
    return np.stack([np.convolve(np.pad(axis, 1, mode='edge'), kernel, 'valid') for axis in steps.T], axis=1)


def made_clip(model, count, size=(640, 480), noise=4.0, face=1.0, seed=0):
    """A MadeClip of the open model; face: size of the face in multiples of the crop's."""
    random = np.random.RandomState(seed)
    angles, named = motion(count)
    shapes = load_named_shapes(model)
    weights = np.stack([shapes.allowed(np.array([named[name][t] if name in named else 0.0 for name in shapes.names]))
                        for t in range(count)])
    open_eyes = weights.copy()
    open_eyes[:, BLINKS] = 0
    states = np.zeros((count, STATE_DIM))
    states[:, ANGLES] = angles
    states[:, EXPRESSION] = ExpressionMap(model, shapes).coefficients(open_eyes)
    drift = np.sin(2 * np.pi * 0.15 * np.arange(count) / 30.0)
    states[:, TRANSLATION] = np.stack([0.15 * drift, 0.05 * drift, 0.3 * drift], axis=1)
    person, gaze, artist = person_of(model), glances(count), _Artist(model, face)
    camera = CropCamera(1.0 / face, size[0] / 2 - CENTER * face, size[1] / 2 - CENTER * face)
    background = _background(size)
    frames = []
    for number in range(count):
        rgb = background.astype(np.float32)
        artist.draw(rgb, coefficients_of(person, states[number]), weights[number, BLINKS], gaze[number])
        rgb = np.clip(rgb + noise * random.randn(*rgb.shape), 0, 255).astype(np.uint8)
        frames.append(Frame(number, number / 30.0, rgb))
    landmarks = landmarks_of(model, person.identity, states, camera, weights[:, BLINKS])
    return MadeClip(frames, states, weights, gaze, camera, landmarks, person)


def _background(size):
    photo = data.coffee()[:size[1], :size[0]]
    return np.pad(photo, [(0, size[1] - photo.shape[0]), (0, size[0] - photo.shape[1]), (0, 0)], mode='reflect')


class _Artist:
    """Draws heads in the middle of frames."""

    def __init__(self, model, face):
        self._portraits, self._renderer, self._face = Portraits(model), Renderer(), face
        names = self._portraits.wardrobe.names
        self._outfit = outfits.draw(np.random.RandomState(3), names)._replace(
            hair='short02', hair_colour=np.array([84.0, 58.0, 40.0]), scalp=0.9, beard=0.0, lashes=names['lashes'][0],
            hat=None, glasses=None, top=None, neckline='crew', body=np.zeros(3))
        self._camera = frame_camera(10.0, FOCAL / 10.0 / WINDOW)

    def draw(self, rgb, coeff, lids, gaze):
        """On rgb [H,W,3] float32: the head of coefficients [257] with lids [2] 0-1 and gaze [2] radians."""
        outfit = self._outfit._replace(lids=lids, gaze=gaze)
        body = self._portraits.body(coeff, outfit)
        drawn = self._renderer(*self._portraits.layers(coeff, outfit, LIGHT, self._camera, body)[:2])
        side = int(round(WINDOW * IMAGE_SIZE * self._face / 2)) * 2
        colour, cover = (cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA)
                         for part in (np.minimum(drawn.colour, 255), drawn.covered))
        # The window may reach beyond the frame.
        low = np.array([rgb.shape[1] // 2, rgb.shape[0] // 2]) - side // 2
        first, last = np.maximum(-low, 0), np.minimum(side, np.array(rgb.shape[1::-1]) - low)
        inside = slice(first[1], last[1]), slice(first[0], last[0])
        part = rgb[low[1] + first[1]:low[1] + last[1], low[0] + first[0]:low[0] + last[0]]
        part[...] = colour[inside] + part * (1 - cover[inside][..., None])


def landmarks_of(model, identity, states, camera, blinks=None):
    """[T,68,2] where the 68 key vertices of an identity in states [T,70] are seen; blinks: [T,2], see EyeState."""
    keys, eyes = key_vertices(model), eyes_of(model)
    points = []
    for number, state in enumerate(states):
        coeff = np.concatenate([identity, state[EXPRESSION]])
        shape = keys.shape(coeff)
        if blinks is not None:
            closed = EyeState(np.zeros((2, 2)), blinks[number])
            shape = shape + eyes.offset(np.pad(coeff, (0, 113), mode='constant'), closed)[model.keypoints]
        points.append(shape.dot(rotation_matrix(state[ANGLES])) + state[TRANSLATION])
    return camera.from_crop(project(np.array(points)))
