"""Which files of a folder are photos, and what their results are called."""
import os

import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.photo import image_kinds, photo_files
from Deep3DFaceReconstruction.system.own_files import marked_info


def test_list_images_sorts_and_ignores_case(tmp_path):
    for name in ('b.JPG', 'a.png', 'c.WebP', 'd.txt', '.hidden.png', 'e.Tiff', 'f.jpeg', 'g.bmp', 'png'):
        (tmp_path / name).write_bytes(b'')
    names = [os.path.basename(path) for path in photo_files.list_images(str(tmp_path))]
    assert names == ['a.png', 'b.JPG', 'c.WebP', 'e.Tiff', 'f.jpeg', 'g.bmp']


def test_list_images_names_a_folder_that_is_none(tmp_path):
    with pytest.raises(InputError, match='nowhere: expected a folder of images, got: No such file'):
        photo_files.list_images(str(tmp_path / 'nowhere'))
    (tmp_path / 'file').write_bytes(b'')
    with pytest.raises(InputError, match='file: expected a folder of images, got: Not a directory'):
        photo_files.list_images(str(tmp_path / 'file'))


def test_landmark_path_replaces_the_extension_alone():
    assert photo_files.landmark_path_for('/pngs/my.png.photo.JPG') == '/pngs/my.png.photo.txt'


def test_landmark_files_of_any_case_and_of_one_photo_alone(tmp_path):
    photo = str(tmp_path / 'IMG.JPG')
    for name in ('IMG.json', 'IMG.TXT', 'IMG.JPG.txt'):
        (tmp_path / name).write_text('{"title": "no points"}')
        found = os.path.basename(photo_files.landmark_path_for(photo))
        assert found == ('IMG.txt' if name == 'IMG.json' else name)
    (tmp_path / 'b.json').write_text('{"landmarks": []}')
    assert photo_files.landmark_path_for(str(tmp_path / 'b.png')) == str(tmp_path / 'b.json')


@pytest.fixture
def image():
    return Image.fromarray(np.full((20, 30, 3), 90, np.uint8))


def test_photos_are_known_by_content(tmp_path, image, monkeypatch):
    monkeypatch.setattr(image_kinds, 'has_pillow_heif', lambda: False)
    monkeypatch.setattr(image_kinds, 'pillow_reads_avif', lambda: False)
    for name, kind in (('a.png', 'JPEG'), ('chrome.jfif', 'JPEG'), ('old.jpe', 'JPEG'), ('anim.gif', 'GIF'),
                       ('nameless', 'PNG'), ('own.png', 'PNG')):
        image.save(str(tmp_path / name), format=kind, **({'pnginfo': marked_info()} if name == 'own.png' else {}))
    for name, content in (('phone.heic', b'\0\0\0\x18ftypheic' + b'\0' * 100), ('b.HEIC', b''), ('c.raw', b'1234'),
                          ('d.nef', b'II*\0'), ('e.avif', b'\0\0\0\x18ftypavif'), ('broken.jpg', b'text'),
                          ('f.jpg', b'8BPS'), ('notes.md', b'text'), ('a.txt', b'1 2'), ('.hidden.heic', b'')):
        (tmp_path / name).write_bytes(content)
    (tmp_path / 'folder.png').mkdir()
    photos = photo_files.find_photos(str(tmp_path))
    assert [os.path.basename(path) for path in photos.paths] == [
        'a.png', 'anim.gif', 'broken.jpg', 'chrome.jfif', 'nameless', 'old.jpe']
    assert photos.own_results == 1
    assert {os.path.basename(path): kind for path, kind in photos.unsupported} == {
        'phone.heic': 'HEIC', 'b.HEIC': 'HEIC', 'c.raw': 'camera raw', 'd.nef': 'camera raw', 'e.avif': 'AVIF',
        'f.jpg': 'Photoshop'}
    line = photo_files.unsupported_line('in', photos.unsupported)
    assert line.startswith('in: 6 photos not read: 1 AVIF, 2 HEIC, 1 Photoshop, 2 camera raw; type: pip install')
    assert photo_files.unsupported_line('in', []) is None


def names(files, **options):
    return photo_files.result_names(['in/' + name for name in files], **options)


def test_names_are_kept_apart():
    assert names(['a.jpg', 'b.PNG', 'c.d.png']) == ['a', 'b', 'c.d']
    assert names(['a.jpg', 'a.PNG', 'b.png']) == ['a_jpg', 'a_PNG', 'b']
    assert names(['dup.jpg', 'dup.png', 'dup_jpg.png']) == ['dup__jpg', 'dup_png', 'dup_jpg']
    assert names(['A.jpg', 'a.jpg', 'A_JPG.png']) == ['A__jpg', 'a___jpg', 'A_JPG']
    assert names(['contact_sheet.jpg', 'b.jpg'], reserved=['contact_sheet']) == ['contact_sheet_jpg', 'b']


def test_a_photo_is_not_called_like_another_photos_second_face():
    files = ['pair.jpg', 'pair_2.jpg', 'solo_2.jpg']
    assert names(files) == ['pair', 'pair_2', 'solo_2']
    assert names(files, numbered=True) == ['pair', 'pair_2_jpg', 'solo_2']
    assert names(['a_jpg_1.png', 'a.jpg', 'a.png'], numbered=True) == ['a_jpg_1', 'a__jpg', 'a_png']


def test_a_photo_keeps_the_name_that_it_had():
    recorded = {'a.jpg': 'a', 'pair_2.jpg': 'pair_2'}
    assert names(['a.jpg', 'a.png'], recorded=recorded) == ['a', 'a_png']
    assert names(['a.png'], recorded={'a.png': 'a_png'}) == ['a_png']
    assert names(['pair.jpg', 'pair_2.jpg'], numbered=True, recorded=recorded) == ['pair', 'pair_2_jpg']


@pytest.mark.parametrize('numbered', [False, True])
def test_no_two_names_are_alike_whatever_the_files_are_called(numbered):
    random = np.random.RandomState(0)
    parts = ['a', 'A', 'a_1', 'a_jpg', 'a_png', 'a__jpg', 'b.c', 'b_c', 'a_jpg_1', '\u00e9', 'e\u0301']
    for _ in range(300):
        files = sorted({random.choice(parts) + random.choice(['.jpg', '.JPG', '.png', '.webp']) for _ in range(12)})
        result = [name.casefold() for name in names(files, numbered=numbered)]
        assert len(set(result)) == len(files)
        if numbered:
            faces = {name + '_%d' % n for name in result for n in range(1, 4)}
            assert not faces & set(result)
