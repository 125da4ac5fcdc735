"""Image sets: who is in them, and a stream in which every set shows one person."""
import os

import numpy as np
import pytest

from Deep3DFaceReconstruction.dataset import data_loader, sample_files
from Deep3DFaceReconstruction.dataset.augmentation import DEFAULT_AUGMENTATION
from Deep3DFaceReconstruction.dataset.people.folders import find_people
from Deep3DFaceReconstruction.dataset.people.reader import SetReader
from Deep3DFaceReconstruction.tf1 import tf

SIZE = 3


def write_person(folder, person, images):
    for number in range(images):
        image = np.full([224, 224, 3], 40 * person + number, np.uint8)
        sample = sample_files.sample_named(os.path.join(folder, 'p%d' % person), 'i%d' % number)
        sample_files.write_sample(sample, image, np.zeros([68, 2]), np.zeros([224, 224], np.uint8), {})


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Four people with 5, 3, 2 and 1 images."""
    folder = str(tmp_path_factory.mktemp('people'))
    for person, images in enumerate((5, 3, 2, 1)):
        write_person(folder, person, images)
    os.makedirs(os.path.join(folder, 'empty'))
    return folder


def shown(reader, positions):
    """[(person, image)] at these positions."""
    return [divmod(int(reader.at(position)[0][0, 0, 0]), 40) for position in positions]


def test_people_are_found_and_what_is_left_out_is_named(folder, tmp_path):
    people, problems = find_people(folder)
    assert [[sample.name for sample in person] for person in people] == [
        ['i0', 'i1', 'i2', 'i3', 'i4'], ['i0', 'i1', 'i2'], ['i0', 'i1']]
    assert len(problems) == 2 and 'empty: expected a training set' in problems[0]
    assert problems[1] == os.path.join(folder, 'p3') + ': expected at least two images of a person, found one'
    listing = tmp_path / 'list.txt'
    listing.write_text('# people\n%s\n' % os.path.join(folder, 'p1'))
    assert find_people([str(listing)])[0] == people[1:2]


def test_no_person_is_one_line(folder, tmp_path):
    with pytest.raises(sample_files.DataError, match=r'p0: expected image sets \(PERSON/NAME.png, .* found no person; '
                                                     r'first of 3 problems'):
        find_people(os.path.join(folder, 'p0'))  # the set of one person: lm, lm_bin, mask
    with pytest.raises(sample_files.DataError, match='expected a folder or a list file, got neither'):
        find_people(str(tmp_path / 'nowhere'))


def test_a_set_shows_one_person_without_repetition(folder):
    reader = SetReader(find_people(folder)[0], SIZE, seed=5)
    sets = np.array(shown(reader, range(12 * SIZE))).reshape(12, SIZE, 2)
    assert (sets[..., 0] == sets[:, :1, 0]).all()
    for epoch in sets[:, 0, 0].reshape(4, 3):
        assert sorted(epoch) == [0, 1, 2]
    for person, count in ((0, 3), (1, 3), (2, 2)):
        views = sets[sets[:, 0, 0] == person][..., 1]
        assert all(len(set(row)) == count for row in views)
    assert len({tuple(row) for row in sets[sets[:, 0, 0] == 0][..., 1]}) > 1
    assert shown(SetReader(find_people(folder)[0], SIZE, seed=5), range(36)) == [tuple(x) for x in sets.reshape(-1, 2)]
    assert shown(SetReader(find_people(folder)[0], SIZE, seed=6), range(36)) != [tuple(x) for x in sets.reshape(-1, 2)]


def test_a_pass_has_one_set_of_everyone(folder):
    reader = SetReader(find_people(folder)[0], SIZE, shuffle=False)
    assert len(reader) == 9
    with tf.Graph().as_default(), tf.Session() as session:
        batch = tf.data.make_one_shot_iterator(data_loader.make_dataset(reader, 2 * SIZE, repeat=False)).get_next()
        images = [session.run(batch.images)[:, 0, 0, 0] for _ in range(2)]
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(batch.images)
    assert np.concatenate(images).tolist() == [0, 1, 2, 40, 41, 42, 80, 81, 80]


def test_only_the_same_person_stands_in_for_a_broken_image(tmp_path):
    for person in (0, 1):
        write_person(str(tmp_path), person, 3)
    (tmp_path / 'p0' / 'i1.png').write_bytes(b'')
    reader = SetReader(find_people(str(tmp_path))[0], SIZE, shuffle=False)
    assert shown(reader, range(6)) == [(0, 0), (0, 2), (0, 2), (1, 0), (1, 1), (1, 2)]
    for name in ('i0.png', 'i2.png'):
        (tmp_path / 'p0' / name).write_bytes(b'')
    reader = SetReader(find_people(str(tmp_path))[0], SIZE, shuffle=False)
    assert shown(reader, range(6)) == 2 * [(1, 0), (1, 1), (1, 2)] and not reader.all_corrupt


def test_faces_of_a_set_are_never_mirrored(folder):
    """A mirrored face is another person's."""
    people = find_people(folder)[0]
    mirrored = DEFAULT_AUGMENTATION._replace(shift_px=0.0, scale=0.0, colour=0.0)
    reader = SetReader(people, SIZE, augmentation=mirrored)
    for position in range(8):
        np.testing.assert_array_equal(reader.at(position)[1], np.zeros([68, 2]))
