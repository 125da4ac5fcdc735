"""Textured .obj and .ply: read back by another library to float precision; names that are hard on parsers."""
import io
import os

import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.meshes import ply, textured_obj
from Deep3DFaceReconstruction.meshes.textured_obj import TexturedMesh
from Deep3DFaceReconstruction.system.png import encode_png

NAMES = ('face', 'two words', "o'quote \"double\"", 'Łódź 顔', '<b>&amp;', '=1+1', '-flag', '#hash', 'a.b.c', ' space')


@pytest.fixture
def mesh():
    """Two triangles over four vertices, six texture coordinates."""
    random = np.random.RandomState(0)
    vertices = random.randn(4, 3).astype(np.float32)
    normals = random.randn(4, 3)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return TexturedMesh(vertices, normals, np.array([[0, 1, 2], [2, 1, 3]]), random.rand(6, 2),
                        np.array([[0, 1, 2], [3, 4, 5]]))


@pytest.fixture(scope='module')
def texture():
    return np.random.RandomState(1).randint(0, 256, (8, 8, 3)).astype(np.uint8)


def read_obj(path):
    """{first word: [rest of each line]}"""
    lines = {}
    with open(str(path), encoding='utf-8') as stream:
        for line in stream:
            word, _, rest = line.rstrip('\n').partition(' ')
            lines.setdefault(word, []).append(rest)
    return lines


def test_obj_says_what_the_arrays_say(tmp_path, mesh, texture):
    textured_obj.write_obj(str(tmp_path / 'a.obj'), mesh, encode_png(texture))
    lines = read_obj(tmp_path / 'a.obj')
    np.testing.assert_array_equal(np.array([row.split() for row in lines['v']], np.float32), mesh.vertices)
    np.testing.assert_allclose(np.array([row.split() for row in lines['vt']], float), mesh.uv, atol=1e-6)
    np.testing.assert_allclose(np.array([row.split() for row in lines['vn']], float), mesh.normals, atol=1e-5)
    corners = np.array([[corner.split('/') for corner in row.split()] for row in lines['f']], int) - 1
    np.testing.assert_array_equal(corners, np.stack([mesh.triangles, mesh.uv_triangles, mesh.triangles], axis=2))
    assert sorted(os.listdir(str(tmp_path))) == ['a.mtl', 'a.obj', 'a_texture.png']


@pytest.mark.parametrize('name', NAMES)
def test_obj_with_any_name_arrives_with_its_texture(tmp_path, mesh, texture, name):
    trimesh = pytest.importorskip('trimesh')
    path = tmp_path / (name + '.obj')
    files = textured_obj.write_obj(str(path), mesh, encode_png(texture))
    assert sorted(files) == sorted(os.listdir(str(tmp_path)))
    material = os.path.normpath(read_obj(path)['mtllib'][0])
    image = os.path.normpath(read_obj(tmp_path / material)['map_Kd'][0])
    stem = name.replace('"', '\u2033')  # Blender takes double quotes out of names
    assert (material, image) == (stem + '.mtl', stem + '_texture.png')
    np.testing.assert_array_equal(np.asarray(Image.open(str(tmp_path / image))), texture)
    if name.startswith(('#', ' ')):
        return  # trimesh cuts these names
    loaded = trimesh.load(str(path), process=False)
    np.testing.assert_allclose(loaded.triangles, mesh.vertices[mesh.triangles], atol=1e-7)
    np.testing.assert_allclose(loaded.visual.uv[loaded.faces], mesh.uv[mesh.uv_triangles], atol=1e-6)
    np.testing.assert_array_equal(np.asarray(loaded.visual.material.image.convert('RGB')), texture)


def test_a_name_with_a_line_break_writes_nothing(tmp_path, mesh, texture):
    with pytest.raises(ValueError) as caught:
        textured_obj.write_obj(str(tmp_path / 'a\nb.obj'), mesh, encode_png(texture))
    assert 'expected a name without control characters' in str(caught.value)
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize('change, message', [
    ({'normals': np.zeros([3, 3])}, 'normals: expected one row for each of 4 vertices'),
    ({'vertices': np.full([4, 3], np.nan)}, 'vertices: expected finite numbers'),
    ({'triangles': np.array([[0, 1, 4], [0, 1, 2]])}, 'triangles: expected indices from 0 to 3, got 0 to 4'),
    ({'uv_triangles': np.array([[0, 1, 6], [0, 1, 2]])}, 'uv_triangles: expected indices from 0 to 5'),
    ({'uv_triangles': np.array([[0, 1, 2]])}, 'uv_triangles: expected a row for each of 2 triangles'),
    ({'triangles': np.array([[0., 1, 2], [0, 1, 2]])}, 'triangles: expected whole numbers [F,3], got float64')])
def test_arrays_that_do_not_fit(tmp_path, mesh, texture, change, message):
    with pytest.raises(ValueError) as caught:
        textured_obj.write_obj(str(tmp_path / 'a.obj'), mesh._replace(**change), encode_png(texture))
    assert message in str(caught.value)
    assert os.listdir(str(tmp_path)) == []


def test_ply_round_trip(tmp_path, mesh):
    trimesh = pytest.importorskip('trimesh')
    colors = np.array([[0, 127.6, 300], [-5, 3.4, 255], [1, 2, 3], [9, 9, 9]])
    ply.write_ply(str(tmp_path / 'a.ply'), mesh.vertices, mesh.normals, colors, mesh.triangles)
    loaded = trimesh.load(str(tmp_path / 'a.ply'), process=False)
    np.testing.assert_array_equal(loaded.vertices, mesh.vertices)
    np.testing.assert_array_equal(loaded.faces, mesh.triangles)
    expected = [[0, 128, 255], [0, 3, 255], [1, 2, 3], [9, 9, 9]]
    np.testing.assert_array_equal(loaded.visual.vertex_colors[:, :3], expected)
    assert loaded.metadata is not None
    body = io.BytesIO((tmp_path / 'a.ply').read_bytes().partition(b'end_header\n')[2]).read()
    record = np.frombuffer(body[:4 * 27], [('p', '<f4', 3), ('n', '<f4', 3), ('c', 'u1', 3)])
    np.testing.assert_array_equal(record['n'], mesh.normals.astype(np.float32))
    assert len(body) == 4 * 27 + 2 * 13
