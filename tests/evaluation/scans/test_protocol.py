"""evaluate.py micc, facewarehouse and bu3dfe on made data in their layouts."""
import csv
import os

import numpy as np
import pytest
from PIL import Image

import evaluate
from Deep3DFaceReconstruction.evaluation.scans import alignment, datasets, measuring, photos, protocol
from Deep3DFaceReconstruction.numpy_decoder import rotation_matrix
from Deep3DFaceReconstruction.photo.landmarks import five_from_68

MOVE = alignment.similarity_matrix(1.05, rotation_matrix(np.array([0.02, 0.03, -0.02])), np.array([4.0, 30, -50]))


@pytest.fixture(autouse=True)
def use_sheet_model(monkeypatch, sheet_model):
    monkeypatch.setattr(measuring, 'load_face_model', lambda path=None: sheet_model)


def table(folder):
    with open(str(folder / 'table.csv'), newline='') as stream:
        return list(csv.DictReader(stream))


def write_obj(path, vertices, triangles):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join('v %.6f %.6f %.6f\n' % tuple(v) for v in vertices)
                    + ''.join('f %d %d %d\n' % tuple(f + 1) for f in triangles))


def write_wrl(path, vertices, triangles):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#VRML V2.0 utf8\nShape { geometry IndexedFaceSet { coord Coordinate { point [\n%s ] }\n'
                    'coordIndex [ %s ] texCoord TextureCoordinate { point [ 0 0, 1 1 ] } } }\n' % (
                        ',\n'.join('%.6f %.6f %.6f' % tuple(v) for v in vertices),
                        ' '.join('%d, %d, %d, -1,' % tuple(f) for f in triangles)))


@pytest.fixture
def micc(tmp_path, sheet_model, some_coeff, shape_mm, write_mat):
    """Two subjects in one setting; the frames of each scatter about the truth, whose scan is moved and scaled."""
    results = tmp_path / 'results'
    results.mkdir()
    for subject in (1, 2):
        truth = some_coeff(subject)
        folder = tmp_path / 'data' / ('subject_%02d' % subject)
        scan = alignment.transform(MOVE, shape_mm(truth))
        write_obj(folder / 'Model' / 'frontal1' / 'obj' / '1109.obj', scan, sheet_model.triangles)
        five = five_from_68(scan[sheet_model.keypoints])
        np.savetxt(str(folder / 'Model' / 'frontal1' / 'obj' / '1109.txt'), five)
        (folder / 'Video').mkdir()
        (folder / 'Video' / 'Indoor-Cooperative.mjpg').write_bytes(b'')
        for number, sign in enumerate((-1, 1)):
            coeff = truth.copy()
            coeff[0] += sign * 1.0
            coeff[80:83] += number  # another expression: it does not count
            write_mat(results / ('subject_%02d-Indoor-Cooperative-%04d.mat' % (subject, number)), coeff)
    return ['micc', '--data', str(tmp_path / 'data'), '--results', str(results), '--output', str(tmp_path / 'out')]


def test_micc_pools_the_frames_of_a_video(micc, tmp_path, capsys):
    assert evaluate.main(micc) == 0
    rows = table(tmp_path / 'out')
    assert [row['kind'] for row in rows] == ['single', 'single', 'pooled'] * 2
    for row in rows:
        error = float(row['plane_rmse_mm'])
        assert error < 0.02 if row['kind'] == 'pooled' else 0.5 < error < 5, row
        if row['kind'] == 'pooled':
            assert float(row['scale']) == pytest.approx(1.05, abs=1e-3) and row['images'] == '2'
    text = capsys.readouterr().out
    assert '| Indoor-Cooperative | single |' in text and '| all | pooled |' in text
    assert '2 scans, 4 images' in text
    for name in ('ced.png', 'histogram.png', 'heat_maps/best.png', 'heat_maps/worst.png', 'heat_maps/median.ply'):
        assert (tmp_path / 'out' / name).stat().st_size > 500
    assert not (tmp_path / 'out' / 'error_by_yaw.png').exists()
    with Image.open(str(tmp_path / 'out' / 'heat_maps' / 'worst.png')) as image:
        assert image.size == (1000, 500)


def test_a_second_run_measures_what_changed(micc, tmp_path, some_coeff, write_mat):
    def made():
        return {path.stem: path.stat().st_mtime_ns for path in (tmp_path / 'out' / 'measured').iterdir()}

    assert evaluate.main(micc) == 0
    rows, times = table(tmp_path / 'out'), made()
    assert evaluate.main(micc) == 0
    assert made() == times and table(tmp_path / 'out') == rows
    changed = tmp_path / 'results' / 'subject_02-Indoor-Cooperative-0001.mat'
    write_mat(changed, some_coeff(2))
    os.utime(str(changed), (2e9, 2e9))
    assert evaluate.main(micc) == 0
    assert sorted(name for name, time in made().items() if time != times[name]) == [
        'subject_02-Indoor-Cooperative-0001', 'subject_02-Indoor-Cooperative-pooled']
    times = made()
    assert evaluate.main(micc + ['--radius', '60']) == 0
    assert not set(made().items()) & set(times.items())  # another setting measures all


def test_samples_that_fail_are_counted_and_named(micc, tmp_path, capsys):
    (tmp_path / 'results' / 'subject_01-Indoor-Cooperative-0000.mat').write_bytes(b'broken')
    for path in (tmp_path / 'results').glob('subject_02*'):
        path.unlink()
    assert evaluate.main(micc) == 1
    rows = table(tmp_path / 'out')
    assert '0000.mat' in rows[0]['reason'] and rows[-1]['reason'] == 'no reconstruction'
    assert '| Indoor-Cooperative | single |' in capsys.readouterr().out


