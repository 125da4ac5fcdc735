"""What the tests of whole runs share."""
import pytest
from PIL import Image
from skimage import data

from Deep3DFaceReconstruction.system import assets


@pytest.fixture(scope='session')
def portrait():
    """The astronaut's head, 300x300."""
    return Image.fromarray(data.astronaut()[:300, 80:380])


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """Whatever the checkout's network/ holds, tests start without one."""
    monkeypatch.setattr(assets, 'FACE_RECON_PB', str(tmp_path / 'network' / 'FaceReconModel.pb'))
    monkeypatch.setattr(assets, 'OPEN_R_NET_PB', str(tmp_path / 'network' / 'open_r_net.pb'))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / 'photos'
    folder.mkdir()
    return folder
