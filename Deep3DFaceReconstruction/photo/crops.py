"""From a photo to the aligned crops of its faces: what the network and the fitting see."""
from collections import namedtuple

import numpy as np

from Deep3DFaceReconstruction.photo import alignment, face_finder, image_io

FaceCrop = namedtuple('FaceCrop', [
    'name',         # what the files of this face are called, without ending
    'image_path',   # the photo
    'faces_found',  # how many faces the photo has; None where NAME.txt says where the face is
    'bgr',          # [224,224,3] uint8
    'lm_5p',        # [5,2] float64, pixels of the crop, y down
    'lm_68p',       # [68,2] float64, pixels of the crop, y up; None where they were not looked for
    'lm_inside',    # [68] bool: which of them lie in the photo, not in the black beside it; None likewise
])


def crops_of_photo(image_path, name, finder, every=False, landmarks68=False):
    """Reads a photo, finds its faces and aligns each.

    Args:
      image_path: the photo; NAME.txt beside it, where there is one, gives the five points of its one face.
      name: what the results are called; several faces get NAME_1, NAME_2, ..., largest first.
      finder: a landmarks.FaceFinder.
      every: all faces instead of the largest.
      landmarks68: look for the 68 landmarks even where the five points are given.
    Returns:
      list of FaceCrop, at least one.
    Raises:
      image_io.InputError: unreadable photo, wrong NAME.txt, no face, or a face that cannot be aligned; names the file.
    """
    image = image_io.read_image(image_path)
    faces, count = face_finder.find_faces(image_path, image, finder, every)
    names = ['%s_%d' % (name, i + 1) for i in range(len(faces))] if every and len(faces) > 1 else [name]
    detected = faces[0].landmarks68 is not None
    return [_crop(face, face_name, image_path, image, count, finder if landmarks68 or detected else None)
            for face, face_name in zip(faces, names)]


def _crop(face, name, image_path, image, count, finder):
    try:
        crop, lm_5p, trans_params = alignment.align_img(image, face.five_points, alignment.standard_five_points())
    except image_io.LandmarkError as error:
        raise image_io.LandmarkError('%s: %s' % (image_path, error))
    lm_68p = lm_inside = None
    if finder is not None:
        # Looked for in the crop, however the five points came: the photo's would be up to a pixel beside it.
        found = finder.crop_landmarks68(np.ascontiguousarray(crop[0, :, :, ::-1]), lm_5p)
        in_photo = alignment.from_crop(found, trans_params)
        lm_68p = alignment.to_y_up(found)
        lm_inside = np.logical_and(in_photo >= 0, in_photo < image.size).all(axis=1)
    return FaceCrop(name, image_path, count, crop[0], lm_5p, lm_68p, lm_inside)
