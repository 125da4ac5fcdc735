"""The sampled face decodes to the same points, normals and colours as the whole one."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.fitting.dense_points import dense_places
from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.supervision import losses
from Deep3DFaceReconstruction.supervision.sampled_face import farthest_points, importance, sampled_face
from Deep3DFaceReconstruction.tf1 import tf


@pytest.fixture(scope='module')
def sampled(open_model):
    return sampled_face(open_model, 60)


def decoder(model):
    """GraphFunction of coeff -> Geometry as a dict."""
    def build():
        coeff = tf.placeholder(tf.float32, [None, COEFF_DIM])
        return {'coeff': coeff}, dict(Face3D(model).Geometry_block(coeff)._asdict())
    return GraphFunction(build)


def test_it_is_where_the_whole_face_is(open_model, sampled, decoded):
    with decoder(sampled.model) as decode:
        got = decode(coeff=decoded['coeff'][np.newaxis])
    assert len(sampled.model.meanshape) < 3000
    spread = farthest_points(open_model.meanshape, np.unique(open_model.region_triangles), 60)
    tolerances = {'face_shape_t': 1e-5, 'face_norm_r': 1e-4, 'face_texture': 1e-2, 'face_color': 2e-2}
    for name, tolerance in tolerances.items():
        np.testing.assert_allclose(got[name][0][sampled.spread], decoded[name][spread], atol=tolerance, err_msg=name)
    np.testing.assert_allclose(got['landmark_p'][0], decoded['landmark_p'], atol=1e-3)
    vertices, weights = dense_places(open_model)
    dense = (got['face_shape_t'][0][sampled.dense_vertices] * sampled.dense_weights[..., np.newaxis]).sum(1)
    expected = (decoded['face_shape_t'][vertices[:468]] * weights[:468, :, np.newaxis]).sum(1)
    np.testing.assert_allclose(dense, expected, atol=1e-5)


def test_spread_vertices_cover_the_face(open_model):
    candidates = np.unique(open_model.region_triangles)
    chosen = farthest_points(open_model.meanshape, candidates, 300)
    assert len(set(chosen)) == 300 and set(chosen) <= set(candidates)
    points = open_model.meanshape
    distance = np.sqrt(((points[candidates][:, np.newaxis] - points[chosen]) ** 2).sum(2)).min(1)
    apart = np.sqrt(((points[chosen][:, np.newaxis] - points[chosen]) ** 2).sum(2)) + 9 * np.eye(300)
    # No place is farther from the sample than its points are from each other, and these are about 1 cm apart.
    assert distance.max() <= apart.min() + 1e-6 and 0.05 < apart.min() < 0.15


def test_importance_is_the_length_of_the_derivative(sampled):
    """By central differences of the image points, for one coefficient of each kind."""
    def build():
        coeff = tf.placeholder(tf.float32, [None, COEFF_DIM])
        face3d = Face3D(sampled.model)
        geometry = face3d.Geometry_block(coeff)
        points = tf.gather(geometry.face_shape_t, sampled.spread, axis=1)
        return {'coeff': coeff}, losses.image_points(face3d.Projection_block(points), points,
                                                     geometry.coefficients.translation)
    weights, step = importance(sampled), 0.02
    columns = [COEFF_SLICES[name].start + shift for name, shift in (
        ('id', 0), ('id', 30), ('ex', 0), ('angles', 0), ('angles', 1), ('angles', 2), ('translation', 0),
        ('translation', 1), ('translation', 2))]
    coeff = np.zeros([2 * len(columns), COEFF_DIM], np.float32)
    coeff[np.arange(len(columns)), columns] = step
    coeff[len(columns) + np.arange(len(columns)), columns] = -step
    with GraphFunction(build) as function:
        points = function(coeff=coeff).astype(np.float64)
    moved = (points[:len(columns)] - points[len(columns):]) / (2 * step)
    got = np.sqrt((moved ** 2).sum(2).mean(1))
    # The weights are of weak perspective.
    np.testing.assert_allclose(weights[columns], got, rtol=0.12)
    assert not weights[COEFF_SLICES['tex']].any() and not weights[COEFF_SLICES['gamma']].any()
