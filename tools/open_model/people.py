"""Random adults as weights of MakeHuman's targets, and the identity basis of their faces."""
import numpy as np

from tools.open_model.source import ETHNICITIES

# Targets that shape the face, and the standard deviation of their weight (1 is the slider's end). A slider's
# two ends are two targets; the names of the ends, low then high.
_ENDS = (('-decr', '-incr'), ('-min', '-max'), ('-less', '-more'), ('-down', '-up'), ('-in', '-out'),
         ('-deflate', '-inflate'), ('-decrease', '-increase'), ('-backward', '-forward'),
         ('-concave', '-convex'), ('-compress', '-uncompress'), ('-point', '-potato'),
         ('-lessgreek', '-moregreek'), ('-lesshump', '-morehump'))
_SLIDERS = (
    ('nose/', 0.25), ('mouth/', 0.20), ('chin/', 0.26), ('cheek/', 0.25), ('forehead/', 0.30),
    ('eyes/', 0.22), ('eyebrows/', 0.36), ('head/head-scale', 0.17), ('head/head-angle', 0.20),
    ('head/head-age', 0.10), ('neck/neck-double', 0.30),
)
# Sliders whose mean is not zero, so that the mean face's five points come to the standard positions.
_MEANS = {'nose/nose-scale-depth-incr': 0.52, 'nose/nose-trans-depth-forward': 0.50,
          'mouth/mouth-scale-depth-incr': 0.30, 'mouth/mouth-trans-up': 0.12, 'mouth/mouth-scale-horiz-incr': 0.12,
          'head/head-scale-vert-more': -0.10}
# Head shapes have one end only.
_HEAD_SHAPES = ('diamond', 'fat', 'invertedtriangular', 'oval', 'rectangular', 'round', 'skinny', 'square',
                'triangular')
_HEAD_SHAPE_DEVIATION = 0.14
_ASYMMETRY_DEVIATION = 0.13
_SIDE_DEVIATION = 0.25  # how much a left slider differs from its right twin, of the slider's own deviation
# Rigid motion and size are removed from the faces; this share of the size's logarithm stays.
_SIZE_KEPT = 0.5


def _slider_pairs(names):
    """[(low end or None, high end)] of the given targets."""
    present, pairs = set(names), []
    for name in names:
        for low, high in _ENDS:
            if name.endswith(high) and name[:-len(high)] + low in present:
                pairs.append((name[:-len(high)] + low, name))
                break
    paired = {name for pair in pairs for name in pair}
    return pairs + [(None, name) for name in names if name not in paired]


