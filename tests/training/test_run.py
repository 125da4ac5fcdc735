"""train.py: it learns, saves, resumes, guards against NaN, exports."""
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from Deep3DFaceReconstruction.dataset.data_loader import SampleReader, find_samples, make_dataset
from Deep3DFaceReconstruction.errors import InputError, TrainingError
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.networks import checkpoints, frozen_graph, r_net
from Deep3DFaceReconstruction.reconstruction_model import Losses, ReconstructionModel
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training import chief, log, options, run_folder
from Deep3DFaceReconstruction.training import run as training
from Deep3DFaceReconstruction.training.graph import model_options
from tests import ROOT
from tests.training import small_network


def words(pictures, result, *more):
    return small_network.WORDS + [
        '--data_path', pictures, '--val_data_path', pictures, '--result', str(result), '--id_net', 'none',
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
    assert train(pictures, tmp_path, *small_network.PUBLISHED_WORDS,
                 '--steps', '36', '--lr', '1e-4', '--lr_heads', '0.5', '--freeze_bn',
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
    assert small_network.BACKBONE.scope + '/Conv2d_0/weights/Adam' in whole.shapes
    assert whole[r_net.FEATURE_MEAN].min() >= 0 and whole[r_net.FEATURE_MEAN].max() > 0
    for name in whole.shapes:
        scale = max(np.abs(whole[name]).max(), 1e-3)
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-3, atol=1e-4 * scale, err_msg=name)


@pytest.mark.slow
def test_steps_that_are_not_finite_are_skipped_and_too_many_stop_the_run(pictures, tmp_path, monkeypatch, capfd):
    read = SampleReader.at

    def with_nan(self, position):
        image, landmarks, *rest = read(self, position)
        return (image, landmarks * np.float32(np.nan)) + tuple(rest)

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


def test_a_result_folder_that_cannot_be_made_is_named(pictures, tmp_path, capsys):
    import train as script
    (tmp_path / 'file').write_text('no folder')
    assert script.main(words(pictures, tmp_path / 'file', '--steps', '1')) == 2
    error = capsys.readouterr().err.splitlines()
    assert error == ['train.py: %s: expected a folder that can be written, got: Not a directory'
                     % (tmp_path / 'file' / 'model_test')]


@pytest.mark.parametrize('name', ['photo.png', 'published.pb'])
def test_an_export_never_replaces_the_file_of_another_program(pictures, tmp_path, capsys, name):
    import train as script
    graph = tf.Graph()
    with graph.as_default():
        tf.identity(tf.placeholder(tf.float32, [None, 224, 224, 3], name='input_imgs')[:, 0, :257, 0], name='coeff')
    content = graph.as_graph_def().SerializeToString() if name.endswith('.pb') else b'a photo'
    (tmp_path / name).write_bytes(content)
    assert script.main(words(pictures, tmp_path, '--steps', '1', '--export', str(tmp_path / name))) == 2
    assert ('train.py: %s: expected no file or one that train.py exported, got another' % (tmp_path / name)
            in capsys.readouterr().err)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [(name, content)]


@pytest.mark.slow
def test_a_full_disk_ends_in_one_line_and_the_last_whole_checkpoint_stays(pictures, tmp_path, monkeypatch, capsys):
    import train as script
    save = checkpoints.save_checkpoint

    def save_while_there_is_room(prefix, values):
        if prefix.endswith('iter_2.ckpt'):
            raise tf.errors.ResourceExhaustedError(
                None, None, '%s.data-00000-of-00001; No space left on device\n\t [[node SaveV2]]\nmore' % prefix)
        save(prefix, values)

    monkeypatch.setattr(checkpoints, 'save_checkpoint', save_while_there_is_room)
    assert script.main(words(pictures, tmp_path, '--steps', '3', '--save_every', '1')) == 1
    newest = str(tmp_path / 'model_test' / 'iter_1.ckpt')
    assert capsys.readouterr().err.splitlines()[-1] == (
        'train.py: %s: cannot be written (No space left on device); the newest whole checkpoint is %s'
        % (newest.replace('iter_1', 'iter_2'), newest))
    assert run_folder.RunFolder(str(tmp_path / 'model_test')).newest() == (1, newest)
    assert checkpoints.Checkpoint(newest)['global_step'] == 1


@pytest.mark.slow
def test_a_mesh_that_covers_nothing_is_never_the_best(pictures, tmp_path, capfd):
    with tf.Graph().as_default(), tf.Session() as session:
        r_net.R_Net(tf.zeros([1, 224, 224, 3]), backbone=small_network.BACKBONE)
        session.run(tf.global_variables_initializer())
        values = session.run({v.op.name: v for v in tf.global_variables()})
    values['fc-XY/biases'] = np.float32([50.0, 0.0])  # the mesh is 5 m beside the photo
    checkpoints.save_checkpoint(str(tmp_path / 'outside.ckpt'), values)
    assert train(pictures, tmp_path, '--steps', '1', '--lr', '0', '--summary_every', '1', '--pretrain_weights',
                 str(tmp_path / 'outside.ckpt')) == 0
    line = 'validation at step 1: total .*, photo nan, .* the best: the mesh covers nothing of 4 of 4 photos'
    assert re.search(line, capfd.readouterr().err)
    folder = run_folder.RunFolder(str(tmp_path / 'model_test'))
    assert folder.best() is None and folder.newest()[0] == 1
    assert checkpoints.Checkpoint(folder.newest()[1])['skipped_steps'] == 0  # the landmarks still pull
    for where in ('train', 'val'):
        assert all(np.isnan(value) for _, value in events(tmp_path / 'model_test' / 'summary' / where, 'photo_error'))


@pytest.mark.slow
def test_one_process_takes_the_steps_of_plain_adam(pictures, tmp_path):
    """A cluster of one: sums, exchange and generation change nothing in the numbers."""
    train(pictures, tmp_path, '--steps', '2', '--validate_every', '100', '--threads', '1')
    got = checkpoints.Checkpoint(str(tmp_path / 'model_test'))
    parsed = options.parse_train(words(pictures, tmp_path))
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    with tf.Graph().as_default():
        tf.set_random_seed(parsed.seed)
        reader = SampleReader(find_samples([pictures])[0], parsed.seed)
        batch = tf.data.make_one_shot_iterator(make_dataset(reader, parsed.batch_size)).get_next()
        model = ReconstructionModel(load_face_model(), model_options(parsed))
        outputs = model(batch, is_training=True)
        with tf.control_dependencies([tf.train.AdamOptimizer(parsed.lr).minimize(outputs.losses.total)]):
            step = tf.group(*outputs.statistics.updates())
        with tf.Session(config=config) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(2):
                session.run(step)
            expected = session.run({v.op.name: v for v in tf.global_variables()})
    assert set(got.shapes) == set(expected) | {
        'global_step', 'skipped_steps', 'notes/face_model', 'notes/input_size'}
    for name, value in expected.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-4, atol=1e-5 * max(np.abs(value).max(), 1e-3),
                                   err_msg=name)


def test_published_scalars():
    losses = Losses(10.0, 1.0, 16.0, 3.0, 4.0, 5.0, 6.0, 7.0)
    assert log.scalars(losses) == {
        'train_error': 10, 'photo_error': 1, 'lm_error': 4, 'id_sim_error': 3, 'regulation_error': 4,
        'reflect_error': 5, 'gamma_error': 6, 'landmark_px': 7}
