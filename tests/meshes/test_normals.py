"""Vertex normals in NumPy: the decoder's."""
import numpy as np

from Deep3DFaceReconstruction.meshes.normals import vertex_normals
from Deep3DFaceReconstruction.photo.camera import crop_camera, world_rotation


def test_same_as_the_decoder(decoded, open_model):
    normals = vertex_normals(decoded['face_shape'], open_model.triangles)
    turned = normals.dot(world_rotation(crop_camera(decoded['coeff'])).T)
    np.testing.assert_allclose(turned, decoded['face_norm_r'], atol=2e-4)


def test_a_corner_of_a_cube_and_a_vertex_of_nothing():
    positions = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [9, 9, 9.]])
    normals = vertex_normals(positions, np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1]]))
    np.testing.assert_allclose(normals[0], np.full(3, 1 / np.sqrt(3)), atol=1e-6)
    np.testing.assert_allclose(normals[1], np.array([0, 1, 1]) / np.sqrt(2), atol=1e-6)
    np.testing.assert_array_equal(normals[4], 0)
