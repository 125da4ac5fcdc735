"""Photos to a training set: the figures, resuming, reports, and runs that are killed."""
import csv
import os
import random
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import preprocess_img
from Deep3DFaceReconstruction.dataset import preparation, sample_files
from Deep3DFaceReconstruction.dataset.data_loader import find_samples
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, to_y_up
from tests import ROOT
from tests.networks.test_landmark_network import write_graph

GOLDEN = os.path.join(ROOT, 'tests', 'golden', 'preprocess.npz')


@pytest.fixture(scope='module')
def golden():
    with np.load(GOLDEN) as figures:
        return dict(figures)


@pytest.fixture(scope='module')
def astronaut():
    return Image.fromarray(pytest.importorskip('skimage.data').astronaut())


@pytest.fixture
def photos(tmp_path, astronaut, golden):
    """A folder with one photo and its five points."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    add_photo(folder, 'a.png', astronaut, golden['1/lm5p'])
    return folder


def add_photo(folder, name, image, five_points):
    image.save(str(folder / name), **({'compress_level': 1} if name.lower().endswith('png') else {}))
    np.savetxt(str(folder / (os.path.splitext(name)[0] + '.txt')), five_points)


def preprocess(photos, save, *more):
    return preprocess_img.main(['--img_path', str(photos), '--save_path', str(save)] + list(more))


def report_of(save):
    with open(os.path.join(str(save), 'report.csv'), newline='') as file:
        return list(csv.DictReader(file))


def test_a_sample_equals_the_published_figures(photos, tmp_path, golden):
    assert preprocess(photos, tmp_path / 'save') == 0
    image, landmarks, mask = sample_files.read_sample(sample_files.sample_named(str(tmp_path / 'save'), 'a'))
    np.testing.assert_array_equal(image, golden['1/aligned_bgr'][0])
    np.testing.assert_array_equal(mask[..., 0], golden['1/skinmask'])
    five = five_from_68(to_y_up(landmarks))
    # Detectors differ by this much in where they see the corners of eyes and mouth.
    assert np.linalg.norm(five - golden['1/lm5p_aligned'], axis=1).mean() < 7.0
    row, = report_of(tmp_path / 'save')
    assert row['landmarks_from'] == 'mesh'  # as in the demo
    assert row['status'] == 'done' and row['name'] == 'a' and float(row['landmark_error']) < 7.0
    assert float(row['face_size']) == pytest.approx(224 / golden['1/trans_params'][2], abs=0.5)
    assert (tmp_path / 'save' / 'contact_sheet.png').exists()
    assert [sample.name for sample in find_samples(str(tmp_path / 'save'))[0]] == ['a']


def test_the_landmark_network_is_used_where_it_is(photos, tmp_path, golden, monkeypatch):
    down = np.zeros((68, 2))
    down[[36, 39]], down[[42, 45]], down[30], down[48], down[54] = golden['1/lm5p_aligned']
    network = write_graph(str(tmp_path / 'landmark68_detector.pb'), down[:, ::-1])
    preparer = preparation.Preparer(str(tmp_path / 'save'), network_path=network)
    assert preparer.landmark_source == network
    row = preparer((str(photos / 'a.png'), 'a'))
    assert row.status == 'done' and float(row.landmark_error) < 0.01 and row.landmarks_from == 'network'
    landmarks = np.fromfile(str(tmp_path / 'save' / 'lm_bin' / 'a.bin')).reshape(68, 2)
    np.testing.assert_allclose(landmarks, to_y_up(down), atol=1e-4)


def test_landmarks_far_from_the_five_points_are_refused(photos, tmp_path):
    network = write_graph(str(tmp_path / 'a.pb'), np.zeros((68, 2)))
    row = preparation.Preparer(str(tmp_path / 'save'), network_path=network)((str(photos / 'a.png'), 'a'))
    assert row.status == 'failed'
    assert 'a.png: expected 68 landmarks within 20 pixels of the five, got 1' in row.reason
    assert not (tmp_path / 'save' / 'a.png').exists()


def test_what_is_whole_is_kept_and_what_is_not_is_made_again(photos, tmp_path, astronaut, golden):
    save = tmp_path / 'save'
    for name in ('b.JPG', 'c.webp', 'd.bmp', 'e.png'):
        add_photo(photos, name, astronaut, golden['1/lm5p'])
    assert preprocess(photos, save) == 0
    assert [row['status'] for row in report_of(save)] == ['done'] * 5
    past = time.time() - 100
    for name in 'abcde':
        os.utime(str(save / (name + '.png')), (past, past))
        for path in (photos / (name + '.txt'), next(photos.glob(name + '.[!t]*'))):
            os.utime(str(path), (past - 100, past - 100))
    os.remove(str(save / 'mask' / 'b.png'))
    (save / 'lm_bin' / 'c.bin').write_bytes(b'half')
    os.utime(str(photos / 'd.txt'))  # somebody has corrected the points
    assert preprocess(photos, save) == 0
    rows = report_of(save)
    assert [row['status'] for row in rows] == ['kept', 'done', 'done', 'done', 'kept']
    assert rows[0]['face_size'] == rows[1]['face_size'] != ''
    assert [row['landmarks_from'] for row in rows] == ['mesh'] * 5
    assert len(find_samples(str(save))[0]) == 5
    assert preprocess(photos, save, '--redo') == 0
    assert [row['status'] for row in report_of(save)] == ['done'] * 5


def test_failures_are_reported_and_the_others_go_on(photos, tmp_path, capsys):
    (photos / '0_broken.jpg').write_bytes(b'no picture')
    Image.new('RGB', (90, 90), (70, 70, 70)).save(str(photos / 'b_nobody.png'))
    shutil.copy(str(photos / 'a.png'), str(photos / 'c_words.png'))
    (photos / 'c_words.txt').write_text('left eye\n')
    shutil.copy(str(photos / 'a.png'), str(photos / 'd_line.png'))
    (photos / 'd_line.txt').write_text('1 1\n2 2\n3 3\n4 4\n5 5\n')
    assert preprocess(photos, tmp_path / 'save') == 1
    rows = {row['name']: row for row in report_of(tmp_path / 'save')}
    assert [row['status'] for row in rows.values()] == ['failed', 'done', 'failed', 'failed', 'failed']
    assert '0_broken.jpg: expected a readable image' in rows['0_broken']['reason']
    assert 'b_nobody.png: expected a face, found none' in rows['b_nobody']['reason']
    assert 'c_words.txt, line 1: expected two numbers' in rows['c_words']['reason']
    assert 'd_line.png: expected five landmarks that span a face' in rows['d_line']['reason']
    output = capsys.readouterr()
    assert '1 done, 0 kept from before, 4 failed' in output.out and '0_broken.jpg' in output.err
    assert [sample.name for sample in find_samples(str(tmp_path / 'save'))[0]] == ['a']


def test_photos_that_differ_in_extension_alone_get_a_sample_each(photos, tmp_path, astronaut, golden):
    add_photo(photos, 'a.jpg', astronaut, golden['1/lm5p'])
    assert preprocess(photos, tmp_path / 'save') == 0
    assert [row['name'] for row in report_of(tmp_path / 'save')] == ['a_jpg', 'a_png']
    assert preprocess(photos, tmp_path / 'save') == 0
    assert [row['status'] for row in report_of(tmp_path / 'save')] == ['kept', 'kept']


def test_what_cannot_be_started_is_one_line(tmp_path, capsys, photos):
    assert preprocess(tmp_path / 'nowhere', tmp_path / 'save') == 2
    assert 'nowhere: expected a folder of images' in capsys.readouterr().err
    (tmp_path / 'empty').mkdir()
    assert preprocess(tmp_path / 'empty', tmp_path / 'save') == 2
    assert 'empty: expected images, found none' in capsys.readouterr().err
    (tmp_path / 'file').write_bytes(b'')
    assert preprocess(photos, tmp_path / 'file') == 2
    assert 'file: expected a folder that can be written' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        preprocess(photos, tmp_path / 'save', '--jobs', '0')


def test_what_stops_every_photo_stops_the_run(photos, tmp_path):
    save = tmp_path / 'save'
    save.mkdir()
    (save / 'lm').write_bytes(b'a file in the way')
    preparer = preparation.Preparer(str(save))
    with pytest.raises(OSError):
        preparation.prepare_all(lambda function, items: (catch(function, item) for item in items),
                                 preparer, [(str(photos / 'a.png'), 'a')])
    assert sorted(os.listdir(str(save))) == ['lm']


def catch(function, item):
    try:
        return function(item)
    except OSError as error:
        return error


@pytest.mark.slow
@pytest.mark.parametrize('jobs, kills', [(1, 5), (2, 3)])
def test_killed_runs_leave_nothing_that_the_next_trips_over(tmp_path, astronaut, golden, jobs, kills):
    if jobs > 1:
        pytest.importorskip('distributed')
    photos, save = tmp_path / 'photos', tmp_path / 'save'
    photos.mkdir()
    points = golden['2/lm5p']
    small = astronaut.resize((307, 307), Image.BICUBIC)
    for number in range(40):
        add_photo(photos, '%02d.png' % number, small, points)
    command = [sys.executable, os.path.join(ROOT, 'preprocess_img.py'), '--img_path', str(photos),
               '--save_path', str(save), '--jobs', str(jobs)]
    chance = random.Random(jobs)
    for _ in range(kills):
        before = len(list(save.glob('[0-9]*.png')))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=str(tmp_path))
        until = before + chance.randint(1, 5)
        while len(list(save.glob('[0-9]*.png'))) < until and process.poll() is None:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.02))
        process.kill()
        process.wait()
    whole = len(list(save.glob('[0-9]*.png')))
    assert whole < 40
    result = subprocess.run(command, capture_output=True, cwd=str(tmp_path))
    assert result.returncode == 0, result.stderr.decode()
    samples, problems = find_samples(str(save))
    assert len(samples) == 40 and not problems
    first = sample_files.read_sample(samples[0])
    for sample in samples:
        for one, other in zip(first, sample_files.read_sample(sample)):
            np.testing.assert_array_equal(one, other)
    statuses = [row['status'] for row in report_of(save)]
    assert len(statuses) == 40 and statuses.count('kept') >= whole - 2 * jobs and 'failed' not in statuses
    left = [name for _, _, names in os.walk(str(save)) for name in names if name.startswith('.writing')]
    assert not left
    assert sorted(os.listdir(str(tmp_path))) == ['photos', 'save']


def test_the_process_is_prepared_before_numpy_is_loaded():
    code = ('import preprocess_img, sys; assert "numpy" not in sys.modules; '
            'assert preprocess_img.POS.__name__ == "POS" and preprocess_img.align_img and "numpy" in sys.modules; '
            'assert preprocess_img.standard_five_points().shape == (5, 3)')
    subprocess.check_call([sys.executable, '-c', code], cwd=ROOT)


def test_a_photo_is_never_replaced_by_its_sample(photos, capsys):
    before = (photos / 'a.png').read_bytes()
    for save in (photos, photos / '..' / 'photos'):
        assert preprocess(photos, save) == 2
        line, = capsys.readouterr().err.splitlines()
        assert 'a.png: expected nothing, or a result of this program' in line
    assert (photos / 'a.png').read_bytes() == before and sorted(os.listdir(str(photos))) == ['a.png', 'a.txt']


@pytest.mark.parametrize('name', ['a.png', 'mask/a.png', 'lm/a.txt', 'lm_bin/a.bin', 'contact_sheet.png', 'report.csv'])
def test_every_file_that_others_wrote_is_guarded(photos, tmp_path, capsys, name):
    save = tmp_path / 'save'
    (save / name).parent.mkdir(parents=True)
    (save / name).write_text('mine')
    assert preprocess(photos, save) == 2
    assert name + ': expected nothing' in capsys.readouterr().err and (save / name).read_text() == 'mine'


def test_samples_among_the_photos_are_not_photos(photos, astronaut, golden):
    os.rename(str(photos / 'a.png'), str(photos / 'a.bmp'))
    for _ in range(2):
        assert preprocess(photos, photos) == 0
        assert [row['name'] for row in report_of(photos)] == ['a']


def test_a_photo_that_fails_in_a_second_run_takes_its_sample_along(photos, tmp_path, astronaut, golden):
    save = tmp_path / 'save'
    add_photo(photos, 'b.png', astronaut, golden['1/lm5p'])
    assert preprocess(photos, save) == 0
    (photos / 'a.png').write_bytes(b'no image any more')
    assert preprocess(photos, save) == 1
    assert [row['status'] for row in report_of(save)] == ['failed', 'kept']
    assert [sample.name for sample in find_samples(str(save))[0]] == ['b']
    assert not [name for _, _, names in os.walk(str(save)) for name in names if name.startswith('a.')]


def test_a_sample_keeps_its_name_when_other_photos_come_and_go(photos, tmp_path, astronaut, golden):
    save = tmp_path / 'save'
    assert preprocess(photos, save) == 0
    astronaut.save(str(photos / 'a.jpg'), quality=95)  # a.txt serves both
    assert preprocess(photos, save) == 0
    assert [(row['name'], row['status']) for row in report_of(save)] == [('a_jpg', 'done'), ('a', 'kept')]
    os.remove(str(photos / 'a.png'))
    assert preprocess(photos, save) == 0
    assert [(row['name'], row['status']) for row in report_of(save)] == [('a_jpg', 'kept')]


def test_wrong_points_are_refused_and_unconfirmed_ones_doubtful(photos, tmp_path, astronaut, golden, capsys):
    np.savetxt(str(photos / 'a.txt'), golden['1/lm5p'] / 2)
    add_photo(photos, 'b.png', Image.new('RGB', (512, 512), (120, 110, 100)), golden['1/lm5p'])
    assert preprocess(photos, tmp_path / 'save', '--max_error', '1000') == 1
    wrong, unconfirmed = report_of(tmp_path / 'save')
    assert wrong['status'] == 'failed' and 'a.txt: expected the five points' in wrong['reason']
    assert 'half scale?' in wrong['reason']
    assert unconfirmed['status'] == 'doubtful'
    assert unconfirmed['reason'] == 'no detector finds a face at the five points'
    output = capsys.readouterr()
    assert 'b.png: DOUBTFUL: no detector' in output.err and '1 done (1 of them doubtful), 0 kept' in output.out


def test_photos_that_cannot_be_read_are_said(photos, tmp_path, capsys):
    (photos / 'b.nef').write_bytes(b'II*\0')
    assert preprocess(photos, tmp_path / 'save') == 1
    assert '1 photo not read: 1 camera raw; save as JPEG or PNG' in capsys.readouterr().err
