"""Reading pictures and landmark files: every kind that people have, and every way they are broken."""
import os

import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.errors import ImageError
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


def stored_as(rgb, orientation):
    """What a camera stores with this orientation tag."""
    return np.ascontiguousarray({
        1: rgb, 2: rgb[:, ::-1], 3: rgb[::-1, ::-1], 4: rgb[::-1], 5: rgb.transpose(1, 0, 2), 6: np.rot90(rgb),
        7: rgb[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(rgb, -1)}[orientation])


@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_orientation_is_undone(tmp_path, rgb, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path, 'a.png', stored_as(rgb, orientation), exif=exif)
    np.testing.assert_array_equal(np.asarray(image_io.read_image(path)), rgb)


@pytest.mark.parametrize('compression', [None, 'tiff_lzw', 'packbits'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_an_orientation_tag_turns_a_tiff_once(tmp_path, rgb, orientation, compression):
    path = save(tmp_path, 'a.tif', stored_as(rgb, orientation), tiffinfo={0x0112: orientation}, compression=compression)
    image = image_io.read_image(path)
    assert image.size == (WIDTH, HEIGHT)
    np.testing.assert_array_equal(np.asarray(image), rgb)


@pytest.mark.parametrize('name', ['a.jpg', 'a.webp'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_orientation_in_lossy_formats(tmp_path, rgb, name, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path, name, stored_as(rgb, orientation), exif=exif.tobytes(), quality=95)
    assert np.abs(np.asarray(image_io.read_image(path), np.float64) - rgb).mean() < 4


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


def test_12_bits_in_16_are_scaled(tmp_path, rgb):
    values = (rgb[..., 0].astype(np.uint16) * 257) >> 4
    result = np.asarray(image_io.read_image(save(tmp_path, 'a.png', values)))
    assert np.abs(result[..., 0].astype(int) - rgb[..., 0]).max() <= 1


def test_an_image_that_is_transparent_all_over_is_refused(tmp_path, rgb):
    alpha = np.zeros((HEIGHT, WIDTH, 1), np.uint8)
    path = save(tmp_path, 'a.png', np.concatenate([rgb, alpha], axis=2))
    with pytest.raises(ImageError, match=r'a\.png: expected an image with something to see, got one that is transp'):
        image_io.read_image(path)


def test_the_first_frame_of_a_gif(tmp_path):
    frames = [Image.new('P', (WIDTH, HEIGHT), index) for index in (1, 2)]
    for frame in frames:
        frame.putpalette([0, 0, 0, 10, 200, 30, 250, 0, 0])
    path = save(tmp_path, 'a.gif', frames[0], save_all=True, append_images=frames[1:])
    assert np.asarray(image_io.read_image(path))[5, 5].tolist() == [10, 200, 30]


def test_the_content_decides_not_the_name(tmp_path, rgb):
    path = save(tmp_path, 'a.png', Image.fromarray(rgb), format='JPEG', quality=95)
    assert np.abs(np.asarray(image_io.read_image(path), np.float64) - rgb).mean() < 4


def test_heic(tmp_path, rgb):
    pillow_heif = pytest.importorskip('pillow_heif')
    path = str(tmp_path / 'phone.heic')
    pillow_heif.from_pillow(Image.fromarray(rgb)).save(path, quality=95)
    image = image_io.read_image(path)
    assert image.mode == 'RGB' and np.abs(np.asarray(image, np.float64) - rgb).mean() < 4


def test_heic_without_the_library_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(image_io.image_kinds, 'has_pillow_heif', lambda: False)
    (tmp_path / 'a.heic').write_bytes(b'\0\0\0\x18ftypheic' + b'\0' * 100)
    with pytest.raises(ImageError, match=r'a\.heic: expected a readable image, got HEIC; .*requirements-heif'):
        image_io.read_image(str(tmp_path / 'a.heic'))
