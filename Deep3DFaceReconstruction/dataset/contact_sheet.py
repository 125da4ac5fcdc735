"""Many samples of a training set in one image, with landmarks and attention drawn in."""
import os

import cv2
import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.dataset import sample_files
from Deep3DFaceReconstruction.photo.landmarks import to_y_up
from Deep3DFaceReconstruction.system.files import atomic_write
from Deep3DFaceReconstruction.system.own_files import marked_info

COLUMNS, ROWS = 8, 8
TILE = 160
_LANDMARK_BGR = (80, 255, 80)
_NOT_SKIN_BGR = (160, 60, 20)
_TEXT_BGR = (255, 255, 255)
# OpenCV draws between pixels when coordinates carry fraction bits.
_FRACTION_BITS = 4


def write_contact_sheet(folder, names):
    """Writes FOLDER/contact_sheet.png: up to 64 samples, evenly chosen.

    Green dots are the landmarks; blue lies over what the attention takes for no skin.

    Args:
      folder: a training set.
      names: of its samples, in the order of the sheet; those that are not there or broken are passed over.
    Returns:
      its path, or None where no sample could be drawn.
    """
    names = list(names)
    chosen = sorted(set(np.linspace(0, len(names) - 1, COLUMNS * ROWS).round().astype(int))) if names else []
    tiles = []
    for index in chosen:
        try:
            sample = sample_files.read_sample(sample_files.sample_named(folder, names[index]))
        except sample_files.DataError:
            continue
        tiles.append(draw_tile(names[index], *sample))
    if not tiles:
        return None
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    sheet = np.vstack([np.hstack(tiles[start:start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)])
    path = os.path.join(folder, sample_files.CONTACT_SHEET)
    with atomic_write(path) as temporary:
        Image.fromarray(sheet[..., ::-1]).save(temporary, format='PNG', pnginfo=marked_info())
    return path


def draw_tile(name, image, landmarks, attention):
    """One sample as a small image.

    Args:
      name: written below.
      image: [224,224,3] uint8 BGR; landmarks: [68,2] y-up; attention: [224,224,1] uint8.
    Returns:
      [TILE, TILE, 3] uint8 BGR.
    """
    share = 0.6 * (1.0 - attention / 255.0)
    shaded = np.uint8(image * (1.0 - share) + np.array(_NOT_SKIN_BGR) * share)
    scale = TILE / image.shape[0]
    tile = cv2.resize(shaded, (TILE, TILE), interpolation=cv2.INTER_AREA)
    centers = np.round(((to_y_up(landmarks) + 0.5) * scale - 0.5) * 2 ** _FRACTION_BITS).astype(int)
    for x, y in np.clip(centers, -10 ** 6, 10 ** 6).tolist():
        cv2.circle(tile, (x, y), 2 ** _FRACTION_BITS, _LANDMARK_BGR, -1, cv2.LINE_AA, _FRACTION_BITS)
    cv2.putText(tile, name[:24], (3, TILE - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.35, _TEXT_BGR, 1, cv2.LINE_AA)
    return tile
