"""Albedo and regions carried over from one mesh to another; whole transfers are in test_ict_facekit.py."""
import numpy as np

from Deep3DFaceReconstruction.face_model.converters import albedo_transfer
from tests.face_model.converters import ict_stand_in as stand_in


def test_unknown_values_are_the_mean_of_their_neighbours():
    quads, vertices = stand_in.grid_quads(), stand_in.grid_positions()
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]], [[0, 1, 2]] + np.array(stand_in.GRID)])
    fields = np.random.RandomState(0).rand(stand_in.GRID + 3, 2).astype(np.float32)
    unknown = np.append(vertices[:, 0] > 0.3, [True] * 3)
    result = albedo_transfer.extended(fields, unknown, triangles)
    np.testing.assert_array_equal(result[~unknown], fields[~unknown])
    np.testing.assert_array_equal(result[-3:], fields[-3:])  # a piece where nothing is known
    for vertex in (stand_in.vertex(10, 0), stand_in.vertex(20, 18), stand_in.vertex(15, -24)):
        near = np.setdiff1d(triangles[(triangles == vertex).any(axis=1)], vertex)
        np.testing.assert_allclose(result[vertex], result[near].mean(axis=0), atol=1e-6)


def test_the_region_is_one_piece_without_small_holes():
    source = albedo_transfer.albedo_source(stand_in.albedo_model())
    triangles, vertices = source.triangles, source.vertices
    whole = albedo_transfer.carry_over(source, vertices, triangles, source.keypoints).front
    front = source.front.copy()
    front[[stand_in.vertex(5, 5), stand_in.vertex(6, 5), stand_in.vertex(0, -14)]] = False   # holes
    front[[stand_in.vertex(18 + i, 15 + j) for i in range(3) for j in range(3)]] = True      # an island
    mended = albedo_transfer.carry_over(source._replace(front=front), vertices, triangles, source.keypoints).front
    np.testing.assert_array_equal(mended, whole)


def test_eyes_do_not_rub_off_where_the_source_names_its_parts():
    model = stand_in.albedo_model()
    part = np.zeros(stand_in.GRID)
    eye = stand_in.vertex(-8, 7)
    part[eye] = 2
    model['meantex'].reshape(-1, 3)[eye] = 255
    source = albedo_transfer.albedo_source(dict(model, part=part[None]))
    vertices = source.vertices + [0, 0, 1e-3]
    quads = stand_in.grid_quads()
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    carried = albedo_transfer.carry_over(source, vertices, triangles, source.keypoints)
    assert carried.meantex[eye].max() < 170
