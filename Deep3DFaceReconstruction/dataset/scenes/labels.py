"""What is known of a picture besides the coefficients: the part that each triangle belongs to, and labelled points."""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.face_model import open_model
from Deep3DFaceReconstruction.fitting.dense_points import dense_places
from Deep3DFaceReconstruction.surface import regions

DENSE_COUNT = 468
# The first seven are those of surface.regions, the open model's face alone.
HEAD, HAIR, CLOTHES, GLASSES, HAT, OCCLUDER = range(7, 13)
NAMES = regions.NAMES + ('ears, scalp and neck', 'hair', 'clothes', 'glasses', 'hat', 'something in front')
PALETTE = np.concatenate([regions.PALETTE, np.array([
    (200, 150, 120), (90, 60, 150), (60, 90, 160), (240, 230, 60), (160, 100, 30), (255, 0, 255)], np.uint8)])


class Parts:
    """Parts of a head's triangles.

    Args:
      model: face_model.FaceModel.  head: heads.head_model.Head.  mean: [N,3] its mean vertices.
    """

    def __init__(self, model, head, mean):
        found = regions.build_regions(model)
        on_face = np.zeros(len(mean))
        hidden = np.zeros(len(mean))
        on_face[head.face_rows] = 1
        hidden[head.face_rows] = found.hidden[head.model_rows]
        center = mean[head.triangles].mean(axis=1) + numpy_decoder.mean_offset(model)
        region = regions.region_of(found, center, hidden[head.triangles].mean(axis=1))
        part = head.part[head.triangles].min(axis=1)
        region = np.where(part == 1, regions.MOUTH, np.where(part == 4, regions.MOUTH, region))
        region = np.where((part == 2) | (part == 3), regions.EYES, region)
        self._bare = np.where(head.face_part, region, HEAD).astype(np.uint8)
        self._dressed = np.where((self._bare == HEAD) & (mean[head.triangles][:, :, 1].max(axis=1) < -1.35),
                                 CLOTHES, self._bare).astype(np.uint8)

    def of_head(self, dressed):
        """[F] uint8: the parts of the head's triangles."""
        return self._dressed if dressed else self._bare


class Points(NamedTuple):
    """World coordinates, dm: landmarks [68,3], dense [468,3]."""

    landmarks: np.ndarray
    dense: np.ndarray


class LabelledPoints:
    """Points of the open model (face_model.FaceModel)."""

    def __init__(self, model):
        vertices, weights = dense_places(model)
        rows = np.concatenate([model.keypoints, vertices[:DENSE_COUNT].ravel()])
        self._weights = weights[:DENSE_COUNT]
        columns = (3 * rows[:, np.newaxis] + np.arange(3)).ravel()
        self._mean = model.meanshape[rows] - numpy_decoder.mean_offset(model)
        self._base = np.concatenate([model.id_base[columns], model.ex_base[columns]], axis=1).astype(np.float64)
        names, moves, _, _ = open_model.load_named(model.path)
        self._lids = [moves[names.index(name)][rows].astype(np.float64) for name in ('eyeBlinkRight', 'eyeBlinkLeft')]
        self._count = len(model.keypoints)

    def placed(self, coeff, lids):
        """The Points of coefficients [257] with the lids closed by [2] 0-1 more (right, left)."""
        shape = self._mean + self._base.dot(coeff[:COEFF_SLICES['ex'].stop]).reshape(-1, 3)
        for share, move in zip(lids, self._lids):
            shape = shape + share * move
        world = shape.dot(numpy_decoder.rotation_matrix(coeff[COEFF_SLICES['angles']]))
        world = world + coeff[COEFF_SLICES['translation']]
        corners = world[self._count:].reshape(DENSE_COUNT, 3, 3)
        return Points(world[:self._count], np.einsum('kn,knc->kc', self._weights, corners))
