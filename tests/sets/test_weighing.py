"""What a photo counts for in the joint fit: less where its colours disagree by more than noise would make them."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES, ID_DIM
from Deep3DFaceReconstruction.dataset import random_faces, sample_files, synthesis
from Deep3DFaceReconstruction.fitting.fitter import Fitter
from Deep3DFaceReconstruction.fitting.landmark_fit import LIGHT, POSE_DIM, PRIOR_PRECISION, Posterior
from Deep3DFaceReconstruction.fitting.shading_fit import Equations
from Deep3DFaceReconstruction.sets import joint_fit
from tests.sets.test_accuracy import crop_of

BLOCKS = 40


class Face:
    """A photo of linear colours in blocks, whose noise is so many times as strong as the fit assumes."""

    room = None

    def __init__(self, noise, seed=0):
        random = np.random.RandomState(seed)
        slopes = random.randn(BLOCKS, 60, COEFF_DIM)
        self._scores = np.einsum('bnk,bn->bk', slopes, noise * random.randn(BLOCKS, 60))
        flat = slopes.reshape(-1, COEFF_DIM)
        prior = np.zeros(COEFF_DIM)
        prior[POSE_DIM:POSE_DIM + ID_DIM], prior[joint_fit.SHARED[ID_DIM:]] = PRIOR_PRECISION[:ID_DIM], 1
        self._hessian = flat.T.dot(flat) + np.diag(prior)
        self.values, self.trust = np.zeros(COEFF_DIM), None

    def equations(self, level):
        return Equations(self._hessian, np.zeros(COEFF_DIM), 0.0)

    def scores(self, level):
        return self._scores


class Shading:
    """What weigh asks of a ShadingFit; the error of Face's equations is 0."""

    texture_prior = staticmethod(joint_fit.standard_texture_prior)

    def __init__(self, noise=1.0):
        self.noise = lambda error: noise


def test_noise_as_assumed_is_trusted_and_more_noise_counts_by_the_square_of_its_variance():
    faces = [Face(noise) for noise in (0.5, 1.0, 3.0, 6.0)]
    joint_fit.weigh(faces, Shading(), [0])
    trust = [face.trust for face in faces]
    assert trust[0] == 1
    # Each block has its own chance: 40 blocks x 60 samples tell the variance to a few per cent.
    np.testing.assert_allclose(trust[1:], [1, 1 / 9 ** 2, 1 / 36 ** 2], rtol=0.2)
    assert trust[2] == pytest.approx(16 * trust[3], rel=1e-9)


@pytest.mark.parametrize('noise, trust', [(0.4, 2.5), (3.0, 1.0)])
def test_less_noise_than_assumed_counts_for_more(noise, trust):
    face = Face(0.5)
    joint_fit.weigh([face], Shading(noise), [0])
    assert face.trust == pytest.approx(trust)


def linear_photo(seed=0):
    random = np.random.RandomState(seed)
    size = POSE_DIM + PRIOR_PRECISION.size
    slope = random.randn(200, size)
    prior = np.diag(np.concatenate([np.zeros(POSE_DIM), PRIOR_PRECISION]))
    return Posterior(0.3 * random.randn(size), prior + slope.T.dot(slope), 1.0)


def test_what_is_not_trusted_is_taken_to_be_alike_in_all_photos():
    """Without trust, two photos that say the same count as one."""
    def precision(count, trust):
        faces = [joint_fit.LandmarkFace(linear_photo(), np.zeros(COEFF_DIM)) for _ in range(count)]
        for face in faces:
            face.trust = trust
        return joint_fit.fit_together(faces, joint_fit.standard_texture_prior, [0])
    np.testing.assert_allclose(precision(2, 0.0), precision(1, 1.0), rtol=1e-9)
    assert np.trace(precision(2, 1.0)) > np.trace(precision(2, 0.5)) > np.trace(precision(2, 0.0))


def test_bounded_expressions_stay_above_their_bounds_and_the_rest_at_the_optimum():
    lower = np.full(COEFF_DIM, -np.inf)
    lower[COEFF_SLICES['ex']] = 0
    faces = [joint_fit.LandmarkFace(linear_photo(seed), np.zeros(COEFF_DIM), lower) for seed in range(3)]
    joint_fit.fit_together(faces, joint_fit.standard_texture_prior, [0] * 40, correlation=0.0)
    slopes = np.zeros(ID_DIM)
    for face in faces:
        assert face.room.min() >= 0 and (face.room == 0).sum() > 5
        gradient = face.equations(0).gradient
        scale = 1e-4 * np.abs(np.diag(face.equations(0).hessian)).max()
        held = np.zeros(COEFF_DIM, bool)
        held[joint_fit.OWN] = face.room[joint_fit.OWN] == 0
        assert gradient[held].min() > -scale
        assert np.abs(gradient[joint_fit.OWN][~held[joint_fit.OWN]]).max() < scale
        shared = joint_fit.SHARED[:ID_DIM]
        slopes += gradient[shared] - PRIOR_PRECISION[:ID_DIM] * face.values[shared]
    # The prior of the identity counts once.
    slopes += PRIOR_PRECISION[:ID_DIM] * faces[0].values[joint_fit.SHARED[:ID_DIM]]
    assert np.abs(slopes).max() < 1e-2


@pytest.fixture(scope='module')
def made(open_model, tmp_path_factory):
    """(Fitter, FaceCrop, its true coefficients) of a decoded face."""
    folder = str(tmp_path_factory.mktemp('face'))
    options = random_faces.PLAIN_OPTIONS._replace(max_yaw=10, max_pitch=5, max_roll=5)
    name, = synthesis.synthesize(folder, 1, synthesis.Scenes(open_model, 5, options))
    sample = sample_files.sample_named(folder, name)
    return Fitter(open_model, 4), crop_of(sample), sample_files.read_coeff(sample).astype(np.float64)


def face_of(made, crop):
    fitter, _, coeff = made
    return fitter.shading.begin(crop, fitter.fit(crop).posterior, coeff)


@pytest.mark.slow
def test_scores_add_up_to_the_gradient_of_the_colours(made):
    face = face_of(made, made[1])
    total = face.equations(2).gradient
    scores = face.scores(2)
    face.trust = 0.0  # without colours and the light's prior
    colours = slice(0, LIGHT.start)
    np.testing.assert_allclose(scores.sum(axis=0)[colours], (total - face.equations(2).gradient)[colours], rtol=1e-3,
                               atol=1e-4 * np.abs(total).max())
    assert 10 < len(scores) < 50


@pytest.mark.slow
def test_a_shadow_that_the_light_model_lacks_costs_trust(made):
    _, crop, _ = made
    shadow = crop.bgr.copy()
    shadow[np.add.outer(np.arange(224), np.arange(224)) > 230] //= 3
    faces = [face_of(made, one) for one in (crop, crop._replace(bgr=shadow))]
    joint_fit.weigh(faces, made[0].shading, [2])
    assert faces[0].trust >= 1
    assert faces[1].trust < 0.5
