"""train.py --network position_map on a whole run, and what it refuses."""
import os
import shutil

import numpy as np
import pytest

from Deep3DFaceReconstruction.dataset.sample_files import DataError
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.networks.position_maps import frozen
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.training import options, run

WORDS = ['--supervised', '--network', 'position_map', '--width', '0.1', '--batch_size', '4', '--val_batch_size', '4',
         '--threads', '2', '--summary_every', '5']


def parsed(folder, result, *more):
    return options.parse_train(WORDS + ['--data_path', folder, '--val_data_path', folder, '--result', str(result)]
                               + list(more))


@pytest.mark.slow
def test_it_learns_and_resumes_and_exports(pictures, tmp_path, capfd):
    path = str(tmp_path / 'it.pb')
    more = ['--lr', '1e-3', '--bn_decay', '0.1', '--validate_every', '8', '--save_every', '4']
    assert run.run(parsed(pictures, tmp_path, '--steps', '4', *more)) == run.DONE
    assert run.run(parsed(pictures, tmp_path, '--steps', '8', '--resume', '--export', path, *more)) == run.DONE
    said = capfd.readouterr().err
    errors = [float(line.split('total ')[1].split(',')[0]) for line in said.splitlines() if 'validation at' in line]
    assert 'resumed from' in said and errors[-1] < 0.97 * errors[0]
    images = np.zeros([1, 224, 224, 3], np.float32)
    assert frozen.PositionNetwork(path, load_face_model())(images).shape == (1, 256, 256, 3)


def test_photos_are_refused(pictures, tmp_path):
    folder = str(tmp_path / 'photos')
    shutil.copytree(pictures, folder)
    shutil.rmtree(os.path.join(folder, 'coeff'))
    with pytest.raises(DataError, match='--network position_map: expected samples with coefficients, found some'):
        run.run(parsed(folder, tmp_path))


@pytest.mark.parametrize('words, message', [
    (['--network', 'position_map'], 'learns from known coefficients: expected --supervised, and no --sets'),
    (WORDS + ['--sets'], 'expected --supervised, and no --sets'),
    (WORDS + ['--freeze_bn'], 'is trained as a whole'),
    (['--width', '0.5'], '--width is for --backbone mobilenet_v1'),
])
def test_options_that_do_not_go_together(words, message, capsys):
    with pytest.raises(SystemExit):
        options.parse_train(words)
    assert message in capsys.readouterr().err


def test_the_default_file():
    assert options.parse_train(WORDS + ['--export']).export == assets.POSITION_MAP_PB
