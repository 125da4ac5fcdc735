"""A face model of a few vertices and results that a perfect reconstruction would have."""
import numpy as np
import pytest
from scipy.io import savemat

from Deep3DFaceReconstruction import face_model, numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES
from Deep3DFaceReconstruction.numpy_decoder import key_vertices, project, rotation_matrix
from Deep3DFaceReconstruction.photo.alignment import from_crop
from Deep3DFaceReconstruction.photo.landmarks import to_y_up

# A photo of 600x500 whose face is 1.5 times as large as in the crop.
TRANS_PARAMS = np.array([600.0, 500.0, 1 / 1.5, 300.0, 250.0])


@pytest.fixture(scope='session')
def small_model():
    """68 landmarks on a half sphere of 0.8 dm, and two vertices more."""
    random = np.random.RandomState(0)
    points = random.randn(70, 3)
    points[:, 2] = np.abs(points[:, 2])
    points *= 0.8 / np.linalg.norm(points, axis=1, keepdims=True)
    triangles = np.array([[k + 1, k + 2, k + 3] for k in range(68)], np.float32)
    buffer = np.full([70, 8], 69, np.float32)
    buffer[:, 0] = np.clip(np.arange(70) + 1, 1, 68)
    return face_model.from_mat_dict({
        'meanshape': points.reshape(1, -1).astype(np.float32), 'meantex': np.full([1, 210], 128, np.float32),
        'idBase': 0.02 * random.randn(210, 80).astype(np.float32), 'exBase': 0.02 * random.randn(210, 64),
        'texBase': random.randn(210, 80).astype(np.float32), 'tri': triangles, 'point_buf': buffer,
        'frontmask2_idx': np.array([[1], [2], [3]], np.float32), 'tri_mask2': np.array([[1, 2, 3]], np.float32),
        'skinmask': np.ones([1, 70], np.float32), 'keypoints': np.arange(1, 69, dtype=np.float32)[np.newaxis]})


@pytest.fixture(scope='session')
def draw_coeff():
    """Function of a seed and a yaw in degrees -> coefficients [257]."""
    def draw(seed, yaw=0.0):
        coeff = 0.5 * np.random.RandomState(seed).randn(COEFF_DIM)
        coeff[COEFF_SLICES['angles']] = np.radians([5, yaw, -3])
        coeff[COEFF_SLICES['translation']] = [0.05, -0.02, 0.3]
        return coeff
    return draw


@pytest.fixture(scope='session')
def landmarks_of(small_model):
    """Function of coefficients -> (lm_68p [68,2], lm_68p_photo [68,2], depths [68] in pixels of the photo)."""
    def landmarks(coeff):
        moved = key_vertices(small_model).shape(coeff[:144]).dot(rotation_matrix(coeff[COEFF_SLICES['angles']]))
        crop = project(moved + coeff[COEFF_SLICES['translation']])
        scale = 1015.0 / (10 - coeff[COEFF_SLICES['translation']][2]) * 1.5
        return crop, from_crop(to_y_up(crop), TRANS_PARAMS), moved[:, 2] * scale
    return landmarks


@pytest.fixture(scope='session')
def write_result(small_model, landmarks_of):
    """Function that writes the .mat of coefficients; keyword arguments replace arrays."""
    def write(path, coeff, **changed):
        crop, photo, _ = landmarks_of(coeff)
        random = np.random.RandomState(1)
        arrays = {'coeff': coeff[np.newaxis].astype(np.float32), 'lm_68p': crop, 'lm_68p_photo': photo,
                  'trans_params': TRANS_PARAMS, 'lm_5p': random.rand(5, 2),
                  'face_shape': numpy_decoder.shape_of(small_model, coeff).astype(np.float32),
                  'cropped_img': random.randint(0, 255, [224, 224, 3]).astype(np.uint8),
                  'recon_img': np.dstack([random.uniform(0, 255, [224, 224, 3]), np.ones([224, 224])])}
        savemat(str(path), {key: value for key, value in dict(arrays, **changed).items() if value is not None})
    return write
