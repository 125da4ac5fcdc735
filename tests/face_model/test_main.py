"""python -m Deep3DFaceReconstruction.face_model convert|check."""
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.face_model import __main__, check, open_model
from Deep3DFaceReconstruction.face_model.converters import bfm09, ict_facekit
from Deep3DFaceReconstruction.system import assets
from tests import ROOT


@pytest.fixture(scope='module')
def model():
    return face_model.load_face_model(assets.OPEN_MODEL)


def doubtful(model):
    return ' '.join(fact.what for fact in check.facts(model) if not fact.ok)


def test_sound_models_are_sound(model):
    assert doubtful(model) == ''


def test_the_reference_model_is_sound(test_model):
    assert doubtful(test_model) == ''


@pytest.mark.parametrize('change,fact', [
    (lambda m: {'meanshape': 100 * m.meanshape}, 'size of the mean face'),  # millimetres
    (lambda m: {'meanshape': m.meanshape * np.float32([1, -1, -1])}, 'five points'),  # y down
    (lambda m: {'meanshape': m.meanshape[:, [2, 1, 0]]}, 'five points'),
    (lambda m: {'meanshape': np.roll(m.meanshape, 1, axis=0)}, 'longest edge'),  # off by one
    (lambda m: {'triangles': (m.triangles + 1) % len(m.meanshape)}, 'longest edge'),
    (lambda m: {'triangles': m.triangles[:, ::-1]}, 'surface that faces the camera'),
    (lambda m: {'meantex': m.meantex / 255}, 'mean albedo'),
    (lambda m: {'meantex': m.meantex[:, ::-1]}, 'mean albedo'),  # BGR
    (lambda m: {'keypoints': np.repeat(m.keypoints[::2], 2)}, 'different landmark vertices'),
    (lambda m: {'keypoints': m.keypoints[::-1]}, 'five points'),
    (lambda m: {'id_base': m.id_base * 1e5}, 'identity: most'),
    (lambda m: {'ex_base': m.ex_base * 1e5}, 'expression: most'),
    (lambda m: {'tex_base': m.tex_base / 1e5}, 'albedo: most'),
    (lambda m: {'skinmask': np.zeros_like(m.skinmask)}, 'skin region'),
    (lambda m: {'region_triangles': m.region_triangles[:10]}, 'photometric region'),
    (lambda m: {'point_buf': np.full_like(m.point_buf, len(m.triangles))}, 'vertices without triangles'),
])
def test_what_is_wrong_is_seen(model, change, fact):
    assert fact in doubtful(model._replace(**change(model)))


def test_a_model_without_a_basis_is_not_doubtful_for_it(model):
    assert doubtful(model._replace(tex_dim=0, tex_base=np.zeros_like(model.tex_base))) == ''


def test_decoded_mean(model):
    facts, picture = check.decode_mean(model)
    assert all(fact.ok for fact in facts)
    assert picture.shape == (448, 4 * 448, 3) and picture.dtype == np.uint8
    dots, plain = picture[:, :448], picture[:, 448:896]
    changed = (dots != plain).any(axis=2)
    assert 68 * 12 < changed.sum() < 68 * 36  # a dot for each landmark, few of them touching


def test_check_prints_and_draws(model, tmp_path, capfd):
    picture = str(tmp_path / 'mean.png')
    assert __main__.main(['check', assets.OPEN_MODEL, '--picture', picture]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[1] == '%s; licence: %s' % (open_model.NAME, open_model.LICENCE)
    assert lines[2] == '%d vertices, %d triangles; 80 identity, 64 expression, 80 albedo components' % (
        len(model.meanshape), len(model.triangles))
    assert lines[-1] == 'sound'
    assert Image.open(picture).size == (4 * 448, 448)


def test_check_of_a_doubtful_model_exits_with_1(tmp_path, capfd):
    mat = open_model.load_open_model()
    mat['meanshape'] = mat['meanshape'] * np.float32(10)
    path = str(tmp_path / 'large.mat')
    savemat(path, mat)
    assert __main__.main(['check', path]) == 1
    out = capfd.readouterr().out
    assert 'DOUBTFUL size of the mean face, dm' in out and 'facts are doubtful' in out.splitlines()[-1]


def test_errors_are_one_line_and_exit_with_2(tmp_path, capfd):
    folder = str(tmp_path)
    for words, message in ((['check', 'no/such.mat'], 'no/such.mat: expected a face model (.mat), got nothing'),
                           (['convert', '--bfm', folder], folder + ': expected the files that BFM09 is converted from'),
                           (['convert', '--ict', folder], folder + ': expected ')):
        assert __main__.main(words) == 2
        error, = capfd.readouterr().err.splitlines()
        assert error.startswith(message)


@pytest.mark.parametrize('words', [
    [], ['make'], ['convert', '--bfm', 'a', '--ict', 'b'], ['convert', '--landmarks', 'a'], ['check', '--out', 'x']])
def test_wrong_words_exit_with_2(words, capfd):
    with pytest.raises(SystemExit) as stop:
        __main__.main(words)
    assert stop.value.code == 2


def test_open_model_is_written_for_other_programs(tmp_path, capfd):
    out = str(tmp_path / 'front.mat')
    assert __main__.main(['convert', '--open', '--out', out]) == 0
    assert str(loadmat(out)['name'][0]) == open_model.NAME
    assert capfd.readouterr().out.splitlines()[0] == 'wrote ' + out


def test_bfm_folder_and_file_are_passed_on(tmp_path, monkeypatch, capfd):
    def convert(out_path, folder):
        assert folder == 'somewhere'
        savemat(out_path, dict(open_model.load_open_model(), name=bfm09.NAME))
    monkeypatch.setattr(bfm09, 'convert', convert)
    out = str(tmp_path / 'front.mat')
    assert __main__.main(['convert', '--bfm', 'somewhere', '--out', out]) == 0
    assert bfm09.NAME in capfd.readouterr().out


def test_ict_folder_and_landmarks_are_passed_on(tmp_path, monkeypatch, capfd):
    def convert(folder, out_path, albedo_source, landmark_file):
        assert (folder, landmark_file, albedo_source['name']) == ('FaceXModel', 'points.txt', open_model.NAME)
        savemat(out_path, dict(albedo_source, name='the ICT model'))
    monkeypatch.setattr(ict_facekit, 'convert', convert)
    out = str(tmp_path / 'front.mat')
    words = ['convert', '--ict', 'FaceXModel', '--landmarks', 'points.txt', '--out', out]
    assert __main__.main(words) == 0
    assert 'the ICT model' in capfd.readouterr().out


def test_as_a_module_it_catches_its_own_errors(tmp_path):
    """The module that is run is a second copy of the one that the others import."""
    process = subprocess.run([sys.executable, '-m', 'Deep3DFaceReconstruction.face_model', 'check',
                              str(tmp_path / 'none.mat')], cwd=ROOT, capture_output=True, text=True)
    assert (process.returncode, process.stdout) == (2, '')
    line, = process.stderr.splitlines()
    assert line.endswith('none.mat: expected a face model (.mat), got nothing')
