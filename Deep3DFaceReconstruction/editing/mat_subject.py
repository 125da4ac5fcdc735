"""The .mat files that demo.py and edit.py wrote, as faces to edit."""
import os

import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_DIM, IMAGE_SIZE
from Deep3DFaceReconstruction.editing.subject import Subject
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.photo.crops import FaceCrop
from Deep3DFaceReconstruction.photo.image_io import read_image
from Deep3DFaceReconstruction.photo.skin import skinmask
from Deep3DFaceReconstruction.system.mat_file import CheckedArrays, MatFile

_WHAT = 'a result of demo.py'


def is_mat(path):
    """Whether a file is to be read as a .mat file."""
    return path.lower().endswith('.mat')


def read_mat_subject(path, model, photo=None, needs_photo=True):
    """The Subject of a .mat file; nothing is fitted again.

    Args:
      path: NAME.mat of demo.py or edit.py.
      model: face_model.FaceModel, whose coefficients it must hold.
      photo: the photo, where it is no longer where the file says.
      needs_photo: whether Subject.photo is wanted.
    Raises:
      InputError: another kind of file, a face of another model, or a photo that is missing or not the file's.
    """
    mat = MatFile(path, InputError, _WHAT)
    get = CheckedArrays(mat, path, InputError, _WHAT)
    _check_model(get, path, mat, model)
    coeff = np.float64(get.numbers('coeff', (1, COEFF_DIM))[0])
    shape = np.float64(get.numbers('face_shape', (len(model.meanshape), 3)))
    blink = get.numbers('eye_blink', (1, 2))[0] if 'eye_blink' in get else np.zeros(2)
    crop = _crop(get, path, photo)
    if not needs_photo:
        return Subject(crop.name, None, crop, coeff, shape, blink)
    return Subject(crop.name, _photo(crop, path, photo), crop, coeff, shape, blink)


def _check_model(get, path, mat, model):
    """Raises InputError for a face of another model; files without its name are told by their number of vertices."""
    name = get.text('face_model', model.name)
    if name != model.name:
        raise InputError("%s: expected a face of the model '%s', got one of '%s'; --face_model names the model" % (
            path, model.name, name))
    count = mat.shapes.get('face_shape', (len(model.meanshape),))[0]
    if count != len(model.meanshape):
        raise InputError("%s: expected a face of the model '%s' with %d vertices, got %d vertices; "
                         '--face_model names the model' % (path, model.name, len(model.meanshape), count))


def _crop(get, path, photo):
    """The FaceCrop of a file."""
    name = os.path.splitext(os.path.basename(path))[0]
    trans_params = np.float64(get.numbers('trans_params', (1, 5))[0])
    rgb = get.numbers('cropped_img', (IMAGE_SIZE, IMAGE_SIZE, 3))
    bgr = np.ascontiguousarray(np.uint8(np.clip(rgb, 0, 255))[:, :, ::-1])
    lm_5p = np.float64(get.numbers('lm_5p', (5, 2)))
    place = get.text('photo', '')
    image_path = photo or (os.path.normpath(os.path.join(os.path.dirname(path), place)) if place else '')
    size = int(trans_params[0]), int(trans_params[1])
    return FaceCrop(name, image_path, size, 1, bgr, skinmask(bgr)[:, :, 0], lm_5p, None, None, trans_params)


def _photo(crop, path, photo):
    """[H,W,3] uint8 RGB, upright: the photo of a file."""
    if not crop.image_path:
        raise InputError("%s: expected the key 'photo', which says where its photo is, got a file without it; "
                         '--photo names the photo' % path)
    if photo is None and not os.path.isfile(crop.image_path):
        raise InputError('%s: expected its photo, %s, got nothing; --photo names the photo' % (path, crop.image_path))
    image = np.asarray(read_image(crop.image_path))
    if image.shape[1::-1] != crop.image_size:
        raise InputError('%s: expected the photo of %s, %dx%d pixels, got %dx%d' % (
            (crop.image_path, path) + crop.image_size + image.shape[1::-1]))
    return image
