"""Which checkpoints of a run are kept, and which one is its best."""
import os

import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks import checkpoints
from Deep3DFaceReconstruction.training.run_folder import RunFolder


def steps(folder):
    return [step for step, _ in checkpoints.list_checkpoints(folder.path)]


def save(folder, step):
    return folder.save(step, {'x': np.float32(step)})


def test_the_newest_and_the_best_are_kept(tmp_path):
    folder = RunFolder(str(tmp_path / 'run'), keep=2)
    assert folder.newest() is None and folder.best() is None
    with pytest.raises(AssetError, match=r'run: expected a training run with checkpoints iter_N\.ckpt'):
        folder.best_or_newest()
    for step in (1, 2):
        save(folder, step)
    assert folder.best_or_newest().endswith('iter_2.ckpt')
    folder.note_best(1, 0.5)
    for step in (3, 4, 10):
        save(folder, step)
    assert steps(folder) == [1, 4, 10]
    assert folder.newest()[0] == 10
    assert folder.best_or_newest().endswith('iter_1.ckpt')
    assert folder.best()[1] == 0.5
    folder.note_best(10, 0.25)
    assert steps(folder) == [4, 10]
    assert checkpoints.Checkpoint(folder.best()[0])['x'] == 10


def test_a_best_that_is_gone_or_a_broken_note_is_none(tmp_path):
    folder = RunFolder(str(tmp_path), keep=2)
    save(folder, 1)
    folder.note_best(1, 0.5)
    checkpoints.remove_checkpoint(folder.best()[0])
    assert folder.best() is None
    save(folder, 2)
    for text in ('{', '[]', '{"checkpoint": 3}'):
        (tmp_path / 'best.json').write_text(text)
        assert folder.best() is None
        assert folder.best_or_newest().endswith('iter_2.ckpt')


def test_sweeping_leaves_what_is_whole(tmp_path):
    folder = RunFolder(str(tmp_path), keep=2)
    save(folder, 1)
    folder.write_options('{}')
    os.mkdir(str(tmp_path / '.partial-x'))
    (tmp_path / '.partial-x' / 'iter_2.ckpt.index').write_text('x')
    (tmp_path / '.writing-y-best.json').write_text('x')
    folder.sweep()
    assert sorted(os.listdir(str(tmp_path))) == ['iter_1.ckpt.data-00000-of-00001', 'iter_1.ckpt.index',
                                                 'options.json']
