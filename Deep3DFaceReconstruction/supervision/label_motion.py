"""What becomes of the coefficients of a sample when its image is mirrored, or turned about the optical axis."""
import numpy as np
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import CHANNELS, COEFF_SLICES, SH_TERMS

_DIRECTIONS = 64
_MIRROR = np.array([-1.0, 1.0, 1.0])


class LabelMotion:
    """Moves coefficients as augmentation.turn moves an image.

    Turning is exact. A mirrored face is the nearest one that the model has (least squares over the vertices): for the
    open model 0.1 mm and 3 of 255 levels of albedo off on average.

    Args:
      model: face_model.FaceModel; its mean shape is about symmetrical.
    """

    def __init__(self, model):
        self._model = model
        # Only who mirrors waits for the maps. Two threads may both make them: they are the same.
        self._maps = None

    def moved(self, coeff, mirrored, angle):
        """Coefficients of the image after augmentation.turn.

        Args:
          coeff: [257] float32.
          mirrored: whether left and right were exchanged, before the turn.
          angle: radians, anticlockwise in the image.
        Returns:
          [257] float32.
        """
        moved = np.array(coeff, np.float64)
        if mirrored:
            if self._maps is None:
                self._maps = _mirror_maps(self._model)
            for name, (linear, offset) in self._maps.items():
                moved[COEFF_SLICES[name]] = moved[COEFF_SLICES[name]] @ linear + offset
            moved[COEFF_SLICES['angles']] *= [1, -1, -1]
        moved[COEFF_SLICES['angles']] += [0, 0, angle]
        # Row vectors, in the camera's frame.
        turn = numpy_decoder.rotation_matrix(np.array([0, 0, angle]))
        if mirrored:
            turn = _MIRROR[:, np.newaxis] * turn
        moved[COEFF_SLICES['translation']] = moved[COEFF_SLICES['translation']] @ turn
        gamma = moved[COEFF_SLICES['gamma']].reshape(CHANNELS, SH_TERMS)
        moved[COEFF_SLICES['gamma']] = (gamma @ _light_map(turn)).ravel()
        return moved.astype(np.float32)


def _mirror_maps(model):
    """{name of a part of the coefficients: see _mirror_map}."""
    twin = cKDTree(model.meanshape).query(model.meanshape * _MIRROR)[1]
    return {'id': _mirror_map(model.meanshape, model.id_base, twin, _MIRROR),
            'ex': _mirror_map(np.zeros_like(model.meanshape), model.ex_base, twin, _MIRROR),
            'tex': _mirror_map(model.meantex, model.tex_base, twin, np.ones(3))}


def _mirror_map(mean, base, twin, signs):
    """(linear [K,K], offset [K]): coefficients c of a vector field become c @ linear + offset where it is mirrored.

    Args:
      mean: [N,3], the field where c is 0.
      base: [3N,K].
      twin: [N] int, the vertex on the other side.
      signs: [3], what mirroring does to the components.
    """
    def mirrored(field):
        return (field.reshape(len(twin), 3, -1)[twin] * signs[:, np.newaxis]).reshape(base.shape[0], -1)

    base = np.asarray(base, np.float64)
    mean = np.asarray(mean, np.float64).reshape(-1, 1)
    targets = np.concatenate([mirrored(base), mirrored(mean) - mean], 1)
    # The normal equations: a tenth of the time, and exact enough for components that are orthogonal or nearly so.
    solution = np.linalg.lstsq(base.T @ base, base.T @ targets, rcond=None)[0]
    return solution[:, :-1].T, solution[:, -1]


def _light_map(turn):
    """[9,9]: row vectors of lighting coefficients become those of the light turned by `turn` [3,3].

    The terms of each band are closed under rotation and reflection (Ramamoorthi & Hanrahan 2001), so that the least
    squares over directions are exact.
    """
    normals = numpy_decoder.sphere(_DIRECTIONS)
    return np.linalg.lstsq(numpy_decoder.sh_basis(normals @ turn), numpy_decoder.sh_basis(normals), rcond=None)[0].T
