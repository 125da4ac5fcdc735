"""Every wrong file that people put in has its own verdict; right ones are told from them. Networks: see
test_asset_checks_networks.py.
"""
import os
import shutil
import struct

import numpy as np
import pytest
import scipy.io

from Deep3DFaceReconstruction.doctor import catalogue
from Deep3DFaceReconstruction.doctor.catalogue import MISSING, OK, WRONG
from Deep3DFaceReconstruction.system import assets
from tests.doctor.wrong_files import WEB_PAGE, verdict

LFS = b'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 240873459\n'
ZIP = b'PK\x05\x06' + bytes(18)  # an empty one
HDF5 = b'\x89HDF\r\n\x1a\n' + bytes(100)
MATLAB73 = b'MATLAB 7.3 MAT-file, Platform: GLNXA64'.ljust(512) + HDF5

FILES = [item.key for item in catalogue.ITEMS if item.place and not item.place.endswith(os.sep)]


@pytest.mark.parametrize('key', FILES)
@pytest.mark.parametrize('data, found', [
    (WEB_PAGE, "a saved web page (HTML), titled 'Google Drive - Virus scan warning'"),
    (LFS, 'a git-lfs pointer, not the file itself (type: git lfs pull)'),
    (b'\x1f\x8b\x08\0', 'a gzip archive (.gz): unpack it'),
    (HDF5, 'an HDF5 file (.h5), which is what BFM 2017 and BFM 2019 come as'),
    (MATLAB73, "a MATLAB 7.3 file (HDF5 inside): in MATLAB, save it again with '-v7'"),
    (b'', 'an empty file'),
    (bytes(100000), 'a file of zeros, as a broken download leaves behind'),
    (b'\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.', 'a PyTorch checkpoint, which TensorFlow does not read'),
])
def test_another_file_under_the_right_name(put, key, data, found):
    answer = verdict(key, put(key, data))
    assert (answer.state, answer.found) == (WRONG, found)


@pytest.mark.parametrize('key', FILES)
def test_an_archive_that_is_not_unpacked(put, key):
    answer = verdict(key, put(key, ZIP))
    assert answer.state == WRONG
    # The open model's own format, and its head's, is a zip archive: what is wrong is what is inside.
    inside = {'open_model': 'expected the open face model, got a file without ',
              'open_head': 'expected the head of the open face model, got a file without ',
              'open_attributes': 'expected the attributes of the open face model, got a file without '}
    assert answer.found == (inside[key] + answer.found.split('without ')[-1] if key in inside else
                            'a zip archive: unpack it')


@pytest.mark.parametrize('key', FILES)
def test_other_bytes(put, key):
    data = np.random.RandomState(0).randint(0, 256, 5000).astype(np.uint8).tobytes()
    answer = verdict(key, put(key, b'\xff' + data))
    assert answer.state == WRONG and 'expected' in answer.found and 'cannot be checked' not in answer.found


@pytest.mark.parametrize('key', FILES + ['facenet'])
def test_nothing_there(put, key):
    assert verdict(key, put(key)) == (MISSING, 'not there', '')


@pytest.mark.parametrize('key', FILES)
def test_a_folder_of_that_name(put, key):
    path = put(key)
    os.makedirs(path)
    assert verdict(key, path).found == 'a folder'


# Face models.

