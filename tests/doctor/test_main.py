"""The doctor as a whole: its table, its JSON, its exit codes, and that it runs where nothing is installed."""
import json
import os
import shutil
import subprocess
import sys

import pytest

from Deep3DFaceReconstruction.doctor import __main__, catalogue, machine_checks
from Deep3DFaceReconstruction.doctor import report as doctor_report
from Deep3DFaceReconstruction.doctor.catalogue import MISSING, OK, STATES, UNCHECKED, WRONG
from Deep3DFaceReconstruction.system import assets
from tests.doctor.states import states

WEB_PAGE = b'<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head></html>'


@pytest.fixture
def checkout(tmp_path):
    """A folder with the open model and nothing else."""
    (tmp_path / 'BFM').mkdir()
    (tmp_path / 'network').mkdir()
    shutil.copy(assets.OPEN_MODEL, str(tmp_path / 'BFM'))
    return tmp_path


def run(root, *options, python=sys.executable, **environment):
    result = subprocess.run([python, '-m', 'Deep3DFaceReconstruction.doctor', '--root', str(root)] + list(options),
                            cwd=assets.ROOT, capture_output=True, text=True, env=dict(os.environ, **environment))
    assert not result.stderr
    return result.returncode, result.stdout


def by_key(output):
    return {row['key']: row for row in json.loads(output)['findings']}


def test_a_fresh_checkout_can_run_the_demo(checkout):
    code, output = run(checkout, '--json')
    report, rows = json.loads(output), by_key(output)
    assert code == 0 and report['demo_can_run'] is True and report['format'] == doctor_report.FORMAT
    assert report['python'] == sys.executable
    assert sorted(report) == ['demo_can_run', 'findings', 'format', 'python']
    assert [row['key'] for row in report['findings']] == [item.key for item in catalogue.ITEMS]
    for row in report['findings']:
        assert sorted(row) == ['advice', 'blocks_demo', 'found', 'key', 'licence', 'name', 'path', 'place', 'purpose',
                               'section', 'source', 'state', 'without']
    states = {key: row['state'] for key, row in rows.items()}
    for key in ('tensorflow', 'kernel', 'packages', 'dlib', 'landmark_predictor', 'face_detector', 'google_networks',
                'open_model', 'dlib_id_net'):
        assert states[key] == OK and not rows[key]['advice'], rows[key]
    for key in ('bfm_model_front', 'bfm09', 'exp_pca', 'std_exp', 'bfm_front_idx', 'bfm_exp_idx', 'facemodel_info',
                'face_recon_pb', 'landmark68_pb', 'resnet_ckpt', 'facenet'):
        assert states[key] == MISSING and not rows[key]['blocks_demo'] and rows[key]['advice']
    assert rows['open_model']['found'] == '38,352 vertices, 76,160 triangles; licence: CC0 1.0'
    assert 'loads and draws' in rows['kernel']['found']


def test_what_is_wrong_comes_with_what_to_do(checkout):
    (checkout / 'network' / 'FaceReconModel.pb').write_bytes(WEB_PAGE)
    (checkout / 'BFM' / 'model2019_bfm.h5').write_bytes(b'\x89HDF\r\n\x1a\n')
    code, output = run(checkout, COLUMNS='100')
    assert code == 1
    assert "  WRONG    FaceReconModel.pb        a saved web page (HTML), titled 'Google Drive - Quota" in output
    assert 'Or remove it: then each face is fitted' in ' '.join(output.split())
    assert '  WRONG    BFM/model2019_bfm.h5     the Basel Face Model 2019 (HDF5), not that of 2009' in output
    assert output.rstrip().endswith('demo.py cannot run until this is fixed: FaceReconModel.pb.')
    assert max(len(line) for line in output.splitlines()) <= 100


