"""Results to be measured: NAME.mat files as demo.py writes them, read and checked, or made first."""
import os
import re
import shlex
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import (
    CAMERA_DISTANCE,
    COEFF_DIM,
    COEFF_SLICES,
    FOCAL,
    IMAGE_SIZE,
    LANDMARK_COUNT,
)
from Deep3DFaceReconstruction.demo import pipeline
from Deep3DFaceReconstruction.demo.options import parse_demo
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.evaluation import photo_worker
from Deep3DFaceReconstruction.numpy_decoder import key_vertices, rotation_matrix
from Deep3DFaceReconstruction.system import exit_codes
from Deep3DFaceReconstruction.system.mat_file import CheckedArrays, MatFile

_WHAT = 'a reconstruction as demo.py writes it'


class Reconstruction(NamedTuple):
    """One NAME.mat.

    Attributes:
      name: NAME.
      path: the file.
      coeff: [257] float32.
      face_shape: [N,3] float32, dm, the model's frame.
      landmarks_crop: [68,2] float32, lm_68p: pixels of the crop, y up.
      landmarks_photo: [68,2] float32, lm_68p_photo: pixels of the photo, y down; None in files of other ports.
      trans_params: [5] float64 of the alignment, or None.
    """

    name: str
    path: str
    coeff: np.ndarray
    face_shape: np.ndarray
    landmarks_crop: np.ndarray
    landmarks_photo: np.ndarray
    trans_params: np.ndarray

    @property
    def rotation(self):
        """[3,3] for column vectors, from the face's frame to the camera's."""
        return rotation_matrix(np.asarray(self.coeff[COEFF_SLICES['angles']], np.float64)).T


def read(path):
    """The Reconstruction in a .mat file.

    Raises:
      InputError: missing, unreadable, or without the arrays.
    """
    mat = MatFile(path, InputError, _WHAT)
    get = CheckedArrays(mat, path, InputError, _WHAT)
    photo = get.floats('lm_68p_photo', (LANDMARK_COUNT, 2)) if 'lm_68p_photo' in mat else None
    trans_params = np.ravel(mat['trans_params']).astype(np.float64) if 'trans_params' in mat else None
    name = os.path.splitext(os.path.basename(path))[0]
    return Reconstruction(name, path, get.floats('coeff', (1, COEFF_DIM))[0], get.floats('face_shape', (None, 3)),
                          get.floats('lm_68p', (LANDMARK_COUNT, 2)), photo, trans_params)


def candidates(folder, name):
    """Paths of what a photo NAME gave: NAME.mat, or NAME_1.mat, NAME_2.mat, ... of several faces."""
    numbered = re.compile(re.escape(name) + r'(_\d+)?\.mat$')
    try:
        return sorted(os.path.join(folder, file) for file in os.listdir(folder) if numbered.match(file))
    except OSError:
        raise InputError('%s: expected a folder of .mat files, got nothing' % folder)


def largest_face(paths):
    """The path of the largest face among those of one photo's faces; the first where files do not say."""
    if len(paths) == 1:
        return paths[0]

    def crop_scale(path):
        params = read(path).trans_params
        return np.inf if params is None else params[2]
    return min(paths, key=crop_scale)


def make(options, photos):
    """Reconstructs a folder of photos into OUTPUT/results, all faces of each; what is there already is kept.

    With --jobs or --scheduler, in several processes.

    Args:
      options: of evaluate.py.
      photos: the folder.
    Returns:
      The folder of .mat files: OUTPUT/results, or --results where that is given.
    Raises:
      InputError: the reconstruction could not begin. KeyboardInterrupt: it was stopped.
    """
    if options.results:
        return options.results
    folder = os.path.join(options.output, 'results')
    words = ['--input', photos, '--output', folder, '--faces', 'all', '--resume'] + shlex.split(options.demo_options)
    if options.face_model:
        words += ['--face_model', options.face_model]
    demo_options = parse_demo(words)
    if options.jobs == 1 and options.scheduler is None:
        code = pipeline.run(demo_options)
    else:
        code = photo_worker.run(demo_options, options.jobs, options.scheduler)
    if code == exit_codes.INTERRUPTED:
        raise KeyboardInterrupt
    if code == exit_codes.NOT_STARTED:
        raise InputError('%s: expected to reconstruct these photos, but that could not begin' % photos)
    return folder


def landmark_depths(reconstruction, model):
    """[68] depths of the landmarks towards the viewer, in pixels of the photo.

    Args:
      reconstruction: Reconstruction with trans_params.
      model: the face_model.FaceModel that it was made with.
    """
    coeff = np.asarray(reconstruction.coeff, np.float64)
    shape = key_vertices(model).shape(coeff[:COEFF_SLICES['ex'].stop])
    depth = shape.dot(rotation_matrix(coeff[COEFF_SLICES['angles']]))[:, 2]
    pixels_per_dm = FOCAL / (CAMERA_DISTANCE - coeff[COEFF_SLICES['translation']][2])
    return depth * pixels_per_dm / reconstruction.trans_params[2]


def crop_rows(landmarks_crop):
    """y-up landmarks of the crop [68,2] as (column, row)."""
    return np.stack([landmarks_crop[:, 0], IMAGE_SIZE - 1 - landmarks_crop[:, 1]], axis=1)
