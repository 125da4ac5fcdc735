"""What stands behind a head: free photos that ship with scikit-image, made-up scenes, other heads."""
import functools
import importlib.util
import os

import cv2
import numpy as np

from Deep3DFaceReconstruction.dataset import scene_effects

# Without people, and free for any use (CC0 or public domain).
_PHOTOS = ('brick.png', 'grass.png', 'gravel.png', 'chelsea.png', 'coffee.png', 'rocket.jpg', 'hubble_deep_field.jpg')
_PHOTO_SHARE, _HEADS_SHARE = 0.5, 0.2
_HEIGHT = 512  # of a photo, before a piece is cut out


def draw(random, size, heads):
    """A background [size,size,3] float32 BGR 0-255.

    Args:
      random: RandomState.
      size: pixels.
      heads: list of ([S,S,3] float32 BGR times cover, [S,S,1] float32 cover) of other heads.
    """
    photo = _photo(_PHOTOS[random.randint(len(_PHOTOS))]) if random.uniform() < _PHOTO_SHARE else None
    image = scene_effects.draw_background(random, size) if photo is None else _piece(random, photo, size)
    if heads and random.uniform() < _HEADS_SHARE:
        for _ in range(random.randint(1, 3)):
            _paste(random, image, *heads[random.randint(len(heads))])
    sigma = random.uniform(-2, 6)
    return cv2.GaussianBlur(image, (0, 0), sigma) if sigma > 0.4 else image


@functools.lru_cache(maxsize=None)
def _photo(name):
    """[512,W,3] uint8 BGR, or None where scikit-image is not installed or has no such photo."""
    spec = importlib.util.find_spec('skimage')
    if spec is None or not spec.submodule_search_locations:
        return None
    image = cv2.imread(os.path.join(spec.submodule_search_locations[0], 'data', name), cv2.IMREAD_COLOR)
    if image is None:
        return None
    return cv2.resize(image, (_HEIGHT * image.shape[1] // image.shape[0], _HEIGHT), interpolation=cv2.INTER_AREA)


def _piece(random, photo, size):
    """A piece of a photo of random size, brightness and tint, perhaps mirrored."""
    side = random.randint(size // 2, _HEIGHT)
    row, column = random.randint(photo.shape[0] - side + 1), random.randint(max(photo.shape[1] - side, 0) + 1)
    piece = photo[row:row + side, column:column + side]
    piece = cv2.resize(piece, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
    piece = piece[:, ::-1] if random.randint(2) else piece
    return np.clip(piece * np.float32(random.uniform(0.4, 1.4) * (1 + 0.15 * random.randn(3))), 0, 255)


def _paste(random, image, colour, cover):
    """Puts another head into a background, in place."""
    size = image.shape[0]
    scale = random.uniform(0.35, 0.9)
    place = np.float32([[scale, 0, random.uniform(-0.4, 1 - 0.4 * scale) * size],
                        [0, scale, random.uniform(-0.2, 0.7) * size]])
    colour, cover = (cv2.warpAffine(each, place, (size, size), flags=cv2.INTER_LINEAR) for each in (colour, cover))
    image *= 1 - cover.reshape(size, size, 1)
    image += colour
