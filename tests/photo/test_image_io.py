"""Reading pictures and landmark files: every kind that people have, and every way they are broken."""
import os

import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.errors import ImageError, InputError, LandmarkError
from Deep3DFaceReconstruction.photo import image_io

WIDTH, HEIGHT = 40, 30


@pytest.fixture
def rgb():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x * 6, y * 8, 255 - x * 3], axis=-1).astype(np.uint8)


def save(folder, name, array_or_image, **options):
    image = array_or_image if isinstance(array_or_image, Image.Image) else Image.fromarray(array_or_image)
    path = str(folder / name)
    image.save(path, **options)
    return path


@pytest.mark.parametrize('name', ['a.png', 'a.PNG', 'a.bmp', 'a.tif', 'a.TIFF'])
def test_lossless_formats_come_back_exactly(tmp_path, rgb, name):
    image = image_io.read_image(save(tmp_path, name, rgb))
    assert image.mode == 'RGB'
    np.testing.assert_array_equal(np.asarray(image), rgb)


@pytest.mark.parametrize('name, options', [('a.jpg', {'quality': 95}), ('a.JPEG', {'quality': 95}),
                                           ('a.webp', {'quality': 95})])
def test_lossy_formats_come_back_nearly(tmp_path, rgb, name, options):
    image = image_io.read_image(save(tmp_path, name, rgb, **options))
    assert np.abs(np.asarray(image, np.float64) - rgb).mean() < 4


