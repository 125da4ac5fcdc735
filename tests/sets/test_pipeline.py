"""demo.py --sets, end to end, on landmarks alone."""
import csv

import numpy as np
import pytest
import trimesh
from PIL import Image
from scipy.io import loadmat
from skimage import data

from Deep3DFaceReconstruction.system import assets
from tests.demo.demo_run import files_in, run

OPTIONS = ['--sets', '--fit', 'fast', '--texture_size', '256', '--outputs', 'mat']


def rows_of(folder):
    with open(str(folder / 'summary.csv')) as stream:
        return {(row['set'], row['name']): row for row in csv.DictReader(stream)}


@pytest.fixture(scope='module')
def result(tmp_path_factory):
    """(folder of people, output, exit code): two photos of the astronaut and a file
    that is not a photo; one photo of her; a photo without a face."""
    folder = tmp_path_factory.mktemp('sets')
    portrait = Image.fromarray(data.astronaut()[:300, 80:380])
    (folder / 'in' / 'her').mkdir(parents=True)
    portrait.save(str(folder / 'in' / 'her' / 'a.png'))
    portrait.resize((240, 240)).save(str(folder / 'in' / 'her' / 'b.png'))
    (folder / 'in' / 'her' / 'broken.png').write_bytes(b'\x89PNG\r\n\x1a\n')
    for name in ('desk', 'alone'):
        (folder / 'in' / name).mkdir()
    portrait.save(str(folder / 'in' / 'alone' / 'c.png'))
    Image.new('RGB', (120, 120), 'grey').save(str(folder / 'in' / 'desk' / 'empty.png'))
    patch = pytest.MonkeyPatch()
    patch.setattr(assets, 'FACE_RECON_PB', str(folder / 'none.pb'))
    patch.setattr(assets, 'OPEN_R_NET_PB', str(folder / 'none.pb'))
    try:
        yield folder / 'in', folder / 'out', run(folder / 'in', folder / 'out', *OPTIONS)
    finally:
        patch.undo()


def test_photos_that_fail_do_not_stop_the_set(result):
    _, out, code = result
    rows = rows_of(out)
    assert code == 1
    assert {key: row['status'] for key, row in rows.items()} == {
        ('her', 'a'): 'ok', ('her', 'b'): 'ok', ('her', 'broken'): 'failed', ('desk', 'empty'): 'failed',
        ('alone', 'c'): 'ok'}
    assert 'broken.png: expected' in rows['her', 'broken']['reason']
    assert rows['her', 'a']['left_out'] == '' and rows['her', 'a']['coefficients_from'] == 'fit, joint'


def test_a_person_without_a_face_has_no_files(result):
    assert files_in(result[1] / 'desk') == []


def test_the_files_of_a_set(result):
    folder = result[1] / 'her'
    assert files_in(folder) == ['a.mat', 'b.mat', 'her.glb', 'her.mat', 'her_mesh.mtl', 'her_mesh.obj',
                                'her_mesh_texture.png']
    person, photos = loadmat(str(folder / 'her.mat')), [loadmat(str(folder / name)) for name in ('a.mat', 'b.mat')]
    for photo in photos:
        np.testing.assert_array_equal(photo['coeff'][0, :80], person['coeff'][0, :80])
        np.testing.assert_array_equal(photo['coeff'][0, 144:224], person['coeff'][0, 144:224])
        np.testing.assert_array_equal(photo['id_deviation'], person['id_deviation'])
    assert np.abs(photos[0]['coeff'][0, 80:144] - photos[1]['coeff'][0, 80:144]).max() > 0
    assert not person['coeff'][0, 80:144].any() and not person['coeff'][0, 224:].any()
    assert (person['id_deviation'] > 0).all() and person['certainty'].shape == (2, 160)
    assert [str(name[0]) for name in person['photos'][0]] == ['a', 'b']


def test_the_mesh_is_the_neutral_face(result):
    folder = result[1] / 'her'
    shape = loadmat(str(folder / 'her.mat'))['face_shape']
    mesh = trimesh.load(str(folder / 'her_mesh.obj'), process=False)
    assert np.abs(np.sort(mesh.vertices[:, 0])[[0, -1]] - np.sort(shape[:, 0])[[0, -1]]).max() < 1e-4
    with Image.open(str(folder / 'her_mesh_texture.png')) as texture:
        assert texture.size == (256, 256)


def test_resume_keeps_the_people_who_are_whole(result, capsys):
    """A photo that failed is tried again, and its set with it."""
    source, out, _ = result
    before = rows_of(out)
    assert run(source, out, *OPTIONS, '--resume') == 1
    printed = capsys.readouterr().out
    assert 'her: 2 photos merged' in printed and 'alone: 1 photo merged' not in printed
    after = rows_of(out)
    assert set(after) == set(before) and after['alone', 'c'] == before['alone', 'c']


def test_no_folder_of_people(tmp_path, capsys):
    (tmp_path / 'in').mkdir()
    assert run(tmp_path / 'in', tmp_path / 'out', '--sets') == 2
    assert 'expected a folder of photos for each person, found none' in capsys.readouterr().err
