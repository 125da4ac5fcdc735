"""Loading of face models: 0-based, checked, read-only, and cached."""
import os

import numpy as np
import pytest
from scipy.io import savemat

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model import open_model
from Deep3DFaceReconstruction.face_model.converters import bfm09
from Deep3DFaceReconstruction.system import assets
from tests.face_model.tiny_model import tiny_model


def test_indices_start_from_0():
    model = face_model.from_mat_dict(tiny_model())
    np.testing.assert_array_equal(model.triangles[1], [0, 3, 1])
    np.testing.assert_array_equal(model.point_buf[0], [0, 1, 3, 4, 4, 4, 4, 4])
    np.testing.assert_array_equal(model.region_triangles, [[3, 1, 0]])  # through frontmask2_idx
    np.testing.assert_array_equal(model.keypoints, np.zeros(68))
    assert model.triangles.dtype == model.point_buf.dtype == model.keypoints.dtype == np.int32
    assert model.meanshape.shape == (4, 3) and model.ex_base.dtype == np.float32


@pytest.mark.parametrize('key, value, message', [
    ('idBase', np.zeros([11, 80]), r'idBase: expected numbers of shape \[12,any\], got float64 of shape \[11, 80\]'),
    ('idBase', np.zeros([12, 81]), 'idBase: expected at most 80 components, got 81'),
    ('exBase', np.zeros([12, 79]), 'exBase: expected at most 64 components, got 79'),
    ('texBase', np.zeros([12, 199]), 'texBase: expected at most 80 components, got 199'),
    ('texBase', np.full([12, 1], 1e300), 'texBase: expected numbers within the range of float32, got larger'),
    ('licence', np.array(['a', 'b']), r'licence: expected one text, got <U1 of shape \[2\]'),
    ('meanshape', np.zeros([1, 11]), r'meanshape: expected \[1,3N\]'),
    ('tri', np.array([[1, 2, 5]]), 'tri: expected whole numbers from 1 to 4, got 1 to 5'),
    ('tri', np.array([[0, 2, 3]]), 'tri: expected whole numbers from 1 to 4, got 0 to 3'),
    ('keypoints', np.full([1, 68], 1.5), 'keypoints: expected whole numbers'),
    ('tri_mask2', np.array([[1, 2, 4]]), 'tri_mask2: expected whole numbers from 1 to 3'),
    ('meantex', np.full([1, 12], np.nan), 'meantex: expected finite numbers'),
    ('exOneSided', np.array([[0, 2]]), 'exOneSided: expected at most 64 numbers, 0 or 1, got 2, 0 to 2'),
    ('exOneSided', np.ones([1, 65]), 'exOneSided: expected at most 64 numbers'),
    ('skinmask', np.array([['a', 'b', 'c', 'd']]), 'skinmask: expected numbers'),
])
def test_wrong_arrays_are_named(key, value, message):
    model = tiny_model()
    model[key] = value
    with pytest.raises(FaceModelError, match='m.mat: ' + message):
        face_model.from_mat_dict(model, 'm.mat')


def test_one_sided_expressions_have_a_lower_bound():
    mat = tiny_model()
    free = face_model.from_mat_dict(mat).ex_lower
    assert free.shape == (64,) and free.dtype == np.float32 and (free == -np.inf).all()
    mat['exOneSided'] = np.array([[1, 0, 1]])
    lower = face_model.from_mat_dict(mat).ex_lower
    assert lower[[0, 2]].tolist() == [0, 0] and (np.delete(lower, [0, 2]) == -np.inf).all()
    assert not lower.flags.writeable


def test_missing_key_is_named():
    model = tiny_model()
    del model['exBase']
    with pytest.raises(FaceModelError, match="expected the key 'exBase'"):
        face_model.from_mat_dict(model)


def test_fewer_components_are_filled_with_zeros():
    mat = tiny_model()
    mat.update(idBase=mat['idBase'][:, :7], exBase=mat['exBase'][:, :53], texBase=mat['texBase'][:, :0])
    model = face_model.from_mat_dict(mat)
    assert (model.id_dim, model.ex_dim, model.tex_dim) == (7, 53, 0)
    for base, key, width in ((model.id_base, 'idBase', 80), (model.ex_base, 'exBase', 64),
                             (model.tex_base, 'texBase', 80)):
        given = mat[key].shape[1]
        np.testing.assert_array_equal(base[:, :given], mat[key].astype(np.float32))
        np.testing.assert_array_equal(base[:, given:], np.zeros([12, width - given]))


