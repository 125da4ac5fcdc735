"""What the tests of training share: a few synthetic images."""
import pytest

from Deep3DFaceReconstruction.dataset import random_faces, synthesis
from Deep3DFaceReconstruction.face_model import load_face_model


@pytest.fixture(scope='session')
def pictures(tmp_path_factory):
    """Folder of four synthetic faces near the frontal view."""
    folder = str(tmp_path_factory.mktemp('pictures'))
    options = random_faces.PLAIN_OPTIONS._replace(max_yaw=15, max_pitch=5)
    synthesis.synthesize(folder, 4, synthesis.Scenes(load_face_model(), 7, options))
    return folder
