"""From photos to crops: names, landmarks, reasons."""
import numpy as np
import pytest
from skimage import data

from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo import crops
from Deep3DFaceReconstruction.photo.alignment import from_crop
from Deep3DFaceReconstruction.photo.skin import skinmask


@pytest.fixture(scope='module')
def finder():
    return FaceFinder()


@pytest.fixture
def photo(tmp_path):
    from PIL import Image
    path = tmp_path / 'astronaut.png'
    Image.fromarray(data.astronaut()).save(str(path))
    return path


def test_detected_and_given_points_agree(photo, finder, golden):
    detected, = crops.crops_of_photo(str(photo), 'astronaut', finder)
    assert detected.faces_found == 1 and detected.lm_68p.shape == (68, 2)
    figures = golden('preprocess')
    np.savetxt(str(photo.with_suffix('.txt')), figures['0/lm5p'])
    given, = crops.crops_of_photo(str(photo), 'astronaut', finder)
    assert given.faces_found is None and given.lm_68p is None
    np.testing.assert_array_equal(given.bgr, figures['0/aligned_bgr'][0])
    np.testing.assert_allclose(given.lm_5p, detected.lm_5p, atol=8)
    looked_for, = crops.crops_of_photo(str(photo), 'astronaut', finder, landmarks=True)
    np.testing.assert_allclose(looked_for.lm_68p[30], [given.lm_5p[2, 0], 223 - given.lm_5p[2, 1]], atol=4)


def test_points_that_span_no_face_name_the_photo(photo, finder):
    photo.with_suffix('.txt').write_text('5 5\n' * 5)
    with pytest.raises(LandmarkError, match=r'astronaut\.png: expected five landmarks that span a face'):
        crops.crops_of_photo(str(photo), 'astronaut', finder)


def test_a_crop_owns_its_attention_and_its_way_back_to_the_photo(photo, finder):
    crop, = crops.crops_of_photo(str(photo), 'astronaut', finder)
    np.testing.assert_array_equal(crop.attention, skinmask(crop.bgr)[:, :, 0])
    assert crop.attention.shape == (224, 224) and crop.attention.dtype == np.uint8
    assert crop.image_size == (512, 512) and crop.doubts == ()
    left, top, right, bottom = crop.box
    nose = from_crop(crop.lm_5p, crop.trans_params)[2]
    assert left < nose[0] < right and top < nose[1] < bottom
    assert crop.detector and crop.score > 0


def test_a_network_may_find_the_landmarks(photo, finder):
    inside_and_out = np.full((68, 2), 112.0)
    inside_and_out[:5] = -5000
    shapes = []
    crop, = crops.crops_of_photo(str(photo), 'astronaut', finder,
                                 network=lambda bgr: shapes.append(bgr.shape) or inside_and_out)
    assert shapes == [(1, 224, 224, 3)]
    np.testing.assert_array_equal(crop.lm_68p, inside_and_out)
    np.testing.assert_array_equal(crop.lm_inside, np.arange(68) >= 5)


def test_where_no_face_is_found_a_black_image_is_said(tmp_path, finder):
    from PIL import Image
    Image.new('RGB', (64, 64), (15, 12, 9)).save(str(tmp_path / 'dark.png'))
    with pytest.raises(LandmarkError, match='found none.* nearly black: its brightest value is 15 of 255'):
        crops.crops_of_photo(str(tmp_path / 'dark.png'), 'dark', finder)


def test_a_landmark_file_is_checked_and_what_it_was_taken_for_is_noted(photo, finder, golden):
    five = golden('preprocess')['0/lm5p']
    np.savetxt(str(photo.with_suffix('.TXT')), np.column_stack([five, np.ones(5)]))
    crop, = crops.crops_of_photo(str(photo), 'astronaut', finder)
    assert crop.doubts == () and crop.detector == '' and crop.landmark_note == 'a confidence behind each point'
    np.savetxt(str(photo.with_suffix('.TXT')), five[:, ::-1])
    with pytest.raises(LandmarkError, match=r'astronaut\.TXT: expected the five points .* x and y exchanged\?'):
        crops.crops_of_photo(str(photo), 'astronaut', finder)
