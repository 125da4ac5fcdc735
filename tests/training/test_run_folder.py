"""Which checkpoints of a run are kept, and which one is its best."""
import contextlib
import os
import resource

import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import AssetError, InputError, TrainingError
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


def save_own(folder, step):
    return folder.save(step, {'x': np.float32(step), 'skipped_steps': np.int64(0)})


def test_preparing_removes_what_a_killed_run_left_and_nothing_else(tmp_path):
    folder = RunFolder(str(tmp_path), keep=2)
    save_own(folder, 1)
    folder.write_options('{}')
    os.mkdir(str(tmp_path / '.partial-x'))
    (tmp_path / '.partial-x' / 'iter_2.ckpt.index').write_text('x')
    (tmp_path / '.writing-0123456789ab-best.json').write_text('x')
    (tmp_path / 'notes.txt').write_text('x')
    folder.write_options('{"model_name": "a", "steps": 3}')
    folder.prepare()
    assert sorted(os.listdir(str(tmp_path))) == ['iter_1.ckpt.data-00000-of-00001', 'iter_1.ckpt.index', 'notes.txt',
                                                 'options.json']


@pytest.mark.parametrize('name', ['options.json', 'best.json', 'iter_3.ckpt.index', 'iter_3.ckpt'])
def test_a_file_of_another_program_is_never_replaced(tmp_path, name):
    (tmp_path / name).write_text('[1, 2]')
    (tmp_path / '.writing-photo.png').write_text('of another program, being written')
    with pytest.raises(InputError, match=r'%s: expected no file or one that train\.py wrote, got another' % name):
        RunFolder(str(tmp_path)).prepare()
    assert (tmp_path / name).read_text() == '[1, 2]'
    assert (tmp_path / '.writing-photo.png').exists()


def test_a_checkpoint_of_another_program_is_never_replaced(tmp_path):
    folder = RunFolder(str(tmp_path))
    save(folder, 3)
    with pytest.raises(InputError, match=r'iter_3\.ckpt\S+: expected no file or one that train\.py wrote'):
        folder.prepare()
    assert steps(folder) == [3]


def test_photos_beside_a_run_are_left_alone(tmp_path):
    for name in ('a.png', '.writing-b.png'):
        (tmp_path / name).write_bytes(b'photo')
    RunFolder(str(tmp_path)).prepare()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {'a.png': b'photo', '.writing-b.png': b'photo'}


def test_checkpoints_of_a_run_are_its_own_without_their_options(tmp_path):
    """As when somebody has copied nothing but a checkpoint, to go on elsewhere."""
    folder = RunFolder(str(tmp_path))
    save_own(folder, 3)
    folder.note_best(3, 1.0)
    folder.prepare()
    assert steps(folder) == [3]


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / 'run').write_text('mine')
    with pytest.raises(InputError, match=r'run: expected a folder that can be written, got: File exists'):
        RunFolder(str(tmp_path / 'run')).prepare()
    assert (tmp_path / 'run').read_text() == 'mine'


@pytest.mark.skipif(os.geteuid() == 0, reason='root writes everywhere')
def test_a_read_only_folder_is_named(tmp_path):
    os.chmod(str(tmp_path), 0o500)
    with pytest.raises(InputError, match=r'run: expected a folder that can be written, got: Permission denied'):
        RunFolder(str(tmp_path / 'run')).prepare()


@contextlib.contextmanager
def no_file_longer_than(size):
    """Writes fail as on a full disk, with another reason."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_without_room_is_one_line_and_the_last_checkpoint_stays(tmp_path):
    folder = RunFolder(str(tmp_path / 'run'), keep=1)
    folder.save(1, {'x': np.arange(10.0)})
    before = sorted(os.listdir(folder.path))
    with no_file_longer_than(100000), pytest.raises(TrainingError) as error:
        folder.save(2, {'x': np.zeros(10 ** 6)})
    assert str(error.value) == ('%s/iter_2.ckpt: cannot be written (File too large); the newest whole checkpoint is '
                                '%s/iter_1.ckpt' % (folder.path, folder.path))
    assert sorted(os.listdir(folder.path)) == before
    np.testing.assert_array_equal(checkpoints.Checkpoint(folder.newest()[1])['x'], np.arange(10.0))
    with no_file_longer_than(10), pytest.raises(TrainingError, match=r'options\.json: cannot be written \(File too'):
        folder.write_options('x' * 100)
    assert sorted(os.listdir(folder.path)) == before


def test_the_first_checkpoint_that_cannot_be_written_says_that_there_is_none(tmp_path):
    folder = RunFolder(str(tmp_path / 'run'))
    with no_file_longer_than(100000), pytest.raises(TrainingError, match='; there is no checkpoint yet$'):
        folder.save(2, {'x': np.zeros(10 ** 6)})
    assert os.listdir(folder.path) == []