def test_zeros_that_the_file_ends_with_are_no_components():
    mat = tiny_model()
    mat['exBase'][:, 53:] = 0
    mat['exBase'][:, 7] = 0
    assert face_model.from_mat_dict(mat).ex_dim == 53


def test_name_and_licence(tmp_path):
    plain = face_model.from_mat_dict(tiny_model(), '/somewhere/my_model.mat')
    assert (plain.name, plain.licence) == ('my_model', 'unknown')
    assert (plain.id_dim, plain.ex_dim, plain.tex_dim) == (80, 64, 80)
    path = str(tmp_path / 'model.mat')
    savemat(path, dict(tiny_model(), name='Née 1', licence='MIT'))
    for _ in range(2):  # read, then from the cache
        model = face_model.load_face_model(path)
        assert (model.name, model.licence) == ('Née 1', 'MIT')


def test_topology_of_bfm09_is_said(test_model):
    assert len(test_model.meanshape) == bfm09.FRONT_VERTICES
    assert 'Basel Face Model 2009' in test_model.licence and 'unknown' in test_model.licence


def test_arrays_cannot_be_written_but_the_callers_can():
    mat = tiny_model()
    model = face_model.from_mat_dict(mat)
    for value in model:
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match='read-only'):
                value[...] = 0
    mat['meanshape'][:] = 1


def test_unreadable_files_are_named(tmp_path):
    path = tmp_path / 'broken.mat'
    for content, message in (
            (None, r'expected a face model \(.mat\), got nothing'),
            (b'', r'expected a face model \(.mat, MATLAB 5\), got an empty file'),
            (b'<!DOCTYPE html><html>', r'got a saved web page \(HTML\)'),
            (b'\x89HDF\r\n\x1a\n' + bytes(100), r'got an HDF5 file'),
            (b'PK\x03\x04' + bytes(100), 'got a damaged zip archive'),
            (bytes(range(1, 256)), 'got one that cannot be read')):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(FaceModelError, match='broken.mat: .*' + message) as raised:
            face_model.load_face_model(str(path))
        assert len(str(raised.value).splitlines()) == 1


def test_truncated_file_is_named(tmp_path):
    path = str(tmp_path / 'half.mat')
    savemat(path, tiny_model())
    for size in (200, 3000, os.path.getsize(path) - 50):
        with open(path, 'r+b') as stream:
            stream.truncate(size)
        with pytest.raises(FaceModelError, match='half.mat: '):
            face_model.load_face_model(path)
    assert os.listdir(str(tmp_path)) == ['half.mat']


class TestWhichModel:
    """What load_face_model() finds in BFM/."""

    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.setattr(assets, 'BFM_MODEL', str(tmp_path / 'BFM_model_front.mat'))
        return tmp_path

    def test_a_model_that_is_there_wins(self, folder):
        savemat(assets.BFM_MODEL, tiny_model())
        assert face_model.load_face_model().path == assets.BFM_MODEL

    def test_sources_are_converted(self, folder, monkeypatch):
        monkeypatch.setattr(bfm09, 'sources_present', lambda: True)
        monkeypatch.setattr(bfm09, 'convert', lambda path: savemat(path, dict(tiny_model(), name=bfm09.NAME)))
        assert face_model.load_face_model().name == bfm09.NAME

    def test_sources_in_a_folder_that_cannot_be_written(self, monkeypatch):
        monkeypatch.setattr(assets, 'BFM_MODEL', '/proc/no/model.mat')
        monkeypatch.setattr(bfm09, 'sources_present', lambda: True)

        def convert(path):
            raise PermissionError(13, 'Permission denied')
        monkeypatch.setattr(bfm09, 'convert', convert)
        with pytest.raises(FaceModelError, match='model.mat: expected to write .*: Permission denied'):
            face_model.load_face_model()

    def test_else_the_open_model(self, folder, monkeypatch):
        monkeypatch.setattr(bfm09, 'sources_present', lambda: False)
        model = face_model.load_face_model()
        assert (model.path, model.name, model.licence) == (assets.OPEN_MODEL, open_model.NAME, open_model.LICENCE)
        assert (model.id_dim, model.ex_dim, model.tex_dim) == (80, 64, 80)
