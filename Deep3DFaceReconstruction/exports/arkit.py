"""NAME_arkit.json: a face's expression as weights of ARKit's 52 named shapes."""
import json
import math

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model.named_shapes import ExpressionMap, load_named_shapes
from Deep3DFaceReconstruction.system.files import atomic_write

SUFFIX = '_arkit.json'
DIGITS = 4


class ArkitWriter:
    """Writes NAME_arkit.json of faces of one model; the named shapes are read with the first."""

    def __init__(self, model):
        """Args: model: a FaceModel."""
        self._model = model
        self._map = None

    def has_names(self):
        """Whether the model has named shapes."""
        try:
            self._expression_map()
        except FaceModelError:
            return False
        return True

    def _expression_map(self):
        if self._map is None:
            self._map = ExpressionMap(self._model, load_named_shapes(self._model))
        return self._map

    def weights(self, coeff):
        """{name: weight 0-1} of coefficients [257].

        Raises:
          FaceModelError: the model has no named shapes.
        """
        expression_map = self._expression_map()
        values = expression_map.weights(coeff[COEFF_SLICES['ex']])[0]
        return {name: round(float(value), DIGITS) for name, value in zip(expression_map.names, values)}

    def write(self, coeff, path_stem):
        """Writes PATH_STEM_arkit.json: {"model", "blendShapes": {name: weight}, "rotationDegrees", "translationDm"}.

        Rotations are about x (nod), y (turn), z (tilt), in the frame of conventions.md.
        """
        document = {
            'model': self._model.name,
            'blendShapes': self.weights(coeff),
            'rotationDegrees': [round(float(angle), DIGITS) for angle in
                                map(math.degrees, coeff[COEFF_SLICES['angles']])],
            'translationDm': [round(float(value), DIGITS) for value in coeff[COEFF_SLICES['translation']]]}
        with atomic_write(path_stem + SUFFIX) as temporary, open(temporary, 'w', encoding='utf-8') as stream:
            json.dump(document, stream, indent=1)
            stream.write('\n')
