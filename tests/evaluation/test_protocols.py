"""evaluate.py on made data in each layout: a perfect result has no error, a known change has the known one."""
import csv
import json
import os

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

import evaluate
from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.evaluation import aflw2000, compare, metrics, reconstructions, synthetic
from Deep3DFaceReconstruction.photo.photo_files import find_photos
from Deep3DFaceReconstruction.system.own_files import marked_info
from tests import GOLDEN

YAWS = (0, 20, -45, 70)


@pytest.fixture(autouse=True)
def use_small_model(monkeypatch, small_model):
    for module in (aflw2000, synthetic, compare):
        monkeypatch.setattr(module, 'load_face_model', lambda path=None: small_model)


def table(folder, name='table.csv'):
    with open(str(folder / name), newline='') as stream:
        return list(csv.DictReader(stream))


def write_aflw(folder, name, coeff, landmarks_of):
    """A photo in AFLW2000-3D's layout whose truth is this face."""
    Image.new('RGB', (600, 500)).save(str(folder / (name + '.jpg')))
    _, photo, depth = landmarks_of(coeff)
    rotation = metrics.aflw_pose(reconstructions.rotation_matrix(coeff[COEFF_SLICES['angles']]).T)
    savemat(str(folder / (name + '.mat')), {'pt3d_68': np.column_stack([photo, depth + 77]).T,
                                            'Pose_Para': np.radians(np.append(rotation, [1, 2, 3, 4]))[np.newaxis]})


@pytest.fixture
def aflw(tmp_path, draw_coeff, landmarks_of, write_result):
    data, results = tmp_path / 'data', tmp_path / 'results'
    data.mkdir()
    results.mkdir()
    for number, yaw in enumerate(YAWS):
        coeff = draw_coeff(number, yaw)
        write_aflw(data, 'p%d' % number, coeff, landmarks_of)
        write_result(results / ('p%d.mat' % number), coeff)
    return ['aflw2000', '--data', str(data), '--results', str(results), '--output', str(tmp_path / 'out')]


def test_aflw2000_of_perfect_results(aflw, tmp_path, capsys):
    assert evaluate.main(aflw + ['--max_nme', '0.01']) == 0
    for row in table(tmp_path / 'out'):
        for key in ('nme_2d', 'nme_3d', 'pitch_error', 'yaw_error', 'roll_error'):
            assert float(row[key]) == pytest.approx(0, abs=1e-3)
        assert row['reason'] == ''
    assert '| nme_2d |' in capsys.readouterr().out
    for name in ('summary.md', 'options.json', 'ced.png', 'error_by_yaw.png', 'histogram.png', 'heat_maps/best.png',
                 'heat_maps/median.ply', 'heat_maps/worst.png'):
        assert (tmp_path / 'out' / name).stat().st_size > 50
    assert json.loads((tmp_path / 'out' / 'options.json').read_text())['protocol'] == 'aflw2000'


def test_aflw2000_of_shifted_and_missing_results(aflw, tmp_path, draw_coeff, landmarks_of, write_result):
    """One result is 3 pixels off, one is a face elsewhere, one is not there, one face has two results."""
    results = tmp_path / 'results'
    photos = [landmarks_of(draw_coeff(number, yaw))[1] for number, yaw in enumerate(YAWS)]
    write_result(results / 'p0.mat', draw_coeff(0, YAWS[0]), lm_68p_photo=photos[0] + [3, 0])
    write_result(results / 'p1.mat', draw_coeff(1, YAWS[1]), lm_68p_photo=photos[1] + [400, 0])
    (results / 'p2.mat').unlink()
    (results / 'p3.mat').rename(results / 'p3_2.mat')
    write_result(results / 'p3_1.mat', draw_coeff(3, YAWS[3]), lm_68p_photo=photos[3] - [300, 0])
    assert evaluate.main(aflw) == 1
    rows = table(tmp_path / 'out')
    assert float(rows[0]['nme_2d']) == pytest.approx(300 / metrics.box_size(photos[0]), rel=1e-4)
    assert rows[1]['reason'] == 'no reconstruction of this face' and rows[2]['reason'] == 'no reconstruction'
    assert float(rows[3]['nme_2d']) == pytest.approx(0, abs=1e-3)


def test_aflw2000_above_the_limit(aflw, tmp_path, draw_coeff, landmarks_of, write_result):
    photo = landmarks_of(draw_coeff(0, 0))[1]
    write_result(tmp_path / 'results' / 'p0.mat', draw_coeff(0, 0), lm_68p_photo=photo + [8, 0])
    assert evaluate.main(aflw + ['--max_nme', '0.5']) == 1


