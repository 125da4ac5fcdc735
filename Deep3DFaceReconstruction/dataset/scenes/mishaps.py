"""What spoils photos, beyond scene_effects: hands, sticks, text in front; motion, low resolution, odd colours."""
import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import CENTER, LUMA
from Deep3DFaceReconstruction.dataset import scene_effects

_WORDS = ('SALE', '2019', 'photo', 'NEWS', 'live', '12:45', '(c)', 'TV', 'ABC', 'sample')
_GREY, _SATURATED, _CONTRAST, _SMALL, _MOVED = 0.10, 0.35, 0.4, 0.25, 0.15


def draw_occluder(random, image):
    """Draws something in front of the face, in place; [H,W] bool: where it is."""
    kind = random.randint(5)
    if kind < 2:
        return scene_effects.draw_occluder(random, image, np.array([CENTER, CENTER]))
    covered = np.zeros(image.shape[:2], np.uint8)
    (_draw_hand, _draw_stick, _draw_text)[kind - 2](random, covered)
    covered = covered > 0
    if kind == 2:
        tone = np.array([90, 120, 180.0]) * random.uniform(0.35, 1.2)
        shade = scene_effects.clouds(random, image.shape[0], tone, 45)
    else:
        shade = np.empty_like(image)
        shade[...] = np.float32(random.uniform(0, 255, 3))
    image[covered] = shade[covered]
    return covered


def _draw_hand(random, covered):
    """A palm and four fingers, from the image's edge towards the face."""
    size = covered.shape[0]
    towards = random.uniform(-np.pi, np.pi)
    along = np.array([np.cos(towards), np.sin(towards)])
    across = np.array([-along[1], along[0]])
    palm = size / 2 + random.uniform(0.18, 0.42) * size * along + random.uniform(-0.2, 0.2) * size * across
    thickness = size * random.uniform(0.045, 0.075)
    cv2.ellipse(covered, tuple(np.int32(palm).tolist()), (int(2.2 * thickness), int(2 * thickness)),
                float(np.degrees(towards)), 0, 360, 1, -1)
    cv2.line(covered, tuple(np.int32(palm).tolist()), tuple(np.int32(palm + size * along).tolist()), 1,
             int(3 * thickness))
    for finger in np.linspace(-1.5, 1.5, 4) + random.uniform(-0.15, 0.15, 4):
        base = palm + finger * thickness * across
        tip = base - along * thickness * random.uniform(2.5, 5.0) + across * finger * thickness * random.uniform(0, 0.4)
        cv2.line(covered, tuple(np.int32(base).tolist()), tuple(np.int32(tip).tolist()), 1, int(thickness))


def _draw_stick(random, covered):
    size = covered.shape[0]
    ends = np.int32(random.uniform(-0.1, 1.1, (2, 2)) * size)
    cv2.line(covered, tuple(ends[0].tolist()), tuple(ends[1].tolist()), 1, int(random.uniform(2, 12)))


def _draw_text(random, covered):
    size = covered.shape[0]
    place = (int(random.uniform(-0.1, 0.6) * size), int(random.uniform(0.2, 1.0) * size))
    cv2.putText(covered, _WORDS[random.randint(len(_WORDS))], place, random.randint(8), random.uniform(0.6, 2.2), 1,
                random.randint(1, 4), cv2.LINE_AA)


def spoil(random, image, options):
    """Colours, resolution, motion, then scene_effects.degrade.

    Args:
      random: RandomState.
      image: [H,W,3] float32 BGR.
      options: random_faces.SynthesisOptions: blur, noise and compression; nothing is done where all are zero.
    Returns:
      [H,W,3] uint8 BGR.
    """
    strength = min(1.0, options.blur)
    image = np.clip(_coloured(random, image, strength), 0, 255)
    size = image.shape[0]
    if random.uniform() < _SMALL * strength:
        small = int(size * random.uniform(0.22, 0.6))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (size, size), interpolation=random.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    if random.uniform() < _MOVED * strength:
        length, angle = random.uniform(3, 10), random.uniform(0, np.pi)
        image = cv2.filter2D(image, -1, _motion(length, angle))
    return scene_effects.degrade(random, image, options.blur, options.noise, options.compression)


def _coloured(random, image, strength):
    grey = image.dot(np.float32(LUMA[::-1]))[:, :, None]
    if random.uniform() < _GREY * strength:
        image = np.repeat(grey, 3, axis=2)
    elif random.uniform() < _SATURATED * strength:
        image = grey + np.float32(random.uniform(0.3, 1.5)) * (image - grey)
    if random.uniform() < _CONTRAST * strength:
        low, factor = random.uniform(-15, 25), random.uniform(0.75, 1.25)
        image = np.float32(low) + np.float32(factor) * image
    return image


def _motion(length, angle):
    """The kernel of a straight motion of some pixels."""
    side = int(length) // 2 * 2 + 3
    kernel = np.zeros((side, side), np.float32)
    for step in np.linspace(-0.5, 0.5, 4 * side):
        x, y = side // 2 + step * length * np.cos(angle), side // 2 + step * length * np.sin(angle)
        kernel[int(np.rint(y)), int(np.rint(x))] += 1
    return kernel / kernel.sum()
