"""The doctor's verdicts on networks' weights: frozen graphs and checkpoints that are right, swapped or cut off."""
import os

import numpy as np
import pytest

from Deep3DFaceReconstruction.doctor import asset_checks
from Deep3DFaceReconstruction.doctor.catalogue import OK, WRONG
from Deep3DFaceReconstruction.networks import checkpoints, frozen_graph, r_net
from Deep3DFaceReconstruction.networks.identity import perceptual_net
from Deep3DFaceReconstruction.tf1 import tf
from tests.doctor.wrong_files import WEB_PAGE, verdict


def frozen(path, width=257, output='coeff'):
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 224, 224, 3], 'input_imgs')
        tf.identity(tf.reduce_sum(images, [1, 2, 3])[:, None] * tf.ones([1, width]), output)
        frozen_graph.save(graph.as_graph_def(), path)
    return path


def landmarks(path, rows=68):
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [1, 224, 224, 3], 'input_imgs')
        tf.identity(tf.ones([rows, 2]) * tf.reduce_sum(images), 'landmark')
        frozen_graph.save(graph.as_graph_def(), path)
    return path


@pytest.mark.parametrize('width, state, found', [
    (257, OK, ', input_imgs:0 -> coeff:0, 257 outputs'),
    (239, OK, ', input_imgs:0 -> coeff:0, 239 outputs (white light)'),
    (199, WRONG, 'expected coeff:0 of shape [B,257] (or [B,239], white light), got [None, 199]'),
])
def test_the_reconstruction_network(put, width, state, found):
    answer = verdict('face_recon_pb', frozen(put('face_recon_pb'), width))
    assert answer.state == state and answer.found.endswith(found)


def test_networks_that_are_swapped(put):
    answer = verdict('face_recon_pb', landmarks(put('face_recon_pb')))
    assert answer.state == WRONG and 'expected a frozen graph with the output coeff:0' in answer.found
    answer = verdict('landmark68_pb', frozen(put('landmark68_pb')))
    assert answer.state == WRONG and 'expected a frozen graph with the output landmark:0' in answer.found


def test_a_network_that_is_cut_off(put):
    path = frozen(put('face_recon_pb'))
    with open(path, 'r+b') as file:
        file.truncate(os.path.getsize(path) // 2)
    assert verdict('face_recon_pb', path).found.startswith('expected a frozen TensorFlow graph, got one that')


@pytest.mark.parametrize('rows, state, found', [
    (68, OK, ', input_imgs:0 -> landmark:0, 68 points'),
    (5, WRONG, 'expected landmark:0 of shape [68, 2], got [5, 2]'),
])
def test_the_landmark_network(put, rows, state, found):
    answer = verdict('landmark68_pb', landmarks(put('landmark68_pb'), rows))
    assert answer.state == state and answer.found.endswith(found)


def variables(network):
    return {name: np.zeros(shape, np.float32) for name, shape in asset_checks._variables(network).items()}


@pytest.fixture(scope='module')
def trunk():
    return {name: value for name, value in variables(r_net.R_Net).items() if name.startswith('resnet_v1_50/')}


@pytest.mark.slow
@pytest.mark.parametrize('version', ['V1', 'V2'])
def test_resnet_in_one_file_and_in_two(put, trunk, version):
    """The public file is of the old format."""
    path = put('resnet_ckpt')
    with tf.Graph().as_default(), tf.Session() as session:
        saved = [tf.get_variable(name, value.shape, initializer=tf.zeros_initializer())
                 for name, value in list(trunk.items()) + [('mean_rgb', np.zeros(3)), ('global_step', np.zeros([]))]]
        session.run(tf.global_variables_initializer())
        tf.train.Saver(saved, write_version=getattr(tf.train.SaverDef, version)).save(
            session, path, write_meta_graph=False, write_state=False)
    assert os.path.isfile(path) == (version == 'V1')
    answer = verdict('resnet_ckpt', path)
    assert (answer.state, answer.found) == (OK, 'all 265 variables of ResNet-50')
    stored = path if version == 'V1' else path + '.data-00000-of-00001'
    with open(stored, 'r+b') as file:
        file.truncate(os.path.getsize(stored) - 1000)
    answer = verdict('resnet_ckpt', path)
    assert answer.state == WRONG and 'cannot be read' in answer.found
    if version == 'V2':
        os.remove(stored)
        assert 'cannot be read' in verdict('resnet_ckpt', path).found
        with open(path + '.index', 'wb') as file:
            file.write(WEB_PAGE)
        assert verdict('resnet_ckpt', path).found.startswith('a saved web page (HTML)')


def test_another_network_under_the_name_of_resnet(put, trunk):
    path = put('resnet_ckpt')
    checkpoints.save_checkpoint(path, {'resnet_v2_50/conv1/weights': np.zeros([7, 7, 3, 64], np.float32)})
    assert verdict('resnet_ckpt', path).found.startswith(
        'expected the weights of ResNet-50, but 265 of its 265 variables are missing (resnet_v1_50/block1/')


@pytest.mark.slow
def test_facenet(put):
    folder = put('facenet')
    values = variables(perceptual_net.Perceptual_Net)
    checkpoints.save_checkpoint(os.path.join(folder, 'model-20170512-110547.ckpt-250000'), values)
    answer = verdict('facenet', folder)
    assert (answer.state, answer.found) == (
        OK, 'model-20170512-110547.ckpt-250000, all 490 variables of Perceptual_Net')
    # The later models of the same project have features of 512.
    bottleneck = [name for name, value in values.items() if value.shape == (1792, 128)][0]
    values[bottleneck] = np.zeros([1792, 512], np.float32)
    checkpoints.save_checkpoint(os.path.join(folder, 'model-20170512-110547.ckpt-250000'), values)
    answer = verdict('facenet', folder)
    assert answer.state == WRONG
    assert 'expected [1792, 128], got [1792, 512]' in answer.found


def test_the_frozen_facenet_is_not_its_checkpoint(put):
    folder = put('facenet')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, '20170512-110547.pb'), 'wb') as file:
        file.write(b'x')
    assert verdict('facenet', folder).found == (
        'expected the .index and .data files of the checkpoint, got 20170512-110547.pb')
