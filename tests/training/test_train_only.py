"""train.py --train_only: what is not trained is equal to the bit afterwards, batch norm's statistics included."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.networks import backbones, checkpoints, r_net
from Deep3DFaceReconstruction.training import options, run
from tests.training import small_network

HEAD = 'fc-%s/'
HEADS = tuple(HEAD % name for name in options.HEADS)
RESNET_BLOCK = ('resnet_v1_50/block4/',)
SMALL_BLOCK = backbones.last_block(small_network.BACKBONE.name)


@pytest.fixture(scope='module')
def first_run(pictures, tmp_path_factory):
    """(words that train on four synthetic faces, checkpoint of a step in which everything was trained)."""
    folder = tmp_path_factory.mktemp('train_only')
    words = small_network.WORDS + [
        '--data_path', pictures, '--val_data_path', pictures, '--result', str(folder), '--id_net', 'none',
        '--batch_size', '2', '--val_batch_size', '2', '--threads', '2',
        '--validate_every', '100', '--summary_every', '100']
    assert run.run(options.parse_train(words + ['--steps', '1', '--model_name', 'first'])) == run.DONE
    return words, str(folder / 'first' / 'iter_1.ckpt')


def arrays(prefix):
    """{name: array} of R-Net's variables."""
    reader = checkpoints.Checkpoint(prefix)
    return {name: reader[name] for name in reader.shapes
            if name.startswith((small_network.BACKBONE.scope + '/', 'fc-')) and 'Adam' not in name}


@pytest.mark.slow
@pytest.mark.parametrize('part,trained', [
    ('heads:id,ex', (HEAD % 'id', HEAD % 'ex')),
    ('last_block', SMALL_BLOCK + HEADS)])
def test_frozen_variables_are_equal_to_the_bit(first_run, part, trained):
    words, checkpoint = first_run
    name = part.replace(':', '_')
    assert run.run(options.parse_train(words + [
        '--steps', '2', '--lr', '1e-3', '--model_name', name, '--pretrain_weights', checkpoint,
        '--train_only', part, '--weight_decay', '1e-4'])) == run.DONE
    before, after = arrays(checkpoint), arrays(checkpoint.replace('first/iter_1', name + '/iter_2'))
    assert sorted(before) == sorted(after) and len(before) > 120
    for variable in before:
        equal = np.array_equal(before[variable], after[variable])
        moves = variable.startswith(trained) and 'moving_' not in variable
        assert equal != moves, variable


@pytest.mark.parametrize('part,scopes', [
    ('all', None), ('heads:Z', ('fc-Z/',)), ('heads:id,ex', ('fc-id/', 'fc-ex/')),
    ('heads', HEADS), ('last_block', RESNET_BLOCK + HEADS)])
def test_scopes_of_a_part(part, scopes):
    assert options.trained_scopes(options.parse_train(['--train_only', part]).train_only) == scopes


def test_the_heads_are_those_of_r_net():
    assert ['fc-' + name for name in options.HEADS] == [scope for scope, _ in r_net.coefficient_heads()]


def test_batch_norm_of_a_part_keeps_its_statistics():
    assert options.freezes_norm(options.parse_train(['--train_only', 'heads']))
    assert not options.freezes_norm(options.parse_train([]))


@pytest.mark.parametrize('part', ['head', 'heads:', 'heads:id,nose', 'block4', 'last_block:id'])
def test_an_unknown_part_is_a_usage_error(part, capsys):
    with pytest.raises(SystemExit) as exit_info:
        options.parse_train(['--train_only', part])
    assert exit_info.value.code == 2
    assert "expected all, last_block, heads or heads:NAME,... of id,ex,tex" in capsys.readouterr().err
