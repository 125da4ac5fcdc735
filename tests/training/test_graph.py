"""What the training graph reports; tests/training/test_run.py trains with it."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import TrainingError
from Deep3DFaceReconstruction.reconstruction_model import Losses
from Deep3DFaceReconstruction.tf1 import tf
from Deep3DFaceReconstruction.training import graph, options

NAN = float('nan')


def rows(*photos):
    """Losses of batches: total 1, 2, .. and these photometric losses; the rest 3."""
    return np.array([[i + 1, photo] + [3] * (len(Losses._fields) - 2) for i, photo in enumerate(photos)], np.float32)


def test_batches_count_by_their_images():
    means = graph.mean_losses(rows(0.5, 0.2), [1, 3])
    np.testing.assert_allclose(means, [1.75, 0.275] + [3] * 7, rtol=1e-6)
    np.testing.assert_array_equal(graph.mean_losses(rows(0.5, 0.25)), rows(0.5, 0.25).mean(0))


def test_batches_in_which_nothing_is_compared_are_left_out_of_the_photometric_mean_alone():
    means = graph.mean_losses(rows(0.5, NAN, 0.2), [1, 5, 3])
    assert means.photo == pytest.approx(0.275)
    assert means.total == pytest.approx((1 + 2 * 5 + 3 * 3) / 9)
    means = graph.mean_losses(rows(NAN, NAN))
    assert np.isnan(means.photo) and means.total == 1.5


def test_the_options_of_the_command_line_reach_the_model():
    chosen = graph.model_options(options.parse_train(['--gamma', '9', '--w_photo', '7', '--center_heads']))
    assert (chosen.light_dim, chosen.weights.photo, chosen.follow_mean, chosen.freeze_bn) == (9, 7, True, False)


class Reader:
    def __init__(self, corrupt):
        self.corrupt = corrupt

    @property
    def all_corrupt(self):
        return len(self.corrupt) == 2


@pytest.mark.parametrize('train,val', [({'a': 'x', 'b': 'b.png: broken'}, {}), ({}, {'a': 'x', 'b': 'b.png: broken'})])
def test_a_set_without_a_sound_sample_is_one_line(train, val):
    with pytest.raises(TrainingError, match='^expected sound samples, but all 2 are corrupt; the last: b.png: broken$'):
        with graph.data_errors(graph.Data(Reader(train), Reader(val), None)):
            raise tf.errors.UnknownError(None, None, 'a Python function\nfailed')


def test_other_errors_of_tensorflow_are_not_touched():
    with pytest.raises(tf.errors.UnknownError):
        with graph.data_errors(graph.Data(Reader({'a': 'x'}), None, None)):
            raise tf.errors.UnknownError(None, None, 'another')
