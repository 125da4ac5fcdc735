"""What several tests of face models share: the open model from its file, and files of the licensed models."""
import os
import shutil

import numpy as np
import pytest
from scipy.io import loadmat

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.face_model import open_model
from Deep3DFaceReconstruction.face_model.converters import bfm09
from tests.face_model.converters.bfm09_stand_in import write_expressions
from tests.face_model.converters.ict_stand_in import StandIn


@pytest.fixture(scope='session')
def open_arrays():
    """{key: array} in the layout of BFM_model_front.mat, and `uv` and `part` of each vertex."""
    return open_model.load_open_model()


@pytest.fixture(scope='session')
def open_face(open_arrays):
    """The FaceModel of these arrays; the root's `open_model` may come from the cache."""
    return face_model.from_mat_dict(open_arrays, 'the open model')


@pytest.fixture(scope='session')
def open_part(open_arrays):
    """[N] int, which part of the face each vertex belongs to: see open_shape."""
    return open_arrays['part'].ravel().astype(int)


@pytest.fixture(scope='session')
def bfm09_public(reference_dir):
    """The public files and, of them, the frontal vertices' numbers as the specification gives them, from 1."""
    front = loadmat(os.path.join(reference_dir, 'BFM_front_idx.mat'))['idx'].astype(int).ravel()
    trim = loadmat(os.path.join(reference_dir, 'BFM_exp_idx.mat'))['trimIndex'].astype(int).ravel()
    return {'in_expression': front, 'in_bfm': trim[front - 1],
            'deviations': np.loadtxt(os.path.join(reference_dir, 'std_exp.txt')).ravel(),
            'info': loadmat(os.path.join(reference_dir, 'facemodel_info.mat'))}


@pytest.fixture(scope='session')
def bfm09_files(reference_dir, tmp_path_factory):
    """Folder of the public files and an expression file; the conversion's tests add the morphable model."""
    folder = tmp_path_factory.mktemp('public')
    for name in bfm09.SOURCES[2:]:
        shutil.copy(os.path.join(reference_dir, name), str(folder))
    write_expressions(str(folder / 'Exp_Pca.bin'))
    return folder


@pytest.fixture(scope='session')
def ict_folder(tmp_path_factory):
    """Folder of a stand-in; whoever changes a file puts it back."""
    return StandIn().write(tmp_path_factory.mktemp('ict_folder'))


@pytest.fixture
def change_ict(ict_folder):
    """A function that changes the text of a file of ict_folder until the test is over."""
    before = {}

    def change(name, edit):
        path = os.path.join(ict_folder, name)
        with open(path) as stream:
            text = before.setdefault(path, stream.read())
        with open(path, 'w') as stream:
            stream.write(edit(text))
    yield change
    for path, text in before.items():
        with open(path, 'w') as stream:
            stream.write(text)
