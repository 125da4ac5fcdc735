"""From a photo to the aligned crops of its faces: what the network, the fitting and the training set see."""
import os
from typing import NamedTuple, Optional, Tuple

import numpy as np

from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo import alignment, face_finder, image_io, photo_files
from Deep3DFaceReconstruction.photo.five_points_check import check_five_points
from Deep3DFaceReconstruction.photo.landmark_files import read_landmark_file
from Deep3DFaceReconstruction.photo.landmarks import standard_five_points, to_y_up
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
        crops = [_aligned(face.five_points, face_name, image_path, image)._replace(
            faces_found=count, detector='dlib', score=face.rect.score, box=tuple(face.rect[:4]))
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
    return crop._replace(doubts=doubts, landmark_note=given.understood)


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


def _with_landmarks(crop, finder, network):
    """Looks for the 68 in the crop, however the five points were found: the photo's would be up to a pixel beside."""
    if network is not None:
        landmarks = network(crop.bgr[np.newaxis])
    else:
        rgb = np.ascontiguousarray(crop.bgr[:, :, ::-1])
        landmarks = to_y_up(finder.crop_landmarks68(rgb, crop.lm_5p))
    in_photo = alignment.from_crop(to_y_up(landmarks), crop.trans_params)
    inside = np.logical_and(in_photo >= 0, in_photo < crop.image_size).all(axis=1)
    return crop._replace(lm_68p=landmarks, lm_inside=inside)
