"""The expression basis: random mixtures of MakeHuman's 34 expression units about the neutral face."""
import numpy as np
import scipy.sparse as sp

from tools.open_model import topology
from tools.open_model.source import ETHNICITIES

_UNITS = 'expression/units/'
# Probability that a unit is at work, where it differs from the common one.
_COMMON_RATE = 0.20
_RATES = {'eye-closure': 0.22, 'mouth-open': 0.22, 'mouth-corner-puller': 0.35, 'mouth-part-later': 0.12,
          'eyebrows-up': 0.40, 'eyebrows-down': 0.30, 'neck-platysma': 0.05}
_TWIN_RATE = 0.65       # how often left and right do the same
_SIDE_BLEND = 0.12      # dm: half-width of the blend where a unit of the whole mouth is split into sides
_MOUTH_LIMIT = 2.0      # the sum of the mouth's units, beyond which all of them are scaled down
_GAP_ROOM = 0.7
_SMOOTHING_ROUNDS = 8
_SMOOTH_BELOW = 0.12    # dm: under the eyes
_LIP_EDGES, _LID_EDGES = 2, 3  # edges from the seams of lips and lids within which nothing is smoothed
# A smile is many units at once: their weight at its strongest, and the same for the teeth that it may show.
_SMILE_RATE = 0.35
_LOPSIDED_RATE = 0.3  # of smiles, on one side weaker
_SMILE = {'mouth-corner-puller': 0.75, 'mouth-retraction': 0.35, 'eye-slit': 0.25}
_SMILING_TEETH = {'mouth-upward-retraction': 0.40, 'mouth-elevation': 0.20, 'mouth-depression-retraction': 0.25,
                  'mouth-parling': 0.40}


def smoothed(moves, mesh, rest):
    """Displacements [K,n,3], smoothed along the skin of the lower face, but not on the lips and lids.

    At full strength the units' folds from nose to chin are as sharp as the mesh allows.
    """
    skin = (mesh.ring[mesh.quads] == 0).all(axis=1)
    quads = mesh.quads[skin]
    links = sp.coo_matrix((np.ones(quads.size), (quads.ravel(), np.roll(quads, 1, axis=1).ravel())),
                          (len(mesh.ring),) * 2)
    links = ((links + links.T) > 0).astype(np.float64)
    degree = np.asarray(links.sum(axis=1)).ravel()
    free = (np.clip((topology.lip_rings(mesh) - _LIP_EDGES) / 3.0, 0, 1)
            * np.clip((topology.lid_rings(mesh) - _LID_EDGES) / 3.0, 0, 1)
            * np.clip((_SMOOTH_BELOW - rest[:, 1]) / 0.1, 0, 1) * (degree > 0))
    step = (sp.diags(1 - 0.5 * free) + sp.diags(0.5 * free / np.maximum(degree, 1)).dot(links)).tocsr()
    columns = moves.transpose(1, 0, 2).reshape(len(mesh.ring), -1)
    for _ in range(_SMOOTHING_ROUNDS):
        columns = step.dot(columns)
    return columns.reshape(len(mesh.ring), -1, 3).transpose(1, 0, 2)


class ExpressionUnits:
    """The units, each with a left and a right half.

    Attributes:
      names: [U] unit names without the side, such as 'eye-closure'.
    """

    def __init__(self, human, mesh, rest, turn):
        """Args: human: source.MakeHuman; mesh: topology.CoarseMesh; rest: [n,3] the neutral mean, dm;
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
                        moved = mesh.weights.dot(human.target(prefix + '%s-%s-%s' % (words[0], side, words[1])))
                    else:
                        moved = mesh.weights.dot(human.target(prefix + name)) * blend[:, None]
                    halves.append(moved)
        moves = smoothed(np.asarray(halves).dot(turn), mesh, rest)
        self.moves = moves.reshape(len(self.names), 2, len(ETHNICITIES), len(rest), 3)

    def draw(self, count, random):
        """[count, U, 2] random activations in [0,1], left then right."""
        units = len(self.names)
        rate = np.asarray([_RATES.get(name, _COMMON_RATE) for name in self.names])[:, None]
        active = (random.rand(count, units, 1) < rate)
        value = random.beta(1.1, 1.7, (count, units, 2))
        twins = random.rand(count, units, 1) < _TWIN_RATE
        value = np.where(twins, value[:, :, :1], value)
        one_sided = ~twins & (random.rand(count, units, 1) < 0.5)
        side = np.stack([random.rand(count, units) < 0.5] * 2, axis=2)
        side[:, :, 1] = ~side[:, :, 1]
        value = np.where(one_sided, value * side, value) * active
        row = {name: k for k, name in enumerate(self.names)}
        # Blinks are complete more often than not, and an eye is either wide or closing.
        closure = value[:, row['eye-closure']]
        closure[(closure > 0) & (random.rand(count, 2) < 0.25)] = 1.0
        for other in ('eye-opened-up', 'eye-slit'):
            value[:, row[other]] *= 1 - closure
        # Lips that are pressed, pursed or pulled in do not open wide.
        pressed = np.maximum(value[:, row['mouth-compression']], value[:, row['mouth-pursing']])
        value[:, row['mouth-open']] *= 1 - _GAP_ROOM * pressed
        smile = ((random.rand(count) < _SMILE_RATE) * random.beta(1.6, 1.2, count))[:, None] * np.ones(2)
        lopsided = random.rand(count) < _LOPSIDED_RATE
        smile[lopsided, random.randint(0, 2, lopsided.sum())] *= random.rand(lopsided.sum())
        teeth = smile * random.rand(count, 1)
        for amount, recipe in ((smile, _SMILE), (teeth, _SMILING_TEETH)):
            for name, weight in recipe.items():
                one = weight * amount * np.clip(1 + 0.25 * random.randn(count, 1), 0, 1.5)
                value[:, row[name]] = np.maximum(value[:, row[name]], one)
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


def spread(components, openings, damping):
    """Rotate the components so that each opening is shared out evenly among all of them, and damp it.

    Coefficients are independent normal numbers, so a rotation leaves the model's distribution as it is. An
    opening (of the mouth, of an eye) is one-sided: the mouth cannot open by less than nothing. Were it carried
    by one component, two standard deviations of it in the wrong direction would push the lips through each
    other. For the same reason its own standard deviation is made smaller than that of the samples.

    Args:
      components: [K,n,3], times their standard deviation.
      openings: [m,K] how far each component opens the mouth, an eye, and so on; K a multiple of 2^(m-1).
      damping: [m] factors of the openings' standard deviations.
    Returns:
      [K,n,3] rotated components.
    """
    count = len(components)
    # Mutually orthogonal patterns of equal entries: +++..., +-+-..., ++--..., the Hadamard patterns.
    bits = np.arange(count)[None] >> np.arange(-1, len(openings) - 1)[:, None].clip(0) & 1
    bits[0] = 0
    goals = (1 - 2 * bits) / np.sqrt(count)
    rotation = np.eye(count)
    for k, opening in enumerate(openings):
        # What an opening has in common with earlier ones is spread already.
        source = rotation.dot(opening)
        source = source - goals[:k].T.dot(goals[:k].dot(source))
        mirror = source / np.linalg.norm(source) - goals[k]
        mirror /= np.linalg.norm(mirror)
        rotation = rotation - 2 * np.outer(mirror, mirror.dot(rotation))
    rotation = rotation - goals.T.dot((1 - np.asarray(damping))[:, None] * goals.dot(rotation))
    return np.tensordot(rotation, components, axes=1)
