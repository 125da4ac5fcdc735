"""The whole head as an output: the face's own vertices, one cut below the neck, a texture without a seam."""
import numpy as np
import pytest
import trimesh

from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.exports import head
from Deep3DFaceReconstruction.exports.outputs import Face, OutputOptions, OutputWriter


@pytest.fixture(scope='module')
def mesh(open_model):
    return head.head_mesh(open_model)


@pytest.fixture(scope='module')
def face(decoded, trans_params):
    return Face('a', decoded['coeff'], trans_params, decoded['face_shape'], decoded['face_texture'],
                decoded['face_color'])


def test_the_face_is_the_reconstructed_one(mesh, decoded):
    shape = head.shape_of(mesh, decoded['coeff'], decoded['face_shape'])
    place = np.searchsorted(mesh.rows, mesh.head.face_rows)
    np.testing.assert_allclose(shape[place], decoded['face_shape'][mesh.head.model_rows], atol=1e-6)
    moved = decoded['face_shape'] + [0, 0, 0.1]  # whatever the caller has done to it
    np.testing.assert_allclose(head.shape_of(mesh, decoded['coeff'], moved)[place],
                               moved[mesh.head.model_rows], atol=1e-6)


def test_the_mesh_has_one_large_rim(mesh, decoded):
    """No hole but the cut below the neck; the teeth are pieces of their own."""
    skin = (mesh.head.part[mesh.rows] < 4)[mesh.triangles].all(axis=1)
    edges = np.sort(np.concatenate([mesh.triangles[skin][:, [k, (k + 1) % 3]] for k in range(3)]), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    assert count.max() == 2
    shape = head.shape_of(mesh, decoded['coeff'], decoded['face_shape'])
    rim = shape[np.unique(unique[count == 1])]
    assert rim[:, 1].max() < -0.75 and len(rim) > 100
    assert np.ptp(shape, axis=0).min() > 1.5


@pytest.mark.slow
@pytest.mark.parametrize('kind', ('photo', 'albedo'))
def test_texture_has_no_seam_at_the_rim_of_the_face(mesh, face, camera, kind):
    skin_photo = np.full((camera.size[1], camera.size[0], 3), (200, 150, 125), np.uint8)
    shape = head.shape_of(mesh, face.coeff, face.shape)
    texture = head.bake(mesh, shape, face, skin_photo, camera, OutputOptions((), texture=kind, texture_size=512))
    size = len(texture)
    uv = mesh.atlas.uv
    colour = np.zeros((len(mesh.rows), 3))
    colour[mesh.atlas.vertices] = texture[np.int64((1 - uv[:, 1]) * size).clip(0, size - 1),
                                          np.int64(uv[:, 0] * size).clip(0, size - 1)]
    on_face = mesh.from_face == 0
    edges = mesh.triangles[:, [0, 1]]
    edges = edges[(on_face[edges].sum(axis=1) == 1) & (mesh.head.part[mesh.rows][edges] == 0).all(axis=1)]
    assert np.abs(colour[edges[:, 0]] - colour[edges[:, 1]]).mean() < 8


@pytest.mark.slow
def test_files(tmp_path, open_model, face, photo):
    writer = OutputWriter(open_model, OutputOptions(('head',), texture_size=128))
    outcome, = writer.write(str(tmp_path), 'a', 'a.jpg', photo, [face])
    assert not outcome.failures and outcome.files == ['a_head.glb', 'a_head.obj', 'a_head.mtl', 'a_head_texture.png']
    loaded = trimesh.load(str(tmp_path / 'a_head.glb'), force='mesh', process=False)
    assert 0.2 < np.ptp(loaded.vertices, axis=0)[1] < 0.4  # metres
    assert len(trimesh.load(str(tmp_path / 'a_head.obj'), force='mesh', process=False).faces) == len(loaded.faces)


def test_models_without_a_head_write_none(tmp_path, open_model, face, photo):
    other = open_model._replace(name='another')
    outcome, = OutputWriter(other, OutputOptions(('head',))).write(str(tmp_path), 'a', 'a.jpg', photo, [face])
    assert outcome.files == [] and not outcome.failures
    with pytest.raises(FaceModelError, match='which alone has a head'):
        head.head_mesh(other)
