"""demo.py over folders of good and bad photos, end to end; fits are cut short, for files do not depend on them."""
import csv
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat
from skimage import data

import demo
from Deep3DFaceReconstruction.system import assets
from mesh_renderer.kernels import library
from tests import ROOT


@pytest.fixture(scope='module')
def portrait():
    """The astronaut's head, 300x300."""
    return Image.fromarray(data.astronaut()[:300, 80:380])


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """Whatever the checkout's network/ holds, tests start without one."""
    monkeypatch.setattr(assets, 'FACE_RECON_PB', str(tmp_path / 'network' / 'FaceReconModel.pb'))


def run(source, target, *more):
    return demo.main(['--input', str(source), '--output', str(target), '--iterations', '1'] + list(more))


def summary(folder):
    with open(str(folder / 'summary.csv')) as stream:
        return {row['name']: row for row in csv.DictReader(stream)}


def files_in(folder):
    """Names of the files that a user sees."""
    return sorted(name for name in os.listdir(str(folder)) if not name.startswith('.'))


def with_exif_orientation(image, orientation, path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(str(path), exif=exif.tobytes(), quality=95)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / 'photos'
    folder.mkdir()
    return folder


class TestOneFace:
    @pytest.fixture(scope='class')
    def results(self, portrait, tmp_path_factory):
        folder = tmp_path_factory.mktemp('one')
        (folder / 'in').mkdir()
        portrait.save(str(folder / 'in' / 'she.PNG'))
        patch = pytest.MonkeyPatch()
        patch.setattr(assets, 'FACE_RECON_PB', str(folder / 'none.pb'))
        try:
            assert run(folder / 'in', folder / 'out') == 0
        finally:
            patch.undo()
        return folder / 'out'

    def test_files(self, results):
        assert files_in(results) == ['she.mat', 'she.png', 'she_mesh.obj', 'summary.csv']

    def test_mat_is_the_published_layout(self, results):
        mat = {k: v for k, v in loadmat(str(results / 'she.mat')).items() if not k.startswith('__')}
        count = mat['face_shape'].shape[0]
        assert {k: (v.shape, v.dtype.name) for k, v in mat.items()} == {
            'cropped_img': ((224, 224, 3), 'uint8'), 'recon_img': ((224, 224, 4), 'float32'),
            'coeff': ((1, 257), 'float32'), 'face_shape': ((count, 3), 'float32'),
            'face_texture': ((count, 3), 'float32'), 'face_color': ((count, 3), 'float32'),
            'lm_68p': ((68, 2), 'float32'), 'lm_5p': ((5, 2), 'float64'),
            'trans_params': ((1, 5), 'float64'), 'lm_68p_photo': ((68, 2), 'float64'),
            'detector': ((1,), 'str%d' % (32 * len(mat['detector'][0]))), 'detector_score': ((1, 1), 'float64'),
            'detector_box': ((1, 4), 'float64')}
        assert set(np.unique(mat['recon_img'][..., 3])) == {0, 1}
        assert mat['recon_img'][..., :3].max() <= 255
        # lm_68p is y-up, lm_5p y-down: the tip of the nose is in both.
        np.testing.assert_allclose([mat['lm_68p'][30, 0], 223 - mat['lm_68p'][30, 1]], mat['lm_5p'][2], atol=8)

    def test_obj_is_the_mesh_of_the_mat(self, results):
        mat = loadmat(str(results / 'she.mat'))
        lines = (results / 'she_mesh.obj').read_text().split('\n')
        blank = lines.index('')
        vertices = np.array([line.split()[1:] for line in lines[:blank]], float)
        faces = np.array([line.split()[1:] for line in lines[blank + 1:] if line], int)
        np.testing.assert_allclose(vertices[:, :3], mat['face_shape'], atol=1e-6)
        np.testing.assert_allclose(vertices[:, 3:], np.clip(mat['face_color'], 0, 255) / 255, atol=1e-6)
        assert faces.min() == 1 and faces.max() == len(vertices)
        assert all(line.startswith('f ') for line in lines[blank + 1:-1])

    def test_picture_shows_crop_and_overlay(self, results):
        picture = np.asarray(Image.open(str(results / 'she.png')))
        mat = loadmat(str(results / 'she.mat'))
        assert picture.shape == (224, 5 * 224, 3)
        np.testing.assert_array_equal(picture[:, :224], mat['cropped_img'])
        outside = mat['recon_img'][..., 3] == 0
        np.testing.assert_array_equal(picture[:, 224:448][outside], mat['cropped_img'][outside])
        inside = ~outside
        np.testing.assert_allclose(picture[:, 224:448][inside], mat['recon_img'][..., :3][inside], atol=0.51)

    def test_summary(self, results):
        row, = summary(results).values()
        assert row['status'] == 'ok' and row['faces_found'] == '1' and row['coefficients_from'] == 'fit'
        assert row['landmarks_compared'] == '68' and 0 < float(row['landmark_error_px']) < 6
        assert row['detector'] and float(row['score']) > 0 and len(row['box'].split()) == 4
        assert 0 < float(row['photometric_error']) < 80 and float(row['seconds']) > 0


@pytest.mark.slow
def test_every_kind_of_picture(portrait, photos, tmp_path):
    portrait.convert('L').save(str(photos / 'grey.png'))
    portrait.convert('RGBA').save(str(photos / 'rgba.png'))
    Image.fromarray(np.asarray(portrait.convert('L')).astype(np.uint16) * 257).save(str(photos / 'sixteen.png'))
    portrait.convert('CMYK').save(str(photos / 'cmyk.jpg'), quality=95)
    with_exif_orientation(portrait.transpose(Image.ROTATE_90), 6, photos / 'rotated.JPG')
    portrait.save(str(photos / 'upper.JPEG'), quality=95)
    portrait.save(str(photos / 'bitmap.BMP'))
    portrait.save(str(photos / 'web.webp'), quality=95)
    portrait.save(str(photos / 'tagged.TIF'))
    (photos / 'notes.md').write_text('no photo')
    assert run(photos, tmp_path / 'out') == 0
    rows = summary(tmp_path / 'out')
    assert len(rows) == 9 and all(row['status'] == 'ok' for row in rows.values())
    crops = {name: loadmat(str(tmp_path / 'out' / (name + '.mat')))['cropped_img'] for name in rows}
    for name in ('rotated', 'upper', 'bitmap', 'web', 'rgba'):  # the same picture, the same crop
        assert np.abs(crops[name].astype(int) - crops['tagged']).mean() < 6, name


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


@pytest.mark.slow
def test_several_faces(portrait, photos, tmp_path):
    pair = Image.new('RGB', (640, 320), (128, 128, 128))
    pair.paste(portrait, (0, 0))
    pair.paste(portrait.resize((200, 200)), (400, 60))
    pair.save(str(photos / 'pair.png'))
    assert run(photos, tmp_path / 'largest') == 0
    assert 'pair.mat' in os.listdir(str(tmp_path / 'largest'))
    assert run(photos, tmp_path / 'all', '--faces', 'all') == 0
    assert sorted(summary(tmp_path / 'all')) == ['pair_1', 'pair_2']
    first, second = [loadmat(str(tmp_path / 'all' / name))['lm_5p'] for name in ('pair_1.mat', 'pair_2.mat')]
    np.testing.assert_allclose(first, second, atol=8)  # the same face, aligned to the same place
    largest = loadmat(str(tmp_path / 'largest' / 'pair.mat'))['cropped_img']
    np.testing.assert_array_equal(largest, loadmat(str(tmp_path / 'all' / 'pair_1.mat'))['cropped_img'])


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


def test_says_where_coefficients_come_from(portrait, photos, tmp_path, capfd):
    Image.new('RGB', (64, 64)).save(str(photos / 'a.png'))
    run(photos, tmp_path / 'out')
    assert 'coefficients by fitting, 1 iterations' in capfd.readouterr().out


@pytest.mark.parametrize('flags', [['--use_pb', '2'], ['--batch_size', '0'], ['--iterations', 'many'], ['--face']])
def test_wrong_flags_exit_with_2(flags, capfd):
    with pytest.raises(SystemExit) as stop:
        demo.main(flags)
    assert stop.value.code == 2
    assert flags[0] in capfd.readouterr().err


@pytest.mark.slow
def test_runs_from_any_folder(portrait, photos, tmp_path):
    portrait.save(str(photos / 'a.png'))
    subprocess.check_call([sys.executable, os.path.join(ROOT, 'demo.py'), '--input', 'photos', '--output', 'out',
                           '--fit', 'only', '--iterations', '1'], cwd=str(tmp_path))
    assert (tmp_path / 'out' / 'a_mesh.obj').exists()


@pytest.mark.slow
def test_a_second_run_replaces_keeps_and_removes(portrait, photos, tmp_path, capfd):
    portrait.save(str(photos / 'dup.jpg'), quality=95)
    portrait.save(str(photos / 'dup_jpg.png'))
    out = tmp_path / 'out'
    assert run(photos, out) == 0
    assert sorted(summary(out)) == ['dup', 'dup_jpg']
    made = {name: os.stat(str(out / name)).st_ino for name in files_in(out)}
    # Another photo of the same name comes, one is spoiled, and the first keeps its name and its results.
    portrait.save(str(photos / 'dup.png'))
    (photos / 'dup_jpg.png').write_text('no image')
    capfd.readouterr()
    assert run(photos, out, '--resume') == 1
    assert '1 photos kept from before, 2 reconstructed, 1 failed' in capfd.readouterr().out
    assert files_in(out) == ['dup.mat', 'dup.png', 'dup_mesh.obj', 'dup_png.mat', 'dup_png.png', 'dup_png_mesh.obj',
                             'summary.csv']
    assert {row['name']: row['status'] for row in summary(out).values()} == {
        'dup': 'ok', 'dup_png': 'ok', 'dup_jpg': 'failed'}
    assert os.stat(str(out / 'dup.mat')).st_ino == made['dup.mat']
    # Without --resume, and with other options, all is made again.
    assert run(photos, out, '--resume', '--iterations', '2') == 1
    assert os.stat(str(out / 'dup.mat')).st_ino != made['dup.mat']


def test_ctrl_c_keeps_what_is_done(portrait, photos, tmp_path, capfd, monkeypatch):
    from Deep3DFaceReconstruction.demo.coefficient_sources import FittingSource

    for name in ('a.png', 'b.png', 'c.png'):
        portrait.save(str(photos / name))
    fit = FittingSource.__call__

    def interrupted(source, crops):
        if crops[0].name == 'b':
            raise KeyboardInterrupt
        return fit(source, crops)

    handler = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(FittingSource, '__call__', interrupted)
    try:
        assert run(photos, tmp_path / 'out') == 130
    finally:
        signal.signal(signal.SIGINT, handler)
    assert files_in(tmp_path / 'out') == ['a.mat', 'a.png', 'a_mesh.obj', 'summary.csv']
    assert list(summary(tmp_path / 'out')) == ['a']
    error = capfd.readouterr().err
    assert 'Traceback' not in error
    last = error.splitlines()[-1]
    assert last.startswith('demo.py: stopped; --resume goes on from here; 1 reconstructed, 0 failed; ')


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
