"""The 3D morphable face model: files of several kinds enter, one checked `FaceModel` leaves."""
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model.model import FaceModel, from_mat_dict, load_face_model

__all__ = ['FaceModel', 'FaceModelError', 'from_mat_dict', 'load_face_model']
