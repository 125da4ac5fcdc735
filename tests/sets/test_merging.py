"""--merge: averages of the photos, and which merger is chosen."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES
from Deep3DFaceReconstruction.demo.coefficient_sources import Answers, FittingSource
from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks import c_net
from Deep3DFaceReconstruction.sets import merging
from Deep3DFaceReconstruction.sets.c_net_source import CNetMerger
from Deep3DFaceReconstruction.sets.options import SetOptions
from Deep3DFaceReconstruction.system import assets


class Network:
    """What choose_merger asks of a network's source."""
    label, description = 'network', 'network/FaceReconModel.pb'


def options(merge):
    return SetOptions(True, False, merge, 'keep')


def answers(count=3, seed=0):
    random = np.random.RandomState(seed)
    return Answers(random.randn(count, COEFF_DIM).astype(np.float32), [()] * count,
                   random.uniform(0.1, 1, [count, COEFF_DIM]).astype(np.float32), [None] * count)


@pytest.fixture
def fitting(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, 'C_NET_PB', str(tmp_path / 'none.pb'))
    return FittingSource(0, None, False)


def test_equal_weights_give_the_mean():
    coeff = answers().coeff
    np.testing.assert_allclose(merging.averaged(coeff, np.ones([3, 160])), coeff[:, merging.SHARED].mean(0), rtol=1e-5)


def test_the_mean_of_a_networks_answers():
    given = answers()
    answer = merging.AverageMerger(Network(), False)([None] * 3, given)
    mean = given.coeff[:, merging.SHARED].mean(axis=0)
    np.testing.assert_allclose(answer.coeff[:, merging.SHARED], np.tile(mean, [3, 1]), rtol=1e-5)
    own = np.setdiff1d(np.arange(COEFF_DIM), merging.SHARED)
    np.testing.assert_array_equal(answer.coeff[:, own], given.coeff[:, own])
    assert np.isnan(answer.deviation).all()


class Fits:
    """What a loaded FittingSource has that a prior is read off: landmarks alone."""
    class fitter:
        shading = None


def _answers_of_photos(truth, precision, random):
    """Answers as a fit gives them: (prior x 0 + photo x what it saw) / precision, from photos of a known precision."""
    prior = merging.prior_of(Fits()).precision
    seen = truth + random.randn(*precision.shape) / np.sqrt(precision)
    given = answers(len(precision))
    coeff, deviation = given.coeff.astype(np.float64), given.deviation.astype(np.float64)
    coeff[:, merging.SHARED] = precision * seen / (precision + prior)
    deviation[:, merging.SHARED] = 1 / np.sqrt(precision + prior)
    exact = (precision * seen).sum(axis=0) / (precision.sum(axis=0) + prior)
    return given._replace(coeff=coeff, deviation=deviation), exact


def test_the_prior_counts_once():
    """Photos of any precision, each of which the prior has pulled to the mean face: together, as seen by one fit."""
    random, prior = np.random.RandomState(3), merging.prior_of(Fits())
    np.testing.assert_array_equal(prior.precision, np.r_[np.full(80, 2.0), np.ones(80)])
    truth = random.randn(160) / np.sqrt(prior.precision)
    precision = random.uniform(0.1, 5, [4, 160])
    given, exact = _answers_of_photos(truth, precision, random)
    certainty = merging.certainty_of(given.deviation, prior)
    np.testing.assert_allclose(certainty, precision, rtol=1e-6)
    together = merging.combined(given.coeff, certainty, prior, correlation=0)
    np.testing.assert_allclose(together, exact, rtol=1e-6)
    assert np.abs(together).mean() > np.abs(merging.averaged(given.coeff, certainty)).mean()
    # Photos that err alike are one photo; of one photo, its own answer is left.
    alike = [np.repeat(part[:1], 4, axis=0) for part in (given.coeff, certainty)]
    for result in (merging.combined(*alike, prior, correlation=1),
                   merging.combined(given.coeff[:1], certainty[:1], prior)):
        np.testing.assert_allclose(result, given.coeff[0, merging.SHARED], rtol=1e-6)


