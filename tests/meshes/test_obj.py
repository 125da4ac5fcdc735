"""Mesh and .mat files: the published text, whole or not at all."""
import numpy as np
import pytest
from scipy.io import loadmat

from Deep3DFaceReconstruction.meshes import obj


def test_obj_is_the_published_text(tmp_path):
    rng = np.random.RandomState(0)
    vertices = (rng.randn(20, 3) * [1, 300, 1e-3]).astype(np.float32)
    colors = rng.rand(20, 3).astype(np.float32)
    vertices[0] = [-0.0, 5e-7, -9.9999995]
    triangles = np.array([[0, 1, 2], [17, 18, 19]], np.int32)
    path = tmp_path / 'a_mesh.obj'
    obj.save_obj(str(path), vertices, obj.face_lines(triangles), colors)

    expected = ''.join('v %f %f %f %f %f %f\n' % (tuple(v) + tuple(c)) for v, c in zip(vertices, colors))
    expected += '\nf 1 2 3\nf 18 19 20\n'
    assert path.read_text() == expected
    assert [p.name for p in tmp_path.iterdir()] == ['a_mesh.obj']


def test_obj_with_nan_is_refused_and_leaves_the_old_file(tmp_path):
    path = tmp_path / 'a_mesh.obj'
    path.write_text('old')
    with pytest.raises(ValueError, match='finite'):
        obj.save_obj(str(path), np.full([3, 3], np.nan, np.float32), b'', np.zeros([3, 3], np.float32))
    assert path.read_text() == 'old'


def test_failing_writer_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        obj.save_mat(str(tmp_path / 'a.mat'), {'x': object()})
    assert list(tmp_path.iterdir()) == []


def test_mat_keeps_shape_and_type(tmp_path):
    arrays = {'coeff': np.arange(257, dtype=np.float32)[None], 'cropped_img': np.zeros([2, 2, 3], np.uint8)}
    obj.save_mat(str(tmp_path / 'a.mat'), arrays)
    back = loadmat(str(tmp_path / 'a.mat'))
    for key, value in arrays.items():
        np.testing.assert_array_equal(back[key], value)
        assert back[key].dtype == value.dtype
