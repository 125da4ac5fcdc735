"""train.py: it learns, saves, resumes, guards against NaN, exports."""
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from Deep3DFaceReconstruction.dataset import random_faces, synthesis
from Deep3DFaceReconstruction.dataset.data_loader import SampleReader, find_samples
from Deep3DFaceReconstruction.errors import InputError, TrainingError
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.networks import checkpoints, frozen_graph, r_net
from Deep3DFaceReconstruction.reconstruction_model import Losses
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training import chief, log, options, run_folder
from Deep3DFaceReconstruction.training import run as training
from tests import ROOT


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    """Folder of four synthetic faces near the frontal view."""
    folder = str(tmp_path_factory.mktemp('pictures'))
    options = random_faces.PLAIN_OPTIONS._replace(max_yaw=15, max_pitch=5)
    synthesis.synthesize(folder, 4, synthesis.Scenes(load_face_model(), 7, options))
    return folder


def words(pictures, result, *more):
    return ['--data_path', pictures, '--val_data_path', pictures, '--result', str(result), '--id_net', 'none',
            '--batch_size', '2', '--bn_decay', '0.5', '--threads', '2', '--val_batch_size', '4'] + list(more)


def train(pictures, result, *more):
    return training.run(options.parse_train(words(pictures, result, *more)))


def events(folder, tag):
    """[(step, value)] of a scalar."""
    found = []
    for name in sorted(os.listdir(str(folder))):
        for event in tf.train.summary_iterator(os.path.join(str(folder), name)):
            for value in event.summary.value:
                if value.tag == tag:
                    found.append((event.step, tf.make_ndarray(value.tensor).item() if value.HasField('tensor')
                                  else value.simple_value))
    return found


@pytest.mark.slow
def test_four_pictures_are_learned_by_heart_and_exported(pictures, tmp_path, capfd):
    pb = str(tmp_path / 'network' / 'FaceReconModel.pb')
    assert train(pictures, tmp_path, '--steps', '36', '--lr', '1e-4', '--lr_heads', '0.5', '--freeze_bn',
                 '--center_heads', '--residual_gamma', '0.3', '--summary_every', '1', '--validate_every', '12',
                 '--save_every', '12', '--keep', '1', '--batch_size', '4', '--export', pb) == 0
    total = [value for _, value in events(tmp_path / 'model_test' / 'summary' / 'train', 'train_error')]
    assert len(total) == 36
    assert np.mean(total[-5:]) < 0.6 * np.mean(total[:3])
    for tag in ('reflect_error', 'gamma_error', 'id_sim_error', 'lm_error', 'photo_error', 'train_error'):
        assert [s for s, _ in events(tmp_path / 'model_test' / 'summary' / 'val', tag)] == [0, 12, 24, 36]
    folder = run_folder.RunFolder(str(tmp_path / 'model_test'))
    assert folder.newest()[0] == 36
    assert 'exported %s' % folder.best()[0] in capfd.readouterr().out
    reader = SampleReader(find_samples([pictures])[0], shuffle=False)
    images = np.stack([reader.at(i)[0] for i in range(4)])
    with frozen_graph.CoefficientNetwork(frozen_graph.load_any(folder.best()[0]), 'ckpt') as network:
        expected = network(images)
    with frozen_graph.CoefficientNetwork(frozen_graph.load(pb), pb) as network:
        np.testing.assert_array_equal(network(images), expected)
    assert np.ptp(expected[:, 224:227], axis=0).max() > 0.01  # the poses differ


def start(pictures, result, *more):
    return subprocess.Popen([sys.executable, os.path.join(ROOT, 'train.py')] + words(pictures, result, *more),
                            stderr=subprocess.PIPE, universal_newlines=True)


@pytest.mark.slow
def test_a_run_that_is_stopped_and_resumed_equals_one_that_was_not(pictures, tmp_path):
    common = ['--steps', '6', '--validate_every', '100', '--summary_every', '1', '--center_heads']
    _, err = start(pictures, tmp_path, '--model_name', 'whole', *common).communicate()
    assert 'stopped' not in err
    process = start(pictures, tmp_path, '--model_name', 'parts', *common)
    summary = tmp_path / 'parts' / 'summary' / 'train'
    deadline = time.time() + 300
    while process.poll() is None and time.time() < deadline:
        if summary.exists() and any(path.stat().st_size > 20000 for path in summary.iterdir()):
            break  # the first step's pictures are there
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == (130 if 'stopped at' in err else 0), err
    step, prefix = run_folder.RunFolder(str(tmp_path / 'parts')).newest()
    assert checkpoints.Checkpoint(prefix)['global_step'] == step > 0
    if step < 6:
        assert 'SIGTERM: stopping after this step' in err
        assert 'stopped at step %d of 6; go on with --resume' % step in err
    with pytest.raises(InputError, match=r'parts: there is a run already \(step \d\); .* --resume'):
        train(pictures, tmp_path, '--model_name', 'parts')
    _, err = start(pictures, tmp_path, '--model_name', 'parts', '--resume', *common).communicate()
    assert 'resumed from %s' % prefix in err
    whole, parts = [checkpoints.Checkpoint(str(tmp_path / name)) for name in ('whole', 'parts')]
    assert whole.shapes == parts.shapes
    assert whole['global_step'] == parts['global_step'] == 6 and whole['skipped_steps'] == 0
    assert 'resnet_v1_50/conv1/weights/Adam' in whole.shapes
    assert whole[r_net.FEATURE_MEAN].min() >= 0 and whole[r_net.FEATURE_MEAN].max() > 0
    for name in whole.shapes:
        scale = max(np.abs(whole[name]).max(), 1e-3)
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-3, atol=1e-4 * scale, err_msg=name)


@pytest.mark.slow
def test_steps_that_are_not_finite_are_skipped_and_too_many_stop_the_run(pictures, tmp_path, monkeypatch, capfd):
    read = SampleReader.at

    def with_nan(self, position):
        image, landmarks, mask, name = read(self, position)
        return image, landmarks * np.float32(np.nan), mask, name

    monkeypatch.setattr(SampleReader, 'at', with_nan)
    monkeypatch.setattr(chief, 'MAX_BAD_STEPS', 3)
    with pytest.raises(TrainingError, match=r'3 steps in a row .* images: .*000000\.png .*000003\.png'):
        train(pictures, tmp_path, '--steps', '50')
    assert 'step 0: loss or gradient is not finite: skipped (1 in a row)' in capfd.readouterr().err
    assert run_folder.RunFolder(str(tmp_path / 'model_test')).newest() is None


def test_no_data_is_named(tmp_path, capsys):
    import train as script
    code = script.main(['--data_path', str(tmp_path / 'none'), '--result', str(tmp_path)])
    assert code == 2
    assert 'none: expected a folder or a list file, got neither' in capsys.readouterr().err


@pytest.mark.slow
def test_a_result_folder_that_cannot_be_made_is_named(pictures, tmp_path, capsys):
    import train as script
    (tmp_path / 'file').write_text('no folder')
    assert script.main(words(pictures, tmp_path / 'file', '--steps', '1')) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith('train.py: ') and str(tmp_path / 'file') in error


def test_published_scalars():
    losses = Losses(10.0, 1.0, 16.0, 3.0, 4.0, 5.0, 6.0, 7.0)
    assert log.scalars(losses) == {
        'train_error': 10, 'photo_error': 1, 'lm_error': 4, 'id_sim_error': 3, 'regulation_error': 4,
        'reflect_error': 5, 'gamma_error': 6, 'landmark_px': 7}
