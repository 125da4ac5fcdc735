"""What a random person wears and how they look: hair, beard, hat, glasses, top, lids, gaze. Numbers only."""
from typing import NamedTuple, Optional

import numpy as np

# Hair: black, dark brown, brown, auburn, red, dark blond, blond, light blond, grey, white; RGB and share of people.
HAIR_COLOURS = np.array([(28, 24, 23), (48, 36, 29), (84, 58, 40), (104, 58, 36), (150, 78, 40), (128, 100, 68),
                         (176, 142, 96), (212, 186, 142), (138, 134, 130), (214, 212, 208)], np.float64)
_HAIR_SHARES = np.array([0.25, 0.22, 0.16, 0.05, 0.04, 0.08, 0.06, 0.03, 0.08, 0.03])
_DYED = 0.03            # hair of any colour
_BALD, _SHORN = 0.05, 0.06
_HAT, _GLASSES, _SUNGLASSES = 0.07, 0.22, 0.15
_BEARD = 0.28
_MEN = 0.5
_LONG = ('bob01', 'bob02', 'Braid01', 'long01', 'ponytail01')
_OVER_EYES = ('bob01',)
_NECKLINES = ('bare', 'crew', 'v', 'turtle', 'top', 'top')


class Outfit(NamedTuple):
    """Colours are RGB 0-255; names are those of head_file.Accessory.

    Attributes:
      hair: name, or None for none; hair_colour: [3]; volume: factor of the hair's distance from the head; mirrored.
      scalp: 0-1, how much of the hair's colour the scalp shows.
      beard: 0-1 in density; grain: seed of its texture.
      lashes, hat, top: names or None; hat_colour, cloth: [3]; neckline: 'bare', 'crew', 'v', 'turtle' or 'top'.
      glasses: seed or None; frame: [3]; lens: [4] RGB and opacity 0-1.
      lids: [2] 0-1, how far each eye is closed beyond the expression.
      gaze: [2] radians, right and up.
      body: [3] radians, the shoulders' turn against the camera, relative to the head's share.
    """

    hair: Optional[str]
    hair_colour: np.ndarray
    volume: float
    mirrored: bool
    scalp: float
    beard: float
    grain: int
    lashes: Optional[str]
    hat: Optional[str]
    hat_colour: np.ndarray
    top: Optional[str]
    cloth: np.ndarray
    neckline: str
    glasses: Optional[int]
    frame: np.ndarray
    lens: np.ndarray
    lids: np.ndarray
    gaze: np.ndarray
    body: np.ndarray


def draw(random, names):
    """A random Outfit.

    Args:
      random: RandomState.
      names: {kind: names of the accessories of that kind}.
    """
    man = random.uniform() < _MEN
    colour = _hair_colour(random)
    hair, scalp = _hair(random, names['hair'], man)
    glasses = random.randint(2 ** 31 - 1) if random.uniform() < _GLASSES else None
    neckline = _NECKLINES[random.randint(len(_NECKLINES))]
    hat = names['hat'][random.randint(len(names['hat']))] if random.uniform() < _HAT else None
    return Outfit(
        hair, colour, random.uniform(0.97, 1.10), bool(random.randint(2)), scalp,
        random.uniform(0.25, 1.0) if man and random.uniform() < 2 * _BEARD else 0.0, random.randint(2 ** 31 - 1),
        names['lashes'][random.randint(len(names['lashes']))] if random.uniform() < 0.75 else None,
        hat, _cloth(random), names['top'][random.randint(len(names['top']))] if neckline == 'top' else None,
        _cloth(random), neckline, glasses, _frame(random), _lens(random),
        **_mood(random))


def another_day(outfit, random):
    """The same person in another picture: lids, gaze, shoulders and top are others."""
    return outfit._replace(cloth=_cloth(random), **_mood(random))


def _mood(random):
    blink = random.uniform(0.75, 1.0) if random.uniform() < 0.06 else random.uniform(0, 0.6) * (random.uniform() < 0.2)
    return {'lids': np.clip(blink * (1 + 0.1 * random.randn(2)), 0, 1),
            'gaze': np.clip(random.randn(2) * [0.2, 0.12], -0.45, 0.45),
            'body': random.uniform(-1, 1, 3) * [0.15, 0.7, 0.12]}


def _hair_colour(random):
    if random.uniform() < _DYED:
        return random.uniform(20, 230, 3)
    one, other = random.choice(len(HAIR_COLOURS), 2, p=_HAIR_SHARES)
    mixed = HAIR_COLOURS[one] + random.uniform(0, 0.35) * (HAIR_COLOURS[other] - HAIR_COLOURS[one])
    return np.clip(mixed * np.exp(0.12 * random.randn()), 12, 245)


def _hair(random, names, man):
    """(name or None, how much of the scalp is hair-coloured)."""
    kind = random.uniform()
    if kind < _BALD * (2 if man else 0.2):
        return None, random.uniform(0.0, 0.15)
    if kind < (_BALD + _SHORN) * (2 if man else 0.3):
        return None, random.uniform(0.35, 0.9)
    fitting = [name for name in names if (man != (name in _LONG) or random.uniform() < 0.15)
               and (name not in _OVER_EYES or random.uniform() < 0.07)]
    return fitting[random.randint(len(fitting))] if fitting else names[0], 0.9


def _cloth(random):
    """A colour of cloth: dark and muted ones are the most common."""
    grey = random.beta(0.9, 1.1) * 235
    return np.clip(grey + random.randn(3) * random.choice([3, 12, 40]), 5, 245)


def _frame(random):
    return np.array([20.0, 20, 22]) if random.uniform() < 0.5 else random.uniform(20, 200, 3)


def _lens(random):
    if random.uniform() < _SUNGLASSES:
        return np.append(random.uniform(5, 60, 3), random.uniform(0.75, 0.97))
    return np.append(random.uniform(150, 255, 3), random.uniform(0.0, 0.14))
