"""What several command lines share: --face_model FILE reaches the loader from every script."""
import pytest
from PIL import Image

import demo
import synthesize
import train
from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.errors import AssetError


@pytest.fixture
def words(tmp_path):
    """What each script needs beside."""
    (tmp_path / 'photos').mkdir()
    Image.new('RGB', (64, 64)).save(str(tmp_path / 'photos' / 'a.png'))
    out = str(tmp_path / 'out')
    return {demo: ['--input', str(tmp_path / 'photos'), '--output', out], synthesize: ['--save_path', out],
            train: ['--result', out]}


@pytest.mark.parametrize('script', [demo, synthesize, train])
def test_the_file_is_the_one_that_is_read(script, words, tmp_path, capfd):
    path = str(tmp_path / 'mine.mat')
    (tmp_path / 'mine.mat').write_bytes(b'<html></html>')
    assert script.main(words[script] + ['--face_model', path]) != 0
    error, = capfd.readouterr().err.splitlines()
    assert '%s: expected a face model (.mat, MATLAB 5), got a saved web page (HTML)' % path in error


@pytest.mark.parametrize('script', [demo, synthesize, train])
def test_without_it_the_model_in_bfm(script, words, monkeypatch):
    asked = []

    def load(path=None):
        asked.append(path)
        raise AssetError('asked')
    for module in ('demo.pipeline', 'training.run'):
        monkeypatch.setattr('Deep3DFaceReconstruction.%s.load_face_model' % module, load)
    monkeypatch.setattr(face_model, 'load_face_model', load)
    assert script.main(words[script]) != 0
    assert asked == [None]
