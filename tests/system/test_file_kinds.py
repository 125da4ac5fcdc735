import gzip
import io
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import zipfile

import numpy as np
import pytest
import scipy.io

from Deep3DFaceReconstruction.system import file_kinds
from Deep3DFaceReconstruction.system.file_kinds import what_is
from tests import ROOT


@pytest.fixture
def written(tmp_path):
    """Function of bytes (and a name) that writes them and returns the path."""
    def write(data, name='01_MorphableModel.mat'):
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)
    return write


def zipped(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        for name in names:
            archive.writestr(name, b'content')
    return stream.getvalue()


def tarred():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode='w') as archive:
        archive.addfile(tarfile.TarInfo('01_MorphableModel.mat'), io.BytesIO(b''))
    return stream.getvalue()


LFS_POINTER = b'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 240873459\n'
LEGACY_TORCH = pickle.dumps(0x1950a86a20f9469cfc6c, 2) + pickle.dumps(1001, 2)


# The names of the cases must not hold the data: archives carry the time, and test processes compare names.
@pytest.mark.parametrize('data, words', [
    (b'', 'an empty file'),
    (LFS_POINTER, 'a git-lfs pointer, not the file itself (type: git lfs pull)'),
    (b'<!DOCTYPE html><html></html>', 'a saved web page (HTML)'),
    (b'\xef\xbb\xbf\r\n  <HTML lang="de"><head>', 'a saved web page (HTML)'),
    (b'<!-- saved -->\n<html>', 'a saved web page (HTML)'),
    (b'<html><head><title>\nGoogle Drive - Quota\n exceeded</title>',
     "a saved web page (HTML), titled 'Google Drive - Quota exceeded'"),
    (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', 'an XML document'),
    (zipped('a/01_MorphableModel.mat'), 'a zip archive: unpack it'),
    (zipped('a/01_MorphableModel.mat')[:60], 'a damaged zip archive: fetch it again, then unpack it'),
    (zipped('archive/data.pkl', 'archive/data/0'), 'a PyTorch checkpoint, which TensorFlow does not read'),
    (LEGACY_TORCH, 'a PyTorch checkpoint, which TensorFlow does not read'),
    (zipped('shape.npy'), 'NumPy arrays (.npz)'),
    (gzip.compress(b'x'), 'a gzip archive (.gz): unpack it'),
    (b'BZh91AY&SY', 'a bzip2 archive (.bz2): unpack it'),
    (b'7z\xbc\xaf\x27\x1c\0\4', 'a 7-Zip archive: unpack it'),
    (b'Rar!\x1a\x07\x01\0', 'a RAR archive: unpack it'),
    (tarred(), 'a tar archive: unpack it'),
    (b'\x89HDF\r\n\x1a\n\0\0', 'an HDF5 file (.h5), which is what BFM 2017 and BFM 2019 come as'),
    (b'MATLAB 7.3 MAT-file, Platform: GLNXA64', "a MATLAB 7.3 file (HDF5 inside): in MATLAB, save it again with '-v7'"),
    (b'%PDF-1.4', 'a PDF document'),
    (b'\x89PNG\r\n\x1a\n', 'a PNG image'),
    (b'\xff\xd8\xff\xe0', 'a JPEG image'),
    (pickle.dumps({'a': 1}, 2), 'a Python pickle'),
    (b'index' + struct.pack('<Q', 0xdb4775248b80fb57), 'a TensorFlow checkpoint'),
    (bytes(5000), 'a file of zeros, as a broken download leaves behind'),
    (b'404: Not Found\n', "a text file ('404: Not Found')"),
    ('Zugriff verweigert für Gäste'.encode(), "a text file ('Zugriff verweigert für Gäste')"),
    (b'word ' * 2000, "a text file ('%s...')" % ('word ' * 12)[:57]),
], ids=lambda value: value if isinstance(value, str) else 'file')
def test_each_kind_has_its_words(written, data, words):
    assert what_is(written(data)) == words


@pytest.mark.parametrize('name, year', [('model2017-1_bfm_nomouth.h5', 2017), ('model2017-1_face12_nomouth.h5', 2017),
                                        ('model2019_bfm.h5', 2019), ('model2019_fullHead.h5', 2019)])
def test_later_basel_models_are_told_by_their_names(written, name, year):
    path = written(b'\x89HDF\r\n\x1a\n', name)
    assert what_is(path) == 'the Basel Face Model %d (HDF5), not that of 2009' % year


def test_real_formats(tmp_path):
    mat, npz, npy = (str(tmp_path / name) for name in ('a.mat', 'a.npz', 'a.npy'))
    scipy.io.savemat(mat, {'x': np.zeros(3)})
    np.savez(npz, x=np.zeros(3))
    np.save(npy, np.zeros(3))
    assert what_is(mat) == 'a MATLAB 5 file (.mat)'
    assert what_is(npz) == 'NumPy arrays (.npz)'
    assert what_is(npy) == 'a NumPy array (.npy)'
    # The kind that the caller reads is no news.
    assert what_is(mat, wanted=file_kinds.MATLAB5) is None
    assert what_is(npz, wanted=file_kinds.ZIP) is None
    assert what_is(npy, wanted=file_kinds.NPY) is None


@pytest.mark.parametrize('compressed', [False, True])
def test_a_matlab_file_that_is_cut_off(tmp_path, compressed):
    path = tmp_path / 'x.mat'
    scipy.io.savemat(str(path), {'a': np.arange(1000.0), 'b': np.arange(500.0)}, do_compression=compressed)
    data = path.read_bytes()
    assert what_is(str(path), file_kinds.MATLAB5) is None
    for size in (len(data) - 1, len(data) // 2, 133, 20):
        path.write_bytes(data[:size])
        words = what_is(str(path), file_kinds.MATLAB5)
        assert words.startswith(f'a MATLAB 5 file that is cut off ({size:,} of at least ')
    assert words == 'a MATLAB 5 file that is cut off (20 of at least 128 bytes)'


def test_what_is_no_file(tmp_path):
    assert what_is(str(tmp_path)) == 'a folder'
    assert what_is(str(tmp_path / 'none')) == 'nothing'
    os.symlink(str(tmp_path / 'none'), str(tmp_path / 'link'))
    assert what_is(str(tmp_path / 'link')) == 'a link to a file that is not there'


def test_other_bytes_are_not_recognised(written):
    assert what_is(written(bytes(range(256)))) is None
    # A frozen graph and a Latin-1 text: neither is UTF-8 text.
    assert what_is(written(b'\n\x1f\n\ninput_imgs\x12\x0bPlaceholder')) is None
    assert what_is(written(b'gesperrt f\xfcr G\xe4ste')) is None


def test_text_cut_within_a_character_is_text_still(written):
    assert what_is(written(b'x' + 'ä'.encode() * 4000)).startswith("a text file ('xää")


def test_it_needs_python_alone():
    # -S -I: without site-packages, so that nothing else can be imported.
    program = 'import sys; sys.path.insert(0, %r); from Deep3DFaceReconstruction.system import file_kinds' % ROOT
    subprocess.check_call([sys.executable, '-S', '-I', '-c', program])
