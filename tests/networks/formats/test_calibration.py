"""Images for calibration: aligned crops as they are, photos aligned, folders without faces refused."""
import cv2
import numpy as np
import pytest
from skimage import data

from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.networks.formats import calibration


def test_aligned_crops_are_taken_as_they_are(tmp_path):
    images = np.random.RandomState(0).randint(0, 256, [5, 224, 224, 3]).astype(np.uint8)
    for number, image in enumerate(images):
        cv2.imwrite(str(tmp_path / ('%d.png' % number)), image)
    crops = calibration.crops_of_folder(str(tmp_path))
    assert crops.dtype == np.float32
    np.testing.assert_array_equal(crops, images)
    np.testing.assert_array_equal(calibration.crops_of_folder(str(tmp_path), 2), images[[0, 4]])


@pytest.mark.slow
def test_faces_of_photos_are_aligned_and_others_left_out(tmp_path):
    cv2.imwrite(str(tmp_path / 'she.png'), data.astronaut()[:, :, ::-1])
    cv2.imwrite(str(tmp_path / 'wall.png'), data.brick())
    assert calibration.crops_of_folder(str(tmp_path)).shape == (1, 224, 224, 3)


def test_nothing_to_calibrate_with(tmp_path):
    with pytest.raises(InputError, match='expected a folder of images to calibrate with, found none'):
        calibration.crops_of_folder(str(tmp_path))


@pytest.mark.slow
def test_no_face_to_calibrate_with(tmp_path):
    cv2.imwrite(str(tmp_path / 'wall.png'), data.brick())
    with pytest.raises(InputError, match='expected aligned crops or photos of faces to calibrate with, found no face '
                                         'in 1 images'):
        calibration.crops_of_folder(str(tmp_path))
