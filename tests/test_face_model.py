"""Loading of face models: 0-based and checked; BFM09's conversion on files of its real size."""
import os
import shutil

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from Deep3DFaceReconstruction import bfm09, face_model


def tiny_model():
    """A tetrahedron in the file's layout."""
    rng = np.random.RandomState(0)
    return {
        'meanshape': rng.randn(1, 12).astype(np.float32), 'meantex': np.full([1, 12], 120, np.float32),
        'idBase': rng.randn(12, 80).astype(np.float32), 'exBase': rng.randn(12, 64),
        'texBase': rng.randn(12, 80).astype(np.float32),
        'tri': np.array([[1, 2, 3], [1, 4, 2], [2, 4, 3], [3, 4, 1]], np.float32),
        'point_buf': np.array([[1, 2, 4, 5, 5, 5, 5, 5], [1, 2, 3, 5, 5, 5, 5, 5], [1, 3, 4, 5, 5, 5, 5, 5],
                               [2, 3, 4, 5, 5, 5, 5, 5]], np.float32),
        'frontmask2_idx': np.array([[4], [2], [1]], np.float32), 'tri_mask2': np.array([[1, 2, 3]], np.float32),
        'skinmask': np.array([[1, 0, 1, 1]], np.float32), 'keypoints': np.ones([1, 68], np.float32),
    }


def test_indices_start_from_0():
    model = face_model.from_mat_dict(tiny_model())
    np.testing.assert_array_equal(model.triangles[1], [0, 3, 1])
    np.testing.assert_array_equal(model.point_buf[0], [0, 1, 3, 4, 4, 4, 4, 4])
    np.testing.assert_array_equal(model.region_triangles, [[3, 1, 0]])  # through frontmask2_idx
    np.testing.assert_array_equal(model.keypoints, np.zeros(68))
    assert model.triangles.dtype == model.point_buf.dtype == model.keypoints.dtype == np.int32
    assert model.meanshape.shape == (4, 3) and model.ex_base.dtype == np.float32


@pytest.mark.parametrize('key, value, message', [
    ('idBase', np.zeros([12, 79]), r'idBase: expected numbers of shape \[12,80\], came float64 of shape \[12, 79\]'),
    ('meanshape', np.zeros([1, 11]), r'meanshape: expected \[1,3N\]'),
    ('tri', np.array([[1, 2, 5]]), 'tri: expected whole numbers from 1 to 4, came 1 to 5'),
    ('tri', np.array([[0, 2, 3]]), 'tri: expected whole numbers from 1 to 4, came 0 to 3'),
    ('keypoints', np.full([1, 68], 1.5), 'keypoints: expected whole numbers'),
    ('tri_mask2', np.array([[1, 2, 4]]), 'tri_mask2: expected whole numbers from 1 to 3'),
    ('meantex', np.full([1, 12], np.nan), 'meantex: expected finite numbers'),
    ('skinmask', np.array([['a', 'b', 'c', 'd']]), 'skinmask: expected numbers'),
])
def test_wrong_arrays_are_named(key, value, message):
    model = tiny_model()
    model[key] = value
    with pytest.raises(face_model.FaceModelError, match='m.mat: ' + message):
        face_model.from_mat_dict(model, 'm.mat')


def test_missing_key_is_named():
    model = tiny_model()
    del model['exBase']
    with pytest.raises(face_model.FaceModelError, match="expected the key 'exBase'"):
        face_model.from_mat_dict(model)


def test_unreadable_files_are_named(tmp_path):
    path = tmp_path / 'broken.mat'
    with pytest.raises(face_model.FaceModelError, match='broken.mat: expected a face model .*no such file'):
        face_model.load_face_model(str(path))
    path.write_bytes(b'no model')
    with pytest.raises(face_model.FaceModelError, match='broken.mat: expected a MATLAB 5 face model'):
        face_model.load_face_model(str(path))


def test_file_round_trip(tmp_path):
    path = str(tmp_path / 'model.mat')
    savemat(path, tiny_model())
    from_file, from_dict = face_model.load_face_model(path), face_model.from_mat_dict(tiny_model(), path)
    for name, want in from_dict._asdict().items():
        np.testing.assert_array_equal(getattr(from_file, name), want, err_msg=name)


