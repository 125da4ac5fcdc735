"""One identity and one texture from several photos of a person: Gauss-Newton on all photos together.

Each photo's own unknowns (pose, expression, light) are eliminated from its normal equations by the Schur complement,
so a step costs one 160 x 160 system and time linear in the number of photos.
"""
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_DIM, ID_DIM, TEX_DIM
from Deep3DFaceReconstruction.fitting.elimination import Eliminated
from Deep3DFaceReconstruction.fitting.landmark_fit import (
    POSE_DIM,
    PRIOR_PRECISION,
    SHAPE,
    TEXTURE,
    coefficients_of,
    values_of,
)
from Deep3DFaceReconstruction.fitting.shading_fit import DAMPING, Equations, limited

# Correlation of the errors of two photos of one person: the model, its landmarks and the light model err alike in all
# photos, so n photos say as much as n / (1 + (n - 1) CORRELATION) independent ones.
CORRELATION = 0.1
# Places of what the photos share among the 257 unknowns in the order of SHAPE, TEXTURE, LIGHT; and of each photo's own.
SHARED = np.r_[POSE_DIM:POSE_DIM + ID_DIM, TEXTURE]
OWN = np.setdiff1d(np.arange(COEFF_DIM), SHARED)


class LandmarkFace:
    """As shading_fit.FaceUnderFit, of the landmarks alone: a quadratic about what they say, so one step is exact.

    Args:
      posterior: landmark_fit.Posterior.
      start: [257] coefficients.
      lower: [257] the least value of each coefficient; None where all are free.
    """

    trust = 1.0

    def __init__(self, posterior, start, lower=None):
        self._posterior = posterior
        self._lower = None if lower is None else values_of(lower)
        self.values = values_of(start if lower is None else np.maximum(start, lower))

    def equations(self, level):
        """The Equations about `values`; texture and light have none but a prior."""
        del level
        hessian, gradient = np.eye(COEFF_DIM), self.values.copy()
        hessian[SHAPE, SHAPE] = self._posterior.precision
        gradient[SHAPE] = self._posterior.gradient(self.values[SHAPE])
        return Equations(hessian, gradient, 0.0)

    @property
    def room(self):
        """[257] how far each of the values lies above its lower bound; None without bounds."""
        return None if self._lower is None else self.values - self._lower

    def coefficients(self):
        """[257] float32 of the values."""
        return coefficients_of(self.values)


def standard_texture_prior(values):
    """The prior (hessian [80,80], gradient [80]) of LandmarkFace's texture: standard normal."""
    return np.eye(TEX_DIM), values[TEXTURE]


def weigh(faces, shading, levels):
    """Sets the trust in the colours of each photo by how well they bear out the noise that the fit assumes.

    Each block of the crop pulls the shared unknowns its own way. Cast shadows, highlights, hair or a thing in front,
    which the model lacks, make the blocks disagree by more than that noise: the dispersion, their mean square pull over
    its expectation, is above 1, and the true variance larger by that factor (Liang and Zeger 1986, blocks as clusters).
    What is wrong in all blocks alike, such as the light, does not show but grows with it: its square counts.
    It is measured where the photos agree: a fit to one photo alone hides much of what the model lacks in its shape.
    Colours with less noise than assumed count for more, as in the fit of one photo.

    Args:
      faces: list of shading_fit.FaceUnderFit, whose values agree in SHARED; their own values are fitted first.
      shading: shading_fit.ShadingFit.
      levels: the level of detail of each step of that; the last one's blocks are compared.
    """
    fit_own(faces, levels)
    for face in faces:
        equations = face.equations(levels[-1])
        if equations is not None:
            prior = _prior(face.values, shading.texture_prior)[0]
            dispersion = _dispersion(equations.hessian, face.scores(levels[-1]), prior)
            face.trust = max(1.0, dispersion) ** -2 / min(1.0, shading.noise(equations.error))


