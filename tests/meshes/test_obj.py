"""Mesh and .mat files: the published text, whole or not at all."""
import numpy as np
import pytest

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
