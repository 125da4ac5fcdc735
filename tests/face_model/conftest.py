"""The open model as its file gives it, without the cache that the root's `open_model` may come from."""
import pytest


@pytest.fixture(scope='session')
def open_arrays():
    """{key: array} in the layout of BFM_model_front.mat, and `uv` and `part` of each vertex."""
    from Deep3DFaceReconstruction.face_model import open_model
    return open_model.load_open_model()


@pytest.fixture(scope='session')
def open_face(open_arrays):
    """The FaceModel of these arrays."""
    from Deep3DFaceReconstruction import face_model
    return face_model.from_mat_dict(open_arrays, 'the open model')


@pytest.fixture(scope='session')
def open_part(open_arrays):
    """[N] int, which part of the face each vertex belongs to: see open_shape."""
    return open_arrays['part'].ravel().astype(int)
