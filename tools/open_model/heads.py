"""Synthetic photos of whole heads, with ears and hair, whose face is that of the open model.

Face detectors read ears, hair and neck too: the open model's face alone, cut off before the ears, would mislead them.
"""
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import AMBIENT_OFFSET, CAMERA_DISTANCE, EX_DIM, ID_DIM, IMAGE_SIZE, TEX_DIM
from Deep3DFaceReconstruction.dataset import random_faces, scene_effects
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.tf1 import tf
from tools.open_model.build import vertex_normals

PHOTO = 512  # pixels
_YAW, _PITCH, _ROLL = 75.0, 25.0, 15.0  # degrees, the largest
_NEAR, _FAR = 14.0, 26.0                # dm from the camera
_HAIR_COLOURS = np.array([(34, 27, 24), (62, 45, 33), (92, 58, 38), (140, 112, 78), (140, 136, 132)], np.float64)
_HAIR_SHARES = (0.4, 0.3, 0.1, 0.1, 0.1)


class Photo(NamedTuple):
    """A synthetic photo and its truth."""
    rgb: np.ndarray     # [512,512,3] uint8
    places: np.ndarray  # [N,2] the open model's vertices in it, pixels, y-down
    angles: np.ndarray  # [3] radians, as in the coefficients
    scale: float        # pixels per decimetre


class Heads:
    """Draws photos of random heads.

    Args:
      head: the face_model.FaceModel of the whole head.  face: that of the open model.
    """

    def __init__(self, head, face):
        self._head = head
        self._mean = head.meanshape - numpy_decoder.mean_offset(head)
        self._face_rows = cKDTree(head.meanshape).query(face.meanshape)[1]
        x, y, z = head.meanshape.astype(np.float64).T
        hairline = 0.68 - 0.16 * np.clip(np.abs(x) / 0.66, 0, 1) ** 2.5 - 0.3 * np.clip(-0.12 - z, 0, 1)
        self._scalp = ((y > hairline) | ((z < -0.75) & (y > -0.55))) & (np.ravel(head.part) == 0)
        self._above = np.clip((y - hairline + 0.05) / 0.2, 0, 1) * self._scalp
        face3d = Face3D(head, image_size=PHOTO)

        def draw():
            shape, colour = (tf.placeholder(tf.float32, [1, None, 3]) for _ in range(2))
            rgba, mask, _ = face3d.Render_block(shape, colour)
            return {'shape': shape, 'colour': colour}, (rgba, mask)
        self._draw = GraphFunction(draw)

    def photo(self, seed, number):
        """The Photo of a seed and a number: the same each time."""
        random = np.random.RandomState([seed, number])
        shape, albedo = self._person(random)
        angles = np.radians(random.uniform(-1, 1, 3) * [_PITCH, _YAW, _ROLL])
        rotation = numpy_decoder.rotation_matrix(angles)
        turned = shape.dot(rotation)
        distance = random.uniform(_NEAR, _FAR)
        center = turned[self._face_rows].mean(axis=0)
        shift = random.uniform(-0.1, 0.1, 2) * distance / _NEAR
        moved = turned + np.append(shift - center[:2], CAMERA_DISTANCE - distance)
        light = random_faces.draw_light(random, 1.0)
        light[:, 0] += AMBIENT_OFFSET
        normals = vertex_normals(shape, self._head.triangles).dot(rotation)
        colour = albedo * numpy_decoder.sh_basis(normals).dot(light.T)
        image = self._in_scene(random, moved, colour)
        face = moved[self._face_rows]
        factor = PHOTO / IMAGE_SIZE
        places = numpy_decoder.project(face) * factor - 0.5
        places[:, 1] = PHOTO - 1 - places[:, 1]
        return Photo(image, places, angles, float(numpy_decoder.project_derivative(face)[:, 0, 0].mean() * factor))

    def _person(self, random):
        """(shape [V,3] about the mean vertex, albedo [V,3]) with hair on three of four heads."""
        head = self._head
        expression = np.clip(random.randn(EX_DIM), -2.5, 2.5) * random.choice([0.3, 1.0])
        identity, texture = (np.clip(random.randn(count), -2.5, 2.5) for count in (ID_DIM, TEX_DIM))
        shape = self._mean + (head.id_base.dot(identity) + head.ex_base.dot(expression)).reshape(-1, 3)
        albedo = head.meantex + head.tex_base.dot(texture).reshape(-1, 3)
        if random.randint(4):
            hair = _HAIR_COLOURS[random.choice(len(_HAIR_COLOURS), p=_HAIR_SHARES)] * np.exp(0.1 * random.randn())
            thick = random.uniform(0.02, 0.25) * self._above
            shape = shape + vertex_normals(shape, head.triangles) * thick[:, np.newaxis]
            albedo[self._scalp] = hair * (1 + 0.25 * random.randn(int(self._scalp.sum()), 1))
        return shape, albedo

    def _in_scene(self, random, moved, colour):
        rgba, mask = self._draw(shape=moved[np.newaxis], colour=colour[np.newaxis])
        image = scene_effects.draw_background(random, PHOTO)
        covered = mask[0, :, :, 0] > 0.5
        image[covered] = rgba[0][covered][:, 2::-1]
        return scene_effects.degrade(random, image, 1.2, 6, 0.3)[:, :, ::-1]