def test_a_wrong_unit_is_named(micc, tmp_path):
    assert evaluate.main(micc + ['--unit_mm', '0.1']) == 1
    assert 'expected a head of 80 to 2000 mm' in table(tmp_path / 'out')[0]['reason']


def test_facewarehouse_compares_expressions(tmp_path, sheet_model, some_coeff, shape_mm, write_mat, capsys):
    (tmp_path / 'results').mkdir()
    poses = tmp_path / 'data' / 'Tester_3' / 'TrainingPose'
    for pose in (0, 2, 10):
        coeff = some_coeff(pose)
        scan = shape_mm(coeff, expression=True) / 100
        write_obj(poses / ('pose_%d.obj' % pose), scan, sheet_model.triangles)
        Image.new('RGB', (20, 20)).save(str(poses / ('pose_%d.png' % pose)))
        write_mat(tmp_path / 'results' / ('Tester_3-pose_%d.mat' % pose), coeff)
    assert evaluate.main(['facewarehouse', '--data', str(tmp_path / 'data'), '--results', str(tmp_path / 'results'),
                          '--output', str(tmp_path / 'out')]) == 0
    rows = table(tmp_path / 'out')
    assert [row['name'] for row in rows] == ['Tester_3-pose_0', 'Tester_3-pose_2', 'Tester_3-pose_10']
    assert max(float(row['point_mean_mm']) for row in rows) < 0.05
    assert capsys.readouterr().out.startswith('# FaceWarehouse: 3 scans, 3 images')


def test_bu3dfe_reads_vrml_and_its_landmarks(tmp_path, sheet_model, some_coeff, shape_mm, write_mat):
    (tmp_path / 'results').mkdir()
    coeff = some_coeff(4)
    scan = alignment.transform(MOVE, shape_mm(coeff, expression=True))
    folder = tmp_path / 'data' / 'F0001'
    write_wrl(folder / 'F0001_HA02WH_F3D.wrl', scan, sheet_model.triangles)
    Image.new('RGB', (20, 20)).save(str(folder / 'F0001_HA02WH_F2D.bmp'))
    key = scan[sheet_model.keypoints]
    five = five_from_68(key)
    bnd = np.zeros([83, 3])
    bnd[:8], bnd[8:16], bnd[48:68] = five[1], five[0], key[48:68].mean(axis=0)  # the order of the eyes does not matter
    np.savetxt(str(folder / 'F0001_HA02WH_F3D.bnd'), np.column_stack([np.arange(83), bnd]))
    write_mat(tmp_path / 'results' / 'F0001_HA02WH_F3D.mat', coeff)
    assert evaluate.main(['bu3dfe', '--data', str(tmp_path / 'data'), '--results', str(tmp_path / 'results'),
                          '--output', str(tmp_path / 'out')]) == 0
    row, = table(tmp_path / 'out')
    assert row['group'] == 'HA' and float(row['plane_mean_mm']) < 0.05
    assert float(row['scale']) == pytest.approx(1.05, abs=1e-3)


@pytest.mark.parametrize('name', ['micc', 'facewarehouse', 'bu3dfe'])
def test_a_folder_in_another_layout_is_one_line(name, tmp_path, capsys):
    assert evaluate.main([name, '--data', str(tmp_path), '--output', str(tmp_path / 'out')]) == 2
    error, = capsys.readouterr().err.splitlines()
    assert 'expected %s, found none' % datasets.DATASETS[name].layout in error


@pytest.mark.parametrize('text, message', [('1 2\n3 4 5\n', 'expected lines of numbers'),
                                           ('1 2 3\n4 5 6\n', 'expected 1, 5 or 68 lines x y z, got 2')])
def test_wrong_landmarks_are_one_line(tmp_path, text, message):
    (tmp_path / 'scan.txt').write_text(text)
    with pytest.raises(datasets.InputError, match=message):
        datasets.read_landmarks(str(tmp_path / 'scan.obj'), 1.0)


def test_frames_of_a_folder_and_of_a_video(tmp_path):
    import cv2
    frames = tmp_path / 'frames'
    frames.mkdir()
    for number in range(5):
        Image.new('RGB', (32, 32)).save(str(frames / ('%d.png' % number)))
    video = cv2.VideoWriter(str(tmp_path / 'clip.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 10, (32, 32))
    for number in range(9):
        video.write(np.full([32, 32, 3], 25 * number, np.uint8))
    video.release()
    samples = [datasets.Sample('f', str(frames), '', ''), datasets.Sample('v', str(tmp_path / 'clip.avi'), '', '')]
    expected = {'f': ['f-0000', 'f-0002', 'f-0004'], 'v': ['v-0000', 'v-0004', 'v-0008']}
    for _ in range(2):
        assert photos.gather(samples, str(tmp_path / 'photos'), 3) == expected
    with Image.open(str(tmp_path / 'photos' / 'v-0004.jpg')) as image:
        assert abs(np.asarray(image).mean() - 100) < 4


def test_processes_give_the_same_rows(micc, tmp_path, sheet_model, monkeypatch):
    """The pool's own tests are in tests/dataset; here a copy of the measurer must do the same."""
    import pickle
    found = []
    monkeypatch.setattr(protocol, 'measure_all', lambda options, measurer, tasks: found.extend(
        [pickle.loads(pickle.dumps(measurer)), measurer, tasks]) or [measurer(task) for task in tasks])
    assert evaluate.main(micc + ['--jobs', '2']) == 0
    copy, measurer, tasks = found
    assert copy == measurer and copy(tasks[0]) == measurer(tasks[0])
