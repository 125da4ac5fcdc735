"""What is wrong with a file of BFM09 is said in one line that names the file, and nothing is written."""
import os

import numpy as np
import pytest
from scipy.io import savemat

from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model.converters import bfm09
from tests.face_model.converters.bfm09_stand_in import EXPRESSION_ROWS, deviations, means


@pytest.fixture
def sources(bfm09_files, tmp_path):
    """A folder of links to sound small files and a morphable model that is sound as far as it goes: no bases."""
    folder = tmp_path / 'sources'
    folder.mkdir()
    for name in bfm09.SOURCES[1:]:
        os.symlink(str(bfm09_files / name), str(folder / name))
    savemat(str(folder / '01_MorphableModel.mat'), dict(means(), **deviations()))
    return folder


def assert_refused(folder, message):
    """One line that names the file, and nothing written."""
    out = str(folder / 'out.mat')
    before = sorted(os.listdir(str(folder)))
    with pytest.raises(FaceModelError, match=message) as raised:
        bfm09.convert(out, str(folder))
    assert len(str(raised.value).splitlines()) == 1
    assert sorted(os.listdir(str(folder))) == before


def replace(folder, name, content):
    (folder / name).unlink()
    if isinstance(content, dict):
        savemat(str(folder / name), content)
    else:
        (folder / name).write_bytes(content)


def test_missing_files_are_named(sources):
    for name in ('01_MorphableModel.mat', 'Exp_Pca.bin', 'BFM_front_idx.mat'):
        (sources / name).unlink()
    assert_refused(sources, r'a folder without 01_MorphableModel.mat, Exp_Pca.bin, BFM_front_idx.mat; BFM/README.md')


def test_sources_present_needs_both_licensed_files(sources):
    assert bfm09.sources_present(str(sources))
    (sources / 'Exp_Pca.bin').unlink()
    assert not bfm09.sources_present(str(sources))


@pytest.mark.parametrize('content,got', [
    (b'<!DOCTYPE html><html><title>Sign in</title></html>', r'got a saved web page \(HTML\)'),
    (b'\x89HDF\r\n\x1a\n' + bytes(1000), r'got an HDF5 file \(.h5\), which is what BFM 2017 and BFM 2019 come as'),
    (b'MATLAB 7.3 MAT-file, Platform: GLNXA64' + bytes(500) + b'\x89HDF', 'got a MATLAB 7.3 file'),
    (b'version https://git-lfs.github.com/spec/v1\noid sha256:0\n', 'got a git-lfs pointer'),
    (b'PK\x05\x06' + bytes(18), 'got a zip archive: unpack it'),
    (b'', 'got an empty file'),
])
def test_files_of_another_kind(sources, content, got):
    replace(sources, '01_MorphableModel.mat', content)
    assert_refused(sources, r"01_MorphableModel.mat: expected the Basel Face Model 2009's 01_MorphableModel.mat "
                            r'\(.mat, MATLAB 5\), ' + got)


@pytest.mark.parametrize('key,value,message', [
    ('shapeMU', None, "expected the key 'shapeMU' of the Basel Face Model 2009's 01_MorphableModel.mat, got only: "
                      'shapeEV, texEV, texMU'),
    ('shapeMU', np.zeros([159447, 1]), r'shapeMU: expected numbers of shape \[160470,1\], got float64 of shape '
                                       r'\[159447, 1\]'),  # BFM 2017's 53,149 vertices
    ('shapeMU', means()['shapeMU'] / 1e3, 'shapeMU: expected micrometres of a face 1 to 3 dm large, got one of '
                                          '0.0016 dm'),
    ('shapeMU', np.full([160470, 1], np.nan), 'shapeMU: expected finite numbers, got NaN or infinity'),
    ('texMU', means()['texMU'] / 255, 'texMU: expected colours from 0 to 255, got numbers around 0.'),
    ('shapeEV', np.zeros([199, 1]), 'shapeEV: expected standard deviations above 0, got 0'),
    ('shapeEV', np.ones([99, 1]), r'shapeEV: expected numbers of shape \[199,1\], got float64 of shape \[99, 1\]'),
    ('texEV', deviations()['texEV'][::-1], 'texEV: expected falling standard deviations, got '),
    ('shapePC', np.zeros([4, 199]), r'shapePC: expected numbers of shape \[160470,199\], got float64 of shape'),
    ('shapePC', np.array(['a']), 'shapePC: expected numbers of shape'),
])
def test_wrong_arrays_of_the_morphable_model(sources, key, value, message):
    model = dict(means(), **deviations())
    model[key] = value
    replace(sources, '01_MorphableModel.mat', {k: v for k, v in model.items() if v is not None})
    assert_refused(sources, '01_MorphableModel.mat: ' + message)


