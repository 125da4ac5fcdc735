"""The doctor as a whole: its table, its JSON, its exit codes, and that it runs where nothing is installed."""
import json
import os
import shutil
import subprocess
import sys

import pytest

from Deep3DFaceReconstruction.doctor import __main__, catalogue, child_checks, stray_files
from Deep3DFaceReconstruction.doctor import report as doctor_report
from Deep3DFaceReconstruction.doctor.catalogue import MISSING, OK, STATES, UNCHECKED, WRONG, Finding, Verdict
from Deep3DFaceReconstruction.system import assets

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
    for key in ('tensorflow', 'kernel', 'packages', 'dlib', 'landmark_predictor', 'face_detector', 'open_model',
                'dlib_id_net'):
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
    assert rows['python']['state'] == OK


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


# What demo.py needs.

def states(**changes):
    present = ('python', 'tensorflow', 'kernel', 'packages', 'dlib', 'landmark_predictor', 'face_detector',
               'open_model', 'dlib_id_net')
    return dict({item.key: OK if item.key in present else MISSING for item in catalogue.ITEMS}, **changes)


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


# The table.

def findings(**changes):
    verdicts = states(**changes)
    blockers = __main__.blocking(verdicts)
    return [Finding(item, verdicts[item.key], 'what was seen of %s, at some length' % item.name, '', None,
                    item.key in blockers) for item in catalogue.ITEMS]


@pytest.mark.parametrize('columns', [80, 120])
def test_the_table_fits_the_terminal(columns):
    for verbose in (False, True):
        text = doctor_report.as_text(findings(kernel=WRONG, face_recon_pb=OK), columns, verbose)
        assert max(map(len, text.splitlines())) <= columns
        for item in catalogue.ITEMS:
            assert '  %s  ' % item.name in text


def test_a_long_name_has_a_line_to_itself():
    item = catalogue.Item('stray:x', 'weights/id_net/20170512-110547/model-20170512-110547.ckpt', catalogue.STRAY)
    lines = doctor_report.as_text(findings() + [Finding(item, WRONG, 'what', 'Do.', 'x', False)], 80).splitlines()
    at = lines.index('  WRONG    ' + item.name)
    assert lines[at + 1] == ' ' * 36 + 'what'


def test_what_keeps_the_demo_from_running_is_told_first():
    text = doctor_report.as_text(findings(gpu=WRONG, face_recon_pb=WRONG), 80)
    text = text[text.index('What to do'):]
    assert text.index('FaceReconModel.pb: ') < text.index('GPU: ')


def test_only_what_can_be_done_without_may_be_removed():
    for key in catalogue.REMOVABLE:
        text = doctor_report.as_text(findings(**{key: WRONG}), 120)
        assert 'Or remove it: then' in ' '.join(text.split())
    assert 'remove' not in doctor_report.as_text(findings(open_model=WRONG, landmark_predictor=WRONG), 120)


def test_what_comes_from_nowhere_is_only_told():
    assert '\n  GPU: What was seen of GPU, at some length.\n' in doctor_report.as_text(findings(gpu=WRONG), 120)


def test_marks():
    text = doctor_report.as_text(findings(kernel=MISSING, exp_pca=WRONG, open_model=UNCHECKED), 120)
    for mark, name in (('ok', 'TensorFlow'), ('MISSING', 'renderer kernel'), ('WRONG', 'Exp_Pca.bin'),
                       ('?', 'open_model.npz'), ('-', 'resnet_v1_50.ckpt')):
        assert '  %-7s  %-23s  what' % (mark, name) in text


def test_verbose_tells_of_everything():
    text = doctor_report.as_text(findings(), 120, verbose=True)
    paragraphs = ' '.join(text[text.index('The rest'):].split())
    assert ('open_model.npz: The open face model, used where there is no other. Without it, a BFM_model_front.mat of '
            'your own is needed. From this repository (git checkout '
            'BFM/open_model.npz); licence: CC0. It goes into BFM/.') in paragraphs
    assert ('dlib: Finds faces and their landmarks. Without it, nothing works. From make setup; licence: Boost.'
            ) in paragraphs


def test_the_index_files_share_a_paragraph():
    text = ' '.join(doctor_report.as_text(findings(), 100).split())
    assert 'std_exp.txt, BFM_front_idx.mat, BFM_exp_idx.mat, facemodel_info.mat: One of the files' in text


