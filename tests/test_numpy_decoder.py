"""Each equation of the decoder stands in NumPy, in TensorFlow and in the C++ ops: all must agree."""
import numpy as np
import pytest

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import CAMERA_DISTANCE, COEFF_SLICES, IMAGE_SIZE
from Deep3DFaceReconstruction.face_decoder import Face3D, camera_matrix, sh_basis
from Deep3DFaceReconstruction.meshes.normals import vertex_normals
from Deep3DFaceReconstruction.tf1 import tf
from mesh_renderer import camera_utils, fallback, geometry, rasterize_triangles, shading


def evaluate(build):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(build())


def unit_normals(count):
    normals = np.random.RandomState(0).randn(count, 3)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


@pytest.fixture(scope='module')
def angles():
    return np.random.RandomState(0).uniform(-1.5, 1.5, [5, 3])


def test_rotation_is_the_decoders_and_the_renderers(angles, golden):
    came = numpy_decoder.rotation_matrix(angles)
    decoder, renderer = evaluate(lambda: (Face3D.Compute_rotation_matrix(None, tf.constant(angles)),
                                          camera_utils.euler_matrices(angles.astype(np.float32))))
    np.testing.assert_allclose(came, decoder, atol=1e-14)
    np.testing.assert_allclose(came.transpose(0, 2, 1), renderer[:, :3, :3], atol=1e-6)
    figures = golden('face_decoder')
    published = numpy_decoder.rotation_matrix(figures['coeff'][:, COEFF_SLICES['angles']].astype(np.float64))
    np.testing.assert_allclose(published, figures['rotation'], atol=1e-6)


def test_rotation_takes_any_leading_axes(angles):
    batch = numpy_decoder.rotation_matrix(angles.reshape(5, 1, 3))
    assert batch.shape == (5, 1, 3, 3)
    np.testing.assert_array_equal(numpy_decoder.rotation_matrix(angles[3]), batch[3, 0])


@pytest.mark.parametrize('axis', range(3))
def test_rotation_derivative_against_finite_differences(angles, axis):
    offset = 1e-6 * np.eye(3)[axis]
    numeric = (numpy_decoder.rotation_matrix(angles + offset) - numpy_decoder.rotation_matrix(angles - offset)) / 2e-6
    np.testing.assert_allclose(numpy_decoder.rotation_matrix_derivative(angles, axis), numeric, atol=1e-9)


def test_projection_is_the_decoders(test_model):
    points = np.random.RandomState(1).uniform(-1, 1, [3, 50, 3])
    decoder = evaluate(lambda: Face3D(test_model).Projection_block(tf.constant(points)))
    np.testing.assert_allclose(numpy_decoder.project(points), decoder, rtol=1e-14)


def test_projection_derivative_against_finite_differences():
    points = np.random.RandomState(1).uniform(-1, 1, [50, 3])
    derivative = numpy_decoder.project_derivative(points)
    for axis in range(3):
        offset = 1e-6 * np.eye(3)[axis]
        numeric = (numpy_decoder.project(points + offset) - numpy_decoder.project(points - offset)) / 2e-6
        np.testing.assert_allclose(derivative[..., axis], numeric, atol=1e-6)


def test_the_renderer_draws_a_point_where_it_is_projected():
    """A tilted square that shows its own coordinates: what a pixel sees must project to this pixel's centre."""
    square = np.array([[-1.5, -1.5, 0.8], [1.5, -1.5, -0.7], [1.5, 1.5, 0.3], [-1.5, 1.5, -0.4]], np.float32)[None]
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)

    def render():
        clip_space = camera_utils.transform_homogeneous(camera_matrix(), square)
        return rasterize_triangles.render_attributes(clip_space, square, triangles, IMAGE_SIZE, IMAGE_SIZE,
                                                     top_down=True)

    rendered = evaluate(lambda: render()[:2])
    image, mask = rendered[0][0], rendered[1][0, ..., 0]
    assert mask.all()  # the square fills the view, whose half width is 112 / 1015 of the distance to the camera
    row, column = np.mgrid[:IMAGE_SIZE, :IMAGE_SIZE]
    centre = np.stack([column + 0.5, IMAGE_SIZE - row - 0.5], axis=-1)
    np.testing.assert_allclose(numpy_decoder.project(image), centre, atol=2e-3)
    assert np.ptp(CAMERA_DISTANCE - image[..., 2]) > 0.5


