"""One identity and texture for the photos of a person: --merge, the one place that reads it.

A merger is a function of the crops of one person and of what a coefficient source says of each alone.
"""
import os
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES, ID_DIM
from Deep3DFaceReconstruction.demo.coefficient_sources import FittingSource
from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.fitting.landmark_fit import PRIOR_PRECISION
from Deep3DFaceReconstruction.fitting.shading_fit import levels_of
from Deep3DFaceReconstruction.sets import joint_fit
from Deep3DFaceReconstruction.sets.answer import SetAnswer
from Deep3DFaceReconstruction.system import assets

# Places of identity and texture among the 257 coefficients.
SHARED = np.r_[COEFF_SLICES['id'], COEFF_SLICES['tex']]
# Steps of the fit of pose, expression and light to an identity and texture that stay: at the end, and before photos are
# weighed.
OWN_STEPS, WEIGH_STEPS = 4, 3
# The joint fit starts at the average of the photos' own, which is near. Only the first steps count where photos are not
# trusted: more follow what the model lacks.
JOINT_STEPS = 3


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
      by_certainty: the photos' own information is combined, and the prior counts once: see `combined`.
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
        merged = averaged(answers.coeff, certainty)
        if self._by_certainty:
            prior = prior_of(self._source)
            certainty = certainty_of(answers.deviation, prior)
            merged = combined(answers.coeff, certainty, prior)
        faces = _faces(self._source, crops, answers, merged)
        if faces is None:
            coeff = answers.coeff.copy()
            coeff[:, SHARED] = merged
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
        """The SetAnswer of one person's crops; see AverageMerger. One photo alone stays as it was fitted."""
        certainty = certainty_of(answers.deviation, prior_of(self._source)).astype(np.float32)
        if len(crops) == 1:
            return SetAnswer(answers.coeff, certainty, answers.deviation[0, SHARED])
        faces = _faces(self._source, crops, answers, averaged(answers.coeff, np.ones([len(crops), len(SHARED)])))
        shading, levels = self._source.fitter.shading, _levels(self._source, WEIGH_STEPS)
        if shading is None:
            precision = joint_fit.fit_together(faces, joint_fit.standard_texture_prior, levels)
        else:
            joint_fit.weigh(faces, shading, levels)
            precision = joint_fit.fit_together(faces, shading.texture_prior, levels[-1:] * JOINT_STEPS)
            for face in faces:  # in its own pose, expression and light
                face.trust = 1.0
            joint_fit.fit_own(faces, _levels(self._source, OWN_STEPS))
        deviation = np.sqrt(np.diag(np.linalg.inv(precision))).astype(np.float32)
        return SetAnswer(np.stack([face.coefficients() for face in faces]), certainty, deviation)


class Prior(NamedTuple):
    """What is known of each coefficient of identity and texture without a photo, each for itself."""
    mean: np.ndarray       # [160]
    precision: np.ndarray  # [160], inverse variance


def prior_of(source):
    """The Prior that a FittingSource, once loaded, fits with."""
    shading = source.fitter.shading
    of_texture = joint_fit.standard_texture_prior if shading is None else shading.texture_prior
    hessian, gradient = of_texture(np.zeros(COEFF_DIM))
    covariance = np.linalg.inv(hessian)
    return Prior(np.concatenate([np.zeros(ID_DIM), -covariance.dot(gradient)]),
                 np.concatenate([PRIOR_PRECISION[:ID_DIM], 1 / np.diag(covariance)]))


def certainty_of(deviation, prior):
    """[B,160] float64: the precision that each photo adds to the prior's; 1 where it is not known.

    Args:
      deviation: [B,257] standard deviations with the prior in them; NaN for a photo that shows no skin.
    """
    own = deviation[:, SHARED].astype(np.float64) ** -2 - prior.precision
    return np.where(np.isfinite(own), np.maximum(own, 0), 1.0)


def averaged(coeff, certainty):
    """[160] weighted means of identity and texture; with equal weights the plain mean.

    Args:
      coeff: [B,257].  certainty: [B,160], positive.
    """
    return (coeff[:, SHARED] * certainty).sum(axis=0) / certainty.sum(axis=0)


def combined(coeff, certainty, prior, correlation=joint_fit.CORRELATION):
    """[160] what all photos say of identity and texture together, each coefficient for itself.

    A photo's estimate x is a mean of what it shows and of the prior, with precisions w and p: what it shows alone,
    beyond the prior's mean, is (w + p) x / w. An average of such estimates would hold the prior once for each photo and
    stay as near to the mean face as one photo alone. Here the prior counts once, and n photos, whose errors are
    correlated, for n / (1 + (n - 1) correlation):

        x = s sum_i (w_i + p) x_i / (p + s sum_i w_i),  s = 1 / (1 + (n - 1) correlation).

    Args:
      coeff: [B,257].  certainty: [B,160], w.  prior: Prior.  correlation: 0 to 1, see joint_fit.CORRELATION.
    """
    share = 1.0 / (1.0 + (len(coeff) - 1) * correlation)
    pull = share * ((coeff[:, SHARED] - prior.mean) * (certainty + prior.precision)).sum(axis=0)
    return prior.mean + pull / (prior.precision + share * certainty.sum(axis=0))


def _faces(source, crops, answers, shared):
    """The faces under fit of crops with an identity and texture [160]; None where a network is the source."""
    if not isinstance(source, FittingSource):
        return None
    faces = []
    for crop, coeff, posterior in zip(crops, answers.coeff, answers.posteriors):
        start = coeff.astype(np.float64)
        start[SHARED] = shared
        shading = source.fitter.shading
        faces.append(joint_fit.LandmarkFace(posterior, start, source.fitter.lower) if shading is None
                     else shading.begin(crop, posterior, start))
    return faces


def _levels(source, steps):
    """Levels of so many photometric steps; landmarks alone need one that is exact, and one more for its damping."""
    return levels_of(steps) if source.fitter.shading is not None else [0] * 2
