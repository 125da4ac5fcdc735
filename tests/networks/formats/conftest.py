"""What the tests of formats share: a small random R-Net, and what its frozen graph answers."""
from typing import Any, NamedTuple

import numpy as np
import pytest

from Deep3DFaceReconstruction.networks import backbones, frozen_graph, notes, r_net
from Deep3DFaceReconstruction.tf1 import tf


class Network(NamedTuple):
    """A frozen graph, its file, images and their coefficients."""
    graph_def: Any
    path: str
    images: np.ndarray
    coeff: np.ndarray


@pytest.fixture(scope='session')
def network(tmp_path_factory):
    """A MobileNet of a quarter of the width with random weights, and four images of noise at different scales."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(0)
        r_net.R_Net(tf.zeros([1, 224, 224, 3]), backbone=backbones.Backbone(backbones.MOBILENET, 0.25, 112))
        session.run(tf.global_variables_initializer())
        values = session.run({v.op.name: v for v in tf.global_variables()})
    random = np.random.RandomState(0)
    for name in values:
        if r_net.is_head(name):
            values[name] = random.randn(*values[name].shape).astype(np.float32)
    graph_def = frozen_graph.freeze_r_net(dict(values, **notes.as_values(notes.Notes('a face model', 112))), 'the test')
    path = str(tmp_path_factory.mktemp('network') / 'it.pb')
    frozen_graph.save(graph_def, path)
    noise = [random.uniform(0, 255, [size, size, 3]).repeat(224 // size, 0).repeat(224 // size, 1)
             for size in (7, 14, 28, 56)]
    images = np.stack(noise).astype(np.float32)
    with frozen_graph.CoefficientNetwork(graph_def, path) as frozen:
        return Network(graph_def, path, images, frozen(images))


@pytest.fixture(scope='session')
def relative_error(network):
    """Function of coefficients -> the root mean square of their errors over that of the frozen graph's."""
    def error(coeff):
        assert coeff.shape == network.coeff.shape and coeff.dtype == np.float32
        return float(np.sqrt(np.square(coeff - network.coeff).mean() / np.square(network.coeff).mean()))
    return error
