"""Analysis by synthesis: the coefficients of one face from its crop alone, without a network.

First pose and shape from landmarks (landmark_fit.py), then all 257 coefficients together from the crop's colours
(shading_fit.py). Where two sets of landmarks disagree, the colours decide. Nothing is random.
"""
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.bounded_steps import lower_bounds
from Deep3DFaceReconstruction.fitting.dense_points import DenseLandmarks, PointSet
from Deep3DFaceReconstruction.fitting.inner_landmarks import MOST_TURN, InnerLandmarks
from Deep3DFaceReconstruction.fitting.landmark_fit import (
    Observed,
    Posterior,
    fit_landmarks,
    isotropic,
    pose_start,
    unknowns,
    yaw_starts,
)
from Deep3DFaceReconstruction.fitting.mouth import MouthFacts
from Deep3DFaceReconstruction.fitting.shading_fit import ShadingFit
from Deep3DFaceReconstruction.fitting.surface_samples import SurfaceSamples
from Deep3DFaceReconstruction.photo.crops import landmarks_apart
from Deep3DFaceReconstruction.photo.landmarks import INNER, five_from_68, to_y_up

# Standard deviations in pixels of the crop. One of the 68 is 3 px off, and as they err together, 51 of them count for
# few: hence more. The five points of a file are a person's.
INNER_DEVIATION, INNER_BESIDE_FIVE, FIVE_DEVIATION = 8.0, 16.0, 2.0
# Two sets of landmarks further apart than this (mean of the inner 51, pixels) disagree.
DISAGREEMENT = 7.0
# A fit whose colours are so many times worse than the other's has lost.
DECISIVE = 1.15
# Degrees between the head's turn as fitted and as the mesh's depth has it.
_TURNED_ELSEWHERE = 25.0


class FitResult(NamedTuple):
    """A fitted face.

    Attributes:
      coeff: [257] float32.
      deviation: [257] float32, standard deviations of the coefficients under the linearised posterior, priors
        included: near one, an identity coefficient is the prior's, the photo says nothing of it. NaN: not known.
      errors: mean absolute colour difference (0-255) before each photometric step; empty for a landmark fit.
      doubts: phrases that say why the answer may be wrong.
      posterior: the landmark_fit.Posterior of the landmarks that were believed.
    """

    coeff: np.ndarray
    deviation: np.ndarray
    errors: List[float]
    doubts: Tuple[str, ...] = ()
    posterior: Optional[Posterior] = None