def test_key_vertices_are_the_decoders_landmarks(test_model):
    rng = np.random.RandomState(2)
    coeff = np.zeros([4, COEFF_SLICES['translation'].stop])
    coeff[:, :COEFF_SLICES['ex'].stop] = rng.randn(4, COEFF_SLICES['ex'].stop)
    coeff[:, COEFF_SLICES['angles']] = rng.uniform(-0.5, 0.5, [4, 3])
    coeff[:, COEFF_SLICES['translation']] = rng.uniform(-0.3, 0.3, [4, 3])
    decoder = evaluate(lambda: Face3D(test_model).Geometry_block(tf.constant(coeff, tf.float32)).landmark_p)
    key_vertices = numpy_decoder.key_vertices(test_model)
    for one, landmarks in zip(coeff, decoder):
        shape = key_vertices.shape(one[:COEFF_SLICES['ex'].stop])
        rotation = numpy_decoder.rotation_matrix(one[COEFF_SLICES['angles']])
        moved = shape.dot(rotation) + one[COEFF_SLICES['translation']]
        np.testing.assert_allclose(numpy_decoder.project(moved), landmarks, atol=1e-3)


def test_harmonics_are_the_decoders_and_the_kernels():
    """With an albedo of 1 and a light of one term alone, the colour is that term of the basis."""
    normals = unit_normals(27)
    basis = numpy_decoder.sh_basis(normals)
    np.testing.assert_allclose(basis, evaluate(lambda: sh_basis(tf.constant(normals))), atol=1e-14)
    lights = np.eye(9, dtype=np.float32).reshape(3, 3, 9)  # three meshes, three channels each
    inputs = (np.ones([3, 27, 3], np.float32), np.tile(normals.astype(np.float32), [3, 1, 1]), lights)
    for colors in evaluate(lambda: (shading.shade(*inputs), fallback.shade(*[tf.constant(x) for x in inputs]))):
        np.testing.assert_allclose(colors.transpose(1, 0, 2).reshape(27, 9), basis, atol=2e-6)


def test_the_derivative_of_the_harmonics():
    normals, step = unit_normals(20), 1e-6
    slope = numpy_decoder.sh_basis_derivative(normals)
    for axis in range(3):
        move = step * np.eye(3)[axis]
        numeric = (numpy_decoder.sh_basis(normals + move) - numpy_decoder.sh_basis(normals - move)) / (2 * step)
        np.testing.assert_allclose(slope[:, :, axis], numeric, atol=1e-8)


def normalised(vectors):
    return vectors / np.sqrt(np.maximum(np.square(vectors).sum(axis=1, keepdims=True), 1e-12))


def test_normals_are_the_definition(test_model):
    """The decoder, the kernel and the fallback against the sum of unit face normals, written out in NumPy."""
    shape = test_model.meanshape.astype(np.float64)
    corners = shape[test_model.triangles]
    faces = np.cross(corners[:, 0] - corners[:, 1], corners[:, 1] - corners[:, 2])
    faces = normalised(faces)
    around = np.concatenate([faces, np.zeros([1, 3])])[test_model.point_buf].sum(axis=1)
    expected = normalised(around)
    inputs = (test_model.meanshape[None], test_model.triangles, test_model.point_buf)
    came = evaluate(lambda: (Face3D(test_model).Compute_norm(tf.constant(inputs[0])), geometry.vertex_normals(*inputs),
                             fallback.vertex_normals(*[tf.constant(x) for x in inputs])))
    for normals in [value[0] for value in came] + [vertex_normals(test_model.meanshape, test_model.triangles)]:
        np.testing.assert_allclose(normals, expected, atol=1e-3)


def test_directions_are_spread_evenly():
    directions = numpy_decoder.sphere(200)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    np.testing.assert_allclose(directions.T.dot(directions) / 200, np.eye(3) / 3, atol=0.01)
