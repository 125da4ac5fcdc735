"""train.py --supervised on a whole run: it learns, and its own variables stay out of the exported network."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.dataset import sample_files
from Deep3DFaceReconstruction.dataset.data_loader import SampleReader, find_samples
from Deep3DFaceReconstruction.networks import checkpoints, frozen_graph
from Deep3DFaceReconstruction.supervision.model import SCOPE
from Deep3DFaceReconstruction.training import options, run
from tests.training import small_network


@pytest.mark.slow
def test_it_learns_the_coefficients_of_four_images(pictures, tmp_path):
    path = str(tmp_path / 'it.pb')
    parsed = options.parse_train(small_network.WORDS + [
        '--supervised', '--data_path', pictures, '--val_data_path', pictures, '--result', str(tmp_path),
        '--id_net', 'none', '--batch_size', '4', '--val_batch_size', '4', '--threads', '2', '--steps', '60',
        '--lr', '2e-3', '--bn_decay', '0.8', '--validate_every', '60', '--summary_every', '100', '--export', path])
    assert run.run(parsed) == run.DONE
    saved = checkpoints.Checkpoint(str(tmp_path / 'model_test' / 'iter_60.ckpt'))
    assert any(name.startswith(SCOPE + '/') for name in saved.shapes)
    graph_def = frozen_graph.load(path)
    assert not any(node.name.startswith(SCOPE + '/') for node in graph_def.node)
    found = find_samples([pictures])[0]
    samples = [SampleReader(found, shuffle=False).at(position) for position in range(4)]
    labels = np.stack([sample_files.read_coeff(sample) for sample in found])
    with frozen_graph.CoefficientNetwork(graph_def, path) as network:
        coeff = network(np.stack([sample[0] for sample in samples]))
    pose = slice(224, 227)
    assert np.abs(coeff[:, pose] - labels[:, pose]).mean() < 0.6 * np.abs(labels[:, pose]).mean()
