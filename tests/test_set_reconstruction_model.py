"""The training graph of C-Net: one identity a set, the rest of each image; the losses of the images as they are."""
import numpy as np

from Deep3DFaceReconstruction.dataset.data_loader import Batch
from Deep3DFaceReconstruction.networks.c_net import Features
from Deep3DFaceReconstruction.reconstruction_model import ReconstructionModel
from Deep3DFaceReconstruction.set_reconstruction_model import SetReconstructionModel, share_identity
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training.graph import model_options
from Deep3DFaceReconstruction.training.options import parse_train
from tests.networks.reference import assign


def test_sets_do_not_mix_and_the_rest_of_an_image_stays():
    random = np.random.RandomState(0)
    coeff = random.randn(6, 257).astype(np.float32)
    confidence = random.uniform(0.1, 0.9, [6, 80]).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        shared = session.run(share_identity(tf.constant(coeff), tf.constant(confidence), 3))
    np.testing.assert_array_equal(shared[:, 80:], coeff[:, 80:])
    for rows in (slice(0, 3), slice(3, 6)):
        expected = (confidence[rows] * coeff[rows, :80]).sum(0) / confidence[rows].sum(0)
        np.testing.assert_allclose(shared[rows, :80], np.tile(expected, [3, 1]), rtol=1e-5, atol=1e-6)


def graph_of(face_model, count, weights):
    """(coeff placeholder, Outputs of sets of two, the same coefficients' single losses) on random features."""
    random = np.random.RandomState(1)
    options = model_options(parse_train(['--sets']))
    single = ReconstructionModel(face_model, options._replace(weights=options.weights._replace(**weights)))
    batch = Batch(tf.constant(random.uniform(0, 255, [count, 224, 224, 3]), tf.float32),
                  tf.constant(random.uniform(70, 150, [count, 68, 2]), tf.float32), tf.ones([count, 224, 224, 1]),
                  tf.constant([b''] * count))
    coeff = tf.placeholder(tf.float32, [count, 257])
    features = Features(coeff, tf.constant(random.rand(count, 28, 28, 256), tf.float32),
                        tf.constant(random.rand(count, 2048), tf.float32))
    outputs = SetReconstructionModel(single, None, 2).of_features(features, batch, True)
    return coeff, outputs, single.of_coefficients(coeff, batch, True)


def test_it_starts_with_the_losses_of_the_mean_identity(test_model):
    values = (0.3 * np.random.RandomState(2).randn(4, 257)).astype(np.float32)
    values[:, 224:] *= 0.1
    mean = values.copy()
    mean[:, :80] = np.repeat(values[:, :80].reshape(2, 2, 80).mean(1), 2, axis=0)
    with tf.Graph().as_default(), tf.Session() as session:
        coeff, outputs, single = graph_of(test_model, 4, {})
        session.run(tf.global_variables_initializer())
        got, of_set = session.run([outputs.coeff, outputs.losses], {coeff: values})
        expected = session.run(single.losses, {coeff: mean})
    np.testing.assert_allclose(got, mean, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(of_set, expected, rtol=1e-5)
    assert outputs.statistics.steps == [] and outputs.feature_mean is None


def test_gradient_of_the_loss_to_the_confidences_by_finite_differences(test_model):
    """Through sigmoid, weighted mean, decoder and landmark loss; differences of a rendering would jump over edges."""
    random = np.random.RandomState(3)
    values = (0.5 * random.randn(2, 257)).astype(np.float32)
    values[:, 224:] *= 0.1
    with tf.Graph().as_default(), tf.Session() as session:
        coeff, outputs, _ = graph_of(test_model, 2, {'photo': 0.0, 'reflectance': 0.0})
        variables = {v.op.name: (0.05 * random.randn(*v.shape.as_list())).astype(np.float32)
                     for v in tf.trainable_variables()}
        bias = next(v for v in tf.trainable_variables() if v.op.name == 'c_net/fc2/biases')
        assign(session, variables)
        gradient = session.run(tf.gradients(outputs.losses.total, bias)[0], {coeff: values})
        direction, losses = gradient / np.linalg.norm(gradient), []
        for step in (0.2, -0.2):
            bias.load(variables['c_net/fc2/biases'] + np.float32(step) * direction, session)
            losses.append(session.run(outputs.losses.total, {coeff: values}))
    np.testing.assert_allclose((losses[0] - losses[1]) / 0.4, np.linalg.norm(gradient), rtol=0.02)
