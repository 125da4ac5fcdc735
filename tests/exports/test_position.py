"""Position maps and dense alignment: every UV leads back to its place."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.exports import position
from Deep3DFaceReconstruction.photo.camera import project


@pytest.fixture(scope='module')
def some(open_atlas, open_model, decoded):
    """(uv [K,2], points [K,3]) at random places of random triangles."""
    random = np.random.RandomState(5)
    triangle = random.randint(0, len(open_atlas.triangles), 1500)
    weights = random.dirichlet([1, 1, 1], 1500)[:, :, None]
    return ((open_atlas.uv[open_atlas.triangles[triangle]] * weights).sum(axis=1),
            (decoded['face_shape'][open_model.triangles[triangle]] * weights).sum(axis=1))


def test_dense_alignment_finds_every_point(some, camera, decoded, open_model, open_atlas):
    uv, points = some
    found = position.dense_alignment(uv, camera, decoded['face_shape'], open_model.triangles, open_atlas)
    np.testing.assert_allclose(found.points, points, atol=1e-4)
    np.testing.assert_allclose(found.pixels, project(camera, points)[0], atol=0.05)
    assert 0.4 < found.visible.mean() < 0.95


def test_no_face_at_a_uv(camera, decoded, open_model, open_atlas):
    uv = np.array([[0.001, 0.999], [-3, 0.5], [2, 2], [0.5, 0.6], [np.nan, 0.5]])
    with np.errstate(invalid='ignore'):
        found = position.dense_alignment(uv, camera, decoded['face_shape'], open_model.triangles, open_atlas)
    np.testing.assert_array_equal(np.isfinite(found.pixels[:, 0]), [False, False, False, True, False])
    np.testing.assert_array_equal(found.visible, [False, False, False, True, False])


def test_position_map(camera, decoded, open_model, open_atlas):
    found = position.position_map(camera, decoded['face_shape'], open_atlas)
    assert found.shape == (256, 256, 3) and found.dtype == np.float32
    known = np.isfinite(found[..., 0])
    row, column = np.nonzero(known)
    pick = np.random.RandomState(0).permutation(len(row))[:500]
    uv = np.stack([(column[pick] + 0.5) / 256, 1 - (row[pick] + 0.5) / 256], axis=1)
    dense = position.dense_alignment(uv, camera, decoded['face_shape'], open_model.triangles, open_atlas)
    kept = np.isfinite(dense.pixels[:, 0])
    assert kept.mean() > 0.98
    values = found[row[pick], column[pick]][kept]
    np.testing.assert_allclose(values[:, :2], dense.pixels[kept], atol=0.05)
    # z has the scale of x and y: a decimetre towards the camera is as many pixels as one to the side, at the origin.
    depth = dense.points[kept].dot(camera.R[2]) + camera.t[2]
    np.testing.assert_allclose(values[:, 2], (camera.t[2] - depth) * camera.K[0, 0] / camera.t[2], atol=0.05)
    nose = found[:, :, 2][known].max()
    assert 40 < nose < 150


def test_preview():
    values = np.full([4, 4, 3], np.nan, np.float32)
    assert not position.position_preview(values).any()
    values[1, 1:3] = [[10, -5, 0], [20, 5, 8]]
    preview = position.position_preview(values)
    np.testing.assert_array_equal(preview[1, 1:3], [[1, 1, 1], [255, 255, 255]])
    assert preview.sum() == 3 * 256


def test_weight_mask(open_model, open_atlas, face_regions):
    mask = position.weight_mask(open_model, open_atlas, face_regions)
    assert set(np.unique(mask)) == {0, 3, 4, 16}
    for vertex in open_model.keypoints[17:]:
        u, v = open_atlas.uv[open_atlas.vertices == vertex][0]
        assert mask[int((1 - v) * 256), int(u * 256)] == 16
    share = [(mask == weight).mean() for weight in (16, 4, 3)]
    assert share[0] < 0.02 < share[1] < share[2]
