"""NAME_arkit.json: a face's expression as weights of ARKit's 52 named shapes."""
import json
import math

import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model.eyes import SIDES, eyes_of
from Deep3DFaceReconstruction.face_model.named_shapes import ExpressionMap, load_named_shapes
from Deep3DFaceReconstruction.system.files import atomic_write

SUFFIX = '_arkit.json'
DIGITS = 4
# Of the mean face's opening between the lids: what is less open than that counts as so much.
_LEAST_OPENING = 0.1


class ShapeWeights:
    """Weights of a face model's named shapes, gaze and closed lids included.

    Raises:
      FaceModelError: the model has no named shapes.
    """

    def __init__(self, model):
        """Args: model: a FaceModel."""
        self._named = load_named_shapes(model)
        self._map, self._eyes = ExpressionMap(model, self._named), eyes_of(model)
        self.names = self._map.names
        if self._eyes is not None:
            moves = np.moveaxis(model.ex_base.reshape(-1, 3, model.ex_base.shape[1]), 2, 0)
            self._opened = [np.stack([self._eyes.opened_by(move) for move in some], axis=1)
                            for some in (moves, self._named.moves)]
            self._opening = self._eyes.places(np.zeros(COEFF_DIM)).openings

    def weights(self, expressions, eyes=None):
        """[S,K] weights 0-1 of expression coefficients [S,64].

        Args:
          eyes: a face_model.eyes.EyeState or None for each: its gaze gives the eyeLook shapes, and its blink, on
            top of the named shapes, closes the lids by the same share of their opening as on top of the expression.
        """
        expressions = np.atleast_2d(expressions)
        weights = self._map.weights(expressions)
        for row, expression, state in zip(weights, expressions, eyes or ()):
            if state is not None and self._eyes is not None:
                self._add_eyes(row, expression, state)
        return weights

    def _add_eyes(self, weights, expression, state):
        shown, named = (self._opening + opened.dot(amounts) for opened, amounts in zip(
            self._opened, (expression, weights)))
        least = _LEAST_OPENING * self._opening
        more = state.blink * np.maximum(named, least) / np.maximum(shown, least)
        for side, name in enumerate('eyeBlink' + side for side in SIDES):
            if name in self.names:
                place = self.names.index(name)
                weights[place] = min(weights[place] + more[side], 1.0)
        for name, weight in self._eyes.look_weights(self._named, state).items():
            weights[self.names.index(name)] = weight


class ArkitWriter:
    """Writes NAME_arkit.json of faces of one model; the named shapes are read with the first."""

    def __init__(self, model):
        """Args: model: a FaceModel."""
        self._model, self._shapes = model, None

    def has_names(self):
        """Whether the model has named shapes."""
        try:
            self._shape_weights()
        except FaceModelError:
            return False
        return True

    def _shape_weights(self):
        if self._shapes is None:
            self._shapes = ShapeWeights(self._model)
        return self._shapes

    def weights(self, coeff, eyes=None):
        """{name: weight 0-1} of coefficients [257]; eyes: the face_model.eyes.EyeState of the face, see ShapeWeights.

        Raises:
          FaceModelError: the model has no named shapes.
        """
        shapes = self._shape_weights()
        values = shapes.weights(coeff[COEFF_SLICES['ex']], [eyes])[0]
        return {name: round(float(value), DIGITS) for name, value in zip(shapes.names, values)}

    def write(self, coeff, path_stem, eyes=None):
        """Writes PATH_STEM_arkit.json.

        It holds "model", "blendShapes": {name: weight}, "rotationDegrees", "translationDm" and "gaze". Rotations are
        about x (nod), y (turn), z (tilt), in the frame of conventions.md. Gaze is [yaw, pitch] in radians of the right
        and of the left eye, see face_model.eyes; null for an eye of which nothing is known.
        """
        document = {
            'model': self._model.name,
            'blendShapes': self.weights(coeff, eyes),
            'rotationDegrees': [round(float(angle), DIGITS) for angle in
                                map(math.degrees, coeff[COEFF_SLICES['angles']])],
            'translationDm': [round(float(value), DIGITS) for value in coeff[COEFF_SLICES['translation']]],
            'gaze': [_known(gaze) for gaze in eyes.gaze] if eyes is not None else [None, None]}
        with atomic_write(path_stem + SUFFIX) as temporary, open(temporary, 'w', encoding='utf-8') as stream:
            json.dump(document, stream, indent=1)
            stream.write('\n')


def _known(gaze):
    """Two angles as numbers, None where they are NaN."""
    return None if any(math.isnan(angle) for angle in gaze) else [round(float(angle), DIGITS) for angle in gaze]