class TestBfm09:
    """The conversion, on random arrays of BFM09's real sizes and the public index files."""

    @pytest.fixture(scope='class')
    def folder(self, reference_dir, tmp_path_factory):
        folder = tmp_path_factory.mktemp('bfm09')
        for name in bfm09.SOURCES[2:]:
            shutil.copy(os.path.join(reference_dir, name), str(folder))
        rng = np.random.RandomState(0)

        def noise(*shape):  # cheap, but different everywhere
            return np.tile(rng.randn(1009).astype(np.float32), int(np.ceil(np.prod(shape) / 1009.)))[
                :int(np.prod(shape))].reshape(shape)
        self_mat = {}
        for kind in ('shape', 'tex'):
            self_mat[kind + 'MU'] = noise(3 * 53490, 1)
            self_mat[kind + 'PC'] = noise(3 * 53490, 199)
            self_mat[kind + 'EV'] = noise(199, 1)
        savemat(str(folder / '01_MorphableModel.mat'), self_mat)
        with open(str(folder / 'Exp_Pca.bin'), 'wb') as stream:
            np.array([79], np.int32).tofile(stream)
            noise(80, 3 * 53215).tofile(stream)
        return folder

    @pytest.mark.slow
    def test_conversion(self, folder):
        out = str(folder / 'out.mat')
        bfm09.convert(out, str(folder))
        model = loadmat(out)
        bfm = loadmat(str(folder / '01_MorphableModel.mat'))
        front = loadmat(str(folder / 'BFM_front_idx.mat'))['idx'].astype(int).ravel()
        trim = loadmat(str(folder / 'BFM_exp_idx.mat'))['trimIndex'].astype(int).ravel()
        for vertex in (0, 100, 35708):
            shape = trim[front[vertex] - 1] - 1
            rows, out_rows = slice(3 * shape, 3 * shape + 3), slice(3 * vertex, 3 * vertex + 3)
            np.testing.assert_allclose(model['idBase'][out_rows],
                                       bfm['shapePC'][rows, :80] * bfm['shapeEV'][:80, 0] / 1e5, rtol=1e-5)
            np.testing.assert_allclose(model['texBase'][out_rows],
                                       bfm['texPC'][rows, :80] * bfm['texEV'][:80, 0], rtol=1e-5)
            np.testing.assert_allclose(model['meanshape'][0, out_rows], bfm['shapeMU'][rows, 0] / 1e5, rtol=1e-5)
            expression = np.fromfile(str(folder / 'Exp_Pca.bin'), np.float32)[1:].reshape(80, -1)[1:65]
            deviations = np.loadtxt(str(folder / 'std_exp.txt')).ravel()[:64]
            start = 3 * (front[vertex] - 1)
            np.testing.assert_allclose(model['exBase'][out_rows],
                                       expression[:, start:start + 3].T * deviations / 1e5, rtol=1e-5)
        assert {k: (v.shape, v.dtype.name) for k, v in model.items() if k in ('idBase', 'exBase', 'meanshape')} == {
            'idBase': ((107127, 80), 'float32'), 'exBase': ((107127, 64), 'float64'),
            'meanshape': ((1, 107127), 'float32')}
        assert face_model.load_face_model(out).triangles.shape == (70789, 3)

    def test_missing_file_is_named(self, folder, tmp_path):
        shutil.copy(str(folder / 'std_exp.txt'), str(tmp_path))
        with pytest.raises(bfm09.Bfm09Error, match='missing: 01_MorphableModel.mat, Exp_Pca.bin, BFM_front_idx.mat'):
            bfm09.convert(str(tmp_path / 'out.mat'), str(tmp_path))
        assert not (tmp_path / 'out.mat').exists()

    def test_truncated_expression_file_is_named(self, folder, tmp_path):
        for name in bfm09.SOURCES:
            if name != 'Exp_Pca.bin':
                os.symlink(str(folder / name), str(tmp_path / name))
        (tmp_path / 'Exp_Pca.bin').write_bytes(b'\x4f\0\0\0')
        with pytest.raises(bfm09.Bfm09Error, match=r'Exp_Pca.bin: expected 51086404 bytes .* came 4'):
            bfm09.convert(str(tmp_path / 'out.mat'), str(tmp_path))
