"""The files of a person: SET.mat, SET_mesh.obj with its texture, SET.glb; the neutral face with the shared albedo."""
import functools
import os
from typing import List, NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES
from Deep3DFaceReconstruction.demo.results import FaceResult
from Deep3DFaceReconstruction.exports import catalogue, glb
from Deep3DFaceReconstruction.exports.morph_targets import morph_targets
from Deep3DFaceReconstruction.meshes.normals import vertex_normals
from Deep3DFaceReconstruction.meshes.textured_obj import TexturedMesh, face_corner_lines, write_obj
from Deep3DFaceReconstruction.numpy_decoder import albedo_of, shape_of
from Deep3DFaceReconstruction.photo.camera import photo_camera
from Deep3DFaceReconstruction.photo.image_io import read_image
from Deep3DFaceReconstruction.sets.answer import SetAnswer
from Deep3DFaceReconstruction.sets.merging import SHARED
from Deep3DFaceReconstruction.surface import texture
from Deep3DFaceReconstruction.surface.face_atlas import face_atlas
from Deep3DFaceReconstruction.surface.texture_merge import TextureMerger
from Deep3DFaceReconstruction.system.mat_file import save_mat
from Deep3DFaceReconstruction.system.png import encode_png

SUFFIXES = ('.mat', '_mesh.obj', '_mesh.mtl', '_mesh_texture.png', '.glb')
# Photos whose texture is merged: more than these, spread over all turns of the head, add nothing but time.
MOST_VIEWS = 12
# Pixels of the photo in a pixel of the crop from which on more show no more.
_FULL_DETAIL = 4.0


class PersonResult(NamedTuple):
    """A reconstructed person: name of the set, SetAnswer, and the FaceResults of its photos, in the same order.

    left_out: names of the photos that are not the person's.
    """

    name: str
    answer: SetAnswer
    faces: List[FaceResult]
    left_out: List[str]


class SetFiles:
    """Writes the files of people of one model; what they share is made once.

    Args:
      model: face_model.FaceModel.
      texture_size: texels.
    """

    def __init__(self, model, texture_size):
        self._model = model
        self._size = texture_size
        self._atlas = face_atlas(model)
        self._targets = morph_targets(model)
        self._corner_lines = face_corner_lines(model.triangles, self._atlas.triangles)

    def write(self, folder, person):
        """Writes the files of a PersonResult; one that fails does not keep the others from being written.

        Args:
          folder: where to.
        Returns:
          catalogue.Outcome.
        """
        coeff = np.zeros(COEFF_DIM)
        coeff[SHARED] = person.answer.coeff[0, SHARED]
        shape = shape_of(self._model, coeff)
        stem = os.path.join(folder, person.name)
        image = functools.lru_cache(maxsize=None)(lambda: encode_png(self.merged_texture(person.faces).image))
        writers = {'mat': lambda: self._write_mat(stem, person, coeff, shape),
                   'obj': lambda: self._write_mesh(stem, shape, image()),
                   'glb': lambda: self._write_glb(stem, shape, image())}
        return catalogue.try_writers(writers, tuple(writers), person.name)

    def merged_texture(self, faces):
        """The surface.texture.Texture, an albedo, of the photos of list of FaceResult."""
        merger = TextureMerger()
        for face in chosen_views(faces):
            arrays, crop = face.arrays, face.crop
            camera = photo_camera(face.coeff, crop.trans_params)
            normals = vertex_normals(arrays['face_shape'], self._model.triangles)
            mesh = texture.LitMesh(arrays['face_shape'], normals, arrays['face_texture'],
                                   texture.shading(normals, camera, face.coeff))
            photo = np.asarray(read_image(crop.image_path))
            merger.add(texture.observe(photo, camera, mesh, self._atlas, self._size), _resolution(face))
        return merger.texture()

    def _write_mat(self, stem, person, coeff, shape):
        names = [face.crop.name for face in person.faces]
        save_mat(stem + '.mat', {
            'coeff': coeff[np.newaxis].astype(np.float32), 'face_shape': shape.astype(np.float32),
            'face_texture': albedo_of(self._model, coeff).astype(np.float32),
            'id_deviation': person.answer.deviation[np.newaxis, COEFF_SLICES['id']],
            'tex_deviation': person.answer.deviation[np.newaxis, COEFF_SLICES['id'].stop:],
            'certainty': person.answer.certainty, 'photos': np.array(names, object),
            'left_out': np.array(person.left_out, object)})

    def _write_mesh(self, stem, shape, image):
        normals = vertex_normals(shape, self._model.triangles)
        mesh = TexturedMesh(shape, normals, self._model.triangles, self._atlas.uv, self._atlas.triangles)
        return write_obj(stem + '_mesh.obj', mesh, image, self._corner_lines)

    def _write_glb(self, stem, shape, image):
        names, moves = self._targets.names, self._targets.moves
        mesh = glb.atlas_mesh(self._atlas, shape, vertex_normals(shape, self._model.triangles), image, (names, moves),
                              weights=np.zeros(len(names)))
        glb.write_glb(stem + '.glb', mesh, os.path.basename(stem))


def chosen_views(faces):
    """Of list of FaceResult those whose texture is merged: first the best one, then from one side to the other."""
    best = min(range(len(faces)), key=lambda place: _defects(faces[place]))
    others = sorted((place for place in range(len(faces)) if place != best), key=lambda place: _yaw(faces[place]))
    if len(others) > MOST_VIEWS - 1:
        others = [others[place] for place in np.rint(np.linspace(0, len(others) - 1, MOST_VIEWS - 1)).astype(int)]
    return [faces[best]] + [faces[place] for place in others]


def _yaw(face):
    return face.coeff[COEFF_SLICES['angles']][1]


def _resolution(face):
    """How much of the texture's detail the photo has, 0-1."""
    return min(1.0 / face.crop.trans_params[2] / _FULL_DETAIL, 1.0)


def _defects(face):
    """How little a photo suits a neutral face seen from the front: turned, with expression, small."""
    angles = face.coeff[COEFF_SLICES['angles']]
    expression = np.linalg.norm(face.coeff[COEFF_SLICES['ex']])
    return 2 * np.abs(angles[:2]).max() + expression / 4 - 0.5 * np.log2(_resolution(face))
