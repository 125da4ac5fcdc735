"""tools/position_mesh.py with a network that gives the mean face: its files, what it refuses, its error."""
import os

import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.meshes import obj
from Deep3DFaceReconstruction.networks import frozen_graph
from Deep3DFaceReconstruction.networks.notes import Notes
from Deep3DFaceReconstruction.supervision import position_texels
from Deep3DFaceReconstruction.system import exit_codes
from Deep3DFaceReconstruction.tf1 import tf
from tools import position_mesh


class Crop:
    """What the tool reads of a FaceCrop: a red half and a blue half, BGR."""

    bgr = np.zeros([224, 224, 3], np.uint8)
    bgr[:, :112, 2] = bgr[:, 112:, 0] = 255


@pytest.fixture
def network(open_model, tmp_path, monkeypatch):
    """A frozen network of the mean face; photos called face... show a face, others none."""
    def crops_of_photo(path, name, finder):
        if not name.startswith('face'):
            raise LandmarkError('%s: expected a face, found none' % path)
        return [Crop()]
    monkeypatch.setattr(position_mesh, 'crops_of_photo', crops_of_photo)
    found = position_texels.mean_map(open_model, position_texels.texels_of(open_model))
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 224, 224, 3], 'input_imgs')
        tf.identity(found + 0 * tf.reduce_sum(images, [1, 2, 3], keepdims=True), 'position')
    path = str(tmp_path / 'it.pb')
    frozen_graph.save(frozen_graph.marked(graph.as_graph_def(), Notes(open_model.name), 'position'), path)
    (tmp_path / 'in').mkdir()
    for name in ('face.png', 'wall.png'):
        Image.new('RGB', (64, 64)).save(str(tmp_path / 'in' / name))
    return path


def run(network, folder):
    return position_mesh.main([network, '--input', str(folder / 'in'), '--output', str(folder / 'out')])


def test_a_photo_without_a_face_does_not_stop_the_others(network, open_model, tmp_path, capsys):
    assert run(network, tmp_path) == exit_codes.SOME_FAILED
    assert 'wall.png: expected a face, found none' in capsys.readouterr().err
    assert sorted(os.listdir(str(tmp_path / 'out'))) == ['face.png', 'face_mesh.obj']
    path = str(tmp_path / 'out' / 'face_mesh.obj')
    vertices = obj.read_vertices(path)
    mean = open_model.meanshape - numpy_decoder.mean_offset(open_model)
    assert np.median(np.linalg.norm(vertices - mean, axis=1)) < 0.03
    with open(path) as file:
        colours = np.array([line.split()[4:] for line in file if line.startswith('v ')], float)
    # The image's left half is at negative x.
    aside = np.abs(vertices[:, 0]) > 0.05
    np.testing.assert_array_equal(colours[aside].argmax(axis=1) == 0, vertices[aside, 0] < 0)
    with Image.open(str(tmp_path / 'out' / 'face.png')) as picture:
        assert picture.size == (3 * 224, 224)


def test_a_file_of_somebody_is_left_alone(network, tmp_path, capsys):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'face_mesh.obj').write_text('mine')
    assert run(network, tmp_path) == exit_codes.SOME_FAILED
    assert 'face_mesh.obj: expected nothing, or a result of this program' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'face_mesh.obj').read_text() == 'mine'


def test_no_photos(network, tmp_path, capsys):
    for name in os.listdir(str(tmp_path / 'in')):
        os.remove(str(tmp_path / 'in' / name))
    assert run(network, tmp_path) == exit_codes.NOT_STARTED
    assert 'position_mesh.py: %s: expected photos, found none' % (tmp_path / 'in') in capsys.readouterr().err