def test_the_merger_combines_by_certainty(monkeypatch):
    monkeypatch.setattr(merging, '_faces', lambda *_: None)
    random, prior = np.random.RandomState(4), merging.prior_of(Fits())
    given, _ = _answers_of_photos(np.zeros(160), random.uniform(0.1, 5, [3, 160]), random)
    deviation = given.deviation.copy()
    deviation[1] = np.nan  # not known: adds as much as one standard normal
    answer = merging.AverageMerger(Fits(), True)([None] * 3, given._replace(deviation=deviation))
    certainty = merging.certainty_of(deviation, prior)
    assert (certainty[1] == 1).all()
    np.testing.assert_allclose(answer.certainty, certainty, rtol=1e-5)
    np.testing.assert_allclose(answer.coeff[:, merging.SHARED],
                               np.tile(merging.combined(given.coeff, certainty, prior), [3, 1]), rtol=1e-5)


def test_the_prior_of_the_photometric_fit_has_a_mean():
    """Flat albedo pulls the texture off zero; its normal distribution is read off hessian and gradient."""
    random = np.random.RandomState(5)
    root, mean = random.randn(100, 80), random.randn(80)
    hessian = root.T.dot(root)

    class Shading:
        @staticmethod
        def texture_prior(_):
            return hessian, -hessian.dot(mean)

    class Source:
        class fitter:
            shading = Shading
    prior = merging.prior_of(Source())
    np.testing.assert_allclose(prior.mean, np.r_[np.zeros(80), mean], atol=1e-8)
    np.testing.assert_allclose(prior.precision[80:], 1 / np.diag(np.linalg.inv(hessian)))


def test_c_net_weighs_the_identity_and_leaves_the_rest(monkeypatch):
    given = answers()
    found = c_net.SetCoefficients(given.coeff, np.full([3, 80], 0.25, np.float32), np.arange(80, dtype=np.float32))
    merger = CNetMerger('it.pb')
    monkeypatch.setattr(merger, '_network', lambda images: found)

    class Crop:
        bgr = np.zeros([224, 224, 3], np.uint8)
    answer = merger([Crop] * 3, given)
    np.testing.assert_array_equal(answer.coeff[:, COEFF_SLICES['id']], np.tile(found.identity, [3, 1]))
    np.testing.assert_allclose(answer.coeff[2, COEFF_SLICES['tex']], given.coeff[:, COEFF_SLICES['tex']].mean(0),
                               rtol=1e-5)
    np.testing.assert_array_equal(answer.coeff[:, COEFF_SLICES['ex']], given.coeff[:, COEFF_SLICES['ex']])
    np.testing.assert_array_equal(answer.certainty[:, :80], 0.25)


def test_what_auto_takes(fitting, tmp_path, monkeypatch):
    assert merging.choose_merger(options('auto'), fitting).label == 'joint'
    assert merging.choose_merger(options('auto'), Network()).label == 'mean'
    (tmp_path / 'CNetModel.pb').write_bytes(b'')
    monkeypatch.setattr(assets, 'C_NET_PB', str(tmp_path / 'CNetModel.pb'))
    assert merging.choose_merger(options('auto'), Network()).label == 'cnet'
    assert merging.choose_merger(options('auto'), fitting).label == 'joint'


@pytest.mark.parametrize('merge', ['joint', 'certainty'])
def test_a_network_says_nothing_of_its_certainty(merge):
    with pytest.raises(AssetError, match='--merge %s: expected coefficients from fitting, got those of the' % merge):
        merging.choose_merger(options(merge), Network())


def test_c_net_without_networks(fitting):
    with pytest.raises(AssetError, match=r'--merge cnet: expected networks in .*, found neither'):
        merging.choose_merger(options('cnet'), fitting)
    with pytest.raises(AssetError, match='found one of them alone'):
        merging.choose_merger(options('cnet'), Network())
