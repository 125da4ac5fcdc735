"""The states of the doctor's entries on a fresh checkout."""
from Deep3DFaceReconstruction.doctor import catalogue
from Deep3DFaceReconstruction.doctor.catalogue import MISSING, OK


def states(**changes):
    present = ('python', 'tensorflow', 'kernel', 'packages', 'dlib', 'landmark_predictor', 'face_detector',
               'google_networks', 'open_model', 'dlib_id_net')
    return dict({item.key: OK if item.key in present else MISSING for item in catalogue.ITEMS}, **changes)
