"""The options of train.py."""
import json

import pytest

from Deep3DFaceReconstruction.training import optimizer
from Deep3DFaceReconstruction.training import options as training_options


def test_defaults_are_the_published_training():
    options = training_options.parse_train([])
    assert (options.w_photo, options.w_landmark, options.w_id, options.w_reg, options.w_reflect, options.w_gamma,
            options.w_ex, options.w_tex) == (1.92, 1.6e-3, 0.2, 3e-4, 5.0, 10.0, 0.8, 1.7e-2)
    assert (options.batch_size, options.steps, options.gamma, options.weight_decay) == (16, 200000, 27, 0)
    assert [optimizer.learning_rate(options, step) for step in (0, 99999)] == [1e-4, 1e-4]
    assert [optimizer.learning_rate(options, step) for step in (100000, 199999)] == pytest.approx([2e-5, 2e-5])


def test_paper_preset_yields_to_the_command_line():
    options = training_options.parse_train(['--preset', 'paper', '--batch_size', '7'])
    assert (options.batch_size, options.steps, options.gamma, options.w_tex) == (7, 500000, 9, 1.7e-3)
    assert optimizer.learning_rate(options, 400000) == 1e-4


def test_cosine_falls_from_the_rate_to_zero():
    options = training_options.parse_train(['--lr', '0.2', '--lr_schedule', 'cosine', '--steps', '400'])
    rates = [optimizer.learning_rate(options, step) for step in (0, 100, 200, 300, 400, 500)]
    assert rates == pytest.approx([0.2, 0.1 + 0.1 * 0.5 ** 0.5, 0.1, 0.1 - 0.1 * 0.5 ** 0.5, 0, 0], abs=1e-12)


def test_json_holds_every_option():
    options = training_options.parse_train(['--data_path', 'a', 'b', '--ps_hosts', 'h:1', '--worker_hosts', 'h:2,i:3',
                                            '--job_name', 'worker', '--task_index', '1'])
    loaded = json.loads(training_options.to_json(options))
    assert list(loaded) == list(options._fields)
    assert loaded['data_path'] == ['a', 'b'] and loaded['worker_hosts'] == ['h:2', 'i:3']


@pytest.mark.parametrize('words,message', [
    (['--lr', 'fast'], "expected a number of at least 0, got 'fast'"),
    (['--lr', 'nan'], "expected a number of at least 0, got 'nan'"),
    (['--batch_size', '0'], "expected a whole number of at least 1, got '0'"),
    (['--gamma', '3'], 'invalid choice: 3'),
    (['--learning_rate', '1'], 'unrecognized arguments: --learning_rate'),
    (['--batch', '1'], 'unrecognized arguments: --batch'),
    (['--ps_hosts', 'h:1'], '--ps_hosts and --worker_hosts go together'),
    (['--ps_hosts', 'h:1', '--worker_hosts', 'h:2'], 'need --job_name'),
    (['--job_name', 'ps'], '--job_name needs'),
    (['--ps_hosts', 'h', '--worker_hosts', 'h:2'], "expected HOST:PORT,HOST:PORT, got 'h'"),
])
def test_mistakes_are_named(words, message, capsys):
    with pytest.raises(SystemExit) as error:
        training_options.parse_train(words)
    assert error.value.code == 2
    assert message in capsys.readouterr().err
