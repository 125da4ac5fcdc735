"""Error measures on cases whose answer is known."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.evaluation import metrics


def test_nme_of_a_shift():
    square = np.array([[0.0, 0], [10, 0], [0, 40], [10, 40]])
    assert metrics.box_size(square) == 20
    assert metrics.nme(square + [3, 4], square) == pytest.approx(100 * 5 / 20)


def test_depth_has_no_origin():
    points = np.random.RandomState(0).randn(68, 3)
    assert metrics.nme(points + [0, 0, 7], points) == pytest.approx(0, abs=1e-12)
    assert metrics.nme(points * [1, 1, 2], points) > 1


def test_bins_leave_out_failures_and_count_them():
    means = metrics.by_yaw([1, 3, 10, np.nan, 20], [5, -29.9, 30, 40, -90])
    assert means['0-30'] == (2, 2) and means['30-60'] == (10, 1) and means['60-90'] == (20, 1)
    assert means['all'] == (8.5, 4) and means['balanced'] == (pytest.approx(32 / 3), 3)


def test_a_failed_sample_never_reaches_the_curve():
    np.testing.assert_allclose(metrics.cumulative(np.array([1, 2, np.nan, 4]), [0.5, 1, 3, 1e9]), [0, 0.25, 0.5, 0.75])


def test_rigid_alignment_is_exact_and_never_a_reflection():
    random = np.random.RandomState(1)
    points = random.randn(20, 3)
    turn = np.linalg.qr(random.randn(3, 3))[0]
    turn *= np.sign(np.linalg.det(turn))
    rotation, shift = metrics.rigid_alignment(points, points.dot(turn) + [1, 2, 3])
    np.testing.assert_allclose(points.dot(rotation) + shift, points.dot(turn) + [1, 2, 3], atol=1e-12)
    rotation, _ = metrics.rigid_alignment(points, points * [-1, 1, 1])
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_psnr():
    image = np.zeros([4, 4, 3])
    assert metrics.psnr(image, image) == np.inf
    assert metrics.psnr(image, image + 255) == pytest.approx(0)
    mask = np.zeros([4, 4], bool)
    mask[0] = True
    other = image.copy()
    other[0] += 25.5
    assert metrics.psnr(image, other, mask) == pytest.approx(20)


@pytest.mark.parametrize('pose', [(0, 0, 0), (20, 0, 0), (0, -55, 0), (0, 0, 30), (7, -54.7, -14.6), (40, 65.6, 20)])
def test_aflw_pose_inverts_its_rotation(pose):
    """Zhu et al. write the rotation as Rx Ry Rz of the negative angles."""
    def turn(axis, degrees):
        angle, (i, j) = np.radians(degrees), ((1, 2), (2, 0), (0, 1))[axis]
        matrix = np.eye(3)
        matrix[i, i] = matrix[j, j] = np.cos(angle)
        matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
        return matrix
    rotation = turn(0, -pose[0]).dot(turn(1, -pose[1])).dot(turn(2, -pose[2]))
    np.testing.assert_allclose(metrics.aflw_pose(rotation), pose, atol=1e-9)
