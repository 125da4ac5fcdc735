"""The expression basis: random mixtures of MakeHuman's 34 expression units about the neutral face."""
import numpy as np

from BFM.open_model_builder.source import ETHNICITIES

_UNITS = 'expression/units/'
# Probability that a unit is at work, where it differs from the common one.
_COMMON_RATE = 0.22
_RATES = {'eye-closure': 0.30, 'mouth-open': 0.35, 'mouth-corner-puller': 0.35, 'mouth-part-later': 0.15,
          'eyebrows-up': 0.30, 'eyebrows-down': 0.30, 'neck-platysma': 0.05}
_TWIN_RATE = 0.75       # how often left and right do the same
_SIDE_BLEND = 0.12      # dm: half-width of the blend where a unit of the whole mouth is split into sides
_MOUTH_LIMIT = 1.6      # the sum of the mouth's units, beyond which all of them are scaled down
_GAP_ROOM = 0.7


class ExpressionUnits:
    """The units, each with a left and a right half.

    Attributes:
      names: [U] unit names without the side, such as 'eye-closure'.
    """

    def __init__(self, human, weights, rest, turn):
        """Args: human: source.MakeHuman; weights: sparse [n,19158]; rest: [n,3] the neutral mean, dm;
        turn: [3,3] from MakeHuman's frame to the model's, scale included."""
        plain = [name[len(_UNITS + 'caucasian/'):] for name in human.target_names(_UNITS + 'caucasian/')]
        self.names = sorted({name.replace('-left', '').replace('-right', '') for name in plain})
        share = 1 / (1 + np.exp(-rest[:, 0] / (0.25 * _SIDE_BLEND)))
        halves = []
        for name in self.names:
            words = name.split('-', 1)
            sided = '%s-left-%s' % tuple(words)
            for side, blend in (('left', share), ('right', 1 - share)):
                for ethnicity in ETHNICITIES:
                    prefix = _UNITS + ethnicity + '/'
                    if sided in plain:
                        moved = weights.dot(human.target(prefix + '%s-%s-%s' % (words[0], side, words[1])))
                    else:
                        moved = weights.dot(human.target(prefix + name)) * blend[:, None]
                    halves.append(moved)
        self.moves = np.asarray(halves).dot(turn).reshape(len(self.names), 2, len(ETHNICITIES), len(rest), 3)

    def draw(self, count, random):
        """[count, U, 2] random activations in [0,1], left then right."""
        units = len(self.names)
        rate = np.asarray([_RATES.get(name, _COMMON_RATE) for name in self.names])[:, None]
        active = (random.rand(count, units, 1) < rate)
        value = random.beta(1.1, 1.3, (count, units, 2))
        twins = random.rand(count, units, 1) < _TWIN_RATE
        value = np.where(twins, value[:, :, :1], value)
        one_sided = ~twins & (random.rand(count, units, 1) < 0.5)
        side = np.stack([random.rand(count, units) < 0.5] * 2, axis=2)
        side[:, :, 1] = ~side[:, :, 1]
        value = np.where(one_sided, value * side, value) * active
        row = {name: k for k, name in enumerate(self.names)}
        # Blinks are complete more often than not, and an eye is either wide or closing.
        closure = value[:, row['eye-closure']]
        closure[(closure > 0) & (random.rand(count, 2) < 0.4)] = 1.0
        for other in ('eye-opened-up', 'eye-slit'):
            value[:, row[other]] *= 1 - closure
        # Lips that are pressed, pursed or pulled in do not open wide.
        pressed = np.maximum(value[:, row['mouth-compression']], value[:, row['mouth-pursing']])
        value[:, row['mouth-open']] *= 1 - _GAP_ROOM * pressed
        mouth = [k for k, name in enumerate(self.names) if name.startswith('mouth')]
        total = value[:, mouth].sum(axis=1, keepdims=True)
        value[:, mouth] *= np.minimum(1, _MOUTH_LIMIT / np.maximum(total, 1e-9))
        # The jaw does not open on one side.
        value[:, row['mouth-open']] = value[:, row['mouth-open']].mean(axis=1, keepdims=True)
        return value

    def displacements(self, activations, ethnicity):
        """[S,n,3] from activations [S,U,2] and ethnicity shares [S,3]."""
        mixed = np.einsum('suk,se->suke', activations, ethnicity).reshape(len(activations), -1)
        flat = self.moves.reshape(mixed.shape[1], -1)
        return mixed.dot(flat).reshape(len(activations), -1, 3)