def test_a_face_model_that_is_cut_off(put):
    path = put('bfm_model_front')
    scipy.io.savemat(path, {'meanshape': np.zeros([1, 3000])}, appendmat=False)
    size = os.path.getsize(path)
    with open(path, 'r+b') as file:
        file.truncate(size // 2)
    assert verdict('bfm_model_front', path).found == (
        f'a MATLAB 5 file that is cut off ({size // 2:,} of at least {size:,} bytes)')


def test_the_whole_bfm09_under_the_name_of_its_crop(put):
    path = put('bfm_model_front')
    scipy.io.savemat(path, {'shapeMU': np.zeros([9, 1]), 'shapePC': np.zeros([9, 2])}, appendmat=False)
    assert verdict('bfm_model_front', path).found == (
        "expected the key 'meanshape' of a face model, got only: shapeMU, shapePC")


def test_the_open_model(put):
    path = put('open_model')
    shutil.copy(assets.OPEN_MODEL, path)
    assert verdict('open_model', path) == (OK, '38,352 vertices, 76,160 triangles; licence: CC0 1.0', '')
    with open(path, 'r+b') as file:
        file.truncate(1000000)
    assert verdict('open_model', path).found.startswith('expected the open face model')


def morphable_model(**changes):
    """01_MorphableModel.mat's arrays; bases in a byte a number, for speed."""
    model = {'shapeMU': np.zeros([160470, 1]), 'shapePC': np.zeros([160470, 199], np.int8),
             'shapeEV': np.arange(199.0, 0, -1)[:, None], 'texMU': np.zeros([160470, 1]),
             'texPC': np.zeros([160470, 199], np.int8), 'texEV': np.arange(199.0, 0, -1)[:, None]}
    model.update(changes)
    return {key: value for key, value in model.items() if value is not None}


@pytest.mark.parametrize('changes, state, found', [
    ({}, OK, '53,490 vertices, 199 components'),
    ({'texPC': None}, WRONG, 'texPC: expected numbers of shape [160470, 199], got none of that name'),
    ({'shapePC': np.zeros([9, 199])}, WRONG, 'shapePC: expected numbers of shape [160470, 199], got shape [9, 199]'),
    ({'shapeEV': np.zeros([199, 1])}, WRONG, 'shapeEV: expected standard deviations above 0, got 0'),
])
def test_the_morphable_model(put, changes, state, found):
    path = put('bfm09')
    scipy.io.savemat(path, morphable_model(**changes))
    assert verdict('bfm09', path)[:2] == (state, found)


@pytest.mark.parametrize('dimension, cut, state, found', [
    (79, 0, OK, '53,215 vertices, 79 components'),
    (199, 0, WRONG, 'expected dimension 79, got 199'),
    (79, 1, WRONG, 'expected 51086404 bytes (int32, then float32 [80,159645]), got 51086403'),
])
def test_the_expression_file(put, dimension, cut, state, found):
    path = put('exp_pca', struct.pack('<i', dimension))
    with open(path, 'r+b') as file:
        file.truncate(4 + 4 * 80 * 3 * 53215 - cut)
    assert verdict('exp_pca', path)[:2] == (state, found)


def test_the_public_index_files(put, reference_dir):
    for key, found in (('std_exp', '79 standard deviations'), ('bfm_front_idx', '35,709 vertices'),
                       ('bfm_exp_idx', '53,215 vertices'), ('facemodel_info', '35,709 vertices, 70,789 triangles')):
        path = put(key)
        shutil.copy(os.path.join(reference_dir, os.path.basename(path)), path)
        assert verdict(key, path)[:2] == (OK, found)


def test_index_files_that_are_swapped_or_short(put):
    path = put('bfm_front_idx')
    scipy.io.savemat(path, {'trimIndex': np.arange(1, 53216)[:, None]})
    assert verdict('bfm_front_idx', path).found.startswith("expected the key 'idx'")
    path = put('std_exp', b'1.0 2.0 3.0\n')
    assert verdict('std_exp', path).found == 'expected 79 standard deviations, got 3'


# Files of the package face_recognition_models.

def test_models_of_the_package():
    for key, found in (('landmark_predictor', '100 MB, 68 points'), ('face_detector', '0.7 MB'),
                       ('dlib_id_net', '22 MB, 128 outputs')):
        path = catalogue.path_of(catalogue.BY_KEY[key], '/nowhere')
        assert verdict(key, path)[:2] == (OK, found)


def test_wrong_models_of_the_package(tmp_path):
    folder = os.path.dirname(assets.dlib_model('shape_predictor_68_face_landmarks.dat'))
    five = os.path.join(folder, 'shape_predictor_5_face_landmarks.dat')
    assert verdict('landmark_predictor', five).found == 'expected a predictor of 68 points, got one of 5'
    path = str(tmp_path / 'x.dat')
    for key in catalogue.PACKAGE_FILES:
        with open(catalogue.path_of(catalogue.BY_KEY[key], '/nowhere'), 'rb') as whole, open(path, 'wb') as cut:
            cut.write(whole.read(100000))
        answer = verdict(key, path)
        assert answer.state == WRONG and answer.found.startswith('expected a ')
        with open(path, 'wb') as file:
            file.write(b'BZh91AY')
        assert verdict(key, path).found == 'a bzip2 archive (.bz2): unpack it'
