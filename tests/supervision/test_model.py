"""The supervised graph: what it sums, and that photos among the samples get the weak losses."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES
from Deep3DFaceReconstruction.dataset.data_loader import Batch
from Deep3DFaceReconstruction.networks import backbones
from Deep3DFaceReconstruction.reconstruction_model import ReconstructionModel
from Deep3DFaceReconstruction.supervision.model import SupervisedModel
from Deep3DFaceReconstruction.supervision.options import SupervisedWeights
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training.graph import model_options
from Deep3DFaceReconstruction.training.options import parse_train

WORDS = ['--backbone', backbones.MOBILENET, '--width', '0.25', '--input_size', '112']


class Graph:
    """The training graph on a batch of three that is fed, the heads being zero: the coefficients are zero."""

    def __init__(self, face_model, with_photos):
        options = model_options(parse_train(WORDS))
        self.coeff = tf.placeholder(tf.float32, [3, COEFF_DIM])
        random = np.random.RandomState(0)
        self.batch = Batch(tf.constant(random.uniform(0, 255, [3, 224, 224, 3]).astype(np.float32)),
                           tf.constant(random.uniform(50, 170, [3, 68, 2]).astype(np.float32)),
                           tf.ones([3, 224, 224, 1]), tf.constant(['a', 'b', 'c']), self.coeff)
        weak = ReconstructionModel(face_model, options)
        self.outputs = SupervisedModel(weak, face_model, options, SupervisedWeights(), with_photos)(self.batch, True)
        self.weak = weak.compute_losses(Batch(*[tf.boolean_mask(part, [False, True, False]) for part in self.batch]),
                                        self.outputs.reconstruction._replace(**{
                                            name: getattr(self.outputs.reconstruction, name)[1:2]
                                            for name in self.outputs.reconstruction._fields if name != 'coefficients'}))
        head = [v for v in tf.trainable_variables() if v.op.name == 'fc-angles/biases']
        self.gradient = tf.gradients(self.outputs.losses.total, head)[0]
        self.initializer = tf.global_variables_initializer()

    def run(self, fetches, coeff):
        with tf.Session() as session:
            session.run(self.initializer)
            return session.run(fetches, {self.coeff: coeff})


def labels():
    """[3,257]: the first face is turned by a tenth of a radian, the others are the mean face."""
    coeff = np.zeros([3, COEFF_DIM], np.float32)
    coeff[0, COEFF_SLICES['angles']] = 0, 0.1, 0
    return coeff


@pytest.mark.slow
def test_only_errors_count_and_they_are_those_of_the_image(open_model):
    with tf.Graph().as_default():
        graph = Graph(open_model, with_photos=False)
        losses, details, gradient = graph.run([graph.outputs.losses, graph.outputs.details, graph.gradient], labels())
        exact = graph.run(graph.outputs.details, 0 * labels())
    assert exact['vertex'] == 0 and exact['coeff'] == 0
    np.testing.assert_allclose(exact['colour'], 1e-3, rtol=1e-4)
    # One of the three faces is off by a tenth of a radian, at some 4.5 cm from its axis: 0.1 * 0.45 * 1015 / 10 px.
    assert 4 < (3 * details['vertex']) ** 0.5 < 5.5
    np.testing.assert_allclose(details['vertex'], details['coeff'], rtol=0.1)
    weights = SupervisedWeights()
    expected = sum(getattr(weights, name) * details[name] for name in weights._fields)
    np.testing.assert_allclose([losses.total, losses.supervised, details['supervised']], expected, rtol=1e-5)
    assert gradient[1] < 0  # more yaw is wanted
    assert np.isnan(losses.photo) and losses.landmark_px > 10


@pytest.mark.slow
def test_a_photo_counts_with_its_weak_losses(open_model):
    coeff = labels()
    coeff[1] = np.nan
    with tf.Graph().as_default():
        graph = Graph(open_model, with_photos=True)
        losses, weak, gradient = graph.run([graph.outputs.losses, graph.weak, graph.gradient], coeff)
        without = graph.run([graph.outputs.losses, graph.outputs.details, graph.gradient], labels())
    np.testing.assert_allclose(losses.total, losses.supervised * 2 / 3 + weak.total / 3, rtol=1e-5)
    np.testing.assert_allclose([losses.photo, losses.gamma], [weak.photo, weak.gamma], rtol=1e-5)
    assert np.isfinite(gradient).all()
    # A batch without a photo.
    np.testing.assert_allclose(without[0].total, without[1]['supervised'], rtol=1e-6)
    assert np.isnan(without[0].photo) and np.isfinite(without[2]).all()