@pytest.mark.parametrize('change, message', [
    (lambda data: (data / 'p1.mat').unlink(), 'p1.mat: expected the truth of an AFLW2000-3D photo (.mat), got nothing'),
    (lambda data: savemat(str(data / 'p1.mat'), {'pt3d_68': np.zeros([2, 68]), 'Pose_Para': np.zeros([1, 7])}),
     'p1.mat: pt3d_68: expected numbers of shape [3,68], got float64 of shape [2, 68]'),
    (lambda data: [path.unlink() for path in data.iterdir()], 'expected NAME.jpg beside NAME.mat, found no image')])
def test_wrong_data_is_one_line(aflw, tmp_path, capsys, change, message):
    change(tmp_path / 'data')
    assert evaluate.main(aflw) == 2
    error, = capsys.readouterr().err.splitlines()
    assert message in error


def test_synthetic(tmp_path, small_model, draw_coeff, write_result, capsys):
    data, results = tmp_path / 'data', tmp_path / 'results'
    (data / 'coeff').mkdir(parents=True)
    results.mkdir()
    for number, yaw in enumerate(YAWS):
        coeff = draw_coeff(number, yaw)
        Image.new('RGB', (224, 224)).save(str(data / ('%06d.png' % number)))
        np.save(str(data / 'coeff' / ('%06d.npy' % number)), coeff.astype(np.float32))
        in_image = synthetic.landmarks_of(small_model, coeff.astype(np.float32).astype(np.float64))
        write_result(results / ('%06d.mat' % number), coeff, lm_68p_photo=in_image + [3, 4])
    arguments = ['synthetic', '--data', str(data), '--results', str(results), '--output', str(tmp_path / 'out')]
    assert evaluate.main(arguments) == 0
    for row in table(tmp_path / 'out'):
        assert float(row['vertex_mm']) == pytest.approx(0, abs=1e-3)
        assert float(row['mean_face_mm']) > 10
        assert float(row['id_rms']) == pytest.approx(0, abs=1e-5)
        assert float(row['landmark_px']) == pytest.approx(5, abs=1e-4)
    assert (tmp_path / 'out' / 'heat_maps' / 'worst.png').stat().st_size > 500
    # A larger face: every vertex is off by a tenth of its distance from the middle.
    shape = numpy_decoder.shape_of(small_model, draw_coeff(0, 0).astype(np.float32))
    write_result(results / '000000.mat', draw_coeff(0, 0), face_shape=1.1 * shape + 3)
    evaluate.main(arguments)
    expected = 10 * np.linalg.norm(shape - shape.mean(axis=0), axis=1).mean()
    row = table(tmp_path / 'out')[0]
    assert float(row['vertex_mm']) == pytest.approx(expected, rel=1e-4)
    assert float(row['scaled_vertex_mm']) == pytest.approx(0, abs=1e-3)


def test_identity_error_is_that_of_the_neutral_faces(small_model):
    first, second = np.random.RandomState(0).randn(2, 80)
    first[0] = second[0] + 1.0
    first[1:] = second[1:]
    # One standard deviation of the first component, less what a rigid motion takes away.
    moved = 100 * np.linalg.norm(small_model.id_base[:, 0].reshape(-1, 3), axis=1).mean()
    assert 0.5 * moved < synthetic.identity_error(small_model, first, second) < moved
    assert synthetic.identity_error(small_model, second, second) == pytest.approx(0, abs=1e-9)


def test_marked_images_of_a_set_are_photos_to_the_demo(tmp_path, monkeypatch):
    """demo.py passes over images that this program made; here they are what is to be reconstructed."""
    (tmp_path / 'data').mkdir()
    for name in ('000000', '000001', 'contact_sheet'):
        Image.new('RGB', (224, 224)).save(str(tmp_path / 'data' / (name + '.png')), pnginfo=marked_info())
    given = []

    def stop(options, photos):
        given.extend(find_photos(photos).paths)
        raise InputError('stopped')
    monkeypatch.setattr(reconstructions, 'make', stop)
    assert evaluate.main(['synthetic', '--data', str(tmp_path / 'data'), '--output', str(tmp_path / 'out')]) == 2
    assert [os.path.basename(path) for path in given] == ['000000.png', '000001.png']


@pytest.fixture
def two_ports(tmp_path, draw_coeff, write_result):
    for port in 'ab':
        (tmp_path / port).mkdir()
        for number in range(3):
            write_result(tmp_path / port / ('p%d.mat' % number), draw_coeff(number))
    return ['compare', str(tmp_path / 'a'), str(tmp_path / 'b'), '--output', str(tmp_path / 'out')]


