"""The files of a run: outputs by name, and the viewer's page over runs that go on where another stopped."""
import csv
import json
import re

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat
from skimage import data

import demo
from Deep3DFaceReconstruction.face_model import load_face_model


def page_of(folder):
    text = (folder / 'index.html').read_text(encoding='utf-8')
    run, = re.findall(r'<script type="application/json" id="run">(.*?)</script>', text, re.S)
    faces = [json.loads(block) for block in re.findall(
        r'<script type="application/json" id="face-\d+">(.*?)</script>', text, re.S)]
    return json.loads(run), faces


@pytest.mark.slow
def test_the_page_shows_new_kept_and_failed_photos(tmp_path):
    photos, results = tmp_path / 'in', tmp_path / 'out'
    photos.mkdir()
    portrait = Image.fromarray(data.astronaut()[:300, 80:380])
    portrait.save(str(photos / 'first.png'))
    words = ['--input', str(photos), '--output', str(results), '--outputs', 'mat,png,viewer', '--iterations', '1']
    assert demo.main(words) == 0
    run, faces = page_of(results)
    assert [face['name'] for face in run['faces']] == ['first'] and faces[0]['texture'].startswith('data:image')
    assert run['links']['first'] == [['first.mat', 'first.mat'], ['first.png', 'first.png']]

    portrait.save(str(photos / 'second.jpg'))
    Image.new('RGB', (64, 64)).save(str(photos / 'third.png'))
    assert demo.main(words + ['--resume']) == 1
    run, faces = page_of(results)
    assert sorted(face['name'] for face in run['faces']) == ['first', 'second']
    assert [(row['name'], row['status']) for row in run['rows']] == [
        ('first', 'ok'), ('second', 'ok'), ('third', 'failed')]
    # A kept face comes back from its files, which have no texture.
    assert {face['name']: bool(content['texture']) for face, content in zip(run['faces'], faces)} == {
        'first': False, 'second': True}


def test_a_page_that_is_not_ours_stays(tmp_path, capsys):
    Image.fromarray(data.astronaut()).save(str(tmp_path / 'a.png'))
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'index.html').write_text('my homepage')
    assert demo.main(['--input', str(tmp_path), '--output', str(tmp_path / 'out'), '--outputs', 'viewer']) == 2
    assert 'index.html: expected nothing, or a result of this program' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'index.html').read_text() == 'my homepage'


@pytest.mark.slow
def test_outputs_of_a_photo_whose_name_is_a_formula(tmp_path):
    """Every file that the row names is there; the name computes nothing in a spreadsheet; a line break in a name keeps
    the textured mesh from being written and nothing else.
    """
    photos, results = tmp_path / 'in', tmp_path / 'out'
    photos.mkdir()
    portrait = Image.fromarray(data.astronaut()[:300, 80:380])
    portrait.save(str(photos / '=1+1.png'))
    portrait.save(str(photos / 'a\nb.png'))
    wanted = ['--outputs', 'mat,camera,overlay,texture,glb', '--texture', 'albedo', '--texture_size', '64']
    assert demo.main(['--input', str(photos), '--output', str(results), '--iterations', '1'] + wanted) == 1
    with open(str(results / 'summary.csv'), newline='') as stream:
        good, bad = sorted(csv.DictReader(stream), key=lambda row: row['status'], reverse=True)
    assert good['image'] == "'=1+1.png" and good['name'] == "'=1+1" and good['status'] == 'ok'
    files = good['files'].lstrip("'").split('|')
    assert files == ['=1+1' + suffix for suffix in (
        '.mat', '_camera.json', '.obj', '.mtl', '_texture.png', '.glb', '_overlay.png')]
    assert all((results / name).stat().st_size > 0 for name in files)
    assert Image.open(str(results / '=1+1_texture.png')).size == (64, 64)
    assert bad['status'] == 'failed' and 'expected a name without control characters' in bad['reason']
    assert not (results / 'a\nb.obj').exists() and (results / 'a\nb.glb').exists()


def test_mat_says_where_the_face_is_in_the_photo(tmp_path):
    photos, results = tmp_path / 'in', tmp_path / 'out'
    photos.mkdir()
    Image.fromarray(data.astronaut()).save(str(photos / 'she.png'))
    assert demo.main(['--input', str(photos), '--output', str(results), '--iterations', '1', '--outputs',
                      'mat,camera']) == 0
    mat = loadmat(str(results / 'she.mat'))
    document = json.loads((results / 'she_camera.json').read_text())['photo']
    rotation, translation, matrix = (np.array(document[name]) for name in ('R', 't', 'K'))
    model = load_face_model()
    pixels = (mat['face_shape'][model.keypoints] @ rotation.T + translation) @ matrix.T
    np.testing.assert_allclose(pixels[:, :2] / pixels[:, 2:], mat['lm_68p_photo'], atol=0.01)
    # The astronaut's nose in scikit-image's picture.
    np.testing.assert_allclose(mat['lm_68p_photo'][30], [226, 129], atol=8)
    assert mat['trans_params'].ravel()[:2].tolist() == [512, 512]


def test_an_unknown_output_ends_with_the_list(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        demo.main(['--input', str(tmp_path), '--output', str(tmp_path / 'out'), '--outputs', 'mat,hologram'])
    assert stopped.value.code == 2
    assert 'expected all or some of mat,obj,png,camera,' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()