def test_parts_of_a_model_that_is_there_are_not_advised():
    text = doctor_report.as_text(findings(bfm_model_front=OK), 100)
    assert '01_MorphableModel.mat: ' not in text and 'demo.py can run: face model: BFM_model_front.mat' in text


def test_a_network_with_another_face_model_is_warned_of():
    text = ' '.join(doctor_report.as_text(findings(face_recon_pb=OK), 100).split())
    assert 'works only with the face model that it was trained with' in ' '.join(text.split())
    text = ' '.join(doctor_report.as_text(findings(face_recon_pb=OK, bfm_model_front=OK), 100).split())
    assert 'works only with' not in ' '.join(text.split())


def test_every_entry_says_where_to_get_it():
    for item in catalogue.ITEMS:
        assert item.purpose
        if item.key not in ('python', 'gpu'):
            assert item.without and item.source and item.licence, item
    assert len(catalogue.BY_KEY) == len(catalogue.ITEMS)


# Child processes.

def _write_child_checks(root, source):
    room = root / 'Deep3DFaceReconstruction' / 'doctor'
    room.mkdir(parents=True)
    for folder in (room.parent, room):
        (folder / '__init__.py').write_text('')
    (room / 'child_checks.py').write_text(source)


def test_a_check_that_kills_its_process_takes_nothing_else_with_it(monkeypatch, tmp_path):
    _write_child_checks(
        tmp_path,
        'import json, os, signal, sys, time\n'
        'for key, path in json.loads(sys.argv[1]):\n'
        '    print(json.dumps([key, None]), flush=True)\n'
        '    if key == "kernel":\n'
        '        os.kill(os.getpid(), signal.SIGILL)\n'
        '    if key == "facenet":\n'
        '        time.sleep(60)\n'
        '    if key == "resnet_ckpt":\n'
        '        os._exit(3)\n'
        '    print(json.dumps([key, ["ok", path, ""]]), flush=True)\n')
    monkeypatch.setattr(assets, 'CODE', str(tmp_path))
    verdicts, _ = child_checks.run_apart({'tensorflow': 'a', 'kernel': None, 'resnet_ckpt': 'c', 'facenet': 'd',
                                          'landmark68_pb': 'e'}, timeout=2)
    assert verdicts['tensorflow'] == Verdict(OK, 'a') and verdicts['landmark68_pb'] == Verdict(OK, 'e')
    assert verdicts['kernel'].found == 'crashes (SIGILL: its compiled code is for another processor)'
    assert 'mesh_renderer.kernels.build --force. With --portable' in verdicts['kernel'].advice
    assert verdicts['resnet_ckpt'].found == 'ends the process (exit status 3)'
    assert verdicts['facenet'].found == 'does not answer within 2 seconds'
    assert {verdicts[key].state for key in ('kernel', 'resnet_ckpt', 'facenet')} == {WRONG}


def test_without_tensorflow_nothing_that_needs_it_is_tried(monkeypatch, tmp_path):
    _write_child_checks(
        tmp_path,
        'import os; print("[\\"tensorflow\\", null]", flush=True); os.abort()')
    monkeypatch.setattr(assets, 'CODE', str(tmp_path))
    verdicts, _ = child_checks.run_apart({'tensorflow': None, 'gpu': None, 'facenet': 'x'})
    assert verdicts['tensorflow'].found == 'crashes (SIGABRT)'
    assert verdicts['gpu'] == verdicts['facenet'] == Verdict(UNCHECKED, 'not checked: TensorFlow does not run')


def test_a_fault_in_a_check_is_a_verdict(monkeypatch):
    def broken():
        raise KeyError('oops')
    monkeypatch.setitem(child_checks._MACHINE, 'gpu', broken)
    assert child_checks.check('gpu', None) == Verdict(WRONG, "cannot be checked: KeyError: 'oops'")


# Stray files.

