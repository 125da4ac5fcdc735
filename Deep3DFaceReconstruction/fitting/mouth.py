"""What the mouth's look says of the jaw: closed lips meet, and where a smile shows teeth, upper and lower teeth meet.

Landmarks alone do not tell a smile from a half-open jaw, as the chin has no landmark; the dark of an open mouth does.
"""
import cv2
import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.face_model import open_model
from Deep3DFaceReconstruction.fitting.landmark_fit import Linear
from Deep3DFaceReconstruction.photo.landmarks import to_y_up

# Among the 68: the inner line of the lips, its pairs of upper and lower points, the sides of the nose.
INNER_LIPS, LIP_PAIRS, NOSE_SIDES = slice(60, 68), ((61, 67), (62, 66), (63, 65)), (31, 35)
# Areas between the lips, in pixels of the crop: lips are closed up to the first, open from the second on.
CLOSED_AREA, OPEN_AREA = 20.0, 60.0
# An opening shows teeth where it is at least this share as bright as the skin beside the nose.
TEETH_BRIGHTNESS = 0.85
# Deviations of what should meet, and half the width of the middle teeth, dm.
_DEVIATION, _MIDDLE = 0.01, 0.1
_TEETH = open_model.PARTS.index('teeth')
_CHOSEN = 4


class MouthFacts:
    """What can be known of the mouth of a face model.

    Args:
      model: a face_model.FaceModel. One without two rows of teeth has no fact about teeth.
    """

    def __init__(self, model):
        mean = model.meanshape - numpy_decoder.mean_offset(model)
        heights = np.concatenate([model.id_base, model.ex_base], axis=1)[1::3]
        upper, lower = model.keypoints[np.transpose(LIP_PAIRS)]
        # The neutral mouth of a face model is closed.
        self._lips = Linear((heights[upper] - heights[lower]).astype(np.float64), np.zeros(len(upper)), _DEVIATION)
        self._teeth = None
        rows = _rows_of_teeth(model, mean)
        if rows is not None:
            bottom = rows[0][np.argsort(mean[rows[0], 1])[:_CHOSEN]]
            top = rows[1][np.argsort(-mean[rows[1], 1])[:_CHOSEN]]
            base = heights[bottom].mean(axis=0) - heights[top].mean(axis=0)
            gap = mean[bottom, 1].mean() - mean[top, 1].mean()
            self._teeth = Linear(base[np.newaxis].astype(np.float64), np.array([gap]), _DEVIATION)

    def of(self, crop, landmarks):
        """What a crop shows: a tuple of landmark_fit.Linear.

        Args:
          crop: photo.crops.FaceCrop.
          landmarks: [68,2], pixels of the crop, y-up; None: nothing is known.
        """
        if landmarks is None:
            return ()
        area = _opening(landmarks)
        if area <= CLOSED_AREA:
            return (self._lips,)
        if self._teeth is not None and area >= OPEN_AREA and shows_teeth(crop.bgr, landmarks):
            return (self._teeth,)
        return ()


def _opening(landmarks):
    """The area between the lips, pixels."""
    return cv2.contourArea(to_y_up(landmarks[INNER_LIPS]).astype(np.float32))


def shows_teeth(crop_bgr, landmarks):
    """Whether the opening between the lips is bright.

    Args:
      crop_bgr: [224,224,3] uint8.
      landmarks: [68,2], pixels of the crop, y-up.
    """
    mask = np.zeros(crop_bgr.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.rint(to_y_up(landmarks[INNER_LIPS])).astype(np.int32)], 1)
    grey = cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2GRAY)
    sides = np.rint(to_y_up(landmarks[list(NOSE_SIDES)])).astype(int).clip(4, len(grey) - 5)
    skin = np.median([np.median(grey[row - 4:row + 5, column - 4:column + 5]) for column, row in sides])
    return float(np.median(grey[mask > 0])) >= TEETH_BRIGHTNESS * float(skin)


def _rows_of_teeth(model, mean):
    """The vertices of the middle teeth, upper and lower row, or None."""
    teeth = np.flatnonzero(model.part == _TEETH)
    triangles = model.triangles[(model.part[model.triangles] == _TEETH).all(axis=1)]
    if not len(triangles):
        return None
    edges = np.concatenate([triangles[:, :2], triangles[:, 1:]])
    links = sp.coo_matrix((np.ones(len(edges)), edges.T), [len(model.part)] * 2)
    piece = csgraph.connected_components(links, directed=False)[1][teeth]
    names, sizes = np.unique(piece, return_counts=True)
    rows = [teeth[piece == name] for name in names[np.argsort(-sizes)[:2]]]
    rows = [row[np.abs(mean[row, 0]) < _MIDDLE] for row in sorted(rows, key=lambda row: -mean[row, 1].mean())]
    return rows if len(rows) == 2 and all(len(row) >= _CHOSEN for row in rows) else None
