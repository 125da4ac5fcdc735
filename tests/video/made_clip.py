"""A clip of exact truth: a face of the open model turns, nods, speaks and blinks over a photo, with noise."""
from typing import NamedTuple

import numpy as np
from skimage import data

from Deep3DFaceReconstruction.conventions import SH_TERMS, TEX_DIM
from Deep3DFaceReconstruction.face_model.named_shapes import ExpressionMap, load_named_shapes
from Deep3DFaceReconstruction.motion.frame_fit import ANGLES, EXPRESSION, STATE_DIM, TRANSLATION, CropCamera
from Deep3DFaceReconstruction.motion.people import Person
from Deep3DFaceReconstruction.numpy_decoder import key_vertices, project, rotation_matrix
from Deep3DFaceReconstruction.video.frames import Frame
from Deep3DFaceReconstruction.video.overlay import Overlay

LIGHT = {0: 0.10, 1: -0.10, 2: 0.24}


class MadeClip(NamedTuple):
    """Frames of a made clip and what is true of them."""

    frames: list          # of frames.Frame
    states: np.ndarray    # [T,70]
    weights: np.ndarray   # [T,52] ARKit weights
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


def made_clip(model, count, size=(640, 480), noise=4.0, face=1.0, seed=0):
    """A MadeClip of the open model; face: size of the face in multiples of the crop's."""
    random = np.random.RandomState(seed)
    angles, named = motion(count)
    shapes = load_named_shapes(model)
    weights = np.stack([shapes.allowed(np.array([named[name][t] if name in named else 0.0 for name in shapes.names]))
                        for t in range(count)])
    states = np.zeros((count, STATE_DIM))
    states[:, ANGLES] = angles
    states[:, EXPRESSION] = ExpressionMap(model, shapes).coefficients(weights)
    drift = np.sin(2 * np.pi * 0.15 * np.arange(count) / 30.0)
    states[:, TRANSLATION] = np.stack([0.15 * drift, 0.05 * drift, 0.3 * drift], axis=1)
    gamma = np.zeros((3, SH_TERMS))
    for term, value in LIGHT.items():
        gamma[:, term] = value
    person, overlay = person_of(model), Overlay(model)
    camera = CropCamera(1.0 / face, size[0] / 2 - 112 * face, size[1] / 2 - 112 * face)
    photo = data.coffee()
    background = photo[:size[1], :size[0]]
    background = np.pad(background, [(0, size[1] - background.shape[0]), (0, size[0] - background.shape[1]), (0, 0)],
                        mode='reflect')
    frames = []
    for number in range(count):
        rgb = background.copy()
        overlay.draw(rgb, person, np.concatenate([states[number], gamma.ravel()]), camera)
        rgb = np.clip(rgb + noise * random.randn(*rgb.shape), 0, 255).astype(np.uint8)
        frames.append(Frame(number, number / 30.0, rgb))
    return MadeClip(frames, states, weights, camera, landmarks_of(model, person.identity, states, camera), person)


def landmarks_of(model, identity, states, camera):
    """[T,68,2] where the 68 key vertices of an identity in states [T,70] are seen."""
    keys = key_vertices(model)
    points = [keys.shape(np.concatenate([identity, state[EXPRESSION]])).dot(rotation_matrix(state[ANGLES]))
              + state[TRANSLATION] for state in states]
    return camera.from_crop(project(np.array(points)))

