"""A made Subject: the decoder's face over a patterned background, which costs no reconstruction."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import IMAGE_SIZE
from Deep3DFaceReconstruction.editing.editor import Editor
from Deep3DFaceReconstruction.editing.subject import Subject
from Deep3DFaceReconstruction.photo.crops import FaceCrop


class NoDlib:
    """A face finder without dlib: meshes stay where they are."""
    checks_with_dlib = False


@pytest.fixture(scope='session')
def subject(decoded):
    mask = decoded['img_mask'][..., :1].reshape(IMAGE_SIZE, IMAGE_SIZE, 1) > 0.5
    background = np.random.RandomState(0).randint(0, 256, [IMAGE_SIZE, IMAGE_SIZE, 3])
    face = np.where(mask, np.clip(decoded['render_imgs'][..., :3], 0, 255), background)
    photo = np.zeros([600, 600, 3], np.uint8)
    photo[...] = np.random.RandomState(1).randint(0, 256, [600, 600, 1])
    photo[188:188 + IMAGE_SIZE, 188:188 + IMAGE_SIZE] = np.rint(face)
    # The crop is the photo's middle: scale 1, its centre the photo's.
    trans_params = np.array([600, 600, 1.0, 300.0, 300.0])
    bgr = np.ascontiguousarray(photo[188:412, 188:412, ::-1])
    crop = FaceCrop('made', 'made.png', (600, 600), 1, bgr, np.zeros([IMAGE_SIZE, IMAGE_SIZE], np.uint8),
                    np.zeros([5, 2]), None, None, trans_params)
    return Subject('made', photo, crop, np.float64(decoded['coeff']), np.float64(decoded['face_shape']),
                   np.zeros(2))


@pytest.fixture(scope='session')
def editor(open_model):
    return Editor(open_model, NoDlib())
