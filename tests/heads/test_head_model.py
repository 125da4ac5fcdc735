"""The whole head: its face is the face model's to the last bit that matters, and it goes on smoothly around it."""
import numpy as np
import pytest

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.heads import head_file, head_model


@pytest.fixture(scope='module')
def model():
    return load_face_model()


@pytest.fixture(scope='module')
def head(model):
    return head_model.load_head(model)


@pytest.fixture(scope='module')
def coeff():
    return np.random.RandomState(3).randn(257)


def test_the_face_is_that_of_the_model(model, head, coeff):
    shape = model.meanshape - numpy_decoder.mean_offset(model) + (
        model.id_base.dot(coeff[:80]) + model.ex_base.dot(coeff[80:144])).reshape(-1, 3)
    vertices = head.refined(head.coarse(coeff))
    np.testing.assert_allclose(vertices[head.face_rows], shape[head.model_rows], atol=5e-6)
    albedo = model.meantex + model.tex_base.dot(coeff[144:224]).reshape(-1, 3)
    np.testing.assert_allclose(head.albedo(coeff[144:224])[head.face_rows], albedo[head.model_rows], atol=2e-3)
    # All of the face but the few rings of its rim, which was evened out.
    assert len(head.face_rows) > 0.97 * len(shape) and head.face_part.sum() > 70000


def test_the_head_goes_on_around_the_face(head):
    vertices = head.refined(head.mean)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    assert high[1] > 1.2 and low[1] < -2.0 and low[2] < -1.5 and high[0] - low[0] > 2.5
    # Ears stand out at the sides, at the height of eyes and nose.
    ears = np.abs(vertices[(np.abs(vertices[:, 1]) < 0.4) & (vertices[:, 1] > -0.3)][:, 0]).max()
    assert 0.75 < ears < 1.0


@pytest.mark.parametrize('seed', range(3))
def test_people_have_no_step_at_the_rim_of_the_face(head, seed):
    """Edges across the rim grow and bend no more than edges elsewhere do."""
    coeff = np.clip(np.random.RandomState(seed).randn(257), -2, 2)
    moved = head.refined(head.coarse(coeff)) - head.refined(head.mean)
    inside = np.zeros(len(moved), bool)
    inside[head.face_rows] = True
    edges = np.concatenate([head.triangles[:, [0, 1]], head.triangles[:, [1, 2]]])
    apart = np.linalg.norm(moved[edges[:, 0]] - moved[edges[:, 1]], axis=1)
    across = (inside[edges].sum(axis=1) == 1) & (head.part[edges] == 0).all(axis=1)
    within = inside[edges].all(axis=1)
    assert np.quantile(apart[across], 0.99) < 1.5 * np.quantile(apart[within], 0.99)


def test_albedo_has_no_step_at_the_rim(head):
    inside = np.zeros(len(head.meantex), bool)
    inside[head.face_rows] = True
    edges = head.triangles[:, [0, 1]]
    across = (inside[edges].sum(axis=1) == 1) & (head.part[edges] == 0).all(axis=1)
    step = np.abs(head.meantex[edges[across, 0]] - head.meantex[edges[across, 1]]).mean()
    assert step < 6


def test_a_coarser_head_has_the_same_shape(model, head):
    coarse = head_model.load_head(model, 1)
    assert len(coarse.face_rows) > 9000 and coarse.part.max() == 4
    vertices = head.refined(head.mean)
    np.testing.assert_allclose(coarse.refined(coarse.mean)[coarse.face_rows],
                               (model.meanshape - numpy_decoder.mean_offset(model))[coarse.model_rows], atol=0.03)
    assert np.abs(coarse.refined(coarse.mean).max(axis=0) - vertices.max(axis=0)).max() < 0.03


def test_only_the_open_model_has_a_head(model):
    other = model._replace(name='BFM09', path='/models/other.mat')
    assert head_model.has_head(model) and not head_model.has_head(other)
    with pytest.raises(FaceModelError, match='other.mat: expected the open face model, which alone has a head, got'):
        head_model.load_head(other)


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(FaceModelError, match='open_head.npz: expected the head of the open face model, got nothing'):
        head_file.read(str(tmp_path / 'open_head.npz'))
    broken = tmp_path / 'broken.npz'
    broken.write_bytes(b'PK\3\4 not a zip')
    with pytest.raises(FaceModelError, match='broken.npz: .* that cannot be read'):
        head_file.read(str(broken))
    np.savez(str(tmp_path / 'part.npz'), quads=np.zeros(3))
    with pytest.raises(FaceModelError, match='part.npz: .* a file without mean, id'):
        head_file.read(str(tmp_path / 'part.npz'))


def test_accessories_lie_on_the_head(head, model):
    found = head_file.accessories(head_file.read())
    kinds = {kind: sum(each.kind == kind for each in found) for kind in ('hair', 'lashes', 'tongue', 'hat', 'top')}
    assert kinds['hair'] == 10 and min(kinds.values()) >= 1
    crown = (head.refined(head.mean) + numpy_decoder.mean_offset(model))[:, 1].max()
    for each in found:
        refined = each.matrix.dot(each.vertices)
        assert each.triangles.max() == len(refined) - 1 == len(each.opacity) - 1 == len(each.colour) - 1
        assert each.opacity.min() >= 0 and each.opacity.max() <= 1
        if each.kind in ('hair', 'hat'):
            assert crown - 0.1 < refined[:, 1].max() < crown + 0.5, each.name