def test_wrong_sources_by_themselves(sources):
    with pytest.raises(FaceModelError, match='01_MorphableModel.mat: shapePC: expected .* got none of that name'):
        bfm09.check_source(str(sources / '01_MorphableModel.mat'))
    for name in bfm09.SOURCES:
        replace(sources, name, b'<!doctype html>')
        with pytest.raises(FaceModelError, match=name + r': expected .* got .*a saved web page \(HTML\)'):
            bfm09.check_source(str(sources / name))


@pytest.mark.slow
def test_components_that_are_not_finite(sources):
    model = dict(means(), **deviations())
    model['shapePC'] = np.zeros([160470, 199], np.float32)
    model['shapePC'][-1, -1] = np.inf
    replace(sources, '01_MorphableModel.mat', model)
    assert_refused(sources, '01_MorphableModel.mat: shapePC: expected finite numbers, got NaN or infinity')


@pytest.mark.parametrize('name,change,message', [
    ('BFM_front_idx.mat', {'idx': np.full([35709, 1], 53216)}, 'idx: expected whole numbers from 1 to 53215, got '
                                                               '53216'),
    ('BFM_front_idx.mat', {'idx': np.ones([35709, 1])}, 'idx: expected every vertex once, got 35708 twice'),
    ('BFM_front_idx.mat', {'index': np.ones([3, 1])}, "expected the key 'idx' of .*, got only: index"),
    ('BFM_exp_idx.mat', {'trimIndex': np.arange(53215)[:, None]}, 'trimIndex: expected whole numbers from 1 to 53490, '
                                                                  'got 0'),
    ('BFM_exp_idx.mat', {'trimIndex': np.ones([5, 1])}, r'trimIndex: expected numbers of shape \[53215,1\]'),
    ('facemodel_info.mat', {'skinmask': np.zeros([1, 35710])}, r'skinmask: expected numbers of shape \[1,35709\], got '
                                                               r'float64 of shape \[1, 35710\]'),
    ('facemodel_info.mat', {'skinmask': np.full([1, 35709], 0.5)}, 'skinmask: expected 0 or 1, got 0.5'),
    ('facemodel_info.mat', {'tri': np.array([[1, 2, 35710]])}, 'tri: expected whole numbers from 1 to 35709'),
    ('facemodel_info.mat', {'point_buf': np.full([35709, 8], 70791)}, 'point_buf: expected whole numbers from 1 to '
                                                                      '70790'),
    ('facemodel_info.mat', {'tri_mask2': np.array([[1, 2, 27661]])}, 'tri_mask2: expected whole numbers from 1 to '
                                                                     '27660'),
    ('facemodel_info.mat', {'keypoints': np.full([1, 67], 1)}, r'keypoints: expected numbers of shape \[1,68\]'),
    ('std_exp.txt', b'1 2 3', 'expected 79 standard deviations, got 3'),
    ('std_exp.txt', b'<html>', r'expected 79 standard deviations, got a saved web page \(HTML\)'),
    ('std_exp.txt', b'-1 ' * 79, 'expected standard deviations above 0, got -1'),
    ('Exp_Pca.bin', b'\x4f\0\0\0', r'expected 51086404 bytes \(int32, then float32 \[80,159645\]\), got 4'),
    ('Exp_Pca.bin', b'<html>404', r'expected 51086404 bytes .*, got 9: a saved web page \(HTML\)'),
])
def test_wrong_small_files(sources, bfm09_public, name, change, message):
    if name == 'facemodel_info.mat':
        change = dict({key: value for key, value in bfm09_public['info'].items() if not key.startswith('__')}, **change)
    replace(sources, name, change)
    assert_refused(sources, name + ': ' + message)


@pytest.mark.parametrize('place,value,message', [
    (0, np.int32(80), 'expected dimension 79, got 80'),
    (4 + 4 * EXPRESSION_ROWS, np.float32(np.nan), 'expected finite numbers, got NaN or infinity'),
])
def test_wrong_numbers_in_the_expression_file(sources, place, value, message):
    content = bytearray((sources / 'Exp_Pca.bin').read_bytes())
    content[place:place + 4] = value.tobytes()
    replace(sources, 'Exp_Pca.bin', bytes(content))
    assert_refused(sources, 'Exp_Pca.bin: ' + message)
