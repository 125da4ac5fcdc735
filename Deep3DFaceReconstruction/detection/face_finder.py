"""The faces of a photo: which there are, their five points, their landmarks, and how sure all that is.

Google's detectors come first, dlib's behind them where they are asked for. All points are (x, y) in pixels of the
photo, y-down.
"""
from typing import NamedTuple, Optional, Tuple

import numpy as np

from Deep3DFaceReconstruction.detection import mediapipe_models
from Deep3DFaceReconstruction.detection.detectors import Candidate, FaceDetector, distinct
from Deep3DFaceReconstruction.detection.face_mesh import MeshFace, MeshFinder, mesh_data
from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo.landmarks import five_from_68
from Deep3DFaceReconstruction.photo.photo_files import landmark_path_for
from Deep3DFaceReconstruction.system.assets import dlib_installed

DETECTORS = ('auto', 'mediapipe', 'dlib')

# The mesh network's logit: below the first there is no face, below the second it is doubtful.
_LEAST_LOGIT, _SURE_LOGIT = 0.0, 6.0
# The score of dlib's detectors below which a face is doubtful.
_SURE_DLIB_SCORE = 0.3
_QUARTERS = (0, 1, 3, 2)
# Given points and the mesh's may differ by this share of the distance from eyes to mouth.
_SAME_POINTS = 0.2


class Face(NamedTuple):
    """A face to reconstruct.

    Attributes:
      five_points: [5,2], in the order of landmarks.FIVE_NAMES.
      detector: 'mediapipe' or 'dlib'.
      score: the detector's confidence, larger is surer.
      box: (left, top, right, bottom).
      mesh: MeshFace, or None where the mesh was not looked for or not found.
      landmarks68: [68,2] of dlib's predictor, or None.
      doubts: phrases that say why this may not be a face, or not where the points say.
    """

    five_points: np.ndarray
    detector: str
    score: float
    box: Tuple[float, float, float, float]
    mesh: Optional[MeshFace] = None
    landmarks68: Optional[np.ndarray] = None
    doubts: Tuple[str, ...] = ()


class FaceFinder:
    """Detectors and landmark networks, each loaded when first needed. One finder serves one thread.

    Args:
      detector: 'auto': Google's, and dlib's where those find nothing or are not installed; 'mediapipe' or 'dlib':
        one of them alone.
    Attributes:
      uses_dlib, uses_mesh: which of the two this finder may use.
      checks_with_dlib: whether dlib's predictor is there to give a second opinion on the mesh's landmarks.
    """

    def __init__(self, detector='auto'):
        if detector not in DETECTORS:
            raise ValueError('detector: expected one of %s, got %s' % (', '.join(DETECTORS), detector))
        self.uses_dlib = detector != 'mediapipe'
        self.uses_mesh = detector == 'mediapipe' or (detector == 'auto' and mediapipe_models.available())
        self.checks_with_dlib = self.uses_mesh and self.uses_dlib and dlib_installed()
        self._detector = self._mesh = self._dlib = self._data = None

    def detect(self, rgb, all_sizes=True):
        """The faces of a photo.

        Args:
          rgb: [H,W,3] uint8.
          all_sizes: dlib looks for small faces beside large ones.
        Returns:
          list of Face, largest first, each once; empty if there is none.
        """
        found = self._google(rgb) if self.uses_mesh else []
        if not found and self.uses_dlib:
            found = self._by_dlib(rgb, all_sizes)
        return sorted(found, key=lambda face: (-_area(face.box), face.box))

    def mesh_of_points(self, rgb, five_points):
        """The MeshFace at five points [5,2], or None where the network sees no face there, or one with other points."""
        if not self.uses_mesh:
            return None
        mesh = self._mesh_finder().of_five_points(rgb, five_points)
        size = np.linalg.norm(five_points[3:5].mean(axis=0) - five_points[0:2].mean(axis=0))
        apart = np.linalg.norm(mesh.five_points - five_points, axis=1).mean()
        return mesh if mesh.logit >= _LEAST_LOGIT and apart <= _SAME_POINTS * size else None

    def landmarks68_of_mesh(self, points):
        """The 68 landmarks [68,2] that mesh points [468,2] imply, in their frame."""
        if self._data is None:
            self._data = mesh_data()
        return self._data.landmarks68(points)

    def crop_landmarks68(self, crop_rgb, five_points=None):
        """dlib's 68 landmarks of an aligned crop: see dlib_models.DlibFaces."""
        return self.dlib.crop_landmarks68(crop_rgb, five_points)

    @property
    def dlib(self):
        """The dlib_models.DlibFaces of this finder."""
        if self._dlib is None:
            from Deep3DFaceReconstruction.detection.dlib_models import DlibFaces
            self._dlib = DlibFaces()
        return self._dlib

    def _google(self, rgb):
        if self._detector is None:
            self._detector = FaceDetector()
        found = []
        for quarters in _QUARTERS:
            # A photo that shows no sure face may lie on its side, or show people who do.
            if any(mesh.logit >= _SURE_LOGIT for mesh, _ in found):
                break
            for candidate in self._detector(rgb, quarters):
                mesh = self._mesh_finder().of_candidate(rgb, candidate)
                if mesh.logit >= _LEAST_LOGIT:
                    found.append((mesh, candidate.score))
        # Two candidates may have become one face; the mesh's box says so better than the detectors'.
        kept = distinct([Candidate(np.array(mesh.box), mesh.points, mesh.logit) for mesh, _ in found])
        return [_of_mesh(mesh, score) for mesh, score in found if any(mesh.points is c.points for c in kept)]

    def _mesh_finder(self):
        if self._mesh is None:
            self._mesh = MeshFinder()
        return self._mesh

    def _by_dlib(self, rgb, all_sizes):
        found = []
        for rect in self.dlib.detect_faces(rgb, small=all_sizes):
            points = self.dlib.landmarks68(rgb, rect)
            mesh = self.mesh_of_points(rgb, five_from_68(points))
            found.append(Face(five_from_68(points), 'dlib', rect.score, tuple(rect[:4]), mesh, points,
                              self._dlib_doubts(rect.score, mesh)))
        return found

    def _dlib_doubts(self, score, mesh):
        if mesh is not None:
            return _mesh_doubts(mesh)
        if self.uses_mesh:
            return ("only dlib's detector sees a face (score %.2f)" % score,)
        return () if score >= _SURE_DLIB_SCORE else ("dlib's detector is not sure of a face (score %.2f)" % score,)


def _of_mesh(mesh, score):
    return Face(mesh.five_points, 'mediapipe', score, mesh.box, mesh, doubts=_mesh_doubts(mesh))


def _mesh_doubts(mesh):
    if mesh.logit >= _SURE_LOGIT:
        return ()
    return ('the mesh network is not sure of a face (logit %.1f)' % mesh.logit,)


def _area(box):
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def find_faces(image_path, image, finder, all_faces=False):
    """The faces that a photo shows, whatever lies beside it.

    Args:
      image_path: where the photo is; named in errors, with the file that would help.
      image: PIL image, mode RGB.
      finder: FaceFinder.
      all_faces: all of them instead of the largest.
    Returns:
      (faces, count): a list of Face, largest first, at least one, and how many faces the photo has.
    Raises:
      LandmarkError: no face.
    """
    found = finder.detect(np.asarray(image), all_faces)
    if not found:
        raise LandmarkError('%s: expected a face, found none; five points in %s would help'
                            % (image_path, landmark_path_for(image_path)))
    return (found if all_faces else found[:1]), len(found)
