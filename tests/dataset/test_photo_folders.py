"""Whose photos are in a folder."""
import os

import pytest
from PIL import Image

from Deep3DFaceReconstruction.dataset.people.photo_folders import PersonFolder, find_people
from Deep3DFaceReconstruction.errors import InputError


def photo(path):
    path.parent.mkdir(exist_ok=True)
    Image.new('RGB', (8, 8)).save(str(path))


def test_each_folder_is_a_person(tmp_path):
    for name in ('anna/1.png', 'anna/2.png', 'bert/1.png', 'loose.png'):
        photo(tmp_path / name)
    (tmp_path / 'empty').mkdir()
    (tmp_path / '.hidden').mkdir()
    photo(tmp_path / 'out' / 'anna.png')
    people = find_people(str(tmp_path), str(tmp_path / 'out'))
    assert people.folders == [PersonFolder(name, str(tmp_path / name), str(tmp_path / 'out' / name))
                              for name in ('anna', 'bert')]
    assert len(people.empty) == 1
    assert people.empty[0].startswith('%s: expected photos of a person (' % (tmp_path / 'empty'))
    assert people.notes == ('%s: 1 photo outside the folders of the people not read' % tmp_path,)


def test_the_folder_itself(tmp_path):
    photo(tmp_path / 'anna' / '1.png')
    source = str(tmp_path / 'anna') + os.sep
    assert find_people(source, 'out', True).folders == [PersonFolder('anna', source, 'out')]


def test_nobody(tmp_path):
    photo(tmp_path / 'loose.png')
    with pytest.raises(InputError, match='expected a folder of photos for each person, found none; a hint'):
        find_people(str(tmp_path), 'out', hint='a hint')
    with pytest.raises(InputError, match='missing: expected a folder of folders of photos, got: No such file'):
        find_people(str(tmp_path / 'missing'), 'out')
