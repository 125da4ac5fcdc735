"""Regression of coefficients on the labels of a made population."""
import numpy as np

from tools.open_model.attributes import directions
from tools.open_model.source import ETHNICITIES


def test_directions_are_those_that_a_population_was_made_with():
    random = np.random.RandomState(0)
    labels = {'old': random.beta(1, 3, 4000), 'weight': random.randn(4000)}
    shares = random.dirichlet(np.full(3, 0.6), 4000)
    labels.update(zip(ETHNICITIES, shares.T))
    truth = {name: random.randn(5) for name in labels}
    coefficients = sum(np.outer(values, truth[name]) for name, values in labels.items()) + 0.01 * random.randn(4000, 5)
    found = directions(labels, coefficients)
    for name in ('old', 'weight'):
        np.testing.assert_allclose(found[name], truth[name] * labels[name].std(), atol=0.02)
    # What an ethnicity gains, the two others lose alike.
    others = [name for name in ETHNICITIES if name != 'asian']
    expected = (truth['asian'] - np.mean([truth[name] for name in others], axis=0)) * labels['asian'].std()
    np.testing.assert_allclose(found['asian'], expected, atol=0.08)
