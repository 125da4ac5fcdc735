"""What several tests share: the reference folder, the test model, sessions."""
import importlib.util
import os
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)  # the program is a set of scripts, not an installed package

REFERENCE = os.path.join(os.path.dirname(ROOT), 'shared', 'reference')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')  # see process.prepare_process
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')  # figures are compared on the CPU


@pytest.fixture(scope='session')
def reference_dir():
    """Folder of the public topology files, which the project does not carry."""
    if not os.path.isdir(REFERENCE):
        pytest.skip('needs the public BFM09 topology files in ../shared/reference')
    return REFERENCE


@pytest.fixture(scope='session')
def test_model_dict(reference_dir):
    """The reference figures' model, in the layout of BFM_model_front.mat."""
    spec = importlib.util.spec_from_file_location('make_test_model', os.path.join(reference_dir, 'make_test_model.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build()


@pytest.fixture(scope='session')
def test_model(test_model_dict):
    from Deep3DFaceReconstruction import face_model
    return face_model.from_mat_dict(test_model_dict, 'the test model')


@pytest.fixture(scope='session')
def golden():
    """Loader of tests/golden/NAME.npz."""
    import numpy as np

    def load(name):
        return np.load(os.path.join(ROOT, 'tests', 'golden', name + '.npz'))
    return load
