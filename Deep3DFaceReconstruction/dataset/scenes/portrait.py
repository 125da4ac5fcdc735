"""From coefficients and an outfit to the drawn head: geometry, colours under the light, layers of triangles."""
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.dataset.scenes import glasses, lamps, wardrobe
from Deep3DFaceReconstruction.dataset.scenes.labels import Parts
from Deep3DFaceReconstruction.dataset.scenes.painter import Painter
from Deep3DFaceReconstruction.dataset.scenes.renderer import Layer
from Deep3DFaceReconstruction.face_model import open_model
from Deep3DFaceReconstruction.heads import head_file, head_model, shadows

# The neck turns between these heights of the mean head (dm): above with the head, below with the shoulders.
_HEAD_ABOVE, _BODY_BELOW = -0.72, -1.45
_PIVOT = np.array([0.0, -0.95, -0.75], np.float32)
_LIDS = ('eyeBlinkRight', 'eyeBlinkLeft')


class Body(NamedTuple):
    """A posed head in the camera's frame, before it is drawn.

    Attributes:
      coarse: [n,3] dm, the head's own frame, as all but `placed`; shape: [N,3]; placed: [N,3] camera's frame.
      normals: [N,3], camera's frame.
      move: function of points [V,3] of the head's frame that takes them into the camera's.
      turn: [3,3] the head's rotation, for row vectors.
    """

    coarse: np.ndarray
    shape: np.ndarray
    placed: np.ndarray
    normals: np.ndarray
    move: object
    turn: np.ndarray


