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


@pytest.fixture(scope='session')
def open_model():
    """The face model of the repository."""
    from Deep3DFaceReconstruction import face_model
    from Deep3DFaceReconstruction.system import assets
    return face_model.load_face_model(assets.OPEN_MODEL)


@pytest.fixture(scope='session')
def open_atlas(open_model):
    """The open model's texture atlas, from its cache where there is one."""
    from Deep3DFaceReconstruction.surface import face_atlas
    return face_atlas.face_atlas(open_model)


@pytest.fixture(scope='session')
def decoded(open_model):
    """A turned, smiling, coloured face of the open model as the decoder gives it: {name: array}, coeff included."""
    import numpy as np

    from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES
    from Deep3DFaceReconstruction.face_decoder import Face3D
    from Deep3DFaceReconstruction.graph_function import GraphFunction
    from Deep3DFaceReconstruction.tf1 import tf

    def build():
        face3d = Face3D(open_model)
        coeff = tf.placeholder(tf.float32, [1, COEFF_DIM])
        face = face3d.Reconstruction_Block(coeff)
        # The model's own coordinates as colours, so that a pixel says which point it shows.
        points, _, _ = face3d.Render_block(face.face_shape_t, face.face_shape, is_train=True)
        return {'coeff': coeff}, dict(face._asdict(), points=points)

    random = np.random.RandomState(7)
    coeff = np.zeros([1, COEFF_DIM], np.float32)
    for name, size in (('id', 0.6), ('ex', 0.6), ('tex', 0.6), ('gamma', 0.05)):
        part = COEFF_SLICES[name]
        coeff[0, part] = size * random.randn(part.stop - part.start)
    coeff[0, COEFF_SLICES['angles']] = 0.1, -0.35, 0.08
    coeff[0, COEFF_SLICES['translation']] = 0.02, -0.03, 0.1
    with GraphFunction(build) as decode:
        values = decode(coeff=coeff)
    names = ('face_shape', 'face_shape_t', 'face_norm_r', 'face_texture', 'face_color', 'landmark_p', 'render_imgs',
             'img_mask', 'points')
    return dict({name: values[name][0] for name in names}, coeff=coeff[0])