def test_equal_ports(two_ports, tmp_path, capsys):
    assert evaluate.main(two_ports) == 0
    assert 'DIFFERENT' not in capsys.readouterr().out
    assert len(table(tmp_path / 'out')) == 3
    for name in ('summary.md', 'options.json', 'ced.png', 'histogram.png', 'heat_maps/best.png', 'heat_maps/worst.ply'):
        assert (tmp_path / 'out' / name).stat().st_size > 50


def test_errors_are_spread_about_their_landmarks():
    """At a landmark its own error, far from the others; between two equally near, their mean."""
    landmarks = np.array([[0.0, 0, 0], [2.0, 0, 0]])
    vertices = np.array([[0.0, 0, 0], [2.0, 0, 0], [1.0, 0.5, 0], [-9.0, 0, 0]])
    np.testing.assert_allclose(aflw2000.spread(np.array([1.0, 5.0]), vertices, landmarks), [1, 5, 3, 1], atol=1e-9)


@pytest.mark.parametrize('name, key, change', [
    ('vertices_max_mm', 'face_shape', 0.001), ('landmarks_max_px', 'lm_68p', 0.2), ('crop_psnr_db', 'cropped_img', 9)])
def test_a_difference_is_found_and_measured(two_ports, tmp_path, draw_coeff, write_result, capsys, name, key, change):
    original = compare.MatFile(str(tmp_path / 'a' / 'p1.mat'), ValueError, '')[key]
    write_result(tmp_path / 'b' / 'p1.mat', draw_coeff(1), **{key: (original + change).astype(original.dtype)})
    assert evaluate.main(two_ports) == 1
    different = [line for line in capsys.readouterr().out.splitlines() if 'DIFFERENT' in line]
    assert len(different) == 1 and different[0].startswith('| %s |' % name)
    if key == 'face_shape':
        assert float(table(tmp_path / 'out')[1][name]) == pytest.approx(100 * change * np.sqrt(3), rel=1e-3)


def test_what_one_port_has_not_is_not_compared(two_ports, tmp_path, draw_coeff, write_result, capsys):
    for number in range(3):
        write_result(tmp_path / 'b' / ('p%d.mat' % number), draw_coeff(number), recon_img=None)
    assert evaluate.main(two_ports) == 0
    assert '| rendering_psnr_db | nan | 40 | 0 | 0 | not compared |' in capsys.readouterr().out


def test_results_in_one_folder_only(two_ports, tmp_path, capsys):
    (tmp_path / 'b' / 'p2.mat').unlink()
    assert evaluate.main(two_ports) == 1
    assert '2 results; 1 in one folder only' in capsys.readouterr().out
    for path in (tmp_path / 'b').iterdir():
        path.unlink()
    assert evaluate.main(two_ports) == 2
    assert 'expected .mat files of the same names' in capsys.readouterr().err


def test_reference_figures(tmp_path, capsys):
    with np.load(GOLDEN + '/camera_utils.npz') as golden:
        arrays = dict(golden)
    (tmp_path / 'port').mkdir()
    np.savez(str(tmp_path / 'port' / 'camera_utils.npz'), **arrays)
    arguments = ['reference', str(tmp_path / 'port'), '--output', str(tmp_path / 'out')]
    assert evaluate.main(arguments) == 0
    assert {float(row['over_tolerance']) for row in table(tmp_path / 'out')} == {0.0}
    assert (tmp_path / 'out' / 'differences.png').stat().st_size > 5000
    key = sorted(arrays)[0]
    arrays[key] = arrays[key] * 1.01 + 0.01
    np.savez(str(tmp_path / 'port' / 'camera_utils.npz'), **arrays)
    assert evaluate.main(arguments) == 1
    assert [row['array'] for row in table(tmp_path / 'out') if row['verdict'] == 'DIFFERENT'] == [key]


@pytest.mark.parametrize('shift, verdict', [(0.9e-4, 'equal'), (2.1e-4, 'DIFFERENT'), (np.nan, 'DIFFERENT')])
def test_a_figure_may_stray_by_the_tolerance(tmp_path, shift, verdict):
    """A float is allowed 1e-4 of itself and of the array's largest value."""
    goal = np.array([1.0, -2.0])
    for name, value in (('golden', goal), ('port', goal + [0, 2 * shift])):
        np.savez(str(tmp_path / (name + '.npz')), x=value)
    with np.load(str(tmp_path / 'port.npz')) as port, np.load(str(tmp_path / 'golden.npz')) as golden:
        row = compare.compare_figure('f.npz', 'x', port, golden)
    assert row['verdict'] == verdict
    np.testing.assert_allclose(row['over_tolerance'], 2 * shift / 4e-4)
