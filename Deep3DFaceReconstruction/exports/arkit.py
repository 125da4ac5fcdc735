"""NAME_arkit.json: a face's expression as weights of ARKit's 52 named shapes."""
import json
import math

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model.eyes import SIDES, eyes_of
from Deep3DFaceReconstruction.face_model.named_shapes import ExpressionMap, load_named_shapes
from Deep3DFaceReconstruction.system.files import atomic_write

SUFFIX = '_arkit.json'
DIGITS = 4


class ArkitWriter:
    """Writes NAME_arkit.json of faces of one model; the named shapes are read with the first."""

    def __init__(self, model):
        """Args: model: a FaceModel."""
        self._model = model
        self._map = self._named = self._eyes = None

    def has_names(self):
        """Whether the model has named shapes."""
        try:
            self._expression_map()
        except FaceModelError:
            return False
        return True

    def _expression_map(self):
        if self._map is None:
            self._named = load_named_shapes(self._model)
            self._map = ExpressionMap(self._model, self._named)
            self._eyes = eyes_of(self._model)
        return self._map

    def weights(self, coeff, eyes=None):
        """{name: weight 0-1} of coefficients [257].

        Args:
          eyes: the face_model.eyes.EyeState of the face: its gaze gives the eyeLook shapes, and its blink is added.

        Raises:
          FaceModelError: the model has no named shapes.
        """
        expression_map = self._expression_map()
        values = expression_map.weights(coeff[COEFF_SLICES['ex']])[0]
        weights = dict(zip(expression_map.names, values))
        if eyes is not None:
            for side, more in zip(SIDES, eyes.blink):
                name = 'eyeBlink' + side
                weights[name] = min(weights.get(name, 0.0) + more, 1.0)
            if self._eyes is not None:
                weights.update(self._eyes.look_weights(self._named, eyes))
        return {name: round(float(value), DIGITS) for name, value in weights.items()}

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
