"""Files are whole or not there."""
import os
import stat
import time

import pytest

from Deep3DFaceReconstruction.system import files


def test_the_name_appears_when_the_block_ends_well(tmp_path):
    path = tmp_path / 'new' / 'a.txt'
    with files.atomic_write(str(path)) as temporary:
        assert temporary.endswith('a.txt') and os.path.dirname(temporary) == str(path.parent)
        with open(temporary, 'w') as stream:
            stream.write('whole')
        assert not path.exists()
    assert path.read_text() == 'whole' and len(list(path.parent.iterdir())) == 1
    mask = os.umask(0o022)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_an_error_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with pytest.raises(RuntimeError), files.atomic_write(str(path)) as temporary:
        with open(temporary, 'w') as stream:
            stream.write('half')
        raise RuntimeError
    assert path.read_text() == 'old' and len(list(tmp_path.iterdir())) == 1


def test_what_killed_runs_left_is_removed_when_old_enough(tmp_path):
    for name, age in (('.writing-00000000000a-a.obj', 1000), ('.writing-00000000000b-b.obj', 0), ('c.obj', 1000)):
        (tmp_path / name).write_text('x')
        os.utime(str(tmp_path / name), (time.time() - age,) * 2)
    files.remove_unfinished(str(tmp_path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ['.writing-00000000000b-b.obj', 'c.obj']
    files.remove_unfinished(str(tmp_path), older_than=0)
    assert [p.name for p in tmp_path.iterdir()] == ['c.obj']
    files.remove_unfinished(str(tmp_path / 'missing'))
