"""One identity and texture for the photos of a person: --merge, the one place that reads it.

A merger is a function of the crops of one person and of what a coefficient source says of each alone.
"""
import os

import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.demo.coefficient_sources import FittingSource
from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.fitting.shading_fit import levels_of
from Deep3DFaceReconstruction.sets import joint_fit
from Deep3DFaceReconstruction.sets.answer import SetAnswer
from Deep3DFaceReconstruction.system import assets

# Places of identity and texture among the 257 coefficients.
SHARED = np.r_[COEFF_SLICES['id'], COEFF_SLICES['tex']]
# Steps of the joint fit, which starts at the average of the photos' own; of the fit of pose, expression and light to
# an identity and texture that stay.
JOINT_STEPS, OWN_STEPS = 8, 4


def choose_merger(set_options, source):
    """The merger that the options ask for, not loaded yet.

    Args:
      set_options: options.SetOptions.
      source: of coefficient_sources, what the photos' own coefficients come from.
    Raises:
      AssetError: cnet is asked for and a network is missing, or a merger that needs fitting and there is a network.
    """
    fits = isinstance(source, FittingSource)
    has_c_net = os.path.isfile(assets.C_NET_PB) and source.label == 'network'
    merge = set_options.merge
    if merge == 'auto':
        merge = 'joint' if fits else 'cnet' if has_c_net else 'mean'
    if merge == 'cnet':
        if not has_c_net:
            raise AssetError('--merge cnet: expected networks in %s and %s, found %s' % (
                assets.FACE_RECON_PB, assets.C_NET_PB, 'one of them alone' if os.path.isfile(assets.C_NET_PB)
                or source.label == 'network' else 'neither'))
        from Deep3DFaceReconstruction.sets.c_net_source import CNetMerger
        return CNetMerger(assets.C_NET_PB)
    if merge in ('certainty', 'joint') and not fits:
        raise AssetError('--merge %s: expected coefficients from fitting, got those of the %s; add --fit only or '
                         '--fit refine, or take --merge mean' % (merge, source.description))
    return JointMerger(source) if merge == 'joint' else AverageMerger(source, merge == 'certainty')


class AverageMerger:
    """The average of the photos' identity and texture; where they were fitted, the rest is then fitted to it.

    Args:
      source: of coefficient_sources.
      by_certainty: weighted by the inverse variances of the coefficients.
    Attributes:
      label: a word for summary.csv.  path: of its network, or None.
    """

    path = None

    def __init__(self, source, by_certainty):
        self._source = source
        self._by_certainty = by_certainty
        self.label = 'certainty' if by_certainty else 'mean'

    def load(self, model):
        """Nothing to load; the source is loaded by its owner."""

    def __call__(self, crops, answers):
        """The SetAnswer of one person's crops.

        Args:
          crops: list of photo.crops.FaceCrop.
          answers: coefficient_sources.Answers on them.
        """
        certainty = np.ones([len(crops), len(SHARED)])
        if self._by_certainty:
            certainty = certainty_of(answers.deviation)
        faces = _faces(self._source, crops, answers, averaged(answers.coeff, certainty))
        if faces is None:
            coeff = answers.coeff.copy()
            coeff[:, SHARED] = averaged(answers.coeff, certainty)
        else:
            joint_fit.fit_own(faces, _levels(self._source, OWN_STEPS))
            coeff = np.stack([face.coefficients() for face in faces])
        return SetAnswer(coeff, certainty.astype(np.float32), np.full(len(SHARED), np.nan, np.float32))


class JointMerger:
    """All photos fitted together. Arguments, attributes and calls as of AverageMerger."""

    path = None
    label = 'joint'

    def __init__(self, source):
        self._source = source

    def load(self, model):
        """Nothing to load; the source is loaded by its owner."""

    def __call__(self, crops, answers):
        """The SetAnswer of one person's crops; see AverageMerger."""
        faces = _faces(self._source, crops, answers, averaged(answers.coeff, np.ones([len(crops), len(SHARED)])))
        shading = self._source.fitter.shading
        prior = joint_fit.standard_texture_prior if shading is None else shading.texture_prior
        precision = joint_fit.fit_together(faces, prior, _levels(self._source, JOINT_STEPS))
        deviation = np.sqrt(np.diag(np.linalg.inv(precision))).astype(np.float32)
        certainty = certainty_of(answers.deviation).astype(np.float32)
        return SetAnswer(np.stack([face.coefficients() for face in faces]), certainty, deviation)


def certainty_of(deviation):
    """[B,160] float64: inverse variances of identity and texture, 1 where they are not known.

    Args:
      deviation: [B,257] standard deviations; NaN for a photo that shows no skin.
    """
    certainty = deviation[:, SHARED].astype(np.float64) ** -2
    return np.where(np.isfinite(certainty), certainty, 1.0)


def averaged(coeff, certainty):
    """[160] weighted means of identity and texture; with equal weights the plain mean.

    Args:
      coeff: [B,257].  certainty: [B,160], positive.
    """
    return (coeff[:, SHARED] * certainty).sum(axis=0) / certainty.sum(axis=0)


def _faces(source, crops, answers, shared):
    """The faces under fit of crops with an identity and texture [160]; None where a network is the source."""
    if not isinstance(source, FittingSource):
        return None
    faces = []
    for crop, coeff, posterior in zip(crops, answers.coeff, answers.posteriors):
        start = coeff.astype(np.float64)
        start[SHARED] = shared
        shading = source.fitter.shading
        faces.append(joint_fit.LandmarkFace(posterior, start) if shading is None
                     else shading.begin(crop, posterior, start))
    return faces


def _levels(source, steps):
    """Levels of so many photometric steps; landmarks alone need one that is exact, and one more for its damping."""
    return levels_of(steps) if source.fitter.shading is not None else [0] * 2
