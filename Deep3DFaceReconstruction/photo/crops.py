"""From a photo to the aligned crops of its faces: what the network, the fitting and the training set see."""
import os
from typing import NamedTuple, Optional, Tuple

import numpy as np

from Deep3DFaceReconstruction.conventions import IMAGE_SIZE
from Deep3DFaceReconstruction.detection import face_finder
from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo import alignment, image_io, photo_files
from Deep3DFaceReconstruction.photo.five_points_check import check_five_points
from Deep3DFaceReconstruction.photo.landmark_files import read_landmark_file
from Deep3DFaceReconstruction.photo.landmarks import INNER, standard_five_points, to_y_up
from Deep3DFaceReconstruction.photo.skin import skinmask

# An image without a value from here on, of 255, is nearly black: 12 bits in 16, or a failed exposure.
_BLACK = 32


class FaceCrop(NamedTuple):
    """One face of a photo, aligned, with all that later steps need of the photo.

    Attributes:
      name: what the files of this face are called, without ending.
      image_path: the photo.
      image_size: (width, height) of the photo, upright.
      faces_found: how many faces the photo has; None where NAME.txt says where the face is.
      bgr: [224,224,3] uint8.
      attention: [224,224] uint8, skin per pixel, 255 for sure.
      lm_5p: [5,2] float64, pixels of the crop, y-down.
      lm_68p: [68,2] float64, pixels of the crop, y-up; None where they were not looked for.
      lm_inside: [68] bool, which of them lie in the photo, not in the black beside it; None likewise.
      trans_params: [5] float64, from photo to crop, as `alignment.to_crop` takes them.
      detector: what found the face; '' where NAME.txt says where it is.
      score: the detector's confidence, larger is surer; None where there was no detector.
      box: (left, top, right, bottom) of the detected face, pixels of the photo, y-down; None likewise.
      doubts: why this may not be a face, or not where the landmarks say; empty for a sure one.
      landmark_note: what the landmark file was taken for, where that is not plain.
      mesh: [468,3] float64, dense landmarks: pixels of the crop in the frame of lm_68p, and depth in such pixels
        towards the viewer; None where there are none.
      irises: [10,2] float64, likewise: centre and rim of the iris of the subject's right eye, then of the left one.
      lids: [2,16,2] float64, likewise: the lids of the subject's right eye, then of the left one, in the order of
        detection.mediapipe_models.Eyes.
      landmarks_from: what lm_68p come from: 'network', 'mesh' or 'dlib'.
      rival_landmarks: [68,2], a second opinion on lm_68p; None where there is none.
    """

    name: str
    image_path: str
    image_size: Tuple[int, int]
    faces_found: Optional[int]
    bgr: np.ndarray
    attention: np.ndarray
    lm_5p: np.ndarray
    lm_68p: Optional[np.ndarray]
    lm_inside: Optional[np.ndarray]
    trans_params: np.ndarray
    detector: str = ''
    score: Optional[float] = None
    box: Optional[Tuple[float, float, float, float]] = None
    doubts: Tuple[str, ...] = ()
    landmark_note: str = ''
    mesh: Optional[np.ndarray] = None
    irises: Optional[np.ndarray] = None
    lids: Optional[np.ndarray] = None
    landmarks_from: str = ''
    rival_landmarks: Optional[np.ndarray] = None


def crops_of_photo(image_path, name, finder, all_faces=False, landmarks=False, network=None):
    """Reads a photo, finds its faces and aligns each.

    Args:
      image_path: the photo; NAME.txt beside it, where there is one, gives the five points of its one face.
      name: what the results are called; several faces get NAME_1, NAME_2, ..., largest first.
      finder: a face_finder.FaceFinder.
      all_faces: all faces instead of the largest.
      landmarks: look for the 68 landmarks even where the five points are given.
      network: finds the 68 landmarks in a crop, instead of the finder: a function of [1,224,224,3] uint8 BGR that
        returns [68,2], y-up (networks.landmark_network.LandmarkNetwork).
    Returns:
      list of FaceCrop, at least one.
    Raises:
      InputError: unreadable photo, wrong NAME.txt, no face, or a face that cannot be aligned; names the file.
    """
    image = image_io.read_image(image_path)
    landmark_path = photo_files.landmark_path_for(image_path)
    if os.path.exists(landmark_path):
        crops = [_given(landmark_path, name, image_path, image, finder)]
    else:
        landmarks = True
        faces, count = _found(image_path, image, finder, all_faces)
        names = ['%s_%d' % (name, i + 1) for i in range(len(faces))] if all_faces and len(faces) > 1 else [name]
        crops = [_with_mesh(_aligned(face.five_points, face_name, image_path, image), face.mesh)._replace(
            faces_found=count, detector=face.detector, score=face.score, box=face.box, doubts=face.doubts)
            for face, face_name in zip(faces, names)]
    return [_with_landmarks(crop, finder, network) for crop in crops] if landmarks else crops