def test_a_bare_python_tells_what_is_missing(checkout):
    """No package can be imported: as where nothing is installed."""
    (checkout / 'BFM' / 'Exp_Pca.bin').write_bytes(WEB_PAGE)
    (checkout / 'network' / 'FaceReconModel.pb').write_bytes(bytes(range(256)))
    program = ('import sys\n'
               'sys.path[:] = [path for path in sys.path if "site-packages" not in path] + [%r]\n'
               'from Deep3DFaceReconstruction.doctor import __main__\n'
               'sys.exit(__main__.main(["--json", "--root", %r]))' % (assets.ROOT, str(checkout)))
    # -S: no site-packages, here and in the child.
    wrapper = checkout / 'bare-python'
    wrapper.write_text('#!/bin/sh\nexec %s -S "$@"\n' % sys.executable)
    wrapper.chmod(0o755)
    result = subprocess.run([str(wrapper), '-c', 'import sys; sys.executable = %r\n%s' % (str(wrapper), program)],
                            capture_output=True, text=True)
    assert not result.stderr
    assert result.returncode == 1
    rows = by_key(result.stdout)
    assert rows['tensorflow']['state'] == MISSING and rows['tensorflow']['blocks_demo']
    assert 'not installed for' in rows['tensorflow']['found'] and 'make setup' in rows['tensorflow']['advice']
    assert rows['packages']['state'] == MISSING and 'numpy (not installed)' in rows['packages']['found']
    assert rows['dlib']['state'] == rows['dlib_id_net']['state'] == MISSING
    assert rows['gpu']['state'] == rows['kernel']['state'] == rows['face_recon_pb']['state'] == UNCHECKED
    assert rows['face_recon_pb']['found'] == 'not checked: TensorFlow does not run'
    assert rows['open_model']['state'] == UNCHECKED
    # What can be seen without any package is seen.
    assert rows['exp_pca']['state'] == WRONG and rows['exp_pca']['found'].startswith('a saved web page (HTML)')
    assert rows['python']['state'] == (OK if machine_checks.tensorflow_for(sys.version_info[:2]) else WRONG)


OTHER_PYTHONS = [os.path.expanduser('~/.pyenv/versions/%s/bin/python' % version)
                 for version in ('3.8.18', '3.13.0')]


@pytest.mark.parametrize('python', OTHER_PYTHONS)
def test_other_pythons_without_packages(checkout, python):
    """Where the machine has them, with whatever is installed for them."""
    if shutil.which(python) is None:
        pytest.skip('needs %s' % python)
    code, output = run(checkout, '--json', python=python)
    rows = by_key(output)
    assert code == (1 if any(row['blocks_demo'] for row in rows.values()) else 0)
    assert rows['python']['state'] == (WRONG if '3.8.18' in python else OK)
    assert all(row['state'] in STATES for row in rows.values())


def test_only_the_standard_library_is_imported():
    modules = '__main__, asset_checks, machine_checks, child_checks, catalogue, stray_files, report'
    program = ('import sys; sys.path.insert(0, %r); before = set(sys.modules)\n'
               'from Deep3DFaceReconstruction.doctor import %s\n'
               'print(sorted({name.split(".")[0] for name in set(sys.modules) - before}))' % (assets.ROOT, modules))
    output = subprocess.check_output([sys.executable, '-S', '-c', program], text=True)
    assert 'numpy' not in output and 'tensorflow' not in output and 'dlib' not in output


@pytest.mark.parametrize('changes, blockers', [
    ({}, set()),
    ({'tensorflow': WRONG, 'kernel': UNCHECKED, 'gpu': UNCHECKED}, {'tensorflow'}),
    ({'kernel': MISSING}, {'kernel'}),
    ({'packages': WRONG}, {'packages'}),
    ({'dlib': MISSING}, {'dlib'}),
    ({'landmark_predictor': WRONG}, {'landmark_predictor'}),
    ({'face_detector': MISSING, 'dlib_id_net': MISSING}, set()),
    ({'python': WRONG, 'gpu': WRONG}, set()),
    ({'face_recon_pb': WRONG}, {'face_recon_pb'}),
    # Read with the open model, and only where there is no other network.
    ({'open_r_net': WRONG}, {'open_r_net'}),
    ({'open_r_net': WRONG, 'face_recon_pb': OK}, set()),
    ({'open_r_net': WRONG, 'bfm_model_front': OK}, set()),
    ({'landmark68_pb': WRONG, 'resnet_ckpt': WRONG, 'facenet': WRONG, 'dlib_id_net': WRONG}, set()),
    ({'open_model': WRONG}, {'open_model'}),
    ({'open_model': MISSING, 'bfm_model_front': OK}, set()),
    ({'bfm_model_front': WRONG}, {'bfm_model_front'}),
    # One licensed part alone is not converted; both are.
    ({'bfm09': WRONG}, set()),
    ({'bfm09': OK, 'exp_pca': OK}, {'std_exp', 'bfm_front_idx', 'bfm_exp_idx', 'facemodel_info'}),
    ({'bfm09': WRONG, 'exp_pca': OK, 'std_exp': OK, 'bfm_front_idx': OK, 'bfm_exp_idx': OK, 'facemodel_info': OK},
     {'bfm09'}),
    ({'bfm09': WRONG, 'exp_pca': OK, 'bfm_model_front': OK}, set()),
])
def test_what_keeps_the_demo_from_running(changes, blockers):
    assert __main__.blocking(states(**changes)) == blockers
