"""Position maps as labels: the texels show the points that they should, and the loss sees errors in pixels."""
import numpy as np
import pytest

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_DIM
from Deep3DFaceReconstruction.dataset.data_loader import Batch
from Deep3DFaceReconstruction.exports import position
from Deep3DFaceReconstruction.photo.camera import photo_camera
from Deep3DFaceReconstruction.supervision import position_texels
from Deep3DFaceReconstruction.supervision.position_model import PositionModel
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training.graph import model_options
from Deep3DFaceReconstruction.training.options import parse_train


@pytest.fixture(scope='module')
def texels(open_model):
    return position_texels.texels_of(open_model)


@pytest.fixture(scope='module')
def model(open_model):
    return PositionModel(open_model, 0.0625, model_options(parse_train([])))


def test_texels(texels, open_model, open_atlas):
    """Barycentric weights, PRNet's four classes, and vertices within a texel's diagonal of where they are."""
    np.testing.assert_allclose(texels.weights.sum(axis=1), 1, atol=1e-4)
    assert set(np.unique(texels.importance)) == {0, 3, 4, 16}
    assert (texels.importance[texels.of_vertex[open_model.keypoints]] == 16).all()
    places = texels.places[texels.of_vertex[open_atlas.vertices]]
    centers = np.stack([(places % 256 + 0.5) / 256, 1 - (places // 256 + 0.5) / 256], axis=1)
    # A vertex on a seam has several places, and one of them is read.
    assert np.quantile(np.linalg.norm(centers - open_atlas.uv, axis=1) * 256, 0.9) < 1.5


def test_the_mean_map_gives_the_mean_face_back(texels, open_model):
    vertices = position_texels.vertices_of_map(position_texels.mean_map(open_model, texels), texels)
    mean = open_model.meanshape - numpy_decoder.mean_offset(open_model)
    distances = np.linalg.norm(position_texels.to_mesh_units(vertices) - mean, axis=1)
    # The head is two decimetres wide and fills most of 256 texels; weak perspective adds a tenth at the nose.
    assert np.median(distances) < 0.03 and np.quantile(distances, 0.99) < 0.15


@pytest.mark.slow
def test_labels_are_the_position_map_of_the_outputs(model, texels, decoded, open_atlas):
    """exports.position has the same points in pixels of the photo, y down from the middle of the first pixel."""
    with tf.Graph().as_default(), tf.Session() as session:
        labels = session.run(model.labels(tf.constant(decoded['coeff'][np.newaxis])))[0]
    camera = photo_camera(decoded['coeff'], np.array([224, 224, 1.0, 112, 112]))
    exported = position.position_map(camera, decoded['face_shape'], open_atlas).reshape(-1, 3)[texels.places]
    known = np.isfinite(exported[:, 0])
    assert known.mean() > 0.95
    expected = np.stack([exported[:, 0] + 0.5, 223.5 - exported[:, 1]], axis=1)
    assert np.quantile(np.abs(labels[:, :2] - expected)[known], 0.99) < 0.1
    assert np.quantile(np.abs(labels[:, 2] - exported[:, 2])[known], 0.99) < 0.1


@pytest.mark.slow
def test_the_loss_is_the_square_distance_in_pixels(model, open_model):
    """The untrained network gives the mean face: no error for it, and that of a shift for a shifted one."""
    coeff = np.zeros([2, COEFF_DIM], np.float32)
    coeff[1, 254] = 0.05  # dm: 5.075 px at the distance of the crop's camera
    with tf.Graph().as_default(), tf.Session() as session:
        batch = Batch(tf.zeros([2, 224, 224, 3]), tf.zeros([2, 68, 2]), None, None, tf.placeholder_with_default(
            coeff, [2, COEFF_DIM]))
        outputs = model(batch, is_training=False)
        session.run(tf.global_variables_initializer())
        shifted = session.run(outputs.losses.supervised)
        exact = session.run(outputs.losses.supervised, {batch.coeff: 0 * coeff})
    assert exact < 1e-4 and outputs.reconstruction is None
    # Nearer points move further: the face is up to a decimetre nearer than its origin, at ten.
    np.testing.assert_allclose(2 * shifted, 5.075 ** 2, rtol=0.15)
