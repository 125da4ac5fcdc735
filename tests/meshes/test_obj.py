"""Wavefront .obj: the published text, whole or not at all, and what is read back."""
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


def test_what_was_written_is_read_back(tmp_path):
    path = str(tmp_path / 'a.obj')
    vertices = np.random.RandomState(0).randn(6, 3).astype(np.float32)
    triangles = np.array([[0, 1, 2], [5, 4, 3]])
    obj.save_obj(path, vertices, obj.face_lines(triangles), np.zeros([6, 3], np.float32))
    np.testing.assert_allclose(obj.read_vertices(path), vertices, atol=5e-7)
    np.testing.assert_array_equal(obj.read_faces(path, 2, corners=3), triangles)
    np.testing.assert_array_equal(obj.read_faces(path, 1, corners=3), triangles[:1])


def test_texture_and_normal_numbers_are_ignored(tmp_path):
    path = tmp_path / 'a.obj'
    path.write_text('# quads\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvn 0 0 1\nf 1/1/1 2/1/1 3//1 4\n')
    np.testing.assert_array_equal(obj.read_faces(str(path), 1, corners=4), [[0, 1, 2, 3]])
    assert obj.read_vertices(str(path)).shape == (4, 3)


@pytest.mark.parametrize('text, message', [
    ('v 0 0 0\nv 1 0\nf 1 2 1\n', "a.obj: expected lines 'v x y z' of numbers, got 'v 1 0'"),
    ('v 0 0\nv 1 0\nf 1 2 1\n', "a.obj: expected lines 'v x y z' of numbers, got 'v 0 0'"),
    ('v 0 0 inf\nf 1 1 1\n', 'a.obj: expected finite coordinates, got NaN or infinity at vertex 0'),
    ('v 0 0 0\nf 0 1 1\n', "a.obj: expected lines 'f a/b/c ...' of numbers from 1, got 'f 0 1 1'"),
    ('v 0 0 0\nf 1/1 one/1 1/1\n', "a.obj: expected lines 'f a/b/c ...' of numbers from 1, got 'f 1/1 one/1 1/1'"),
    ('v 0 0 0\nf 1 1\n', 'a.obj: expected faces of 3 corners, got face 0 of 2 corners'),
    ('v 0 0 0\n', "a.obj: expected an .obj mesh, got no line that starts with 'f'"),
    (None, 'a.obj: expected an .obj file, got one that cannot be read: '),
])
def test_a_wrong_file_is_named(tmp_path, text, message):
    path = tmp_path / 'a.obj'
    if text is not None:
        path.write_text(text)
    with pytest.raises(obj.ObjError) as caught:
        obj.read_vertices(str(path))
        obj.read_faces(str(path), 1, corners=3)
    assert message in str(caught.value)
