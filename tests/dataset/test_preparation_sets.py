"""preprocess_img.py --sets: a folder of photos for each person -> a training set for each, as train.py --sets reads."""
import csv
import os
import shutil

import numpy as np
import pytest
from PIL import Image

import preprocess_img
from Deep3DFaceReconstruction.dataset.people.folders import find_people
from Deep3DFaceReconstruction.dataset.sample_files import read_sample
from tests import GOLDEN


@pytest.fixture
def photos(tmp_path):
    """Two photos of anna and two of bert, the five points beside each; one photo of carl; one loose photo."""
    portrait = Image.fromarray(pytest.importorskip('skimage.data').astronaut())
    with np.load(GOLDEN + '/preprocess.npz') as figures:
        points = figures['1/lm5p']
    folder = tmp_path / 'photos'
    for person, name in (('anna', 'a'), ('anna', 'b'), ('bert', 'a'), ('bert', 'b'), ('carl', 'a'), ('.', 'loose')):
        (folder / person).mkdir(parents=True, exist_ok=True)
        portrait.save(str(folder / person / (name + '.png')), compress_level=1)
        np.savetxt(str(folder / person / (name + '.txt')), points)
    return folder


def preprocess(photos, save, *more):
    return preprocess_img.main(['--sets', '--img_path', str(photos), '--save_path', str(save)] + list(more))


def statuses(save):
    with open(os.path.join(str(save), 'report.csv'), newline='') as file:
        return {row['name']: row['status'] for row in csv.DictReader(file)}


def test_each_person_becomes_a_set(photos, tmp_path, capsys):
    save = tmp_path / 'save'
    assert preprocess(photos, save) == 1
    errors = capsys.readouterr().err
    assert '%s: 1 photo outside the folders of the people not read' % photos in errors
    assert '%s: expected at least 2 usable photos of a person, got 1; train.py' % (save / 'carl') in errors
    names = ['anna/a', 'anna/b', 'bert/a', 'bert/b', 'carl/a']
    assert statuses(save) == dict.fromkeys(names, 'done')
    assert (save / 'contact_sheet.png').exists() and not (save / 'anna' / 'contact_sheet.png').exists()
    people, problems = find_people(str(save))
    assert [[sample.name for sample in person] for person in people] == [['a', 'b']] * 2
    assert problems == ['%s: expected at least two images of a person, found one' % (save / 'carl')]
    # The samples are those of a run on the folder alone.
    assert preprocess_img.main(['--img_path', str(photos / 'bert'), '--save_path', str(tmp_path / 'alone')]) == 0
    for mine, alone in zip(read_sample(people[1][0]), read_sample(people[1][0]._replace(
            image=str(tmp_path / 'alone' / 'a.png')))):
        np.testing.assert_array_equal(mine, alone)
    # The same command goes on from there.
    shutil.rmtree(str(photos / 'carl'))
    os.remove(str(save / 'bert' / 'b.png'))
    assert preprocess(photos, save) == 0
    assert statuses(save) == {'anna/a': 'kept', 'anna/b': 'kept', 'bert/a': 'kept', 'bert/b': 'done'}


def test_what_is_wrong_is_one_line(photos, tmp_path, capsys):
    assert preprocess(photos / 'anna', tmp_path / 'save') == 2
    assert 'expected a folder of photos for each person, found none; without --sets' in capsys.readouterr().err
    (tmp_path / 'save' / 'bert').mkdir(parents=True)
    Image.new('RGB', (8, 8)).save(str(tmp_path / 'save' / 'bert' / 'a.png'))
    assert preprocess(photos, tmp_path / 'save') == 2
    error, = [line for line in capsys.readouterr().err.splitlines() if 'outside' not in line]
    assert str(tmp_path / 'save' / 'bert' / 'a.png') in error
    assert not (tmp_path / 'save' / 'anna').exists()
