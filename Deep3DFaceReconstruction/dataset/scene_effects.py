"""What surrounds and degrades a face in a photo, made up: background, occluders, blur, noise, compression.

Images are float32 [H,W,3] BGR 0-255 unless said otherwise. Everything is drawn from a numpy.random.RandomState:
the same state gives the same image.
"""
import cv2
import numpy as np


def draw_background(random, size):
    """A plain, graded or cloudy background, some with straight-edged things in it: [size, size, 3]."""
    kind = random.randint(3)
    colour = _muted(random)
    if kind == 0:
        image = np.empty((size, size, 3), np.float32)
        image[...] = colour
    elif kind == 1:
        corners = np.float32([[_muted(random) for _ in range(2)] for _ in range(2)])
        image = cv2.resize(corners, (size, size), interpolation=cv2.INTER_LINEAR)
    else:
        image = clouds(random, size, colour, random.uniform(20, 110))
    for _ in range(random.randint(7)):
        corners = random.uniform(-40, size + 40, 2) + random.uniform(-70, 70, (4, 2))
        hull = cv2.convexHull(np.int32(corners))
        cv2.fillConvexPoly(image, hull, _muted(random).tolist(), cv2.LINE_AA)
    return image


def _muted(random):
    """[3] a colour as rooms and streets have them: mostly greyish."""
    return np.clip(random.uniform(0, 255) + random.choice([8, 25, 70]) * random.randn(3), 0, 255)


def clouds(random, size, colour, contrast):
    """Smooth random texture about a colour: noise of three scales, each finer one weaker."""
    image = np.zeros((size, size, 3), np.float32)
    for cells, share in ((3, 0.5), (9, 0.3), (40, 0.2)):
        # Brightness varies more than colour does, as it does in photos.
        noise = random.uniform(-1, 1, (cells, cells, 1)) + 0.4 * random.uniform(-1, 1, (cells, cells, 3))
        image += cv2.resize(np.float32(noise * (share * contrast)), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(image + np.float32(colour), 0, 255)


def draw_occluder(random, image, center):
    """Draws an opaque object into an image, in place.

    Args:
      random: RandomState.
      image: [H,W,3].
      center: (x, y) about which the object lies.
    Returns:
      [H,W] bool: where it is.
    """
    size = image.shape[0]
    covered = np.zeros(image.shape[:2], np.uint8)
    x, y = np.int32(center + random.uniform(-0.3, 0.3, 2) * size)
    half = np.int32(size * random.uniform(0.04, 0.22, 2))
    angle = random.uniform(0, 360)
    if random.randint(2):
        cv2.ellipse(covered, (int(x), int(y)), (int(half[0]), int(half[1])), angle, 0, 360, 1, -1)
    else:
        corners = cv2.boxPoints(((float(x), float(y)), (2.0 * half[0], 2.0 * half[1]), angle))
        cv2.fillConvexPoly(covered, np.int32(np.round(corners)), 1)
    covered = covered.astype(bool)
    texture = clouds(random, size, random.uniform(0, 255, 3), random.uniform(10, 80))
    image[covered] = texture[covered]
    return covered


def degrade(random, image, blur, noise, compression):
    """What optics, sensors and file formats do.

    Args:
      random: RandomState.
      image: [H,W,3].
      blur: largest standard deviation of the blur, pixels.
      noise: largest standard deviation of the noise, of 255.
      compression: probability of a pass through JPEG of quality 30-95.
    Returns:
      [H,W,3] uint8.
    """
    # Every number is drawn whether it is used or not, so that one setting does not change the others' draws.
    sigma, strength = random.uniform(0, 1, 2) * (blur, noise)
    compressed, quality, seed = random.uniform() < compression, random.randint(30, 96), random.randint(2 ** 31 - 1)
    if sigma > 0.3:  # less is none
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    if strength > 0:
        # Three times as fast as RandomState's normal, and still a function of the seed.
        grain = np.random.default_rng(seed).standard_normal(image.shape, np.float32)
        image = image + grain * np.float32(strength)
    image = np.uint8(np.clip(image + 0.5, 0, 255))
    if compressed:
        _, encoded = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    return image
