"""The contact sheet: landmarks where they are, the attention over what is no skin."""
import cv2
import numpy as np

from Deep3DFaceReconstruction.dataset import contact_sheet, sample_files
from Deep3DFaceReconstruction.photo.landmarks import to_y_up


def test_tile_shows_landmarks_and_attention():
    image = np.full((224, 224, 3), 120, np.uint8)
    attention = np.zeros((224, 224, 1), np.uint8)
    attention[:112] = 255
    landmarks = to_y_up(np.tile([[56.0, 70.0]], (68, 1)))
    tile = contact_sheet.draw_tile('', image, landmarks, attention)
    scale = contact_sheet.TILE / 224.0
    dot = tile[int(round(70 * scale)), int(round(56 * scale))]
    assert dot[1] > 200 and dot[0] < 140
    np.testing.assert_array_equal(tile[10, 10], [120, 120, 120])
    assert tile[-20, 10, 0] > tile[-20, 10, 2] + 40


def test_sheet_chooses_evenly_and_passes_over_what_is_broken(tmp_path):
    attention = np.full((224, 224), 255, np.uint8)
    names = ['%03d' % number for number in range(130)]
    for name in names[::2]:
        image = np.full((224, 224, 3), int(name), np.uint8)
        sample = sample_files.sample_named(str(tmp_path), name)
        sample_files.write_sample(sample, image, np.zeros((68, 2)), attention, {})
    path = contact_sheet.write_contact_sheet(str(tmp_path), names[::2])
    sheet = cv2.imread(path)
    assert sheet.shape == (8 * contact_sheet.TILE, 8 * contact_sheet.TILE, 3)
    assert sheet[20, 20].tolist() == [0] * 3 and sheet[-140, -20].tolist() == [128] * 3
    assert contact_sheet.write_contact_sheet(str(tmp_path), names[1::2]) is None
    assert contact_sheet.write_contact_sheet(str(tmp_path), []) is None
