"""The bias of dlib's landmarks on synthetic heads: its estimators."""
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES
from Deep3DFaceReconstruction.photo.landmarks import flip_permutation
from tools.open_model import dlib_bias


def test_the_median_of_mirror_images_outlives_wrong_photos():
    random, flip = np.random.RandomState(0), flip_permutation()
    true = random.randn(68, 2)
    true = (true + true[flip] * [-1, 1]) / 2
    seen = true + 0.1 * random.randn(60, 68, 2)
    seen[::6] += 30
    bias = dlib_bias.median_bias(seen)
    assert not bias[:10].any()
    np.testing.assert_allclose(bias[10:], true[27:], atol=0.15)


def test_true_landmarks_follow_the_crop(test_model):
    """A crop that is the image itself, then one of twice the size."""
    coeff = np.zeros(COEFF_DIM)
    coeff[COEFF_SLICES['angles']] = [0.1, 0.2, 0]
    same, closer = (dlib_bias.true_landmarks(test_model, coeff, np.array([224, 224, scale, 112, 112]))
                    for scale in (1.0, 2.0))
    np.testing.assert_allclose(closer - 112, 2 * (same - 112), atol=1e-6)