@pytest.mark.parametrize('path, data, found, advice', [
    ('BFM/model2017-1_bfm_nomouth.h5', b'\x89HDF\r\n\x1a\n', 'the Basel Face Model 2017 (HDF5), not that of 2009',
     'This program reads the Basel Face Model of 2009 alone'),
    ('BFM/model.h5', b'\x89HDF\r\n\x1a\n', 'an HDF5 file (.h5), which is what BFM 2017 and BFM 2019 come as',
     'of 2009 alone'),
    ('BFM/CoarseData.zip', b'PK\x03\x04', 'a damaged zip archive: fetch it again, then unpack it',
     'Exp_Pca.bin goes to BFM/Exp_Pca.bin'),
    ('BFM/BaselFaceModel.tgz', b'\x1f\x8b', 'a gzip archive (.gz): unpack it', '01_MorphableModel.mat goes to BFM/'),
    ('weights/resnet_v1_50_2016_08_28.tar.gz', b'\x1f\x8b', 'a gzip archive (.gz): unpack it',
     'resnet_v1_50.ckpt goes to weights/resnet/resnet_v1_50.ckpt'),
    ('weights/id_net/20170512-110547.zip', b'PK\x03\x04', 'a damaged zip archive', 'goes to weights/id_net/'),
    ('network/epoch_20.pth', b'PK\x03\x04', 'a damaged zip archive', 'No program here reads it'),
    ('network/FaceReconModel.pb.crdownload', b'x', 'a download that was not finished', 'Fetch it again'),
    ('BFM/FaceReconModel.pb', b'x', 'this looks like FaceReconModel.pb, but nothing looks for it here',
     'mkdir -p network && mv BFM/FaceReconModel.pb network/FaceReconModel.pb'),
    ('BFM/PublicMM1/01_MorphableModel.mat', b'x', 'this looks like 01_MorphableModel.mat',
     'mv BFM/PublicMM1/01_MorphableModel.mat BFM/01_MorphableModel.mat'),
    ('BFM/exp_pca (1).bin', b'x', 'this looks like Exp_Pca.bin', "mv 'BFM/exp_pca (1).bin' BFM/Exp_Pca.bin"),
    ('01_MorphableModel.mat', b'x', 'this looks like 01_MorphableModel.mat', 'mv 01_MorphableModel.mat BFM/'),
    ('weights/resnet_v1_50.ckpt', b'x', 'this looks like resnet_v1_50.ckpt',
     'mkdir -p weights/resnet && mv weights/resnet_v1_50.ckpt weights/resnet/resnet_v1_50.ckpt'),
    ('weights/id_net/20170512-110547/model-20170512-110547.ckpt-250000.index', b'x',
     "FaceNet's checkpoint, but nothing looks for it here", "mv weights/id_net/20170512-110547/* weights/id_net/"),
])
def test_stray_files(tmp_path, path, data, found, advice):
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    stray, = stray_files.find(str(tmp_path))
    assert stray.path == path and found in stray.found and advice in stray.advice


def test_a_zip_tells_what_is_in_it(tmp_path):
    import zipfile
    (tmp_path / 'BFM').mkdir()
    with zipfile.ZipFile(str(tmp_path / 'BFM' / 'download.zip'), 'w') as archive:
        archive.writestr('Coarse_Dataset/Exp_Pca.bin', b'x')
    stray, = stray_files.find(str(tmp_path))
    assert stray.found == 'a zip archive: unpack it'
    assert stray.advice == 'Unpack it: Exp_Pca.bin goes to BFM/Exp_Pca.bin.'


def test_files_in_their_places_are_not_stray(tmp_path):
    for item in catalogue.ITEMS:
        if item.place and not item.place.endswith(os.sep):
            path = tmp_path / item.place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b'x')
    (tmp_path / 'BFM' / 'old').mkdir()
    (tmp_path / 'BFM' / 'old' / 'Exp_Pca.bin').write_bytes(b'x')  # a second one does no harm
    (tmp_path / 'BFM' / 'README.md').write_bytes(b'x')
    (tmp_path / 'BFM' / '.Exp_Pca.bin.zip').write_bytes(b'x')
    (tmp_path / 'BFM' / 'CoarseData.zip').write_bytes(b'x')  # unpacked already
    (tmp_path / 'BFM' / 'model2017-1_bfm_nomouth.h5').write_bytes(b'x')  # beside that of 2009
    assert stray_files.find(str(tmp_path), right={'exp_pca', 'bfm09'}) == []
    assert len(stray_files.find(str(tmp_path))) == 2  # what they would give is wrong itself
    assert stray_files.find(str(tmp_path / 'nowhere')) == []