class Fitter:
    """Fits faces one at a time.

    Args:
      model: a face_model.FaceModel.
      steps: of the photometric stage; 0 leaves it out.
    Attributes:
      shading: shading_fit.ShadingFit; None without photometric stage.
      lower: [257] the least value of each coefficient; None where all are free.
    """

    def __init__(self, model, steps):
        self._steps = steps
        self._key = _key_points(model)
        self._inner = PointSet(self._key.mean[INNER], self._key.base[INNER])
        self._of_dlib = InnerLandmarks(model, self._inner)
        self._five = PointSet(five_from_68(self._key.mean),
                              five_from_68(self._key.base.reshape(68, -1)).reshape(5, 3, -1))
        self._model = model
        self._mouth = MouthFacts(model)
        self._dense = None
        # Bounded steps cost time, which models without bounds need not spend.
        self.lower = lower_bounds(model) if np.isfinite(model.ex_lower).any() else None
        self._lower = None if self.lower is None else unknowns(self.lower)
        self.shading = ShadingFit(SurfaceSamples(model), lower=self.lower) if steps else None

    def fit(self, crop, start=None, offer=None):
        """Fits one face.

        Args:
          crop: photo.crops.FaceCrop with its 68 landmarks.
          start: [257] coefficients to refine, or None to begin from the landmarks.
          offer: [257] coefficients to begin from if they explain the colours better than the landmarks do.
        Returns:
          FitResult.
        """
        found = self._from_landmarks(crop)
        answer = self._finish(crop, found, self._better_start(crop, found, offer) if start is None else start)
        if start is not None:
            return answer
        return self._checked(crop, found, answer)

    def _finish(self, crop, found, start=None):
        if not self._steps:
            coeff = found.coefficients() if start is None else start
            return FitResult(coeff.astype(np.float32), found.deviations().astype(np.float32), [], posterior=found)
        return FitResult(*self.shading(crop, found, self._steps, start), posterior=found)

    def _better_start(self, crop, found, offer):
        """The offer, or None where the landmarks' Posterior explains the crop's colours as well."""
        if offer is None or not self._steps:
            return None
        equations = [self.shading.begin(crop, found, start).equations(0) for start in (None, offer)]
        errors = [np.inf if part is None else part.error for part in equations]
        return offer if errors[1] < errors[0] else None

    def _from_landmarks(self, crop):
        """The Posterior of the best landmarks that there are: the mesh's, else the 68."""
        observed = []
        if not crop.detector:
            observed.append(Observed(self._five, to_y_up(crop.lm_5p), isotropic(5, FIVE_DEVIATION)))
        if crop.mesh is None:
            bias = self._of_dlib.bias if crop.landmarks_from == 'dlib' else 0
            return self._from_68(crop.lm_68p[INNER] - bias, crop.lm_inside, observed)
        if self._dense is None:
            self._dense = DenseLandmarks(self._model)
        rows, points = self._dense.rows, self._dense.points
        start = pose_start(points, crop.mesh[rows, :2], crop.mesh[rows, 2])
        bias, precision = self._dense.noise(start[1])
        observed.append(Observed(points, crop.mesh[rows, :2] - bias, precision))
        apart = landmarks_apart(crop)
        if apart is not None and apart <= DISAGREEMENT and abs(np.degrees(start[1])) < MOST_TURN:
            observed.append(self._of_dlib.observed(crop.rival_landmarks))
        marks = crop.lm_68p if crop.rival_landmarks is None else crop.rival_landmarks
        return fit_landmarks(observed, [start], self._mouth.of(crop, marks), self._lower)

    def _from_68(self, inner, inside, observed=()):
        """The Posterior of the inner landmarks [51,2]; inside: [68] bool or None, as FaceCrop's."""
        precision = isotropic(len(self._inner.mean), INNER_BESIDE_FIVE if observed else INNER_DEVIATION)
        if inside is not None:
            shown = np.repeat(inside[INNER], 2)
            precision = precision * shown[:, np.newaxis] * shown
        observed = [Observed(self._inner, inner, precision)] + list(observed)
        return fit_landmarks(observed, yaw_starts(), lower=self._lower)

    def _checked(self, crop, found, answer):
        """The answer, or that of the other landmarks where colours speak for them; with what is doubtful."""
        doubts = ()
        rival = crop.rival_landmarks
        apart = landmarks_apart(crop)
        if apart is not None and apart > DISAGREEMENT and self._steps:
            other = self._finish(crop, self._from_68(rival[INNER] - self._of_dlib.bias, crop.lm_inside))
            ratio = other.errors[-1] / max(answer.errors[-1], 1e-9) if other.errors and answer.errors else 1.0
            if ratio < 1 / DECISIVE:
                answer = other
            if 1 / DECISIVE <= ratio <= DECISIVE:
                doubts += ('two sets of landmarks lie %.0f pixels apart, and the colours speak for neither' % apart,)
        if crop.mesh is not None:
            turned = abs(np.degrees(answer.coeff[225]) - mesh_yaw(crop.mesh))
            if turned > _TURNED_ELSEWHERE:
                doubts += ('the landmarks say that the head is turned by %.0f degrees more or less' % turned,)
        return answer._replace(doubts=doubts)


def mesh_yaw(mesh):
    """Degrees, as in the coefficients, by which a face is turned, from the depth of its mesh [468,3]."""
    across = mesh[263] - mesh[33]
    return float(np.degrees(np.arctan2(-across[2], np.linalg.norm(across[:2]))))


def _key_points(model):
    key = numpy_decoder.key_vertices(model)
    return PointSet(key.mean, key.base.reshape(len(key.mean), 3, -1))
