"""What tells one person of a clip from another: dlib's face descriptor, or a face's colours where that is missing.

A describer is a function of a frame, a face's landmarks and its five points that returns a vector; `same` is the
distance below which two of its vectors are one person's.
"""
import cv2
import numpy as np

from Deep3DFaceReconstruction.detection.face_mesh import mesh_data
from Deep3DFaceReconstruction.system.assets import dlib_installed, dlib_model

# The five points in dlib's 150-pixel chip: its mean face with a quarter around it.
_CHIP = (np.array([[0.228, 0.224], [0.752, 0.224], [0.490, 0.516], [0.254, 0.780], [0.726, 0.780]]) + 0.25) * 100.0
_CHIP_SIDE = 150
# Colours are averaged over this share of the face; so many grey levels are dark; tints count so many times more.
_BLUR, _DARK, _TINT = 0.02, 8.0, 3.0


def choose_describer(detector):
    """The describer of a --detector: dlib's network, which 'mediapipe' leaves alone and 'auto' needs not have."""
    return DlibDescriber() if detector == 'dlib' or (detector == 'auto' and dlib_installed()) else ColourDescriber()


def _chip(rgb, five_points):
    matrix = cv2.estimateAffinePartial2D(np.asarray(five_points, np.float64), _CHIP, method=cv2.LMEDS)[0]
    if matrix is None:
        return np.zeros((_CHIP_SIDE, _CHIP_SIDE, 3), np.uint8)
    return cv2.warpAffine(rgb, matrix, (_CHIP_SIDE, _CHIP_SIDE), flags=cv2.INTER_LINEAR)


class DlibDescriber:
    """dlib's face recognition network, loaded when first needed."""

    same = 0.58         # King 2017: 0.6

    def __init__(self):
        self._network = None

    def __call__(self, rgb, points, five_points):
        """[128] of the face at five points [5,2] of a frame [H,W,3] uint8; its points [K,2] are not needed."""
        if self._network is None:
            import dlib
            self._network = dlib.face_recognition_model_v1(dlib_model('dlib_face_recognition_resnet_model_v1.dat'))
        return np.array(self._network.compute_face_descriptor(_chip(rgb, five_points)))


class ColourDescriber:
    """The colours at the points of the face mesh: tells people apart within a clip, under one light.

    Between 17 people in photos the distance was 0.27 to 1.0, within clips of one of them 0.05 to 0.45.
    """

    same = 0.42

    def __init__(self):
        self._rows = mesh_data().spread

    def __call__(self, rgb, points, five_points):
        """[n] of the face mesh points [468,2] of a frame [H,W,3] uint8: brightness about its mean, and tints."""
        side = float(np.ptp(points, axis=0).max())
        places = points[self._rows].astype(np.float32)[None]
        blurred = cv2.GaussianBlur(rgb, (0, 0), max(_BLUR * side, 0.5)).astype(np.float32)
        colors = np.log(_DARK + cv2.remap(blurred, places[..., 0], places[..., 1], cv2.INTER_LINEAR,
                                          borderMode=cv2.BORDER_REPLICATE)[0])
        light = colors.mean(axis=1)
        tint = _TINT * (colors - light[:, None])
        return np.concatenate([light - light.mean(), tint.ravel()]) / np.sqrt(len(light))
