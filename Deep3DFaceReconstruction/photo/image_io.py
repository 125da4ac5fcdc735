"""Reading what people put in: pictures in any common format, and the five-point landmark files beside them.

Everything that can be wrong with such a file ends in an `InputError` whose one line names the file, what was
expected and what came, so that a run over a folder can report it and go on with the next file.
"""
import collections
import math
import os
import warnings

import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.errors import ImageError, InputError, LandmarkError, one_line

IMAGE_EXTENSIONS = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
LANDMARK_EXTENSION = '.txt'
# A face needs more pixels than this; 150 million is a 450 MB picture in memory.
MIN_SIDE = 16
MAX_PIXELS = 150 * 10 ** 6

_EXIF_ORIENTATION = 0x0112
# EXIF orientation -> what turns the stored picture upright (EXIF 2.32, 4.6.4 A).
_UPRIGHT = {
    2: Image.FLIP_LEFT_RIGHT,
    3: Image.ROTATE_180,
    4: Image.FLIP_TOP_BOTTOM,
    5: Image.TRANSPOSE,
    6: Image.ROTATE_270,
    7: Image.TRANSVERSE,
    8: Image.ROTATE_90,
}


def list_images(folder):
    """Paths of the pictures in a folder (not in its sub-folders), sorted by name.

    Files are known by extension (`IMAGE_EXTENSIONS`, upper or lower case); hidden files are left out.

    Raises:
      InputError: the folder is missing, is no folder, or cannot be read.
    """
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise InputError('%s: expected a folder of images, got: %s' % (folder, one_line(error))) from error
    return [os.path.join(folder, name) for name in sorted(names)
            if not name.startswith('.') and os.path.splitext(name)[1].lower() in IMAGE_EXTENSIONS]


def result_names(paths, numbered=False):
    """NAME of each photo, for the files made from it: its own without the extension, or with it (`NAME_jpg`) where two
    would be the same.

    Args:
      paths: the photos.
      numbered: whether several faces of a photo are called NAME_1, NAME_2, ...: another photo's name may not be such.
    """
    stems = [os.path.splitext(os.path.basename(path))[0] for path in paths]
    count = collections.Counter(stems)

    def is_taken(stem):
        base, _, number = stem.rpartition('_')
        return count[stem] > 1 or (numbered and number.isdigit() and base in count)

    return [os.path.basename(path).replace('.', '_') if is_taken(stem) else stem for stem, path in zip(stems, paths)]


def landmark_path_for(image_path):
    """Where the five points of an image are looked for: NAME.txt beside NAME.ext."""
    return os.path.splitext(image_path)[0] + LANDMARK_EXTENSION


def read_image(path):
    """Reads a picture as it is meant to be seen.

    Turned upright by its EXIF orientation; greyscale, palette and CMYK become RGB; 16 bits per channel become
    8; what is transparent is laid on black, the colour that alignment gives to all outside the picture; of
    several frames the first.

    Returns:
      PIL.Image.Image, mode 'RGB', fully loaded.
    Raises:
      ImageError: no image, truncated, an unsupported kind, or a size outside MIN_SIDE..MAX_PIXELS.
    """
    try:
        # The size is checked below, with the program's own limit.
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            image = Image.open(path)
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


def _check_size(path, size):
    width, height = size
    if min(width, height) < MIN_SIDE:
        raise ImageError('%s: expected an image of at least %dx%d pixels, got %dx%d'
                         % (path, MIN_SIDE, MIN_SIDE, width, height))
    if width * height > MAX_PIXELS:
        raise ImageError('%s: expected an image of at most %d pixels, got %dx%d'
                         % (path, MAX_PIXELS, width, height))


def _upright(image):
    try:
        orientation = image.getexif().get(_EXIF_ORIENTATION)
    # A damaged EXIF block says nothing about the picture, which is then taken as it is stored.
    except Exception:
        return image
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _to_rgb(path, image):
    if image.mode.startswith('I') or image.mode == 'F':
        return _wide_to_rgb(path, image)
    if image.mode in ('RGBA', 'LA', 'PA', 'La', 'RGBa') or 'transparency' in image.info:
        image = image.convert('RGBA')
        black = Image.new('RGBA', image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, image).convert('RGB')
    # `convert` hands back the same lazy file object when nothing is to be done; a copy outlives the file.
    return image.convert('RGB') if image.mode != 'RGB' else image.copy()


def _wide_to_rgb(path, image):
    """Greyscale of 16 or 32 bits (integers 0-65535, or floats 0-1) -> 8 bits."""
    values = np.asarray(image, np.float64)
    full_scale = 1.0 if image.mode == 'F' else 65535.0
    low, high = float(values.min()), float(values.max())
    if not (low >= 0.0 and high <= full_scale):
        raise ImageError('%s: expected pixel values from 0 to %g in an image of mode %s, got %g to %g'
                         % (path, full_scale, image.mode, low, high))
    grey = np.uint8(values * (255.0 / full_scale) + 0.5)
    return Image.fromarray(np.repeat(grey[..., np.newaxis], 3, axis=2))


def read_five_points(path):
    """Reads a landmark file: five lines `x y` in pixels of the upright image, y down.

    Order: left eye, right eye, nose tip, left mouth corner, right mouth corner, as seen in the image. Blank
    lines are passed over.

    Returns:
      [5, 2] float64.
    Raises:
      LandmarkError: unreadable, another number of lines, or a line that is not two finite numbers.
    """
    try:
        with open(path, encoding='utf-8-sig') as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LandmarkError('%s: expected a landmark file, got: %s' % (path, one_line(error))) from error
    points = [_point(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if len(points) != 5:
        raise LandmarkError("%s: expected 5 lines 'x y', got %d" % (path, len(points)))
    return np.array(points)


def _point(path, number, line):
    try:
        x, y = (float(word) for word in line.split())
    except ValueError:
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise LandmarkError("%s, line %d: expected two numbers 'x y', got %r" % (path, number, line[:80]))
    return x, y