def _dispersion(hessian, scores, prior):
    """Mean square of what blocks with gradients `scores` [B,257] pull at the shared unknowns, over its expectation.

    Args:
      hessian: [257,257], with all priors.  prior: [160,160] precision of the shared unknowns' prior.
    """
    inverse = np.linalg.inv(hessian)
    covariance = inverse[np.ix_(SHARED, SHARED)]
    pull = scores.dot(inverse[:, SHARED])
    determined = len(SHARED) - np.trace(covariance.dot(prior))
    return (pull * np.linalg.solve(covariance, pull.T).T).sum() / determined


def fit_together(faces, texture_prior, levels, correlation=CORRELATION):
    """Moves the values of several photos of a person to one identity and texture.

    Args:
      faces: list of shading_fit.FaceUnderFit or LandmarkFace, whose values [257] agree in SHARED.
      texture_prior: function of values [257] -> (hessian [80,80], gradient [80]), as ShadingFit's.
      levels: the level of detail of each step.
      correlation: see CORRELATION; 0 to 1. What the photos are not trusted with is taken to be alike in all of them,
        and steps are shorter than Gauss-Newton's: without trust the first is half as long, so that the other half stays
        what the photos' own fits say, and the last.
    Returns:
      [160,160] precision of the shared unknowns.
    """
    trust = np.mean([min(1.0, face.trust) for face in faces])
    share = 1.0 / (1.0 + (len(faces) - 1) * (1 - (1 - correlation) * trust))
    precision = _prior(faces[0].values, texture_prior)[0]
    for number, level in enumerate(levels):
        equations = [face.equations(level) for face in faces]
        precision, step, own_steps = _joint_step(faces, equations, _prior(faces[0].values, texture_prior), share)
        for face, own in zip(faces, own_steps):
            _move(face, (1 + trust) / 2 * trust ** number * step, own)
    return precision


def fit_own(faces, levels):
    """Moves each photo's own values, pose, expression and light, for the identity and texture that it has.

    Args:
      faces, levels: as of fit_together.
    """
    for level in levels:
        for face in faces:
            equations = face.equations(level)
            if equations is not None:
                _move(face, np.zeros(len(SHARED)), _eliminated(face, equations).step())


def _joint_step(faces, equations, prior, share):
    """(precision [160,160] and step [160] of the shared unknowns, steps [97] of each photo's own).

    Args:
      faces: as of fit_together.
      equations: list of their Equations, all priors in; None for a photo that shows nothing.
      prior: (hessian, gradient) of the prior of the shared unknowns, which is in each photo's equations.
      share: what each photo counts for beside one photo alone.
    """
    total, slope = prior[0].copy(), prior[1].copy()
    eliminated = []
    for face, own in zip(faces, equations):
        part = None
        if own is not None:
            part = _eliminated(face, own)
            total += share * (own.hessian[np.ix_(SHARED, SHARED)] - prior[0] - part.normal)
            slope += share * (own.gradient[SHARED] - prior[1] - part.gradient)
        eliminated.append(part)
    step = np.linalg.solve(total + DAMPING * np.diag(np.diag(total)), slope)
    return total, step, [np.zeros(len(OWN)) if part is None else part.step(step) for part in eliminated]


def _eliminated(face, equations):
    """The elimination.Eliminated of a photo's own unknowns."""
    room = None if face.room is None else face.room[OWN]
    own = equations.hessian[np.ix_(OWN, OWN)]
    return Eliminated(own + DAMPING * np.diag(np.diag(own)), equations.hessian[np.ix_(OWN, SHARED)],
                      equations.gradient[OWN], room)


def _move(face, shared, own):
    """Takes steps [160] and [97] off a face's values. The shared one is limited for itself: alike in all photos."""
    step = np.zeros(COEFF_DIM)
    step[SHARED] = shared
    step = limited(step)
    face.values = face.values - step
    step[OWN], step[SHARED] = own, 0
    face.values = face.values - limited(step)


def _prior(values, texture_prior):
    """(hessian [160,160], gradient [160]): the landmark stage's prior of the identity, and the texture's."""
    hessian = np.diag(np.concatenate([PRIOR_PRECISION[:ID_DIM], np.ones(TEX_DIM)]))
    gradient = np.diag(hessian) * values[SHARED]
    hessian[ID_DIM:, ID_DIM:], gradient[ID_DIM:] = texture_prior(values)
    return hessian, gradient
