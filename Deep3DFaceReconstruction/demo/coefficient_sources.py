"""Where the coefficients of a face come from: a network, fitting, or fitting that starts at the network's answer."""
import numpy as np
from tqdm import tqdm

from Deep3DFaceReconstruction.demo.fitting import Fitter
from Deep3DFaceReconstruction.networks import frozen_graph


class NetworkSource:
    """R-Net's answer, a batch at a time."""

    def __init__(self, path, batch_size):
        self._network = frozen_graph.CoefficientNetwork(frozen_graph.load_any(path), path)
        self.batch_size = batch_size
        self.description = 'network ' + path
        self.label = 'network'

    def __call__(self, crops):
        """[B,257] float32 of a list of FaceCrop."""
        return self._network(np.stack([crop.bgr for crop in crops]))


class FittingSource:
    """Analysis by synthesis, a face at a time; from the landmarks, or from another source's answer."""

    batch_size = 1

    def __init__(self, model, iterations, start_from=None, verbose=False):
        self._fitter = Fitter(model, iterations)
        self._start_from = start_from
        self._verbose = verbose
        self.label = 'refine' if start_from else 'fit'
        self.description = 'fitting, %d iterations' % iterations
        if start_from:
            self.description += ', from ' + start_from.description

    def __call__(self, crops):
        """[B,257] float32 of a list of FaceCrop with their 68 landmarks."""
        starts = [None] * len(crops) if self._start_from is None else self._start_from(crops)
        return np.stack([self._fit(*face) for face in zip(crops, starts)])

    def _fit(self, crop, start):
        result = self._fitter.fit(crop.bgr, crop.attention, crop.lm_68p, crop.lm_inside, start)
        if self._verbose:
            for step in (0, len(result.losses) // 2, len(result.losses) - 1):
                tqdm.write('%s: step %d: %s' % (crop.name, step, ', '.join(
                    '%s %.4g' % item for item in sorted(result.losses[step].items()))))
        return result.coeff


def choose_source(network_path, options, model):
    """The source that the options ask for.

    Args:
      network_path: a .pb file, a checkpoint, or None for fitting alone.
      options: options.DemoOptions; model: face_model.FaceModel.
    Raises:
      AssetError: a network file that is missing or unusable.
    """
    network = NetworkSource(network_path, options.batch_size) if network_path else None
    if network is None or options.fit == 'refine':
        return FittingSource(model, options.iterations, network, options.verbose)
    return network
