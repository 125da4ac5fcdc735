"""Where the coefficients of a face come from: a network, fitting, or fitting that may begin at a network's answer.

The one place that reads --fit. TensorFlow takes seconds to load, and photos are read meanwhile: a source says what it
needs at once, and loads in `load`.
"""
import os
from typing import Any, List, NamedTuple, Tuple

import numpy as np
from tqdm import tqdm

from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.face_model import is_open_model
from Deep3DFaceReconstruction.system import assets


class Answers(NamedTuple):
    """What a source says of B crops.

    Attributes:
      coeff: [B,257] float32.
      doubts: of each face, a tuple of phrases that say why the answer may be wrong.
      deviation: [B,257] float32, standard deviations of the coefficients; NaN where they are not known.
      posteriors: of each face, the landmark_fit.Posterior that a fit believed; None from a network.
    """

    coeff: np.ndarray
    doubts: List[Tuple[str, ...]]
    deviation: np.ndarray
    posteriors: List[Any]


def choose_source(options):
    """The source that the options ask for.

    The network is FaceReconModel.pb, else --pretrain_weights, else open_r_net.pb where the face model is the open one.
    With --fit auto the first two give the coefficients; the third is a beginning that the fit may take.

    Args:
      options: options.DemoOptions.
    Returns:
      NetworkSource or FittingSource, not loaded yet.
    Raises:
      AssetError: --fit refine or never, and there is no network of the face model.
    """
    path = _network_path(options)
    network = NetworkSource(path, options.batch_size) if path else None
    is_offer = options.fit == 'auto' and path == assets.OPEN_R_NET_PB
    if network is None or options.fit == 'refine' or is_offer:
        steps = 0 if options.fit == 'fast' else options.iterations
        return FittingSource(steps, network, options.verbose, is_offer)
    return network


def _network_path(options):
    if options.fit in ('only', 'fast'):
        return None
    if options.use_pb and os.path.isfile(assets.FACE_RECON_PB):
        return assets.FACE_RECON_PB
    if options.pretrain_weights is not None:
        return options.pretrain_weights
    has_open = bool(options.use_pb) and os.path.isfile(assets.OPEN_R_NET_PB)
    if has_open and is_open_model(options.face_model):
        return assets.OPEN_R_NET_PB
    if options.fit in ('refine', 'never'):
        raise AssetError('--fit %s: expected a network in %s or --pretrain_weights CKPT, found %s' % (
            options.fit, assets.FACE_RECON_PB,
            'only %s, which is for the open face model' % assets.OPEN_R_NET_PB if has_open else 'neither'))
    return None


class NetworkSource:
    """R-Net's answer, a batch at a time.

    Attributes:
      needs_landmarks: whether crops must have their 68 landmarks.
      batch_size: crops of a call.
      label: a word for summary.csv; description: a phrase for people.
      path: the network's file, or None.
    """

    needs_landmarks = False
    label = 'network'

    def __init__(self, path, batch_size):
        self.path = path
        self._network = None
        self.batch_size = batch_size
        self.description = 'network ' + path

    def load(self, model):
        """Loads the network for a face_model.FaceModel.

        Raises:
          AssetError: a network file that is missing, unusable or of another face model.
        """
        from Deep3DFaceReconstruction.networks import frozen_graph, notes
        graph_def = frozen_graph.load_any(self.path)
        notes.check_face_model(notes.of_graph(graph_def), self.path, model)
        self._network = frozen_graph.CoefficientNetwork(graph_def, self.path)

    def __call__(self, crops):
        """The Answers of a list of FaceCrop."""
        coeff = self._network(np.stack([crop.bgr for crop in crops]))
        return Answers(coeff, [()] * len(crops), np.full(coeff.shape, np.nan, np.float32), [None] * len(crops))


class FittingSource:
    """Analysis by synthesis, a face at a time; from the landmarks, or from another source's answer.

    Args:
      iterations: steps of fitting to the colours.
      start_from: NetworkSource, or None.
      verbose: whether the losses of each fit are printed.
      is_offer: whether the network's answer is taken only for the faces whose colours it explains better than the
        landmarks do.
    Attributes: as NetworkSource's, and
      fitter: fitting.fitter.Fitter, once it is loaded.
    """

    needs_landmarks = True
    batch_size = 1

    def __init__(self, iterations, start_from=None, verbose=False, is_offer=False):
        self._iterations = iterations
        self._start_from = start_from
        self._verbose = verbose
        self._is_offer = is_offer
        self.fitter = None
        self.path = start_from.path if start_from else None
        self.label = 'refine' if start_from and not is_offer else 'fit'
        self.description = 'fitting, %d iterations' % iterations if iterations else 'fitting to landmarks alone'
        if start_from:
            self.description += ', from %s%s' % ('the landmarks or ' if is_offer else '', start_from.description)

    def load(self, model):
        """Makes the fitter of a face_model.FaceModel, and loads what it starts from.

        Raises:
          AssetError: a network file that is missing or unusable.
        """
        from Deep3DFaceReconstruction.fitting.fitter import Fitter
        if self._start_from is not None:
            self._start_from.load(model)
        self.fitter = Fitter(model, self._iterations)

    def __call__(self, crops):
        """As NetworkSource's; each FaceCrop must have its landmarks."""
        starts = [None] * len(crops) if self._start_from is None else self._start_from(crops).coeff
        answers = [self._fit(crop, start) for crop, start in zip(crops, starts)]
        return Answers(np.stack([answer.coeff for answer in answers]), [answer.doubts for answer in answers],
                       np.stack([answer.deviation for answer in answers]), [answer.posterior for answer in answers])

    def _fit(self, crop, start):
        answer = self.fitter.fit(crop, **{'offer' if self._is_offer else 'start': start})
        if self._verbose and answer.errors:
            tqdm.write('%s: colour difference before each step: %s' % (
                crop.name, ' '.join('%.1f' % error for error in answer.errors)))
        return answer
