"""Reading images in any common format, as they are meant to be seen.

Everything that can be wrong with a file ends in an `ImageError` whose one line names the file, what was expected and
what was found instead, so that a run over a folder can report it and go on with the next file.
"""
import warnings

import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.errors import ImageError, one_line
from Deep3DFaceReconstruction.photo import image_kinds

# A face needs more pixels than this; 150 million is a 450 MB image in memory.
MIN_SIDE = 16
MAX_PIXELS = 150 * 10 ** 6

_HEAD_BYTES = 64
# The largest values of 8, 10 and 12 bits.
_SENSOR_SCALES = (255.0, 1023.0, 4095.0)

_EXIF_ORIENTATION = 0x0112
# EXIF orientation -> what turns the stored image upright (EXIF 2.32, 4.6.4 A).
_UPRIGHT = {
    2: Image.FLIP_LEFT_RIGHT,
    3: Image.ROTATE_180,
    4: Image.FLIP_TOP_BOTTOM,
    5: Image.TRANSPOSE,
    6: Image.ROTATE_270,
    7: Image.TRANSVERSE,
    8: Image.ROTATE_90,
}


def read_image(path):
    """Reads an image as it is meant to be seen.

    Turned upright by its orientation tag; greyscale, palette and CMYK become RGB; 16 bits per channel become 8;
    what is transparent is laid on black, the colour that alignment gives to all outside the image; of several
    frames the first.

    Returns:
      PIL.Image.Image, mode 'RGB', fully loaded.
    Raises:
      ImageError: not an image, truncated, an unsupported kind, transparent all over, or a size outside
        MIN_SIDE..MAX_PIXELS.
    """
    try:
        # The size is checked below, with the program's own limit.
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            image = _open(path)
        with image:
            _check_size(path, image.size)
            image.load()
            return _to_rgb(path, _upright(image))
    except (ImageError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise ImageError('%s: expected an image of at most %d pixels, got more'
                         % (path, MAX_PIXELS)) from error
    # Decoders raise nearly anything on broken bytes: OSError, SyntaxError, struct.error, zlib.error, ...
    except Exception as error:
        raise ImageError('%s: expected a readable image, got: %s' % (path, one_line(error))) from error


def _open(path):
    """A PIL image, whose pixels may not be read yet."""
    with open(path, 'rb') as file:
        head = file.read(_HEAD_BYTES)
    kind = image_kinds.heif_kind(head)
    if kind is None or (kind == 'AVIF' and image_kinds.pillow_reads_avif()):
        return Image.open(path)
    if not image_kinds.reads_heif(kind):
        raise ImageError('%s: expected a readable image, got %s; %s' % (path, kind, image_kinds.advice([kind])))
    import pillow_heif
    image = pillow_heif.open_heif(path, convert_hdr_to_8bit=True).to_pillow()
    # The format turns the image itself; the tag would turn it again.
    image.info.pop('exif', None)
    return image


def _check_size(path, size):
    width, height = size
    if min(width, height) < MIN_SIDE:
        raise ImageError('%s: expected an image of at least %dx%d pixels, got %dx%d'
                         % (path, MIN_SIDE, MIN_SIDE, width, height))
    if width * height > MAX_PIXELS:
        raise ImageError('%s: expected an image of at most %d pixels, got %dx%d'
                         % (path, MAX_PIXELS, width, height))


def _upright(image):
    """The image turned by its orientation tag; Pillow turns a TIFF itself while it reads the pixels."""
    if image.format == 'TIFF':
        return image
    try:
        orientation = image.getexif().get(_EXIF_ORIENTATION)
    # A damaged EXIF block says nothing about the image, which is then taken as it is stored.
    except Exception:
        return image
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _to_rgb(path, image):
    if image.mode.startswith('I') or image.mode == 'F':
        return _wide_to_rgb(path, image)
    if image.mode in ('RGBA', 'LA', 'PA', 'La', 'RGBa') or 'transparency' in image.info:
        image = image.convert('RGBA')
        if not image.getextrema()[3][1]:
            raise ImageError('%s: expected an image with something to see, got one that is transparent all over' % path)
        black = Image.new('RGBA', image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, image).convert('RGB')
    # `convert` hands back the same lazy file object when nothing is to be done; a copy outlives the file.
    return image.convert('RGB') if image.mode != 'RGB' else image.copy()


def _wide_to_rgb(path, image):
    """Greyscale of 16 or 32 bits (integers 0-65535, or floats 0-1) -> 8 bits.

    Cameras put 10 or 12 bits into 16 without scaling them: an image that stays below is taken for one of those.
    """
    values = np.asarray(image, np.float64)
    low, high = float(values.min()), float(values.max())
    full_scale = 1.0 if image.mode == 'F' else next((scale for scale in _SENSOR_SCALES if high <= scale), 65535.0)
    if not (low >= 0.0 and high <= full_scale):
        raise ImageError('%s: expected pixel values from 0 to %g in an image of mode %s, got %g to %g'
                         % (path, full_scale, image.mode, low, high))
    grey = np.uint8(values * (255.0 / full_scale) + 0.5)
    return Image.fromarray(np.repeat(grey[..., np.newaxis], 3, axis=2))
