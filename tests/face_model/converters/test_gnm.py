"""Google's GNM head, on a stand-in in its layout that is made of the open model's face."""
import os

import numpy as np
import pytest

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model import __main__ as command
from Deep3DFaceReconstruction.face_model import check, eyes, load_face_model, open_model
from Deep3DFaceReconstruction.face_model.converters import gnm
from Deep3DFaceReconstruction.meshes.closest_surface import closest_points, interpolation_matrix
from Deep3DFaceReconstruction.system import assets
from tests.face_model.converters import gnm_stand_in as stand_in
from tests.face_model.converters.real_face import real_face


@pytest.fixture(scope='module')
def face():
    return real_face()


@pytest.fixture(scope='module')
def head(face, tmp_path_factory):
    """Path of the stand-in's model."""
    return stand_in.write(face, tmp_path_factory.mktemp('gnm'))


@pytest.fixture(scope='module')
def converted(head):
    """(FaceModel of the converted stand-in, the open model, the open model's closest points to its skin)."""
    out = os.path.join(os.path.dirname(head), 'gnm.mat')
    gnm.convert(head, out, open_model.load_open_model())
    model, source = load_face_model(out), load_face_model(assets.OPEN_MODEL)
    skin = model.meanshape[model.part == 0]
    return model, source, closest_points(skin, source.meanshape, source.triangles)


@pytest.mark.slow
def test_the_face_is_the_one_that_it_was_made_of(converted):
    model, source, closest = converted
    # Refining what is refined already draws in the surface a little.
    assert closest.distance.max() < 0.025 and np.median(closest.distance) < 0.005
    away = np.linalg.norm(model.meanshape[model.keypoints] - source.meanshape[source.keypoints], axis=1)
    assert np.median(away) < 0.02 and away.max() < 0.06
    assert all(fact.ok for fact in check.facts(model)), [fact for fact in check.facts(model) if not fact.ok]
    assert (model.name, model.licence) == ('GNM head (Google)', 'Apache-2.0 (shape); CC0 1.0 (albedo, from Open face '
                                                                'model (MakeHuman))')


@pytest.mark.slow
def test_the_albedo_is_that_of_the_same_place(converted):
    model, source, closest = converted
    expected = interpolation_matrix(closest, source.triangles, len(source.meanshape)).dot(source.meantex)
    difference = np.abs(model.meantex[model.part == 0] - expected).mean(axis=1)
    assert np.median(difference) < 2 and np.quantile(difference, 0.9) < 12
    assert len(eyes.eyes_of(model).eyeballs) == 2


@pytest.mark.slow
def test_components_span_what_the_models_do(converted):
    """Principal components of a basis have the same covariance as the basis: here at the landmarks."""
    model, source, closest = converted
    matrix = interpolation_matrix(closest, source.triangles, len(source.meanshape))
    rows = np.flatnonzero(model.part == 0)[::200]
    for base, other, count in ((model.id_base, source.id_base, 80), (model.ex_base, source.ex_base, 64)):
        got = base.reshape(len(model.part), -1)[rows]
        expected = matrix[rows].dot(other.reshape(len(source.part), -1))
        got, expected = got.reshape(-1, count), expected.reshape(-1, count)
        deviation = np.sqrt((expected ** 2).sum(axis=1))
        found = np.sqrt((got ** 2).sum(axis=1))
        assert np.corrcoef(found, deviation)[0, 1] > 0.98
        assert np.abs(found - deviation).mean() < 0.03 * deviation.max()
        sizes = np.linalg.norm(base[:3 * (model.part == 0).sum()], axis=0)
        assert (np.diff(sizes) < 0.02 * sizes[0]).all() and sizes[0] > 2 * sizes[20]


@pytest.mark.parametrize('changes, message', [
    ({'quads': None}, "gnm_head.npz: expected the key 'quads' of the GNM head, got only: expression_basis, "),
    ({'vertex_group_names': np.array(['ears', 'face', 'scleras', 'teeth'])},
     "gnm_head.npz: expected the vertex group 'skin', got only: ears, face, scleras, teeth$"),
    ({'expression_basis': np.zeros((3, 5, 3))}, r'expression_basis: expected numbers of shape \[any,8322,3\], got'),
    ({'quads': np.full((4, 4), 10 ** 6)}, 'quads: expected vertices from 0 to 8321, got 1000000 to 1000000$')])
def test_wrong_arrays_are_named(face, tmp_path, changes, message):
    path = stand_in.write(face, tmp_path, **changes)
    with pytest.raises(FaceModelError, match=message):
        gnm.convert(path, str(tmp_path / 'out.mat'), {})
    assert not (tmp_path / 'out.mat').exists()


@pytest.mark.parametrize('text, message', [
    ('1 2 3', "head_sparse_68.txt: expected 68 rows 'vertex weight .*', got 1 rows of 3 numbers$"),
    ('a b c', "head_sparse_68.txt: expected 68 rows .*, got: "),
    ('9999 1 0 0 0 0\n' * 68, 'of a mesh of 8322 vertices, got vertex 9999$'),
    ('5 1 6 0 7 0\n' * 68, 'got three landmarks on one vertex, 5$')])
def test_wrong_landmarks_are_named(head, tmp_path, text, message):
    listed = tmp_path / 'head_sparse_68.txt'
    listed.write_text(text)
    with pytest.raises(FaceModelError, match=message):
        gnm.convert(head, str(tmp_path / 'out.mat'), {}, str(listed))


def test_without_landmarks_the_message_says_where_they_belong(head, tmp_path, capsys):
    alone = tmp_path / 'gnm_head.npz'
    os.link(head, str(alone))
    assert command.main(['convert', '--gnm', str(alone), '--out', str(tmp_path / 'x.mat')]) == 2
    assert 'expected the list of its 68 landmarks, head_sparse_68.txt, beside it or in' in capsys.readouterr().err
    alone.unlink()
    alone.write_bytes(b'<!DOCTYPE html><html></html>')
    with pytest.raises(face_model.FaceModelError, match='gnm_head.npz: expected gnm_head.npz of GNM, got: a saved web'):
        gnm.convert(str(alone), str(tmp_path / 'x.mat'), {})
