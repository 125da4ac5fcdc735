"""The ratio of two lights: limited, and weaker where the photo's light is not known well."""
import numpy as np

from Deep3DFaceReconstruction.editing.rendering.ratios import certainty, log_ratio


def test_light_of_one_colour_is_certain_however_its_brightness_changes():
    shading = np.linspace(0.3, 1.5, 50)[:, np.newaxis] * [1.0, 0.7, 0.5]
    assert certainty(shading) == 1.0
    many = shading * np.where(np.arange(50)[:, np.newaxis] < 25, [1.6, 1.0, 0.5], [0.7, 1.0, 1.5])
    assert certainty(many) < 0.5


def test_the_ratio_of_an_uncertain_light_is_weaker_by_its_certainty():
    old = np.where(np.arange(40)[:, np.newaxis] < 20, [1.4, 0.8, 0.3], [0.6, 0.6, 0.6])
    new = np.full([40, 3], 0.9)
    plain = np.full([40, 3], 0.6)
    weak, full = log_ratio(old, new), log_ratio(plain, new)
    # The last twenty have the same lights in both.
    np.testing.assert_allclose(weak[20:], certainty(old) * full[20:], rtol=1e-5)
    assert 0 < certainty(old) < 0.8
    np.testing.assert_array_equal(log_ratio(old, old), 0)
