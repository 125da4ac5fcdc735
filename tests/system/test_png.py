"""PNG files: other decoders read back every pixel."""
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.system import png


def random_image(shape, kind=np.uint8):
    image = np.random.RandomState(len(shape)).randint(0, np.iinfo(kind).max + 1, shape).astype(kind)
    image[len(image) // 2:] = image[:1]  # runs, as drawings have
    return image


@pytest.mark.parametrize('shape, kind', [
    ((1, 1), np.uint8), ((1, 5, 3), np.uint8), ((37, 41), np.uint8), ((37, 41), np.uint16), ((23, 17, 4), np.uint8),
    ((23, 17, 3), np.uint16), ((900, 1100, 3), np.uint8)])
def test_round_trip(shape, kind):
    image = random_image(shape, kind)
    data = png.encode_png(image)
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image.ndim == 3:
        read = cv2.cvtColor(read, cv2.COLOR_BGRA2RGBA if shape[2] == 4 else cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(read, image)
    if kind == np.uint8:
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), image)


def test_palette():
    palette = np.array([(0, 0, 0), (10, 20, 30), (255, 0, 128)], np.uint8)
    numbers = np.random.RandomState(0).randint(0, 3, (50, 60)).astype(np.uint8)
    image = Image.open(io.BytesIO(png.encode_png(numbers, palette)))
    assert image.mode == 'P'
    np.testing.assert_array_equal(np.asarray(image), numbers)
    np.testing.assert_array_equal(np.asarray(image.convert('RGB')), palette[numbers])


def test_a_view_is_as_good_as_a_copy():
    image = random_image((30, 40, 3))
    assert png.encode_png(image[::2, ::-1]) == png.encode_png(image[::2, ::-1].copy())


@pytest.mark.parametrize('image, palette, message', [
    (np.zeros([3, 4, 2], np.uint8), None, 'expected [H,W], [H,W,3] or [H,W,4] with pixels, got [3, 4, 2]'),
    (np.zeros([0, 4], np.uint8), None, 'got [0, 4]'),
    (np.zeros([3, 4]), None, 'expected uint8 or uint16, got float64'),
    (np.zeros([3, 4], np.uint16), [(0, 0, 0)], 'expected uint8 [H,W], got uint16')])
def test_what_is_no_image(image, palette, message):
    with pytest.raises(ValueError) as caught:
        png.encode_png(image, palette)
    assert message in str(caught.value)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError):
        png.write_png(str(tmp_path / 'file' / 'a.png'), np.zeros([2, 2], np.uint8))