def _found(image_path, image, finder, all_faces):
    """face_finder.find_faces; where it finds none, the error says what else is wrong with the image."""
    try:
        return face_finder.find_faces(image_path, image, finder, all_faces)
    except LandmarkError as error:
        brightest = max(high for _, high in image.getextrema())
        if brightest >= _BLACK:
            raise
        raise LandmarkError('%s; the image is nearly black: its brightest value is %d of 255' % (error, brightest))


def _given(landmark_path, name, image_path, image, finder):
    """The crop of the one face whose five points a landmark file gives."""
    given = read_landmark_file(landmark_path)
    try:
        crop = _aligned(given.five_points, name, image_path, image)
    except LandmarkError:
        # Points that lead to no crop may still be seen to be half scale, or counted from the bottom.
        _checked(landmark_path, image_path, image, given.five_points, finder, None)
        raise
    doubts = _checked(landmark_path, image_path, image, given.five_points, finder, (crop.bgr, crop.lm_5p))
    mesh = finder.mesh_of_points(np.asarray(image), given.five_points)
    return _with_mesh(crop, mesh)._replace(doubts=doubts, landmark_note=given.understood)


def _checked(landmark_path, image_path, image, five_points, finder, crop):
    try:
        return check_five_points(image, five_points, finder, crop)
    except LandmarkError as error:
        raise LandmarkError('%s: %s%s' % (landmark_path, error, _shared_by(landmark_path, image_path)))


def _shared_by(landmark_path, image_path):
    """A hint where a landmark file serves several photos, which differ in their extension alone."""
    others = [os.path.basename(path) for path in photo_files.list_images(os.path.dirname(image_path) or '.')
              if path != image_path and photo_files.landmark_path_for(path) == landmark_path]
    if not others:
        return ''
    return ' (it also serves %s; points of this photo alone belong in %s.txt)' % (
        ', '.join(others), os.path.basename(image_path))


def _aligned(five_points, name, image_path, image):
    try:
        crop, lm_5p, trans_params = alignment.align_img(image, five_points, standard_five_points())
    except LandmarkError as error:
        raise LandmarkError('%s: %s' % (image_path, error))
    bgr = np.ascontiguousarray(crop[0])
    return FaceCrop(name, image_path, image.size, None, bgr, skinmask(bgr)[:, :, 0], lm_5p, None, None, trans_params)


def _with_mesh(crop, mesh):
    """The crop with the dense landmarks of a face_mesh.MeshFace; None leaves it as it is."""
    if mesh is None:
        return crop
    scale, offset = alignment.crop_to_photo(crop.trans_params)
    points, irises, lids = (_decoder_frame((part.reshape(-1, 2) - offset) / scale).reshape(part.shape)
                            for part in (mesh.points, mesh.eyes.irises, mesh.eyes.lids))
    return crop._replace(mesh=np.concatenate([points, mesh.depth[:, np.newaxis] / scale.mean()], axis=1), irises=irises,
                         lids=lids)


def _decoder_frame(pixels):
    """Crop pixels, y-down from the centre of the first one, in the frame of the decoder's landmarks."""
    return np.stack([pixels[:, 0] + 0.5, IMAGE_SIZE - 0.5 - pixels[:, 1]], axis=1)


def _with_landmarks(crop, finder, network):
    """Adds the 68 landmarks: the network's, else those read off the mesh, else dlib's.

    Network and dlib look in the crop, however the five points were found: the photo's would be up to a pixel beside.
    """
    rival = None
    if network is not None:
        landmarks, source = network(crop.bgr[np.newaxis]), 'network'
    elif crop.mesh is not None:
        landmarks, source = finder.landmarks68_of_mesh(crop.mesh[:, :2]), 'mesh'
        rival = _of_dlib(crop, finder) if finder.checks_with_dlib else None
    elif finder.uses_dlib:
        landmarks, source = _of_dlib(crop, finder), 'dlib'
    else:
        raise LandmarkError('%s: expected a face at the five points given, the mesh network sees none'
                            % crop.image_path)
    in_photo = alignment.from_crop(to_y_up(landmarks), crop.trans_params)
    inside = np.logical_and(in_photo >= 0, in_photo < crop.image_size).all(axis=1)
    return crop._replace(lm_68p=landmarks, lm_inside=inside, landmarks_from=source, rival_landmarks=rival)


def _of_dlib(crop, finder):
    rgb = np.ascontiguousarray(crop.bgr[:, :, ::-1])
    return to_y_up(finder.crop_landmarks68(rgb, crop.lm_5p))


def landmarks_apart(crop):
    """Mean distance in pixels between the two opinions on the inner landmarks of a FaceCrop; None where one is all."""
    if crop.rival_landmarks is None:
        return None
    return float(np.linalg.norm(crop.rival_landmarks[INNER] - crop.lm_68p[INNER], axis=1).mean())
