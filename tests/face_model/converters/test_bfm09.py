"""BFM09's conversion, on arrays of its real sizes and the public index files: where does every number arrive?"""
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.face_model.converters import bfm09
from tests import ROOT
from tests.face_model.converters.bfm09_stand_in import (
    BFM_ROWS,
    EXPRESSION_ROWS,
    coded,
    deviations,
    means,
    morphable_model,
)


@pytest.fixture(scope='module')
def converted(bfm09_files):
    """Path of the converted model, made in a process of its own; and the most memory that it took, in bytes."""
    savemat(str(bfm09_files / '01_MorphableModel.mat'), morphable_model())
    out = str(bfm09_files / 'front.mat')
    peak = convert_in_process(out, str(bfm09_files))
    return out, peak


def convert_in_process(out, folder):
    # Not getrusage: its maximum starts with the memory of the process that this one was forked from.
    script = ('import sys\n'
              'from Deep3DFaceReconstruction.face_model.converters import bfm09\n'
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

    def test_identity(self, mat, bfm09_public):
        code = coded(BFM_ROWS, 80, 797, np.float64)[rows_of(bfm09_public['in_bfm'])]
        assert_codes(mat['idBase'].astype(float), deviations()['shapeEV'].ravel().astype(float) / 1e5, code)

    def test_expression(self, mat, bfm09_public):
        code = coded(EXPRESSION_ROWS, 64, 13, np.float64)[rows_of(bfm09_public['in_expression'])]
        assert_codes(mat['exBase'], bfm09_public['deviations'] / 1e5, code)

    def test_albedo(self, mat, bfm09_public):
        code = -coded(BFM_ROWS, 80, 11, np.float64)[rows_of(bfm09_public['in_bfm'])]
        assert_codes(mat['texBase'].astype(float), deviations()['texEV'].ravel().astype(float), code)

    def test_means(self, mat, bfm09_public):
        rows = rows_of(bfm09_public['in_bfm'])
        np.testing.assert_array_equal(np.rint(mat['meanshape'][0].astype(float) * 1e5), means()['shapeMU'][rows, 0])
        np.testing.assert_array_equal(mat['meantex'][0], means()['texMU'][rows, 0])

    def test_topology_is_the_public_one(self, mat, bfm09_public):
        for key in ('tri', 'point_buf', 'tri_mask2', 'keypoints', 'frontmask2_idx', 'skinmask'):
            np.testing.assert_array_equal(mat[key], bfm09_public['info'][key], err_msg=key)

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

    def test_other_program_gave_double_precision(self, bfm09_files, converted, tmp_path):
        """The same numbers, and little enough memory."""
        for name in bfm09.SOURCES[1:]:
            os.symlink(str(bfm09_files / name), str(tmp_path / name))
        savemat(str(tmp_path / '01_MorphableModel.mat'), morphable_model(np.float64))
        out = str(tmp_path / 'front.mat')
        peak = convert_in_process(out, str(tmp_path))
        print('single %.0f MB, double %.0f MB' % (converted[1] / 1e6, peak / 1e6))
        assert peak < 1.5e9
        double, single = loadmat(out), loadmat(converted[0])
        for key in ('meanshape', 'meantex', 'idBase', 'exBase', 'texBase'):
            assert double[key].dtype == single[key].dtype
            np.testing.assert_allclose(double[key], single[key], rtol=5e-7, err_msg=key)


@pytest.mark.slow
def test_each_source_by_itself(converted, bfm09_files):
    assert [bfm09.check_source(str(bfm09_files / name)) for name in bfm09.SOURCES] == [
        '53,490 vertices, 199 components', '53,215 vertices, 79 components', '79 standard deviations',
        '35,709 vertices', '53,215 vertices', '35,709 vertices, 70,789 triangles']
