"""demo.py over folders of photos, end to end; fits are cut short, for files do not depend on them."""
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat

from Deep3DFaceReconstruction.system import assets
from tests import ROOT
from tests.demo.demo_run import files_in, run, summary

pytestmark = pytest.mark.usefixtures('no_network')


def with_exif_orientation(image, orientation, path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(str(path), exif=exif.tobytes(), quality=95)


class TestOneFace:
    @pytest.fixture(scope='class')
    def results(self, portrait, tmp_path_factory):
        folder = tmp_path_factory.mktemp('one')
        (folder / 'in').mkdir()
        portrait.save(str(folder / 'in' / 'she.PNG'))
        patch = pytest.MonkeyPatch()
        patch.setattr(assets, 'FACE_RECON_PB', str(folder / 'none.pb'))
        patch.setattr(assets, 'OPEN_R_NET_PB', str(folder / 'none.pb'))
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
            'id_deviation': ((1, 80), 'float32'), 'tex_deviation': ((1, 80), 'float32'),
            'lm_68p': ((68, 2), 'float32'), 'lm_5p': ((5, 2), 'float64'),
            'trans_params': ((1, 5), 'float64'), 'lm_68p_photo': ((68, 2), 'float64'),
            'detector': ((1,), 'str%d' % (32 * len(mat['detector'][0]))), 'detector_score': ((1, 1), 'float64'),
            'detector_box': ((1, 4), 'float64'), 'gaze': ((2, 2), 'float64'), 'eye_blink': ((1, 2), 'float64'),
            'face_model': ((1,), 'str%d' % (32 * len(mat['face_model'][0]))), 'photo': ((1,), 'str%d' % (32 * 13))}
        assert mat['photo'][0] == '../in/she.PNG'
        assert set(np.unique(mat['recon_img'][..., 3])) == {0, 1}
        assert mat['recon_img'][..., :3].max() <= 255
        assert np.abs(np.degrees(mat['gaze'])).max() < 12 and not mat['eye_blink'].any()  # she looks ahead
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


def test_says_where_coefficients_come_from(portrait, photos, tmp_path, capfd):
    Image.new('RGB', (64, 64)).save(str(photos / 'a.png'))
    run(photos, tmp_path / 'out')
    assert 'coefficients by fitting, 1 iterations' in capfd.readouterr().out


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
