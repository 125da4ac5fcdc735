"""Faces from .mat files: all that an edit needs comes back, and one line for every file that cannot serve."""
import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.demo.results import photo_place
from Deep3DFaceReconstruction.editing.mat_subject import read_mat_subject
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.system.mat_file import save_mat


@pytest.fixture
def write(subject, open_model, tmp_path):
    """Writes made.mat beside made.png; returns its path."""
    def write(**changes):
        Image.fromarray(subject.photo).save(str(tmp_path / 'made.png'))
        arrays = {'coeff': np.float32(subject.coeff)[None], 'face_shape': np.float32(subject.shape),
                  'cropped_img': subject.crop.bgr[:, :, ::-1], 'lm_5p': subject.crop.lm_5p,
                  'trans_params': subject.crop.trans_params, 'eye_blink': np.array([0.5, 0.0]),
                  'photo': 'made.png', 'face_model': open_model.name}
        path = str(tmp_path / 'made.mat')
        save_mat(path, {key: value for key, value in dict(arrays, **changes).items() if value is not None})
        return path
    return write


def test_a_subject_comes_back_from_its_file(write, subject, open_model):
    read = read_mat_subject(write(), open_model)
    np.testing.assert_array_equal(read.photo, subject.photo)
    np.testing.assert_array_equal(read.crop.bgr, subject.crop.bgr)
    np.testing.assert_array_equal(read.crop.trans_params, subject.crop.trans_params)
    np.testing.assert_array_equal(read.coeff, np.float32(subject.coeff))
    np.testing.assert_array_equal(read.shape, np.float32(subject.shape))
    assert read.name == 'made' and read.crop.image_size == (600, 600) and list(read.blink) == [0.5, 0]


def test_a_moved_photo_can_be_named(write, subject, open_model, tmp_path):
    path = write()
    (tmp_path / 'made.png').rename(tmp_path / 'moved.png')
    with pytest.raises(InputError, match=r'made.mat: expected its photo, .*made.png, got nothing; --photo names'):
        read_mat_subject(path, open_model)
    np.testing.assert_array_equal(read_mat_subject(path, open_model, str(tmp_path / 'moved.png')).photo, subject.photo)
    assert read_mat_subject(path, open_model, needs_photo=False).photo is None


@pytest.mark.parametrize('changes, message', [
    ({'face_model': 'Basel'}, "expected a face of the model 'Open face model .MakeHuman.', got one of 'Basel'; "),
    ({'face_model': None, 'face_shape': np.zeros([9, 3])}, 'with [0-9]+ vertices, got 9 vertices; --face_model'),
    ({'photo': None}, "expected the key 'photo', .*; --photo names the photo"),
    ({'coeff': np.zeros([1, 5])}, r'coeff: expected numbers of shape \[1,257\]'),
    ({'trans_params': np.array([500, 600, 1.0, 1, 1])}, 'made.png: expected the photo of .*, 500x600 .*, got 600x600'),
])
def test_files_that_cannot_serve_say_why(write, open_model, changes, message):
    with pytest.raises(InputError, match=message):
        read_mat_subject(write(**changes), open_model)


def test_photos_are_found_from_where_the_files_come_to_lie(tmp_path):
    photo = str(tmp_path / 'in' / 'a.jpg')
    assert photo_place(photo, str(tmp_path / 'out')) == '../in/a.jpg'
    assert photo_place(photo, str(tmp_path / 'out' / '.writing-results-x')) == '../in/a.jpg'
