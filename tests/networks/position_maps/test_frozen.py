"""The frozen position-map network answers as its variables do, and is refused where it does not belong."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.networks import frozen_graph, notes
from Deep3DFaceReconstruction.networks.checkpoints import CheckpointError
from Deep3DFaceReconstruction.networks.position_maps import encoder_decoder, frozen
from Deep3DFaceReconstruction.tf1 import tf


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    """(values of a random network, its images, its maps, its file)."""
    random = np.random.RandomState(0)
    images = random.uniform(0, 255, [3, 224, 224, 3]).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(0)
        found = encoder_decoder.position_net(images, 1, random.uniform(0, 224, [256, 256, 3]).astype(np.float32))
        session.run(tf.global_variables_initializer())
        last, = [v for v in tf.trainable_variables() if v.op.name == 'position_map/last/weights']
        last.load(random.randn(*last.shape.as_list()).astype(np.float32), session)
        values, maps = session.run([{v.op.name: v for v in tf.global_variables()}, found])
    path = str(tmp_path_factory.mktemp('frozen') / 'position_map.pb')
    known = notes.as_values(notes.Notes('Open face model (MakeHuman)'))
    frozen_graph.save(frozen.freeze(dict(values, **known), 'the test'), path)
    return values, images, maps, path


def test_frozen_equals_trained(network, open_model):
    _, images, maps, path = network
    assert np.ptp(maps, axis=0).max() > 1
    np.testing.assert_allclose(frozen.PositionNetwork(path, open_model)(images), maps, atol=0.02)
    assert frozen_graph.is_own(path)


def test_it_is_of_one_face_model(network, open_model):
    with pytest.raises(CheckpointError, match=r'position_map\.pb: expected a network for the face model other '
                                              r'\(it\.mat\), got one for Open face model'):
        frozen.PositionNetwork(network[3], open_model._replace(name='other', path='it.mat'))


def test_other_weights_are_refused(network):
    values = {name: value for name, value in network[0].items() if '/up3/' not in name}
    with pytest.raises(CheckpointError, match='it.ckpt: expected the weights of the position-map network, but 5 of '):
        frozen.freeze(values, 'it.ckpt')


def test_r_net_is_not_one(network):
    with pytest.raises(CheckpointError, match='expected a frozen graph with the output coeff:0'):
        frozen_graph.load(network[3])
