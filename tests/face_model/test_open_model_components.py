"""The open model's components: sorted and independent, and anatomy that holds within two deviations."""
import numpy as np
import pytest

from tests.face_model.open_shape import SKIN, eye_opening, face_normals, lip_gap, rim_edges, shape_of


def test_components_are_sorted_independent_and_sane(open_face):
    for base, dimension, largest in ((open_face.id_base, 80, 0.10), (open_face.ex_base, 64, 0.12)):
        size = np.linalg.norm(base.reshape(-1, 3, dimension), axis=1).max(axis=0)
        assert size.max() < largest and size.min() > 1e-4
        assert np.linalg.matrix_rank(base.astype(np.float64).T.dot(base)) == dimension
    identity = np.linalg.norm(open_face.id_base, axis=0)
    # The analysis weighs coarse vertices, and those inside mouth and sockets less: the order holds nearly.
    assert (identity[1:] < 1.3 * identity[:-1]).all() and identity[-1] < 0.2 * identity[0]


def test_identity_carries_no_rigid_motion(open_face, open_part):
    """The part of a component that a rigid motion of the outer skin explains is small."""
    shape = shape_of(open_face)
    base = open_face.id_base.astype(np.float64).reshape(-1, 3, 80)
    skin = open_part == SKIN
    moved = np.concatenate([np.tile(np.eye(3), (skin.sum(), 1)),
                            np.stack([np.cross(axis, shape[skin]).ravel() for axis in np.eye(3)], axis=1)], axis=1)
    components = base[skin].reshape(-1, 80)
    fitted = moved.dot(np.linalg.lstsq(moved, components, rcond=None)[0])
    assert (fitted ** 2).sum() < 0.05 * (components ** 2).sum()


@pytest.mark.parametrize('name', ['id_base', 'ex_base'])
def test_no_folds_within_two_deviations(open_face, open_part, name):
    """Neighbouring faces of the skin that met at less than 90 degrees in the mean still do.

    But for the creases that faces have: around the eyes and in the mouth's corners.
    """
    triangles = open_face.triangles
    ends = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    order = np.lexsort(ends.T)
    same = (ends[order[1:]] == ends[order[:-1]]).all(axis=1)
    pairs = np.stack([order[:-1][same], order[1:][same]], axis=1) // 3
    rim = np.zeros(len(open_face.meanshape), bool)
    rim[rim_edges(triangles)[1]] = True
    mean = shape_of(open_face)
    landmarks, centers = mean[open_face.keypoints], mean[triangles].mean(axis=1)
    creased = np.zeros(len(triangles), bool)
    for point, reach in ((landmarks[36:42].mean(axis=0), 0.20), (landmarks[42:48].mean(axis=0), 0.20),
                         (landmarks[48], 0.08), (landmarks[54], 0.08)):
        creased |= np.linalg.norm(centers[:, :2] - point[:2], axis=1) < reach
    judged = (open_part[triangles] == SKIN).all(axis=1) & ~rim[triangles].any(axis=1) & ~creased
    assert judged.mean() > 0.4
    pairs = pairs[judged[pairs].all(axis=1)]

    numbers, pairs = np.unique(pairs, return_inverse=True)
    used, pairs = triangles[numbers], pairs.reshape(-1, 2)

    def cosine(shape):
        normals = face_normals(shape, used)
        return (normals[pairs[:, 0]] * normals[pairs[:, 1]]).sum(axis=1)

    assert (cosine(mean) > 0).all()
    base = getattr(open_face, name)
    for component in range(base.shape[1]):
        moved = 2 * base[:, component].reshape(-1, 3)
        for sign in (-1, 1):
            folded = cosine(mean + sign * moved) < 0
            assert not folded.any(), '%s: 2 deviations of component %d fold %d edges' % (name, component, folded.sum())


def test_no_single_expression_component_pushes_the_lips_through_each_other(open_face):
    landmarks = shape_of(open_face)[open_face.keypoints]
    base = open_face.ex_base.astype(np.float64).reshape(-1, 3, 64)[open_face.keypoints]
    for sign in (-2.0, 2.0):
        gaps = lip_gap(landmarks[:, :, None] + sign * base)
        assert gaps.shape == (3, 64) and gaps.min() > -0.045


def _reach(model, rows, change):
    """The smallest beta that moves the given combination of landmark heights by `change`."""
    base = model.ex_base.astype(np.float64).reshape(-1, 3, 64)[model.keypoints, 1]
    direction = rows.dot(base)
    return direction.T.dot(np.linalg.solve(direction.dot(direction.T), change))


def _rows(pairs):
    rows = np.zeros((len(pairs), 68))
    for row, (above, below) in zip(rows, pairs):
        row[list(above)], row[list(below)] = 1.0 / len(above), -1.0 / len(below)
    return rows


def test_eyes_close_and_the_mouth_opens_within_three_deviations(open_face):
    eyes = _rows([((37, 38), (40, 41)), ((43, 44), (46, 47))])
    opening = eye_opening(shape_of(open_face)[open_face.keypoints])
    closed = _reach(open_face, eyes, -opening)
    assert np.abs(closed).max() < 3
    wink = _reach(open_face, eyes, -opening * [1, 0])
    assert np.abs(wink).max() < 3
    landmarks = shape_of(open_face, beta=wink)[open_face.keypoints]
    np.testing.assert_allclose(eye_opening(landmarks), opening * [0, 1], atol=0.005)
    wide = _reach(open_face, _rows([((61, 62, 63), (65, 66, 67))]), np.array([0.35]))
    assert np.abs(wide).max() < 3