def test_greyscale_becomes_three_equal_channels(tmp_path, rgb):
    grey = rgb[..., 0]
    result = np.asarray(image_io.read_image(save(tmp_path, 'a.png', grey)))
    np.testing.assert_array_equal(result, np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize('name', ['a.png', 'a.tif'])
def test_16_bit_greyscale_is_scaled_not_clipped(tmp_path, rgb, name):
    wide = rgb[..., 0].astype(np.uint16) * 257
    result = np.asarray(image_io.read_image(save(tmp_path, name, wide)))
    np.testing.assert_array_equal(result[..., 1], rgb[..., 0])


def test_float_tiff_is_taken_as_0_to_1(tmp_path, rgb):
    result = np.asarray(image_io.read_image(save(tmp_path, 'a.tif', np.float32(rgb[..., 0] / 255.0))))
    np.testing.assert_array_equal(result[..., 2], rgb[..., 0])


def test_float_tiff_of_another_range_is_refused(tmp_path):
    path = save(tmp_path, 'a.tif', np.full((HEIGHT, WIDTH), 3.0, np.float32))
    with pytest.raises(ImageError, match=r'a\.tif: expected pixel values from 0 to 1 .* got 3 to 3'):
        image_io.read_image(path)


def test_transparency_is_laid_on_black(tmp_path, rgb):
    alpha = np.zeros((HEIGHT, WIDTH, 1), np.uint8)
    alpha[:, WIDTH // 2:] = 255
    result = np.asarray(image_io.read_image(save(tmp_path, 'a.png', np.concatenate([rgb, alpha], axis=2))))
    assert not result[:, :WIDTH // 2].any()
    np.testing.assert_array_equal(result[:, WIDTH // 2:], rgb[:, WIDTH // 2:])


def test_palette_with_a_transparent_colour(tmp_path):
    image = Image.new('P', (WIDTH, HEIGHT), 1)
    image.putpalette([255, 255, 255, 10, 20, 30])
    image.paste(0, (0, 0, WIDTH // 2, HEIGHT))
    result = np.asarray(image_io.read_image(save(tmp_path, 'a.png', image, transparency=0)))
    assert result[0, 0].tolist() == [0, 0, 0]
    assert result[0, -1].tolist() == [10, 20, 30]


def test_cmyk_jpeg(tmp_path):
    image = Image.new('CMYK', (WIDTH, HEIGHT), (0, 255, 255, 0))
    result = np.asarray(image_io.read_image(save(tmp_path, 'a.jpg', image)), np.int64)
    assert np.abs(result - [255, 0, 0]).max() < 6


@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_orientation_is_undone(tmp_path, rgb, orientation):
    stored = {1: rgb, 2: rgb[:, ::-1], 3: rgb[::-1, ::-1], 4: rgb[::-1], 5: rgb.transpose(1, 0, 2),
              6: np.rot90(rgb), 7: rgb[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(rgb, -1)}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path, 'a.png', np.ascontiguousarray(stored), exif=exif)
    np.testing.assert_array_equal(np.asarray(image_io.read_image(path)), rgb)


@pytest.mark.filterwarnings('ignore:Corrupt EXIF')
def test_broken_exif_does_not_hide_the_picture(tmp_path, rgb):
    path = save(tmp_path, 'a.jpg', rgb, exif=b'Exif\x00\x00MM\x00*\x00\x00\xff\xff')
    assert image_io.read_image(path).size == (WIDTH, HEIGHT)


@pytest.mark.parametrize('keep', [0.1, 0.5, 0.9])
def test_truncated_images_are_named(tmp_path, rgb, keep):
    for name in ('a.png', 'a.jpg', 'a.bmp', 'a.webp', 'a.tif'):
        path = save(tmp_path, name, np.tile(rgb, (4, 4, 1)))
        with open(path, 'rb+') as file:
            file.truncate(int(os.path.getsize(path) * keep))
        with pytest.raises(ImageError, match=r'%s: expected a readable image, got: .' % name):
            image_io.read_image(path)


@pytest.mark.parametrize('content', [b'', b'\x00', b'\x89PNG\r\n\x1a\n', b'hello, no image', b'\xff\xd8\xff'])
def test_files_that_are_no_images_are_named(tmp_path, content):
    path = tmp_path / 'a.png'
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r'a\.png: expected a readable image, got: .'):
        image_io.read_image(str(path))


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(ImageError, match=r'none\.png: expected a readable image, got: No such file'):
        image_io.read_image(str(tmp_path / 'none.png'))
    with pytest.raises(ImageError, match='Is a directory'):
        image_io.read_image(str(tmp_path))


def test_tiny_and_gigantic_images_are_refused(tmp_path, monkeypatch, rgb):
    with pytest.raises(ImageError, match=r'one\.png: expected .* at least 16x16 pixels, got 1x1'):
        image_io.read_image(save(tmp_path, 'one.png', rgb[:1, :1]))
    monkeypatch.setattr(image_io, 'MAX_PIXELS', 1000)
    with pytest.raises(ImageError, match=r'big\.png: expected .* at most 1000 pixels, got 40x30'):
        image_io.read_image(save(tmp_path, 'big.png', rgb))


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, rgb):
    path = save(tmp_path, 'a.bmp', rgb)
    with open(path, 'rb+') as file:
        file.seek(18)  # width and height of a BMP header
        file.write((60000).to_bytes(4, 'little') + (60000).to_bytes(4, 'little'))
    with pytest.raises(ImageError, match=r'a\.bmp: expected an image of at most 150000000 pixels'):
        image_io.read_image(path)


def test_list_images_sorts_and_ignores_case(tmp_path):
    for name in ('b.JPG', 'a.png', 'c.WebP', 'd.txt', '.hidden.png', 'e.Tiff', 'f.jpeg', 'g.bmp', 'png'):
        (tmp_path / name).write_bytes(b'')
    names = [os.path.basename(path) for path in image_io.list_images(str(tmp_path))]
    assert names == ['a.png', 'b.JPG', 'c.WebP', 'e.Tiff', 'f.jpeg', 'g.bmp']


def test_list_images_names_a_folder_that_is_none(tmp_path):
    with pytest.raises(InputError, match='nowhere: expected a folder of images, got: No such file'):
        image_io.list_images(str(tmp_path / 'nowhere'))
    (tmp_path / 'file').write_bytes(b'')
    with pytest.raises(InputError, match='file: expected a folder of images, got: Not a directory'):
        image_io.list_images(str(tmp_path / 'file'))


def test_landmark_path_replaces_the_extension_alone():
    assert image_io.landmark_path_for('/pngs/my.png.photo.JPG') == '/pngs/my.png.photo.txt'


def test_read_five_points(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('\ufeff1 2\r\n3.5\t4\n\n -5 6e1 \n7 8\n9 10\n', encoding='utf-8')
    points = image_io.read_five_points(str(path))
    np.testing.assert_array_equal(points, [[1, 2], [3.5, 4], [-5, 60], [7, 8], [9, 10]])


@pytest.mark.parametrize('text, message', [
    ('1 2\n' * 4, r"a\.txt: expected 5 lines 'x y', got 4"),
    ('1 2\n' * 6, r"a\.txt: expected 5 lines 'x y', got 6"),
    ('', r"a\.txt: expected 5 lines 'x y', got 0"),
    ('1 2\n3 4\nleft eye\n5 6\n7 8\n', r"a\.txt, line 3: expected two numbers 'x y', got 'left eye'"),
    ('1 2\n3 4 5\n', r"a\.txt, line 2: expected two numbers 'x y', got '3 4 5'"),
    ('1 2\n3 nan\n', r"a\.txt, line 2: .* got '3 nan'"),
    ('inf 2\n', r"a\.txt, line 1: .* got 'inf 2'"),
])
def test_wrong_landmark_files_are_named_with_the_line(tmp_path, text, message):
    path = tmp_path / 'a.txt'
    path.write_text(text)
    with pytest.raises(LandmarkError, match=message):
        image_io.read_five_points(str(path))


def test_unreadable_landmark_files_are_named(tmp_path):
    with pytest.raises(LandmarkError, match=r'a\.txt: expected a landmark file, got: No such file'):
        image_io.read_five_points(str(tmp_path / 'a.txt'))
    (tmp_path / 'b.txt').write_bytes(b'\xff\xfe\x00\x81')
    with pytest.raises(LandmarkError, match=r'b\.txt: expected a landmark file, got: .*decode'):
        image_io.read_five_points(str(tmp_path / 'b.txt'))


@pytest.mark.filterwarnings('ignore')  # Pillow warns about what it finds odd in a file
@pytest.mark.parametrize('name', ['a.png', 'a.jpg', 'a.bmp', 'a.webp', 'a.tif'])
def test_damaged_bytes_give_a_picture_or_one_line(tmp_path, rgb, name):
    path = save(tmp_path, name, rgb)
    with open(path, 'rb') as file:
        sound = file.read()
    random = np.random.RandomState(len(sound))
    for _ in range(60):
        damaged = bytearray(sound)
        for place in random.randint(0, min(len(sound), 150), 3):
            damaged[place] = random.randint(256)
        with open(path, 'wb') as file:
            file.write(damaged)
        try:
            assert image_io.read_image(path).mode == 'RGB'
        except ImageError as error:
            assert str(error).startswith(path + ': expected') and '\n' not in str(error)
