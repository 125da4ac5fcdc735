"""A face to edit: a photo and its reconstruction."""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.numpy_decoder import neutral_shape
from Deep3DFaceReconstruction.photo.crops import FaceCrop
from Deep3DFaceReconstruction.photo.image_io import read_image


class Subject(NamedTuple):
    """A reconstructed face in its photo.

    Attributes:
      name: of the face, as demo.py would name its files.
      photo: [H,W,3] uint8 RGB, upright; None where it was not asked for.
      crop: photo.crops.FaceCrop.
      coeff: [257] float64.
      shape: [N,3] float64 dm, the model's own frame: what the coefficients and the eyes give.
      blink: [2], face_model.eyes.EyeState.blink: how far lids are closed on top of the expression.
    """

    name: str
    photo: np.ndarray
    crop: FaceCrop
    coeff: np.ndarray
    shape: np.ndarray
    blink: np.ndarray


def read_subject(path, reconstruct, face=1):
    """The Subject of a photo.

    Args:
      path: the photo.
      reconstruct: function of (path, all faces) -> list of results.FaceResult, such as library.Reconstructor.
      face: which face, 1 for the largest.
    Raises:
      InputError: an unreadable photo, or fewer faces.
    """
    faces = reconstruct(path, face > 1)
    if face > len(faces):
        raise InputError('%s: expected at least %d faces, got %d' % (path, face, len(faces)))
    result = faces[face - 1]
    return Subject(result.crop.name, np.asarray(read_image(path)), result.crop, np.float64(result.coeff),
                   np.float64(result.arrays['face_shape']), result.eyes.blink)


def expression_offset(subject, model):
    """[N,3] float64 dm: what a Subject's expression adds to its neutral face."""
    return subject.shape - neutral_shape(model, subject.coeff)
