"""The adaptation of the dense landmarks to synthetic heads: its estimators, and what they left in the files."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.detection.face_mesh import mesh_data
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.fitting import dense_points as fit_points
from Deep3DFaceReconstruction.system import assets
from tools.open_model import adapt, dense_points


def test_the_mean_move_is_found_from_views_in_which_some_points_are_wrong():
    random = np.random.RandomState(0)
    yaws = random.uniform(-0.7, 0.7, 200)
    views = np.stack([np.array([[np.cos(a), 0], [0, 1], [-np.sin(a), 0]]) for a in yaws])
    move = np.array([0.02, -0.03, 0.01])
    residual = np.einsum('pij,i->pj', views, move) + 0.005 * random.randn(200, 2)
    residual[::10] += 0.5
    np.testing.assert_allclose(adapt._mean_move(views, residual), move, atol=0.006)


def test_weights_of_neighbours_sum_to_one_and_follow_a_rigid_face():
    random = np.random.RandomState(1)
    places = random.randn(12, 3)
    goal = places[:4].mean(axis=0)
    turns = np.stack([np.linalg.qr(random.randn(3, 3))[0][:, :2] for _ in range(100)])
    seen, marks = np.einsum('kc,pcd->pkd', places, turns), np.einsum('c,pcd->pd', goal, turns)
    weights = adapt._weights(places, goal, seen, marks)
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(np.einsum('k,pkd->pd', weights, seen), marks, atol=1e-3)


def test_the_files_fit_together():
    model, data = load_face_model(assets.OPEN_MODEL), mesh_data()
    vertices, weights = fit_points.dense_places(model)
    packed = dense_points.read()
    np.testing.assert_array_equal(vertices, packed['dense_vertices'])
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert vertices.shape == (478, 3) and (model.part[vertices[:468]] == 0).all()
    assert (model.part[vertices[468:473]] == 2).all() and (model.part[vertices[473:]] == 3).all()
    # Mirror images, to the mesh's resolution; the lower lip moves with the jaw, the upper one does not.
    places = np.einsum('kn,knc->kc', weights[:468], model.meanshape[vertices[:468]])
    assert np.percentile(np.linalg.norm(places[data.mirror] * [-1, 1, 1] - places, axis=1), 95) < 0.02
    base = fit_points.point_set(model, vertices[[13, 14]], weights[[13, 14]]).base[:, 1, 80:]
    assert np.linalg.norm(base[0] - base[1]) > 0.03
    np.testing.assert_allclose(data.landmark_weights.sum(axis=1), 1, atol=1e-4)
    assert not np.isin(adapt._OUTLINE, data.spread).any() and (np.isin(data.mirror[data.spread], data.spread)).all()
