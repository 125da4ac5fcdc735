"""Which source of coefficients the options and the files in network/ give, and what fits do with an offer."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_DIM
from Deep3DFaceReconstruction.demo.coefficient_sources import FittingSource, NetworkSource, choose_source
from Deep3DFaceReconstruction.demo.options import parse_demo
from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.face_model import is_open_model
from Deep3DFaceReconstruction.fitting import fitter as fitting
from Deep3DFaceReconstruction.fitting.shading_fit import Equations
from Deep3DFaceReconstruction.networks import frozen_graph
from Deep3DFaceReconstruction.networks.notes import Notes
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.tf1 import tf


@pytest.fixture
def network(monkeypatch, tmp_path):
    """Function of names -> a network/ with these files and the open face model alone; the paths by name."""
    monkeypatch.setattr(assets, 'BFM_MODEL', str(tmp_path / 'BFM_model_front.mat'))

    def fill(*names):
        paths = {}
        for attribute, name in (('FACE_RECON_PB', 'FaceReconModel.pb'), ('OPEN_R_NET_PB', 'open_r_net.pb')):
            paths[name] = str(tmp_path / name)
            monkeypatch.setattr(assets, attribute, paths[name])
            if name in names:
                frozen_graph.save(constant_network('Open face model (MakeHuman)'), paths[name])
        return paths
    return fill


def constant_network(face_model, value=0.25):
    """The frozen graph of a network that gives the same coefficients for every image."""
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 224, 224, 3], 'input_imgs')
        tf.identity(0 * tf.reduce_sum(images, [1, 2, 3])[:, tf.newaxis] + value * tf.ones([1, COEFF_DIM]), 'coeff')
    return frozen_graph.marked(graph.as_graph_def(), Notes(face_model))


def choose(*words):
    return choose_source(parse_demo(list(words)))


BOTH = ('FaceReconModel.pb', 'open_r_net.pb')


@pytest.mark.parametrize('files, words, kind, taken', [
    (BOTH, [], NetworkSource, 'FaceReconModel.pb'),
    (BOTH, ['--fit', 'refine'], FittingSource, 'FaceReconModel.pb'),
    (BOTH, ['--use_pb', '0', '--fit', 'auto'], FittingSource, None),
    (BOTH, ['--fit', 'only'], FittingSource, None),
    (BOTH[1:], [], FittingSource, 'open_r_net.pb'),
    (BOTH[1:], ['--fit', 'never'], NetworkSource, 'open_r_net.pb'),
    (BOTH[1:], ['--fit', 'refine'], FittingSource, 'open_r_net.pb'),
    (BOTH[1:], ['--fit', 'fast'], FittingSource, None),
    (BOTH[1:], ['--face_model', 'other.mat'], FittingSource, None),
    ((), [], FittingSource, None),
])
def test_which_network_is_taken(files, words, kind, taken, network):
    paths = network(*files)
    source = choose(*words)
    assert isinstance(source, kind) and source.path == paths.get(taken)
    assert source.label == ('network' if kind is NetworkSource else 'refine' if 'refine' in words else 'fit')


def test_a_checkpoint_comes_before_the_open_network(network):
    network('open_r_net.pb')
    assert choose('--pretrain_weights', 'my.ckpt').path == 'my.ckpt'


def test_the_open_network_is_refused_for_another_face_model(network, open_model):
    path = network('open_r_net.pb')['open_r_net.pb']
    with pytest.raises(AssetError, match=r'--fit never: expected a network .* found only .*open_r_net\.pb, which is '
                                         'for the open face model'):
        choose('--face_model', 'other.mat', '--fit', 'never')
    other = open_model._replace(name='another', path='another.mat')
    with pytest.raises(AssetError, match=r'open_r_net\.pb: expected a network for the face model another '
                                         r'\(another.mat\), got one for Open face model \(MakeHuman\)'):
        NetworkSource(path, 8).load(other)


def test_which_model_is_the_open_one(monkeypatch, tmp_path):
    monkeypatch.setattr(assets, 'BFM_MODEL', str(tmp_path / 'front.mat'))
    assert is_open_model() and is_open_model(assets.OPEN_MODEL) and not is_open_model('other.mat')
    (tmp_path / 'front.mat').write_bytes(b'')
    assert not is_open_model() and is_open_model(assets.OPEN_MODEL)


class StubFitter:
    """Stands for fitting.fitter.Fitter: notes how it was called."""

    def __init__(self):
        self.calls = []

    def fit(self, crop, **starts):
        self.calls.append(starts)
        return fitting.FitResult(np.zeros(COEFF_DIM, np.float32), np.zeros(COEFF_DIM, np.float32), [])


@pytest.mark.parametrize('words, argument', [([], 'offer'), (['--fit', 'refine'], 'start')])
def test_the_fit_gets_the_answer_of_the_network(words, argument, network, open_model, monkeypatch):
    network('open_r_net.pb')
    stub = StubFitter()
    monkeypatch.setattr(fitting, 'Fitter', lambda model, steps: stub)
    source = choose(*words)
    source.load(open_model)
    source([Crop()])
    assert [list(call) for call in stub.calls] == [[argument]]
    np.testing.assert_array_equal(stub.calls[0][argument], np.full(COEFF_DIM, 0.25, np.float32))


class Crop:
    """What a network reads of a FaceCrop."""

    bgr = np.zeros([224, 224, 3], np.uint8)


class StubShading:
    """Stands for shading_fit.ShadingFit: the colour error of the landmarks is 20, an offer's its first number."""

    def begin(self, crop, posterior, start=None):
        del crop, posterior
        self._start = start
        return self

    def equations(self, level):
        del level
        if self._start is None:
            return Equations(None, None, 20.0)
        return None if np.isnan(self._start[0]) else Equations(None, None, self._start[0])

    def __call__(self, crop, posterior, steps, start=None):
        return np.zeros(1) if start is None else start, np.zeros(1), []


@pytest.mark.parametrize('error, is_taken', [(10.0, True), (20.0, False), (np.nan, False)])
def test_an_offer_is_taken_where_it_explains_the_colours_better(error, is_taken, open_model, monkeypatch):
    fitter = fitting.Fitter(open_model, 0)
    monkeypatch.setattr(fitter, '_steps', 10)
    monkeypatch.setattr(fitter, 'shading', StubShading())
    monkeypatch.setattr(fitter, '_from_landmarks', lambda crop: None)
    monkeypatch.setattr(fitter, '_checked', lambda crop, found, answer: answer)
    answer = fitter.fit(Crop(), offer=np.full(COEFF_DIM, error))
    assert len(answer.coeff) == (COEFF_DIM if is_taken else 1)


def test_the_description_names_the_network(network):
    path = network('open_r_net.pb')['open_r_net.pb']
    assert choose().description == 'fitting, 10 iterations, from the landmarks or network ' + path
    assert choose('--fit', 'refine').description == 'fitting, 10 iterations, from network ' + path
    assert choose('--use_pb', '0').description == 'fitting, 10 iterations'
