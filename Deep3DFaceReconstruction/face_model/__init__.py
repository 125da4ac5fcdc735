"""The 3D morphable face model: one checked `FaceModel`, whatever file it is read from.

Enters: BFM_model_front.mat, the parts of the Basel Face Model 2009, ICT-FaceKit's folder, GNM's head or the open
model's file.
Leaves: a `FaceModel` (mean, bases, triangles, landmarks, regions), or the .mat file of one.
"""
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model.model import FaceModel, from_mat_dict, is_open_model, load_face_model

__all__ = ['FaceModel', 'FaceModelError', 'from_mat_dict', 'is_open_model', 'load_face_model']
