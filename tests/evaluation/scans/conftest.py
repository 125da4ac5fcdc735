"""A face model whose mesh is one smooth sheet with a nose, and files in the layouts of the datasets."""
import numpy as np
import pytest
from scipy.io import savemat

from Deep3DFaceReconstruction import face_model, numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES, EX_DIM, ID_DIM

SIDE = 34
# x, y in dm of some of the 68.
_PLACES = {36: (-.45, .3), 39: (-.2, .3), 42: (.2, .3), 45: (.45, .3), 30: (0, 0), 33: (0, -.12), 48: (-.25, -.38),
           54: (.25, -.38)}


def grid():
    """(x, y [N] dm, triangles [F,3]) of a square sheet."""
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(-.8, .8, SIDE), np.linspace(-.9, .9, SIDE)))
    corner = (np.arange(SIDE - 1)[:, None] * SIDE + np.arange(SIDE - 1)).ravel()
    low = np.stack([corner, corner + 1, corner + SIDE], axis=1)
    return x, y, np.concatenate([low, np.stack([corner + 1, corner + SIDE + 1, corner + SIDE], axis=1)])


@pytest.fixture(scope='session')
def sheet_model():
    x, y, triangles = grid()
    z = -.5 * (x ** 2 + .6 * y ** 2) + .25 * np.exp(-(x ** 2 + y ** 2) / .03) - .06 * np.cos(7 * y) * np.sin(5 * x)
    mean = np.stack([x, y, z], axis=1)
    count = len(mean)

    def bases(seed, columns):
        random, result = np.random.RandomState(seed), np.zeros([count, 3, columns], np.float32)
        for k in range(3):
            fx, fy, phase = random.uniform(2, 5, 2).tolist() + [random.uniform(0, 6)]
            result[:, 2, k] = .05 * np.cos(fx * x + fy * y + phase)
        return result.reshape(3 * count, columns)
    keys = np.random.RandomState(1).permutation(count)[:68]
    for number, place in _PLACES.items():
        keys[number] = np.hypot(x - place[0], y - place[1]).argmin()
    buffer = np.full([count, 8], len(triangles) + 1, np.float32)
    flat = np.ones([1, 3 * count], np.float32)
    return face_model.from_mat_dict({
        'meanshape': mean.reshape(1, -1).astype(np.float32), 'meantex': 128 * flat, 'idBase': bases(2, ID_DIM),
        'exBase': bases(3, EX_DIM), 'texBase': flat.T, 'tri': (triangles + 1).astype(np.float32), 'point_buf': buffer,
        'frontmask2_idx': np.array([[1], [2], [3]], np.float32), 'tri_mask2': np.array([[1, 2, 3]], np.float32),
        'skinmask': np.ones([1, count], np.float32), 'keypoints': (keys + 1)[np.newaxis].astype(np.float32)})


@pytest.fixture(scope='session')
def some_coeff():
    """Function of a seed -> coefficients [257]."""
    def draw(seed):
        coeff = np.zeros(COEFF_DIM)
        random = np.random.RandomState(seed)
        coeff[COEFF_SLICES['id']][:3] = random.randn(3)
        coeff[COEFF_SLICES['ex']][:3] = random.randn(3)
        return coeff
    return draw


@pytest.fixture(scope='session')
def write_mat(sheet_model):
    """Function that writes NAME.mat of coefficients."""
    def write(path, coeff, size=1.0):
        savemat(str(path), {'coeff': coeff[np.newaxis].astype(np.float32), 'lm_68p': np.zeros([68, 2]),
                            'trans_params': np.array([600.0, 500.0, 1 / size, 300.0, 250.0]),
                            'face_shape': numpy_decoder.shape_of(sheet_model, coeff).astype(np.float32)})
    return write


@pytest.fixture(scope='session')
def shape_mm(sheet_model):
    """Function of coefficients and whether the expression counts -> vertices [N,3] in mm."""
    def shape(coeff, expression=False):
        coeff = coeff.copy()
        if not expression:
            coeff[COEFF_SLICES['ex']] = 0
        return 100 * numpy_decoder.shape_of(sheet_model, coeff)
    return shape