class Population:
    """Draws random adults.

    Attributes:
      targets: [K] names of the targets that the weights refer to.
    """

    def __init__(self, human):
        self._bipolar = []
        for prefix, deviation in _SLIDERS:
            for low, high in _slider_pairs(human.target_names(prefix)):
                twin = high.replace('/l-', '/r-')
                if '/r-' in high and high.replace('/r-', '/l-') in set(human.target_names(prefix)):
                    continue
                sides = [(low, high)]
                if twin != high:
                    sides.append((low.replace('/l-', '/r-') if low else None, twin))
                self._bipolar.append((sides, deviation))
        self._asymmetry = [(name, name[:-1] + 'r') for name in human.target_names('asym/asym-')
                           if name.endswith('-l') and 'ear' not in name]
        self._macro = [name for name in human.target_names('macrodetails/')
                       if name.count('/') == 1 and ('-young' in name or '-old' in name)]
        names = list(self._macro)
        for sides, _ in self._bipolar:
            names += [name for side in sides for name in side if name]
        names += ['head/head-%s' % shape for shape in _HEAD_SHAPES]
        names += [name for pair in self._asymmetry for name in pair]
        self.targets = sorted(set(names))
        self._column = {name: k for k, name in enumerate(self.targets)}

    def average(self):
        """[K] weights of an average adult: every ethnicity and sex alike, a fifth of the way to old."""
        weights = self._macro_weights(np.full((1, 3), 1 / 3.0), np.array([0.5]), np.array([0.22]),
                                      np.zeros(1), np.zeros(1))[0]
        for sides, _ in self._bipolar:
            for side in sides:
                self._add_slider(weights[None], side, np.array([_MEANS.get(sides[0][1], 0.0)]))
        return weights

    def draw(self, count, random):
        """[count,K] weights of random adults."""
        return self.draw_labelled(count, random)[0]

    def draw_labelled(self, count, random):
        """(weights [count,K] of random adults, {label: [count] what was drawn}).

        The labels are the ethnicities' shares, male and old (0-1), muscle and weight (-1 to 1), and the value of each
        slider under the name of its high end's target, those of the head's shape included.
        """
        ethnicity = random.dirichlet(np.full(3, 0.6), count)
        male = random.beta(0.5, 0.5, count)
        old = random.beta(0.8, 2.8, count)
        muscle, fat = np.clip(random.randn(2, count) * 0.45, -1, 1)
        weights = self._macro_weights(ethnicity, male, old, muscle, fat)
        labels = dict(zip(ETHNICITIES, ethnicity.T), male=male, old=old, muscle=muscle, weight=fat)
        for sides, deviation in self._bipolar:
            labels[sides[0][1]] = common = _MEANS.get(sides[0][1], 0.0) + random.randn(count) * deviation
            for side in sides:
                value = common + (random.randn(count) * deviation * _SIDE_DEVIATION if len(sides) > 1 else 0)
                self._add_slider(weights, side, np.clip(value, -1, 1))
        for shape in _HEAD_SHAPES:
            labels['head/head-%s' % shape] = np.clip(np.abs(random.randn(count)) * _HEAD_SHAPE_DEVIATION, 0, 1)
            weights[:, self._column['head/head-%s' % shape]] += labels['head/head-%s' % shape]
        for left, right in self._asymmetry:
            self._add_slider(weights, (right, left), random.randn(count) * _ASYMMETRY_DEVIATION)
        return weights, labels

    def _add_slider(self, weights, side, value):
        """Add slider values [count] to weights [count,K]: the low end's target takes the negative ones."""
        low, high = side
        weights[:, self._column[high]] += np.maximum(value, 0)
        if low:
            weights[:, self._column[low]] += np.maximum(-value, 0)

    def _macro_weights(self, ethnicity, male, old, muscle, fat):
        """MakeHuman's own mixing rule: every macro target's weight is the product of its factors' weights."""
        weights = np.zeros((len(male), len(self.targets)))
        sex = {'male': male, 'female': 1 - male}
        age = {'old': old, 'young': 1 - old}
        level = {}
        for name, value in (('muscle', muscle), ('weight', fat)):
            level['max' + name] = np.maximum(value, 0)
            level['min' + name] = np.maximum(-value, 0)
            level['average' + name] = 1 - np.abs(value)
        for target in self._macro:
            words = target[len('macrodetails/'):].split('-')
            weight = sex[words[1]] * age[words[2]]
            if words[0] == 'universal':
                weight = weight * level[words[3]] * level[words[4]]
            else:
                weight = weight * ethnicity[:, ETHNICITIES.index(words[0])]
            weights[:, self._column[target]] = weight
        return weights


def rigid_align(shapes, reference, anchor, size_kept=_SIZE_KEPT):
    """Move [S,n,3] shapes rigidly onto `reference` [n,3], judged on the `anchor` vertices [n] (weights).

    Args:
      size_kept: the share of the logarithm of the size difference that stays (1 removes none).
    Returns:
      [S,n,3] aligned shapes; one pass of the Kabsch algorithm each.
    """
    weight = anchor / anchor.sum()
    center = np.einsum('n,snc->sc', weight, shapes)[:, None]
    goal_center = weight.dot(reference)
    moved, goal = shapes - center, reference - goal_center
    covariance = np.einsum('n,snc,nd->scd', weight, moved, goal)
    left, _, right = np.linalg.svd(covariance)
    sign = np.sign(np.linalg.det(left) * np.linalg.det(right))
    left[:, :, 2] *= sign[:, None]
    rotation = np.matmul(left, right)
    size = np.sqrt(np.einsum('n,snc,snc->s', weight, moved, moved))
    factor = (np.sqrt(np.einsum('n,nc,nc->', weight, goal, goal)) / size) ** (1 - size_kept)
    return np.matmul(moved, rotation) * factor[:, None, None] + goal_center


def principal_components(samples, count, weight, center):
    """Principal components times their standard deviation.

    Args:
      samples: [S,n,3]; changed in place (the center is subtracted).
      count: how many components.
      weight: [n] importance of each vertex in the variance that the components explain.
      center: [n,3] what the coefficients' zero stands for.
    Returns:
      (components [count,n,3], share [count] of the weighted variance about the center).
    """
    samples -= center
    root = np.sqrt(weight)[None, :, None]
    flat = (samples * root).reshape(len(samples), -1)
    gram = flat.T.dot(flat) / len(flat) if flat.shape[1] < len(flat) else flat.dot(flat.T) / len(flat)
    values, vectors = np.linalg.eigh(gram)
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    if flat.shape[1] >= len(flat):
        vectors = flat.T.dot(vectors) / np.sqrt(len(flat) * values)
    components = (vectors * np.sqrt(values)).T.reshape(count, samples.shape[1], 3) / root
    # Signs of eigenvectors are arbitrary: make the largest entry positive.
    flat = components.reshape(count, -1)
    components *= np.sign(flat[np.arange(count), np.abs(flat).argmax(axis=1)])[:, None, None]
    return components, values / np.trace(gram)
