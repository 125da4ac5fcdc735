"""Gaze and closed lids of one face, frame by frame.

A photo's lids are compared with fixed heights (fitting/gaze.py). A clip shows how far a person's eyes are open at other
times, so here a blink is measured against that.
"""
import collections

import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES, IMAGE_SIZE
from Deep3DFaceReconstruction.detection import mediapipe_models
from Deep3DFaceReconstruction.face_model.eyes import SIDES
from Deep3DFaceReconstruction.fitting.gaze import OUTWARDS, GazeFinder

# Gaze (yaw and pitch of the right eye, then of the left one, radians), then the weights of eyeBlink: EyeState in a row.
EYES_DIM = 6
GAZE, BLINK = slice(0, 4), slice(4, EYES_DIM)
# Shares of the usual height at which an eye counts as open, and as closed: the iris network's lids of a closed eye stay
# apart. Measured on made clips.
_OPEN, _CLOSED = 0.85, 0.55
# The usual height is this quantile of the heights in so many seconds, and at least so much (dm).
_USUAL, _MEMORY, _LEAST_HEIGHT = 0.75, 8.0, 0.06
# Radians between an eye's outward direction and the camera up to which its lids are seen well, and from which on they
# say nothing.
_CLEAR, _TURNED = np.radians(20), np.radians(45)
# How much the shares of the usual height of two open eyes differ, by the network's error alone.
_ALIKE = 0.15
# An eye closed by this share has no gaze that could be measured.
_NO_GAZE = 0.4


class EyeReader:
    """What all tracks of a clip share: the iris network and the search for the gaze.

    Args:
      model: face_model.FaceModel.  reader: see landmark_readers.
    """

    def __init__(self, model, reader):
        self._network, self._reader = mediapipe_models.IrisNetwork(), reader
        self.finder = GazeFinder(model)

    @classmethod
    def of(cls, model, reader):
        """An EyeReader; None where the model has no eyeballs or the network is not installed."""
        if not mediapipe_models.available():
            return None
        made = cls(model, reader)
        return made if made.finder.eyes is not None else None

    def eyes(self, rgb, points):
        """The mediapipe_models.Eyes of a face with a reader's points [K,2], and which the frame has whole [2]."""
        corners = self._reader.eye_corners(points)
        inside = ((corners >= 0) & (corners < rgb.shape[1::-1])).all(axis=(1, 2))
        return self._network.of_corners(rgb, corners), inside


class TrackedEyes:
    """The eyes of one track."""

    def __init__(self, reader, fps):
        """Args: reader: EyeReader; fps: frames per second."""
        self._reader = reader
        self._heights = collections.deque(maxlen=max(1, int(round(_MEMORY * fps))))

    def read(self, rgb, points, camera, coeff):
        """What the eyes do in a frame: (values [6], see GAZE and BLINK, and how far each is to be trusted [6], 0-1).

        Args:
          rgb: [H,W,3] uint8.  points: [K,2] of the landmark reader.  camera: frame_fit.CropCamera.  coeff: [257].
        """
        eyes, inside = self._reader.eyes(rgb, points)
        irises, lids = camera.to_crop(eyes.irises), camera.to_crop(eyes.lids)
        finder = self._reader.finder
        seen = finder.seen(coeff)
        closed = self._closed(seen.lid_heights(lids), _turned_away(coeff[COEFF_SLICES['angles']][1]))
        state = finder.find(_crop(rgb, camera), irises, lids, seen, inside, closed)
        known = np.isfinite(state.gaze).all(axis=1) * np.clip(1 - closed / _NO_GAZE, 0, 1)
        return (np.concatenate([np.nan_to_num(state.gaze).ravel(), state.blink]),
                np.concatenate([np.repeat(known, 2), np.ones(len(SIDES))]))

    def _closed(self, heights, away):
        """[2] 0-1, how far each eye is closed; away: [2] radians."""
        self._heights.append(heights)
        usual = np.maximum(np.quantile(self._heights, _USUAL, axis=0), _LEAST_HEIGHT)
        return np.clip((_OPEN - _of_both(heights / usual, away)) / (_OPEN - _CLOSED), 0, 1)


def _of_both(shares, away):
    """[2] how far open each eye is, by both: the eye that is seen better counts for more.

    People blink with both eyes. What one eye does alone must exceed the error of the network's lids, and the eye must
    be seen; otherwise it does as the other one.

    Args:
      shares: [2] of the usual height, as measured.  away: [2] radians, see _turned_away.
    """
    seen = np.clip((_TURNED - away) / (_TURNED - _CLEAR), 0.01, 1)
    weights = seen / seen.sum()
    apart = shares[0] - shares[1]
    apart *= seen.min() * apart ** 2 / (apart ** 2 + _ALIKE ** 2)
    return weights.dot(shares) + weights[::-1] * [apart, -apart]


def _turned_away(yaw):
    """[2] radians between each eye's outward direction and the camera, of a head turned by `yaw` alone."""
    return np.abs(yaw + np.array([-OUTWARDS, OUTWARDS]))


def _crop(rgb, camera):
    """[224,224,3] uint8 BGR: what a CropCamera sees of a frame."""
    matrix = np.array([[camera.scale, 0, (0.5 - camera.left) * camera.scale - 0.5],
                       [0, camera.scale, (0.5 - camera.top) * camera.scale - 0.5]])
    return cv2.warpAffine(rgb, matrix, (IMAGE_SIZE, IMAGE_SIZE), flags=cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)[:, :, ::-1]
