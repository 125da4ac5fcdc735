"""A SavedModel has the graph's answers and interface, and comes whole or not at all."""
import os

import numpy as np
import pytest

from Deep3DFaceReconstruction.networks.checkpoints import CheckpointError
from Deep3DFaceReconstruction.networks.formats import runners, saved_model


def test_it_answers_as_the_graph(network, tmp_path):
    """The same ops with the same constants: equal up to the order of sums."""
    folder = str(tmp_path / 'out' / 'saved')
    saved_model.save(network.graph_def, network.path, folder)
    assert os.listdir(str(tmp_path / 'out')) == ['saved']
    run = runners.load(folder)
    np.testing.assert_allclose(run(network.images), network.coeff, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(run(network.images[1:2]), network.coeff[1:2], rtol=1e-5, atol=1e-5)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(CheckpointError, match='expected a SavedModel with the input input_imgs'):
        runners.load(str(tmp_path))


def test_nothing_is_left_of_a_save_that_fails(network, tmp_path, monkeypatch):
    def full(*_):
        raise OSError('no space')
    monkeypatch.setattr(saved_model.tf.saved_model, 'simple_save', full)
    with pytest.raises(OSError, match='no space'):
        saved_model.save(network.graph_def, network.path, str(tmp_path / 'saved'))
    assert os.listdir(str(tmp_path)) == []
