"""BFM09's conversion, on arrays of its real sizes and the public index files: where does every number arrive?"""
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model import bfm09
from tests import ROOT

BFM_ROWS, EXPRESSION_ROWS = 3 * 53490, 3 * 53215


def coded(rows, columns, step, dtype=np.float32):
    """[rows, columns] of odd whole numbers: none occurs twice in a column, nor twice in a row."""
    row, column = np.arange(rows, dtype=np.int32)[:, None], np.arange(columns, dtype=np.int32)
    return (2 * ((row + step * column) % rows) + 1).astype(dtype)


def means():
    """shapeMU: micrometres, 1.6 dm from the smallest to the largest, no two alike; texMU: 20 to 177, likewise."""
    numbers = np.arange(BFM_ROWS)[:, None]
    return {'shapeMU': (numbers - BFM_ROWS // 2).astype(np.float32),
            'texMU': (20 + numbers / 1024.0).astype(np.float32)}


def deviations():
    """Falling, different for shape and texture; no one is the square of another."""
    return {'shapeEV': (8e5 * 0.97 ** np.arange(199))[:, None].astype(np.float32),
            'texEV': (4e3 * 0.98 ** np.arange(199))[:, None].astype(np.float32)}


def morphable_model(dtype=np.float32):
    model = {'shapePC': coded(BFM_ROWS, 199, 797, dtype), 'texPC': -coded(BFM_ROWS, 199, 11, dtype)}
    model.update(means())
    model.update(deviations())
    return {key: np.asfortranarray(value.astype(dtype)) for key, value in model.items()}


def write_expressions(path):
    with open(path, 'wb') as stream:
        np.array([79], np.int32).tofile(stream)
        np.full(EXPRESSION_ROWS, 1e6, np.float32).tofile(stream)  # the mean, which must arrive nowhere
        coded(EXPRESSION_ROWS, 79, 13).T.tofile(stream)


@pytest.fixture(scope='module')
def public(reference_dir):
    """The public files and, of them, the frontal vertices' numbers as the specification gives them, from 1."""
    front = loadmat(os.path.join(reference_dir, 'BFM_front_idx.mat'))['idx'].astype(int).ravel()
    trim = loadmat(os.path.join(reference_dir, 'BFM_exp_idx.mat'))['trimIndex'].astype(int).ravel()
    return {'in_expression': front, 'in_bfm': trim[front - 1],
            'deviations': np.loadtxt(os.path.join(reference_dir, 'std_exp.txt')).ravel(),
            'info': loadmat(os.path.join(reference_dir, 'facemodel_info.mat'))}


@pytest.fixture(scope='module')
def small_files(reference_dir, tmp_path_factory):
    """The public files alone, and an expression file."""
    folder = tmp_path_factory.mktemp('public')
    for name in bfm09.SOURCES[2:]:
        shutil.copy(os.path.join(reference_dir, name), str(folder))
    write_expressions(str(folder / 'Exp_Pca.bin'))
    return folder


@pytest.fixture(scope='module')
def converted(small_files):
    """Path of the converted model, made in a process of its own; and the most memory that it took, in bytes."""
    savemat(str(small_files / '01_MorphableModel.mat'), morphable_model())
    out = str(small_files / 'front.mat')
    peak = convert_in_process(out, str(small_files))
    return out, peak


def convert_in_process(out, folder):
    # Not getrusage: its maximum starts with the memory of the process that this one was forked from.
    script = ('import sys\n'
              'from Deep3DFaceReconstruction.face_model import bfm09\n'
              'bfm09.convert(sys.argv[1], sys.argv[2])\n'
              'print([line for line in open("/proc/self/status") if line.startswith("VmHWM:")][0].split()[1])\n')
    return 1024 * int(subprocess.check_output([sys.executable, '-c', script, out, folder], cwd=ROOT))


def rows_of(vertices_from_1):
    return (3 * (vertices_from_1[:, None] - 1) + np.arange(3)).ravel()


def assert_codes(base, per_deviation, code):
    """base = code * per_deviation to the rounding of float32: a neighbour's code is off by 2."""
    worst = max(np.abs(base[:, k] / per_deviation[k] - code[:, k]).max() for k in range(base.shape[1]))
    assert worst < 0.2


@pytest.fixture(scope='module')
def mat(converted):
    return loadmat(converted[0])


@pytest.mark.slow
class TestConversion:
    """Every vertex and component of the result."""

    def test_identity(self, mat, public):
        code = coded(BFM_ROWS, 80, 797, np.float64)[rows_of(public['in_bfm'])]
        assert_codes(mat['idBase'].astype(float), deviations()['shapeEV'].ravel().astype(float) / 1e5, code)

    def test_expression(self, mat, public):
        code = coded(EXPRESSION_ROWS, 64, 13, np.float64)[rows_of(public['in_expression'])]
        assert_codes(mat['exBase'], public['deviations'] / 1e5, code)

    def test_albedo(self, mat, public):
        code = -coded(BFM_ROWS, 80, 11, np.float64)[rows_of(public['in_bfm'])]
        assert_codes(mat['texBase'].astype(float), deviations()['texEV'].ravel().astype(float), code)

    def test_means(self, mat, public):
        rows = rows_of(public['in_bfm'])
        np.testing.assert_array_equal(np.rint(mat['meanshape'][0].astype(float) * 1e5), means()['shapeMU'][rows, 0])
        np.testing.assert_array_equal(mat['meantex'][0], means()['texMU'][rows, 0])

    def test_topology_is_the_public_one(self, mat, public):
        for key in ('tri', 'point_buf', 'tri_mask2', 'keypoints', 'frontmask2_idx', 'skinmask'):
            np.testing.assert_array_equal(mat[key], public['info'][key], err_msg=key)

    def test_layout(self, mat):
        expected = {'meanshape': (1, 107127), 'idBase': (107127, 80), 'exBase': (107127, 64), 'meantex': (1, 107127),
                    'texBase': (107127, 80), 'tri': (70789, 3), 'point_buf': (35709, 8), 'frontmask2_idx': (27660, 1),
                    'tri_mask2': (54681, 3), 'skinmask': (1, 35709), 'keypoints': (1, 68)}
        assert {key: mat[key].shape for key in expected} == expected
        assert {key: mat[key].dtype.name for key in expected} == {
            key: 'float64' if key == 'exBase' else 'float32' for key in expected}

    def test_loads_as_a_face_model(self, converted):
        model = face_model.load_face_model(converted[0])
        assert (model.name, model.licence) == (bfm09.NAME, bfm09.LICENCE)
        assert (model.id_dim, model.ex_dim, model.tex_dim) == (80, 64, 80)
        assert (len(model.meanshape), len(model.triangles)) == (bfm09.FRONT_VERTICES, bfm09.FRONT_TRIANGLES)

    def test_memory(self, converted):
        assert converted[1] < 1.5e9

    def test_other_program_gave_double_precision(self, small_files, converted, tmp_path):
        """The same numbers, and little enough memory."""
        for name in bfm09.SOURCES[1:]:
            os.symlink(str(small_files / name), str(tmp_path / name))
        savemat(str(tmp_path / '01_MorphableModel.mat'), morphable_model(np.float64))
        out = str(tmp_path / 'front.mat')
        peak = convert_in_process(out, str(tmp_path))
        print('single %.0f MB, double %.0f MB' % (converted[1] / 1e6, peak / 1e6))
        assert peak < 1.5e9
        double, single = loadmat(out), loadmat(converted[0])
        for key in ('meanshape', 'meantex', 'idBase', 'exBase', 'texBase'):
            assert double[key].dtype == single[key].dtype
            np.testing.assert_allclose(double[key], single[key], rtol=5e-7, err_msg=key)


@pytest.fixture
def sources(small_files, tmp_path):
    """A folder of links to sound small files and a morphable model that is sound as far as it goes: no bases."""
    folder = tmp_path / 'sources'
    folder.mkdir()
    for name in bfm09.SOURCES[1:]:
        os.symlink(str(small_files / name), str(folder / name))
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


@pytest.mark.slow
def test_each_source_by_itself(converted, small_files):
    assert [bfm09.check_source(str(small_files / name)) for name in bfm09.SOURCES] == [
        '53,490 vertices, 199 components', '53,215 vertices, 79 components', '79 standard deviations',
        '35,709 vertices', '53,215 vertices', '35,709 vertices, 70,789 triangles']


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
def test_wrong_small_files(sources, public, name, change, message):
    if name == 'facemodel_info.mat':
        change = dict({key: value for key, value in public['info'].items() if not key.startswith('__')}, **change)
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
