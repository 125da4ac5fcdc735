"""train.py --sets: C-Net learns and resumes, R-Net stays, and the exported file is what was trained."""
import os

import numpy as np
import pytest

from Deep3DFaceReconstruction.dataset import random_faces, synthesis
from Deep3DFaceReconstruction.dataset.people.folders import find_people
from Deep3DFaceReconstruction.dataset.sample_files import read_sample
from Deep3DFaceReconstruction.errors import AssetError, InputError
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.networks import c_net, checkpoints
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training import graph, optimizer, options, run
from tests.networks.random_r_net import write_r_net


@pytest.fixture(scope='module')
def begun(tmp_path_factory):
    """(words that train on two people, the folder of results) after a run of two steps with an export."""
    folder = tmp_path_factory.mktemp('train_sets')
    scenes = synthesis.Scenes(load_face_model(), 7, random_faces.PLAIN_OPTIONS._replace(max_yaw=15, max_pitch=5), 2)
    synthesis.synthesize(str(folder / 'sets'), 4, scenes)
    words = ['--sets', '--set_size', '2', '--batch_size', '1', '--val_batch_size', '5', '--lr', '1e-3',
             '--data_path', str(folder / 'sets'), '--val_data_path', str(folder / 'sets'), '--result', str(folder),
             '--pretrain_weights', write_r_net(folder), '--id_net', 'none', '--threads', '2',
             '--validate_every', '2', '--summary_every', '100']
    assert train(words, '--model_name', 'two', '--steps', '2', '--export', str(folder / 'two.pb')) == run.DONE
    return words, folder


def train(words, *more):
    return run.run(options.parse_train(words + list(more)))


def arrays(path):
    checkpoint = checkpoints.Checkpoint(str(path))
    return {name: checkpoint[name] for name in checkpoint.shapes}


@pytest.mark.slow
def test_one_step_and_another_are_two(begun):
    words, folder = begun
    train(words, '--model_name', 'one', '--steps', '1')
    train(words, '--model_name', 'one', '--steps', '2', '--resume')
    straight, resumed = arrays(folder / 'two' / 'iter_2.ckpt'), arrays(folder / 'one' / 'iter_2.ckpt')
    assert sorted(straight) == sorted(resumed)
    for name, value in straight.items():
        np.testing.assert_allclose(resumed[name], value, rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.slow
def test_c_net_alone_is_trained(begun):
    """R-Net is no variable, and what the file gives for an image by itself is what R-Net gave before."""
    words, folder = begun
    values = arrays(folder / 'two' / 'iter_2.ckpt')
    network = {name.split('/')[0] for name in values if 'Adam' not in name}
    assert network == {'c_net', 'r_net_digest', 'global_step', 'skipped_steps', 'beta1_power', 'beta2_power', 'notes'}
    assert np.abs(values['c_net/fc2/weights']).max() > 0
    images = np.stack([read_sample(sample)[0] for sample in find_people(str(folder / 'sets'))[0][0]])
    with tf.Graph().as_default(), tf.Session() as session:
        r_net = c_net.FrozenRNet(words[words.index('--pretrain_weights') + 1])
        features = r_net.features(tf.constant(images, tf.float32))
        with checkpoints.frozen_variables(values, 'values', 'C_Net'):
            confidence = c_net.C_Net(features.maps, features.pooled)
        coeff, weights = session.run([features.coeff, confidence])
    with c_net.SetNetwork(str(folder / 'two.pb')) as exported:
        got = exported(images)
    np.testing.assert_array_equal(got.coeff, coeff)
    np.testing.assert_allclose(got.confidence, weights, rtol=1e-5)
    assert np.abs(weights - 0.5).max() > 1e-3
    np.testing.assert_allclose(got.identity, (weights * coeff[:, :80]).sum(0) / weights.sum(0), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_another_r_net_is_refused(begun, tmp_path):
    words, folder = begun
    other = words + ['--model_name', 'two', '--pretrain_weights', write_r_net(tmp_path, seed=1)]
    complaint = 'iter_2.ckpt: expected the R-Net that this C-Net was trained with, got another: '
    with pytest.raises(InputError, match=complaint):
        train(other, '--steps', '3', '--resume')
    with pytest.raises(InputError, match=complaint):
        train(other, '--export', str(tmp_path / 'x.pb'))
    assert not os.path.exists(str(tmp_path / 'x.pb'))


def test_without_an_r_net_it_does_not_begin(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, 'FACE_RECON_PB', str(tmp_path / 'none.pb'))
    with pytest.raises(AssetError, match=r'--sets: expected an R-Net in .*none\.pb or --pretrain_weights FILE'):
        train(['--sets', '--data_path', str(tmp_path), '--result', str(tmp_path / 'result')])


def test_defaults_are_the_papers():
    parsed = options.parse_train(['--sets', '--export'])
    assert (parsed.batch_size, parsed.steps, parsed.lr, parsed.export) == (5, 10000, 2e-5, assets.C_NET_PB)
    assert optimizer.learning_rate(parsed, 9999) == 2e-5
    assert options.parse_train(['--sets', '--steps', '7']).steps == 7
    assert options.parse_train(['--export']).export == assets.FACE_RECON_PB
    assert options.parse_train([]).lr == 1e-4
    assert graph.batch_images(parsed) == (25, 15) and graph.batch_images(options.parse_train([])) == (16, 16)


@pytest.mark.parametrize('words', [['--train_only', 'heads'], ['--freeze_bn'], ['--center_heads']])
def test_options_that_train_r_net_are_usage_errors(words, capsys):
    with pytest.raises(SystemExit) as exit_info:
        options.parse_train(['--sets'] + words)
    assert exit_info.value.code == 2 and '--sets leaves R-Net as it is' in capsys.readouterr().err
