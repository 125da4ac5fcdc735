"""tools/plot_training.py: the summaries of a run as curves."""
import os

import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training.log import SummaryWriter
from tools import plot_training


def write_run(folder, first, last, shift=0.0):
    with tf.Graph().as_default(), SummaryWriter(str(folder / 'summary')) as writer:
        for step in range(first, last):
            writer.numbers('train', {'train_error': 1.0 / (1 + step) + shift, 'learning_rate': 1.0}, step)
        writer.numbers('val', {'train_error': 0.5}, last)


def test_a_resumed_run_counts_each_step_once(tmp_path):
    write_run(tmp_path, 0, 10)
    former, = (tmp_path / 'summary' / 'train').iterdir()
    former = former.rename(former.parent / 'events.out.former') or former.parent / 'events.out.former'
    os.utime(str(former), (1, 1))
    write_run(tmp_path, 5, 20, shift=1.0)
    steps, values = plot_training.read_scalars(str(tmp_path / 'summary' / 'train'))['train_error']
    assert steps == list(range(20))
    np.testing.assert_allclose(values, [1 / (1 + step) + (step >= 5) for step in steps], rtol=1e-6)


def test_half_an_event_ends_the_file(tmp_path):
    write_run(tmp_path, 0, 10)
    path, = (tmp_path / 'summary' / 'train').iterdir()
    path.write_bytes(path.read_bytes()[:-7])
    assert plot_training.read_scalars(str(tmp_path / 'summary' / 'train'))['train_error'][0] == list(range(9))


def test_running_means():
    steps, means = plot_training.smooth(range(100), np.r_[np.nan, np.arange(1, 100)])
    assert means[0] == np.arange(1, 10).mean() and steps[0] == 5  # 99 finite values: a ninth at a time
    np.testing.assert_array_equal(plot_training.smooth([0, 1], [3.0, 4.0])[1], [3, 4])


def test_the_png(tmp_path, capsys):
    write_run(tmp_path, 0, 30)
    assert plot_training.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / 'curves.png')]
    with Image.open(str(tmp_path / 'curves.png')) as image:
        assert image.size == (1000, 320) and np.ptp(np.array(image)) > 200


def test_a_folder_without_a_run_is_one_line(tmp_path, capsys):
    assert plot_training.main([str(tmp_path / 'none')]) == 2
    assert 'none: expected a training run whose summary/ holds train_error' in capsys.readouterr().err
