"""The file beside a model: as good as the model, and never in the way."""
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.io import savemat

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model import cache as model_cache
from Deep3DFaceReconstruction.face_model import model as model_reader
from Deep3DFaceReconstruction.system import assets
from tests import ROOT
from tests.face_model.tiny_model import tiny_model


def same(one, other):
    for name, want in one._asdict().items():
        got = getattr(other, name)
        if isinstance(want, np.ndarray):
            assert got.dtype == want.dtype and got.flags.c_contiguous
            np.testing.assert_array_equal(got, want, err_msg=name)
        else:
            assert got == want and type(got) is type(want), name


class TestCache:
    """The file beside the model."""

    @pytest.fixture
    def path(self, tmp_path):
        path = str(tmp_path / 'model.mat')
        savemat(path, tiny_model())
        return path

    @pytest.fixture
    def no_reading(self, monkeypatch):
        def refuse(path):
            raise AssertionError('%s was read' % path)
        return lambda: monkeypatch.setattr(model_reader, '_read', refuse)

    def test_second_time_comes_from_the_cache(self, path, no_reading):
        first = face_model.load_face_model(path)
        same(first, face_model.from_mat_dict(tiny_model(), path))
        assert sorted(os.listdir(os.path.dirname(path))) == ['model.cache.npy', 'model.mat']
        no_reading()
        second = face_model.load_face_model(path)
        same(first, second)
        with pytest.raises(ValueError, match='read-only'):
            second.meanshape[0] = 0

    def test_other_source_other_answer(self, path):
        face_model.load_face_model(path)
        status = os.stat(path)
        savemat(path, dict(tiny_model(), meantex=np.full([1, 12], 7, np.float32)))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))  # no coarse clock hides the change
        assert os.path.getsize(path) == status.st_size
        for _ in range(2):
            assert face_model.load_face_model(path).meantex[0, 0] == 7

    def test_other_reader_reads_again(self, path, monkeypatch, no_reading):
        face_model.load_face_model(path)
        monkeypatch.setattr(model_reader, 'READER_VERSION', model_reader.READER_VERSION + 1)
        no_reading()
        with pytest.raises(AssertionError, match='was read'):
            face_model.load_face_model(path)

    @pytest.mark.parametrize('spoil', [
        lambda data: data[:len(data) // 2], lambda data: data[:60], lambda data: b'', lambda data: b'x' * 1000,
        lambda data: data.replace(b'(1,)', b'(2,)'), lambda data: data.replace(b"'meantex'", b"'meantax'")])
    def test_broken_cache_is_made_anew(self, path, spoil):
        first = face_model.load_face_model(path)
        cache = model_cache.cache_path(path)
        with open(cache, 'rb') as stream:
            whole = stream.read()
        with open(cache, 'wb') as stream:
            stream.write(spoil(whole))
        same(first, face_model.load_face_model(path))
        with open(cache, 'rb') as stream:
            assert stream.read() == whole

    def test_folder_that_cannot_be_written(self, path, monkeypatch, capfd):
        monkeypatch.setattr(model_cache, 'cache_path', lambda source, kind: '/proc/no/such/place.cache.npy')
        same(face_model.load_face_model(path), face_model.from_mat_dict(tiny_model(), path))
        assert capfd.readouterr() == ('', '')

    def test_too_large_for_one_record_goes_without(self, tmp_path):
        huge = np.broadcast_to(np.float32(0), (1 << 15, 1 << 15))
        source = tmp_path / 'huge.mat'
        source.write_bytes(b'x')
        assert model_cache.cached(str(source), 1, ['base'], lambda: {'base': huge})['base'] is huge
        assert os.listdir(str(tmp_path)) == ['huge.mat']

    def test_wrong_model_leaves_no_cache(self, path):
        savemat(path, dict(tiny_model(), tri=np.zeros([1, 3])))
        with pytest.raises(FaceModelError, match='tri: expected whole numbers'):
            face_model.load_face_model(path)
        assert os.listdir(os.path.dirname(path)) == ['model.mat']

    def test_four_processes_at_once(self, tmp_path):
        """None sees half a cache, whether it is missing, stale or being replaced; nothing is left over."""
        path = str(tmp_path / 'model.mat')
        count = 20000  # large enough for writing to take a while
        mat = dict(tiny_model(), meanshape=np.zeros([1, 3 * count], np.float32), keypoints=np.ones([1, 68]),
                   idBase=np.ones([3 * count, 80], np.float32), exBase=np.ones([3 * count, 64]),
                   texBase=np.ones([3 * count, 80], np.float32), meantex=np.zeros([1, 3 * count], np.float32),
                   point_buf=np.ones([count, 8]), skinmask=np.ones([1, count]))
        savemat(path, mat)
        script = (
            'import sys\n'
            'from Deep3DFaceReconstruction.face_model import load_face_model\n'
            'for _ in sys.stdin:\n'
            '    model = load_face_model(sys.argv[1])\n'
            '    print(model.id_base.sum(dtype=float) + model.ex_base.sum(dtype=float) + model.point_buf.sum())\n'
            '    sys.stdout.flush()\n')
        processes = [subprocess.Popen([sys.executable, '-c', script, path], cwd=ROOT, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
                     for _ in range(4)]
        expected = 3.0 * count * 144
        for turn in range(3):
            os.utime(path, ns=(turn, turn))  # stale from the second time on
            for process in processes:
                process.stdin.write('now\n')
                process.stdin.flush()
            assert [float(process.stdout.readline()) for process in processes] == [expected] * 4
        for process in processes:
            assert process.communicate() == ('', '') and process.returncode == 0
        assert sorted(os.listdir(str(tmp_path))) == ['model.cache.npy', 'model.mat']


def test_the_cache_lies_beside_the_model(tmp_path):
    assert model_cache.cache_path(str(tmp_path / 'model.mat')) == str(tmp_path / 'model.cache.npy')
    assert model_cache.cache_path(str(tmp_path / 'model.mat'), 'atlas') == str(tmp_path / 'model.atlas.cache.npy')


def test_beside_a_model_in_a_read_only_folder_it_lies_in_the_users_cache(tmp_path, monkeypatch):
    """Also two models of one name have two caches; one that is there already is used."""
    monkeypatch.setattr(assets, 'CACHE_DIR', str(tmp_path / 'cache'))
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    sources = []
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
        sources.append(str(tmp_path / name / 'model.mat'))
        with open(sources[-1], 'w') as out:
            out.write(name)
    built = []

    def build():
        built.append(1)
        return {'x': np.arange(3)}

    for source in sources * 2:
        np.testing.assert_array_equal(model_cache.cached(source, 1, ['x'], build)['x'], np.arange(3))
    assert len(built) == 2
    assert len(os.listdir(str(tmp_path / 'cache'))) == 2 and os.listdir(str(tmp_path / 'a')) == ['model.mat']
    (tmp_path / 'a' / 'model.cache.npy').write_bytes(b'')
    assert model_cache.cache_path(sources[0]) == str(tmp_path / 'a' / 'model.cache.npy')