class Portraits:
    """Makes the layers of heads of the open model.

    Args:
      model: face_model.FaceModel, the open one.
    """

    def __init__(self, model):
        self.head = head_model.load_head(model, shadows.LEVEL)
        data = head_file.read()
        self._seen = data['seen'].astype(np.float32) * np.float32(shadows.UNIT)
        self._mean = self.head.refined(self.head.mean)
        self.wardrobe = wardrobe.Wardrobe(self.head, numpy_decoder.mean_offset(model), head_file.accessories(data))
        self.painter = Painter(self.head, self._mean)
        self.parts = Parts(model, self.head, self._mean)
        self._lids = self._blinks(model)
        self._eyes = np.stack([model.meanshape[model.keypoints[part]].mean(axis=0)
                               for part in (slice(36, 42), slice(42, 48))]) - numpy_decoder.mean_offset(model)
        triangles = self.head.triangles
        self._around = sp.csr_matrix((np.ones(triangles.size, np.float32),
                                      (triangles.ravel(), np.repeat(np.arange(len(triangles)), 3))),
                                     (len(self._mean), len(triangles)))
        self._mean_normals = self._outwards(self._mean)
        y = self._mean[:, 1] - 0.25 * np.clip(-0.4 - self._mean[:, 2], 0, 1.2)
        share = np.clip((_HEAD_ABOVE - y) / (_HEAD_ABOVE - _BODY_BELOW), 0, 1)
        self._body_share = np.float32(share * share * (3 - 2 * share))

    def _blinks(self, model):
        """{eye: (rows of the head, [R,3] motion of a full blink)}"""
        names, moves, _, _ = open_model.load_named(model.path)
        own = {}
        for eye, name in enumerate(_LIDS):
            move = moves[names.index(name)][self.head.model_rows]
            moving = np.abs(move).max(axis=1) > 1e-5
            own[eye] = self.head.face_rows[moving], move[moving]
        return own

    def body(self, coeff, outfit):
        """The Body of coefficients [257] and an Outfit."""
        coarse = self.head.coarse(coeff)
        shape = self.head.refined(coarse)
        for eye, (rows, move) in self._lids.items():
            if outfit.lids[eye] > 0.01:
                shape[rows] += np.float32(outfit.lids[eye]) * move
        shape = shape + self.painter.thickness(outfit)[:, np.newaxis] * self._mean_normals
        turn = numpy_decoder.rotation_matrix(coeff[COEFF_SLICES['angles']]).astype(np.float32)
        shoulders = numpy_decoder.rotation_matrix(coeff[COEFF_SLICES['angles']] * [0.15, 0.55, 0.1]
                                                  + outfit.body).astype(np.float32)
        translation = coeff[COEFF_SLICES['translation']].astype(np.float32)

        def move(points, share):
            placed = points.dot(turn)
            below = (points - _PIVOT).dot(shoulders) + _PIVOT.dot(turn)
            return placed + share[:, np.newaxis] * (below - placed) + translation
        placed = move(shape, self._body_share)
        return Body(coarse, shape, placed, self._outwards(placed), move, turn)

    def _outwards(self, shape):
        a, b, c = (shape[self.head.triangles[:, k]] for k in range(3))
        total = self._around.dot(np.cross(b - a, c - a))
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)

    def layers(self, coeff, outfit, light, camera, body):
        """The opaque Layer, the thin one (or None), and the parts of their triangles.

        Args:
          coeff: [257]; outfit: outfits.Outfit; light: lamps.Light; camera: renderer.Camera; body: Body.
        Returns:
          (Layer, Layer or None, [F] uint8 parts of the opaque triangles, [G] uint8 of the thin ones).
        """
        worn = self._worn(outfit, body)
        shadow = np.ones(len(self._mean), np.float32)
        for piece in worn:
            if piece.shadow is not None:
                shadow = np.minimum(shadow, piece.shadow)
        albedo = self.painter.albedo(coeff[COEFF_SLICES['tex']], outfit)
        diffuse, specular = lamps.shade(light, body.normals, self._seen, body.turn)
        gloss = self.painter.gloss(outfit)
        colour = (albedo * diffuse + 255 * specular * gloss[:, np.newaxis]) * shadow[:, np.newaxis]
        opaque = [(camera.clip_space(body.placed), _values(colour), self.head.triangles,
                   self.parts.of_head(outfit.neckline != 'bare'))]
        thin = []
        for piece in worn:
            diffuse, specular = lamps.shade(light, piece.normals, self._open_sky(piece), body.turn)
            shaded = piece.colour * diffuse + 255 * piece.gloss * specular
            entry = (camera.clip_space(piece.placed), _values(shaded, piece.opacity), piece.triangles,
                     np.full(len(piece.triangles), piece.part, np.uint8))
            (opaque if piece.opacity is None else thin).append(entry)
        solid, solid_parts = _joined(opaque)
        front, front_parts = _joined(thin) if thin else (None, np.zeros(0, np.uint8))
        return solid, front, solid_parts, front_parts

    def _open_sky(self, piece):
        seen = np.zeros((len(piece.placed), 9), np.float32)
        seen[:, 0] = piece.sky * 3.5449077  # a function that is 1 all over the sphere
        return seen

    def _worn(self, outfit, body):
        moved = body.coarse - self.head.mean
        pieces = []
        for name, kind in ((outfit.hair, 'hair'), (outfit.lashes, 'lashes'), ('tongue01', 'tongue'),
                           (outfit.hat, 'hat'), (outfit.top, 'top')):
            if name is not None and not (kind == 'hair' and outfit.hat is not None and name == 'afro01'):
                garment = self.wardrobe.garment(name, outfit.mirrored and kind == 'hair')
                pieces.append(self.painter.dressed(kind, garment, moved, outfit, body))
        if outfit.glasses is not None:
            pieces += self.painter.spectacles(
                glasses.make(np.random.RandomState(outfit.glasses), self._eyes), self.wardrobe, moved, outfit, body)
        return pieces


def _values(colour, opacity=None):
    values = np.empty((len(colour), 4), np.float32)
    values[:, :3] = colour
    values[:, 3] = 1 if opacity is None else opacity
    return values


def _joined(entries):
    """(Layer, parts) of several meshes as one."""
    starts = np.cumsum([0] + [len(clip) for clip, _, _, _ in entries]).astype(np.int32)
    return Layer(np.concatenate([entry[0] for entry in entries]), np.concatenate([entry[1] for entry in entries]),
                 np.concatenate([entry[2] + start for entry, start in zip(entries, starts)])), \
        np.concatenate([entry[3] for entry in entries])
