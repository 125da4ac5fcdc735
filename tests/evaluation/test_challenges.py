"""evaluate.py now and realy: files in the layout that the challenges' own programs read."""
import csv

import numpy as np
import pytest
from PIL import Image

import evaluate
from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.evaluation import challenges
from Deep3DFaceReconstruction.meshes.obj import read_faces, read_vertices


@pytest.fixture(autouse=True)
def use_small_model(monkeypatch, small_model):
    monkeypatch.setattr(challenges, 'load_face_model', lambda path=None: small_model)


def put_image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new('RGB', (20, 20)).save(str(path))


@pytest.fixture
def now(tmp_path, draw_coeff, write_result):
    results = tmp_path / 'results'
    results.mkdir()
    for number, place in enumerate(('A1/multiview_neutral/IMG_1.jpg', 'A1/selfie/IMG_1.jpg')):
        put_image(tmp_path / 'data' / 'iphone_pictures' / place)
        write_result(results / (place[:-4].replace('/', '-') + '.mat'), draw_coeff(number))
    return ['now', '--data', str(tmp_path / 'data'), '--results', str(results), '--output', str(tmp_path / 'out')]


def test_now_has_a_neutral_mesh_and_seven_landmarks_for_each_image(now, tmp_path, small_model, draw_coeff):
    assert evaluate.main(now) == 0
    stem = str(tmp_path / 'out' / 'predictions' / 'A1' / 'selfie' / 'IMG_1')
    coeff = draw_coeff(1).astype(np.float32).astype(np.float64)
    coeff[COEFF_SLICES['ex']] = 0
    expected = 100 * numpy_decoder.shape_of(small_model, coeff)
    np.testing.assert_allclose(read_vertices(stem + '.obj'), expected, atol=2e-5)
    np.testing.assert_array_equal(read_faces(stem + '.obj', 68, 3), small_model.triangles)
    landmarks = np.load(stem + '.npy')
    assert landmarks.shape == (7, 3)
    for name in ('histogram.png', 'heat_maps/nearest.png', 'heat_maps/farthest.ply', 'summary.md', 'options.json'):
        assert (tmp_path / 'out' / name).stat().st_size > 50
    np.testing.assert_allclose(landmarks, expected[small_model.keypoints[[36, 39, 42, 45, 33, 48, 54]]], atol=2e-5)


def test_now_follows_the_list_of_images(now, tmp_path):
    (tmp_path / 'data' / 'imagepathsvalidation.txt').write_text('A1/selfie/IMG_1.jpg\nA2/selfie/IMG_9.jpg\n')
    assert evaluate.main(now) == 1
    with open(str(tmp_path / 'out' / 'table.csv'), newline='') as stream:
        rows = list(csv.DictReader(stream))
    assert [row['reason'] for row in rows] == ['', 'no reconstruction']
    assert float(rows[0]['from_mean_face_mm']) > 0 and rows[1]['from_mean_face_mm'] == 'nan'
    assert not (tmp_path / 'out' / 'predictions' / 'A1' / 'multiview_neutral').exists()


def test_realy_has_the_photos_names_and_a_template(tmp_path, small_model, draw_coeff, write_result):
    for name in ('1', '2_3'):
        put_image(tmp_path / 'data' / (name + '.jpg'))
        (tmp_path / 'results').mkdir(exist_ok=True)
        write_result(tmp_path / 'results' / (name + '.mat'), draw_coeff(int(name[0])))
    words = ['realy', '--data', str(tmp_path / 'data'), '--results', str(tmp_path / 'results'),
             '--output', str(tmp_path / 'out')]
    assert evaluate.main(words) == 0
    shape = 100 * numpy_decoder.shape_of(small_model, draw_coeff(1).astype(np.float32).astype(np.float64))
    np.testing.assert_allclose(read_vertices(str(tmp_path / 'out' / 'predictions' / '1.obj')), shape, atol=1e-3)
    assert (tmp_path / 'out' / 'predictions' / '2_3.obj').exists()
    template = read_vertices(str(tmp_path / 'out' / 'template.obj'))
    np.testing.assert_allclose(template.mean(axis=0), 0, atol=1e-4)
    landmarks = np.loadtxt(str(tmp_path / 'out' / 'template_68_landmarks.txt'))
    np.testing.assert_array_equal(landmarks, small_model.keypoints)
    assert evaluate.main(words + ['--neutral']) == 0
    assert np.abs(read_vertices(str(tmp_path / 'out' / 'predictions' / '1.obj')) - shape).max() > 1


@pytest.mark.parametrize('protocol, message', [
    ('now', 'expected iphone_pictures/SUBJECT/CHALLENGE/IMAGE.jpg'),
    ('realy', 'expected NUMBER.jpg or NUMBER_VIEW.jpg')])
def test_other_folders_are_one_line(protocol, message, tmp_path, capsys):
    put_image(tmp_path / 'data' / 'face.jpg')
    assert evaluate.main([protocol, '--data', str(tmp_path / 'data'), '--output', str(tmp_path / 'out')]) == 2
    error, = capsys.readouterr().err.splitlines()
    assert message in error
