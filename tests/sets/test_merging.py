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


def test_certainty_is_the_inverse_variance(monkeypatch):
    monkeypatch.setattr(merging, '_faces', lambda *_: None)
    given = answers()
    deviation = given.deviation.copy()
    deviation[1] = np.nan  # not known: counts as one standard normal
    answer = merging.AverageMerger(None, True)([None] * 3, given._replace(deviation=deviation))
    weights = np.where(np.isnan(deviation), 1.0, deviation.astype(np.float64) ** -2)[:, merging.SHARED]
    expected = (weights * given.coeff[:, merging.SHARED]).sum(0) / weights.sum(0)
    np.testing.assert_allclose(answer.coeff[0, merging.SHARED], expected, rtol=1e-5)
    np.testing.assert_allclose(answer.certainty, weights, rtol=1e-5)


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
