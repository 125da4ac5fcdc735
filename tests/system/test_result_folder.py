"""The record of what was written: own files may be replaced and removed, all others never."""
import os

import pytest

from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.system.result_folder import RECORD_NAME, ResultFolder, photo_facts

SUFFIXES = ['.mat', '.png']


def writer(*names, text='result'):
    def write(folder):
        for name in names:
            with open(os.path.join(folder, name), 'w') as file:
                file.write(text)
        return 'written'
    return write


def put(folder, photo='a.jpg', names=('a.mat', 'a.png'), text='result', facts='same'):
    _, written = folder.write(writer(*names, text=text))
    folder.finish_photo(photo, photo.split('.')[0], facts, [['row']], written)


@pytest.fixture
def folder(tmp_path):
    return ResultFolder(str(tmp_path))


def test_results_are_replaced_and_known_to_the_next_run(folder, tmp_path):
    assert folder.write(writer('a.mat', 'a.png')) == ('written', ['a.mat', 'a.png'])
    put(folder, text='newer')
    again = ResultFolder(str(tmp_path))
    again.refuse_foreign_files(['a'], SUFFIXES, False)
    put(again, text='newest')
    assert (tmp_path / 'a.mat').read_text() == 'newest'
    assert sorted(os.listdir(str(tmp_path))) == [RECORD_NAME, 'a.mat', 'a.png']
    assert again.photo_names() == {'a.jpg': 'a'}


@pytest.mark.parametrize('name', ['a.png', 'a.mat', 'a_2.png', 'summary.csv'])
def test_what_others_wrote_is_in_the_way(folder, tmp_path, name):
    put(folder)
    (tmp_path / name).write_text('mine')
    with pytest.raises(InputError, match='%s: expected nothing, or a result of this program' % name):
        ResultFolder(str(tmp_path)).refuse_foreign_files(['a'], SUFFIXES, True)
    if name in ('a.png', 'a.mat'):
        with pytest.raises(InputError, match=name):
            put(folder)
    assert (tmp_path / name).read_text() == 'mine'
    assert not [entry for entry in os.listdir(str(tmp_path)) if entry.startswith('.writing')]


def test_a_link_is_in_the_way_even_to_a_result(folder, tmp_path):
    put(folder)
    (tmp_path / 'mine.png').write_text('result')
    os.remove(str(tmp_path / 'a.png'))
    os.symlink(str(tmp_path / 'mine.png'), str(tmp_path / 'a.png'))
    with pytest.raises(InputError, match=r'a\.png: expected nothing'):
        put(folder)
    assert (tmp_path / 'mine.png').read_text() == 'result'


def test_a_copied_folder_is_still_known(folder, tmp_path):
    put(folder)
    os.utime(str(tmp_path / 'a.mat'), (1, 1))
    again = ResultFolder(str(tmp_path))
    again.refuse_foreign_files(['a'], SUFFIXES, False)
    assert again.finished('a.jpg', 'same') == [['row']]


def test_what_is_finished(folder, tmp_path):
    put(folder)
    again = ResultFolder(str(tmp_path))
    assert again.finished('a.jpg', 'same') == [['row']]
    assert again.finished('a.jpg', 'other') is None and again.finished('b.jpg', 'same') is None
    (tmp_path / 'a.mat').write_text('resulT')
    os.utime(str(tmp_path / 'a.mat'), (1, 1))
    assert again.finished('a.jpg', 'same') is None


def test_what_a_former_run_left_of_a_photo_goes(folder, tmp_path):
    put(folder, names=['a_1.mat', 'a_2.mat', 'a_3.mat', 'b.mat'])
    (tmp_path / 'a_3.mat').write_text('changed by hand')
    put(folder, photo='b.jpg', names=['b.mat'])
    put(folder, names=['a_1.mat'])
    assert sorted(os.listdir(str(tmp_path))) == [RECORD_NAME, 'a_1.mat', 'a_3.mat', 'b.mat']
    folder.finish_photo('a.jpg', 'a', 'same', [], [])
    assert sorted(os.listdir(str(tmp_path))) == [RECORD_NAME, 'a_3.mat', 'b.mat']


def test_another_programs_record_is_refused(tmp_path):
    (tmp_path / RECORD_NAME).write_text('something else')
    with pytest.raises(InputError, match=r'\.deep3d_results: expected the record of an earlier run'):
        ResultFolder(str(tmp_path))
    assert (tmp_path / RECORD_NAME).read_text() == 'something else'


def test_a_killed_run_leaves_a_record_and_no_half_files(folder, tmp_path):
    put(folder)
    with open(str(tmp_path / RECORD_NAME), 'a') as record:
        record.write('{"photo": "b.jpg", "fi')
    stale = tmp_path / '.writing-results-x'
    stale.mkdir()
    (stale / 'half.mat').write_text('half')
    os.utime(str(stale), (1, 1))
    (tmp_path / '.writing-own-notes').mkdir()
    assert ResultFolder(str(tmp_path)).finished('a.jpg', 'same') == [['row']]
    assert not stale.exists() and (tmp_path / '.writing-own-notes').exists()


def test_the_record_does_not_grow_for_ever(folder, tmp_path):
    for number in range(150):
        put(folder, text=str(number))
    ResultFolder(str(tmp_path)).refuse_foreign_files(['a'], SUFFIXES, False)
    assert len((tmp_path / RECORD_NAME).read_text().splitlines()) < 10
    assert ResultFolder(str(tmp_path)).finished('a.jpg', 'same') == [['row']]


def test_facts_change_with_the_photo_and_its_landmarks(tmp_path):
    photo, landmarks = tmp_path / 'a.jpg', tmp_path / 'a.txt'
    photo.write_text('x')
    before = photo_facts(str(photo), str(landmarks), {})
    landmarks.write_text('1 2')
    with_landmarks = photo_facts(str(photo), str(landmarks), {})
    os.utime(str(photo), (1, 1))
    touched = photo_facts(str(photo), str(landmarks), {})
    assert before != with_landmarks != touched
