"""What reads a face's landmarks in a frame: one interface, whatever network is behind it.

A reader has
  detect(rgb): list of tracking.Place, the largest first: all faces of a frame, found quickly;
  read(rgb, place): [K,2] pixels of the frame, y-down, or None where it sees no face there;
  is_face(rgb, points): whether the points lie on a face (a second opinion; asked now and then);
  place_of(points): the Place in which to look for them next;
  five_points(points): [5,2], in the order of photo.landmarks.FIVE_NAMES;
  eye_corners(points): [2,2,2]: outer and inner corner of the right eye, then of the left one;
  mouth_opening(points): pixels between the lips;
  on_model(model): frame_fit.ModelPoints, those of the K points that frames are fitted to, on a face model.
"""
from Deep3DFaceReconstruction.detection import mediapipe_models


def choose_reader(detector):
    """The reader of a --detector: 'auto' (the face mesh where its networks are installed), 'mediapipe' or 'dlib'.

    Raises:
      AssetError: its networks are not installed.
    """
    if detector == 'dlib' or (detector == 'auto' and not mediapipe_models.available()):
        from Deep3DFaceReconstruction.motion.dlib_reader import DlibReader
        return DlibReader()
    from Deep3DFaceReconstruction.motion.mesh_reader import MeshReader
    return MeshReader()
