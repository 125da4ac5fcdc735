"""demo.py on what it cannot use: each file, flag and asset by its message, and the other photos go on."""
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

import demo
from Deep3DFaceReconstruction.system import assets
from mesh_renderer.kernels import library
from tests.demo.demo_run import files_in, run, summary

pytestmark = pytest.mark.usefixtures('no_network')


def test_bad_files_are_named_and_the_others_go_on(portrait, photos, tmp_path, capfd):
    portrait.save(str(photos / 'good.png'))
    whole = (photos / 'good.png').read_bytes()
    (photos / 'truncated.png').write_bytes(whole[:len(whole) // 2])
    (photos / 'text.jpg').write_text('no image')
    (photos / 'empty.jpg').write_bytes(b'')
    Image.new('RGB', (1, 1)).save(str(photos / 'dot.png'))
    Image.new('RGB', (200, 200), (90, 120, 90)).save(str(photos / 'faceless.png'))
    for name, lines in (('four', '1 2\n' * 4), ('words', 'left eye\n' * 5), ('spot', '9 9\n' * 5)):
        portrait.save(str(photos / (name + '.png')))
        (photos / (name + '.txt')).write_text(lines)
    assert run(photos, tmp_path / 'out') == 1
    errors = capfd.readouterr().err
    for name, reason in (('truncated.png', 'expected a readable image'), ('text.jpg', 'expected a readable image'),
                         ('empty.jpg', 'expected a readable image'), ('dot.png', 'expected an image of at least'),
                         ('faceless.png', 'expected a face, found none'), ('four.txt', "expected 5 lines 'x y', got 4"),
                         ('words.txt', "line 1: expected two numbers 'x y', got 'left eye'"),
                         ('spot.png', 'expected five landmarks that span a face')):
        lines = [line for line in errors.splitlines() if name in line and reason in line]
        assert len(lines) == 1, (name, errors)
    assert files_in(tmp_path / 'out') == ['good.mat', 'good.png', 'good_mesh.obj', 'summary.csv']
    rows = summary(tmp_path / 'out')
    assert [name for name, row in rows.items() if row['status'] == 'ok'] == ['good'] and len(rows) == 9
    assert all(row['reason'] for row in rows.values() if row['status'] == 'failed')


@pytest.mark.parametrize('make', ['missing', 'empty'])
def test_nothing_to_do_is_said(make, tmp_path, capfd):
    folder = tmp_path / 'photos'
    if make == 'empty':
        folder.mkdir()
    assert run(folder, tmp_path / 'out') == 2
    error, = capfd.readouterr().err.splitlines()
    assert str(folder) in error and 'expected' in error


def test_output_that_cannot_be_written(portrait, photos, tmp_path, capfd):
    portrait.save(str(photos / 'a.png'))
    (tmp_path / 'out').write_text('a file stands where the folder should be')
    assert run(photos, tmp_path / 'out') == 2
    error, = capfd.readouterr().err.splitlines()
    assert str(tmp_path / 'out') in error and 'expected a folder that can be written' in error


@pytest.mark.parametrize('content, reason', [
    (b'no graph at all', 'expected a frozen TensorFlow graph'),
    (b'', 'got an empty file'),
])
def test_a_bad_network_is_named_and_not_replaced_by_fitting(content, reason, portrait, photos, tmp_path, capfd):
    portrait.save(str(photos / 'a.png'))
    (tmp_path / 'network').mkdir()
    (tmp_path / 'network' / 'FaceReconModel.pb').write_bytes(content)
    assert run(photos, tmp_path / 'out') == 2
    error = capfd.readouterr().err
    assert 'FaceReconModel.pb: expected' in error and reason in error


def test_a_renderer_that_is_not_compiled_is_one_line(portrait, photos, tmp_path, capfd, monkeypatch):
    portrait.save(str(photos / 'a.png'))
    monkeypatch.setattr(library, 'ops', lambda: library.load(str(tmp_path / 'no.so')))
    assert run(photos, tmp_path / 'out') == 2
    error, = capfd.readouterr().err.splitlines()
    assert error.startswith('demo.py: The renderer is not compiled') and error.endswith('Type: make kernel')


@pytest.mark.parametrize('flags, reason', [
    (['--fit', 'refine'], '--fit refine: expected a network'),
    (['--fit', 'never'], '--fit never: expected a network'),
    (['--pretrain_weights', 'no/such.ckpt'], 'no/such.ckpt: expected a TensorFlow checkpoint'),
])
def test_missing_weights_are_said(flags, reason, portrait, photos, tmp_path, capfd):
    portrait.save(str(photos / 'a.png'))
    assert run(photos, tmp_path / 'out', *flags) == 2
    assert reason in capfd.readouterr().err


def test_a_wrong_face_model_is_named(portrait, photos, tmp_path, capfd, monkeypatch):
    portrait.save(str(photos / 'a.png'))
    savemat(str(tmp_path / 'BFM_model_front.mat'), {'meanshape': np.zeros([2, 5])})
    monkeypatch.setattr(assets, 'BFM_MODEL', str(tmp_path / 'BFM_model_front.mat'))
    assert run(photos, tmp_path / 'out') == 2
    error, = capfd.readouterr().err.splitlines()
    assert 'BFM_model_front.mat: meanshape: expected numbers of shape [1,any], got float64 of shape [2, 5]' in error


@pytest.mark.parametrize('flags', [['--use_pb', '2'], ['--batch_size', '0'], ['--iterations', 'many'], ['--face']])
def test_wrong_flags_exit_with_2(flags, capfd):
    with pytest.raises(SystemExit) as stop:
        demo.main(flags)
    assert stop.value.code == 2
    assert flags[0] in capfd.readouterr().err


def test_a_wrong_landmark_file_is_refused_and_a_strange_one_understood(portrait, photos, tmp_path, capfd):
    five = np.array([[203.56, 102.59], [246.27, 104.74], [225.18, 127.25], [200.52, 139.05], [245.56, 140.84]])
    five -= [80, 0]
    for name, points in (('half', five / 2), ('right', five)):
        portrait.save(str(photos / (name + '.png')))
        np.savetxt(str(photos / (name + '.TXT')), points, delimiter=',')
    np.savetxt(str(photos / 'right.TXT'), np.column_stack([five, np.full(5, 0.9)]))
    portrait.resize((600, 600)).save(str(photos / 'right.jpg'))
    assert run(photos, tmp_path / 'out') == 1
    errors = capfd.readouterr().err
    assert 'half.TXT: expected the five points of the face around' in errors and 'half scale?' in errors
    shared, = [line for line in errors.splitlines() if 'right.TXT' in line]
    assert 'half scale? (it also serves right.png; points of this photo alone belong in right.jpg.txt)' in shared
    rows = summary(tmp_path / 'out')
    assert rows['right_png']['status'] == 'ok' and rows['right_png']['note'] == 'a confidence behind each point'
