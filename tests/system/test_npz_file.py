"""The repository's own .npz files: what is read, and the errors that say what to do."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.system.npz_file import NpzKind, read_npz

KIND = NpzKind('a shell', 'python -m shells', FaceModelError)


@pytest.fixture
def path(tmp_path):
    np.savez(str(tmp_path / 'a.npz'), x=np.arange(3), y=np.ones(2))
    return str(tmp_path / 'a.npz')


def test_the_arrays_that_are_asked_for_or_all(path):
    assert set(read_npz(path, KIND, ('x',))) == {'x'}
    whole = read_npz(path, KIND, ('x',), whole=True)
    assert set(whole) == {'x', 'y'} and whole['x'].tolist() == [0, 1, 2]


def test_faults_are_named(path, tmp_path):
    with pytest.raises(FaceModelError, match='nowhere.npz: expected a shell, got nothing; restore it from git or '
                                             'type: python -m shells'):
        read_npz(str(tmp_path / 'nowhere.npz'), KIND, ())
    with pytest.raises(FaceModelError, match='a.npz: expected a shell, got a file without z'):
        read_npz(path, KIND, ('x', 'z'))
    (tmp_path / 'a.npz').write_bytes((tmp_path / 'a.npz').read_bytes()[:100])
    with pytest.raises(FaceModelError, match='a.npz: expected a shell, got one that cannot be read: '):
        read_npz(path, KIND, ('x',))
