"""ICP and distances where the answer is known: a moved, scaled, noisy copy."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.evaluation.scans import alignment
from Deep3DFaceReconstruction.evaluation.scans.alignment import Mesh
from Deep3DFaceReconstruction.meshes.normals import vertex_normals
from Deep3DFaceReconstruction.numpy_decoder import rotation_matrix
from tests.evaluation.scans.conftest import grid


@pytest.fixture(scope='module')
def face(sheet_model):
    return Mesh(100.0 * sheet_model.meanshape.astype(np.float64), sheet_model.triangles)


def moving(scale=1.13, angles=(0.06, -0.08, 0.05), shift=(3, -4, 5)):
    return alignment.similarity_matrix(scale, rotation_matrix(np.array(angles)), np.array(shift, float))


def inner_points(face, count=3000, seed=0):
    """Points on the surface away from its rim."""
    random = np.random.RandomState(seed)
    middle = face.vertices[face.triangles].mean(axis=1)
    chosen = np.flatnonzero(np.abs(middle[:, :2]).max(axis=1) < 60)
    triangles = face.triangles[chosen[random.randint(0, len(chosen), count)]]
    weights = random.dirichlet([1, 1, 1], count)
    return np.einsum('pk,pkc->pc', weights, face.vertices[triangles])


def test_icp_finds_the_similarity_of_a_copy(face):
    truth = moving()
    scan = alignment.transform(truth, inner_points(face))
    found = alignment.icp(scan, face, np.eye(4))
    assert np.abs(alignment.transform(found, face.vertices) - alignment.transform(truth, face.vertices)).max() < 0.05
    assert alignment.scale_of(found) == pytest.approx(1.13, abs=1e-3)


def test_noise_is_what_remains_of_a_noisy_copy(face):
    """Noise along the normal, sigma 0.8 mm in the scan's size: RMSE 0.8, mean 0.8 sqrt(2 / pi)."""
    truth, points = moving(), inner_points(face, 6000)
    normals = vertex_normals(face.vertices, face.triangles)
    nearest = np.linalg.norm(points[:, None] - face.vertices[None], axis=2).argmin(axis=1)
    noise = np.random.RandomState(3).randn(len(points), 1) * 0.8 / 1.13
    scan = alignment.transform(truth, points + noise * normals[nearest])
    matrix = alignment.icp(scan, face, np.eye(4))
    moved = Mesh(alignment.transform(matrix, face.vertices), face.triangles)
    plane = alignment.distances(Mesh(scan, np.zeros([0, 3], int)), moved).plane
    assert np.sqrt((plane ** 2).mean()) == pytest.approx(0.8, rel=0.06)
    assert plane.mean() == pytest.approx(0.8 * np.sqrt(2 / np.pi), rel=0.06)
    assert alignment.scale_of(matrix) == pytest.approx(1.13, rel=5e-3)


def test_distances_from_a_flat_sheet():
    x, y, triangles = grid()
    sheet = Mesh(100 * np.stack([x, y, 0 * x], axis=1), triangles)
    inside, outside = np.array([[1.0, 2, 7]]), np.array([[83.0, 0, 7]])
    found = alignment.distances(Mesh(np.vstack([inside, outside]), triangles), sheet)
    np.testing.assert_allclose(found.plane, [7, 7], atol=1e-9)  # beyond the rim too: the plane has no end
    nearest = np.linalg.norm(sheet.vertices - inside, axis=1).min()
    np.testing.assert_allclose(found.point, [nearest, np.linalg.norm(sheet.vertices - outside, axis=1).min()])
    assert found.outside == 0.5


def test_what_lies_beyond_the_rim_does_not_pull(face):
    """A scan that goes on past the reconstruction is aligned by the part that they share."""
    truth = moving(1.0)
    beyond = np.stack([np.linspace(-60, 60, 500), np.full(500, 150.0), np.full(500, -70.0)], axis=1)
    scan = alignment.transform(truth, np.concatenate([inner_points(face), beyond]))
    found = alignment.icp(scan, face, truth)
    assert np.abs(found - truth).max() < 0.02


def test_crop_keeps_triangles_whose_corners_are_all_inside(face):
    nose = face.vertices[face.vertices[:, 2].argmax()]
    part = alignment.crop(face, nose, 40.0)
    assert np.linalg.norm(part.vertices - nose, axis=1).max() <= 40
    assert len(part.vertices) == (np.linalg.norm(face.vertices - nose, axis=1) <= 40).sum()
    corners = face.vertices[face.triangles]
    assert len(part.triangles) == (np.linalg.norm(corners - nose, axis=2) <= 40).all(axis=1).sum()
    assert part.triangles.max() < len(part.vertices)


def test_nothing_near_the_nose_is_an_error(face):
    with pytest.raises(InputError, match='at least 50 vertices within 95 mm of the nose tip, got 0'):
        alignment.crop(face, np.array([1e4, 0, 0]), 95.0)


def test_meshes_beside_each_other_are_an_error(face):
    with pytest.raises(InputError, match='expected a scan that lies on the reconstruction'):
        alignment.icp(inner_points(face) + [500, 0, 0], face, np.eye(4))
