"""The open model's mean face: a closed surface, the published frame, landmarks where their names say."""
import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph

from Deep3DFaceReconstruction.conventions import FOCAL
from tests.face_model.open_shape import (
    LEFT_EYE,
    RIGHT_EYE,
    SKIN,
    TEETH,
    eye_opening,
    face_normals,
    lip_gap,
    rim_edges,
    shape_of,
)

# The published standard positions (dm) of the five points, as means of the left and the mirrored right.
STANDARD_FIVE = np.array([[-0.3106, 0.2900, 0.1326], [0.3106, 0.2900, 0.1326], [0.0, -0.0462, 0.5524],
                          [-0.2503, -0.3813, 0.2232], [0.2503, -0.3813, 0.2232]])


def five_points(landmarks):
    return np.stack([landmarks[[36, 39]].mean(axis=0), landmarks[[42, 45]].mean(axis=0),
                     landmarks[30], landmarks[48], landmarks[54]])


def test_surface_is_a_disc_and_two_rows_of_teeth(open_face, open_part):
    edges, rim = rim_edges(open_face.triangles)
    count = len(open_face.meanshape)
    for teeth in (False, True):
        mine = open_part == TEETH if teeth else open_part != TEETH
        faces = open_face.triangles[mine[open_face.triangles].all(axis=1)]
        mine_edges, mine_rim = edges[mine[edges].all(axis=1)], rim[mine[rim].all(axis=1)]
        pieces = csgraph.connected_components(sp.coo_matrix(
            (np.ones(len(mine_edges)), mine_edges.T), (count, count)), directed=False)[1][mine]
        rims = csgraph.connected_components(sp.coo_matrix(
            (np.ones(len(mine_rim)), mine_rim.T), (count, count)), directed=False)[1][np.unique(mine_rim)]
        # Euler's number of each piece is 1: a disc, so there is no hole but the outer rim.
        expected = 2 if teeth else 1
        assert len(np.unique(pieces)) == expected and len(np.unique(rims)) == expected
        assert mine.sum() - len(mine_edges) + len(faces) == expected
    directed = np.stack([open_face.triangles, np.roll(open_face.triangles, -1, axis=1)], axis=2).reshape(-1, 2)
    assert len(np.unique(directed, axis=0)) == len(directed), 'neighbouring faces turn opposite ways'


def test_faces_look_outwards(open_face, open_part):
    normals = face_normals(shape_of(open_face), open_face.triangles)
    skin = (open_part[open_face.triangles] == SKIN).all(axis=1)
    centers = shape_of(open_face)[open_face.triangles].mean(axis=1)
    assert normals[skin, 2].mean() > 0.5
    cheek = skin & (np.abs(centers[:, 0]) > 0.55)
    assert (normals[cheek, 0] * np.sign(centers[cheek, 0]) > 0).mean() > 0.99
    for eye in (RIGHT_EYE, LEFT_EYE):
        assert normals[(open_part[open_face.triangles] == eye).all(axis=1), 2].mean() > 0.3


def test_mean_is_mirror_symmetric(open_face, open_part):
    from scipy.spatial import cKDTree
    shape = shape_of(open_face)
    distance, twin = cKDTree(shape).query(shape * [-1, 1, 1])
    skin = open_part == SKIN
    assert np.percentile(distance[skin], 99) < 0.012
    albedo = np.abs(open_face.meantex[twin] - open_face.meantex)[skin]
    assert albedo.mean() < 4


def test_five_points_are_at_the_standard_positions(open_face):
    landmarks = shape_of(open_face)[open_face.keypoints]
    off = five_points(landmarks) - STANDARD_FIVE
    np.testing.assert_allclose(off[:, :2], 0, atol=0.02)
    # How far away the mean vertex lies is free; the relief is not.
    np.testing.assert_allclose(off[:, 2], off[:, 2].mean(), atol=0.02)


def test_mean_face_fills_the_crop(open_face):
    shape = shape_of(open_face)
    pixels = FOCAL * shape[:, :2] / (10 - shape[:, 2:]) + 112
    rows, columns = 223 - pixels[:, 1], pixels[:, 0]
    assert 42 < rows.min() < 52 and 185 < rows.max() < 205
    assert 30 < columns.min() < 45 and 180 < columns.max() < 195


def test_landmarks_lie_where_their_names_say(open_face, open_part):
    landmarks = shape_of(open_face)[open_face.keypoints]
    mirror = np.r_[16:-1:-1, 26:16:-1, 27:31, 35:30:-1, 45:41:-1, 47, 46, 39:35:-1, 41, 40, 54:47:-1, 59:54:-1,
                   64:59:-1, 67:64:-1]
    assert sorted(mirror) == list(range(68))
    np.testing.assert_allclose(landmarks, landmarks[mirror] * [-1, 1, 1], atol=0.02)
    assert (np.diff(landmarks[:17, 0]) > 0).all() and landmarks[:17, 1].argmin() == 8
    assert (open_part[open_face.keypoints] == SKIN).all()
    assert landmarks[30, 2] > landmarks[:, 2].max() - 0.01
    assert (eye_opening(landmarks) > 0.05).all()
    assert len(np.unique(open_face.keypoints)) == 68
    assert (np.abs(lip_gap(landmarks)) < 0.035).all(), 'the neutral mouth is closed'
    assert landmarks[51, 1] > landmarks[62, 1] > landmarks[57, 1]
