"""Images by which the ranges of a quantised network are measured."""
import os

import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import IMAGE_SIZE
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.photo.crops import crops_of_photo
from Deep3DFaceReconstruction.photo.photo_files import list_images

COUNT = 200


def crops_of_folder(folder, count=COUNT):
    """Aligned crops from a folder: images of 224x224 pixels as they are, the faces of others.

    Args:
      folder: photos, or the samples of a training set.
      count: how many images are read, evenly from the sorted names.
    Returns:
      [n,224,224,3] float32, BGR, 0-255; n at most count.
    Raises:
      InputError: no image, or none with a face.
    """
    paths = list_images(folder) if os.path.isdir(folder) else []
    if not paths:
        raise InputError('%s: expected a folder of images to calibrate with, found none' % folder)
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, count).astype(int))]
    finder, crops = FaceFinder('auto'), []
    for path in chosen:
        image = cv2.imread(path, cv2.IMREAD_COLOR)
        if image is not None and image.shape[:2] == (IMAGE_SIZE, IMAGE_SIZE):
            crops.append(image)
            continue
        try:
            crops += [crop.bgr for crop in crops_of_photo(path, os.path.basename(path), finder)]
        except InputError:
            continue  # a photo without a face says nothing about faces
    if not crops:
        raise InputError('%s: expected aligned crops or photos of faces to calibrate with, found no face in %d images'
                         % (folder, len(chosen)))
    return np.stack(crops).astype(np.float32)
