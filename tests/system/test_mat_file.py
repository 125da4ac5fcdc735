"""Arrays into and out of .mat files; what is wrong with a file is said in tests/face_model/test_model.py."""
import numpy as np
import pytest
from scipy.io import loadmat

from Deep3DFaceReconstruction.system import mat_file


def test_failing_writer_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        mat_file.save_mat(str(tmp_path / 'a.mat'), {'x': object()})
    assert list(tmp_path.iterdir()) == []


def test_mat_keeps_shape_and_type(tmp_path):
    arrays = {'coeff': np.arange(257, dtype=np.float32)[None], 'cropped_img': np.zeros([2, 2, 3], np.uint8)}
    mat_file.save_mat(str(tmp_path / 'a.mat'), arrays)
    back = loadmat(str(tmp_path / 'a.mat'))
    for key, value in arrays.items():
        np.testing.assert_array_equal(back[key], value)
        assert back[key].dtype == value.dtype
