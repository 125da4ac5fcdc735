"""C-Net on known people: the loss is the distance of neutral faces, and nothing is rendered for it."""
import argparse

import numpy as np
import pytest

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_DIM
from Deep3DFaceReconstruction.dataset import sample_files
from Deep3DFaceReconstruction.dataset.data_loader import Batch
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.networks.c_net import Features
from Deep3DFaceReconstruction.networks.notes import Notes
from Deep3DFaceReconstruction.reconstruction_model import ReconstructionModel
from Deep3DFaceReconstruction.set_reconstruction_model import SetReconstructionModel
from Deep3DFaceReconstruction.supervision import set_model
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training import run
from Deep3DFaceReconstruction.training.graph import model_options
from Deep3DFaceReconstruction.training.options import parse_train


def neutral_mm(model, identity):
    return 100 * numpy_decoder.neutral_shape(model, np.append(identity, np.zeros(COEFF_DIM - 80)))


def test_the_metric_is_the_distance_of_neutral_faces(open_model):
    first, second = np.random.RandomState(0).randn(2, 80)
    metric = set_model.surface_metric(open_model)
    expected = ((neutral_mm(open_model, first) - neutral_mm(open_model, second)) ** 2).sum(axis=1).mean()
    assert (first - second).dot(metric).dot(first - second) == pytest.approx(expected, rel=1e-3)


def test_the_loss_is_that_of_the_mean_before_training(open_model):
    """Its gradient lowers the confidence of the image whose identity is wrong, and reaches C-Net alone."""
    random = np.random.RandomState(1)
    truth = np.zeros([2, COEFF_DIM], np.float32)
    truth[:, :80] = random.randn(80)
    coeff = truth.copy()
    coeff[1, :80] += 2 * random.randn(80)
    options = model_options(parse_train(['--sets']))
    with tf.Graph().as_default(), tf.Session() as session:
        features = Features(tf.constant(coeff), tf.constant(random.rand(2, 14, 14, 16), tf.float32),
                            tf.constant(100 * np.eye(2, 8), tf.float32))

        class Sets(SetReconstructionModel):
            def features(self, images):
                return features
        weak = Sets(ReconstructionModel(open_model, options), None, 2)
        batch = Batch(tf.zeros([2, 224, 224, 3]), tf.zeros([2, 68, 2]), tf.ones([2, 224, 224, 1]),
                      tf.constant([b''] * 2), tf.constant(truth))
        outputs = set_model.SupervisedSetModel(weak, open_model)(batch, True)
        step = tf.train.AdamOptimizer(1e-2).minimize(outputs.losses.total)
        ratio = tf.reduce_mean(outputs.coeff[0, :80] - truth[0, :80]) / tf.reduce_mean(coeff[1, :80] - truth[1, :80])
        session.run(tf.global_variables_initializer())
        total, share = session.run([outputs.losses.total, ratio])
        mean = coeff[:, :80].mean(axis=0)
        expected = ((neutral_mm(open_model, mean) - neutral_mm(open_model, truth[0, :80])) ** 2).sum(axis=1).mean()
        assert total == pytest.approx(expected, rel=1e-3) and share == pytest.approx(0.5, abs=1e-4)
        for _ in range(30):
            session.run(step)
        assert session.run(outputs.losses.total) < 0.5 * total
        assert {v.op.name.split('/')[0] for v in tf.trainable_variables()} == {'c_net'}


def test_images_without_coefficients_are_refused(tmp_path, monkeypatch, open_model):
    for number in range(4):
        sample = sample_files.sample_named(str(tmp_path / 'sets'), '%d/%d' % divmod(number, 2))
        sample_files.write_sample(sample, np.zeros([224, 224, 3], np.uint8), np.zeros([68, 2]),
                                  np.zeros([224, 224], np.uint8), {}, np.zeros(COEFF_DIM) if number else None)
    monkeypatch.setattr(run, 'load_r_net', lambda _: argparse.Namespace(notes=Notes(open_model.name), path='r_net.pb'))
    monkeypatch.setattr(run, 'load_face_model', lambda _: open_model)
    folder = str(tmp_path / 'sets')
    words = ['--sets', '--data_path', folder, '--val_data_path', folder]
    cluster = argparse.Namespace(is_chief=True)
    assert len(run.load_data(parse_train(words), cluster).train) == 10
    with pytest.raises(InputError, match=r'sets: expected coefficients \(coeff/NAME.npy\) of all images'):
        run.load_data(parse_train(words + ['--supervised']), cluster)
