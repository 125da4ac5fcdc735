"""A photo of the decoded face, with its camera, as the demo would have it."""
import numpy as np
import pytest

TRANS_PARAMS = np.array([500, 460, 0.55, 250.0, 240.0])  # a crop of 407 photo pixels


@pytest.fixture(scope='session')
def trans_params():
    return TRANS_PARAMS.copy()


@pytest.fixture(scope='session')
def camera(decoded):
    from Deep3DFaceReconstruction.photo.camera import photo_camera
    return photo_camera(decoded['coeff'], TRANS_PARAMS)


@pytest.fixture(scope='session')
def photo(camera):
    """[460,500,3] uint8, noise."""
    return np.random.RandomState(3).randint(0, 256, (camera.size[1], camera.size[0], 3)).astype(np.uint8)


@pytest.fixture(scope='session')
def normals(decoded, open_model):
    from Deep3DFaceReconstruction.meshes.normals import vertex_normals
    return vertex_normals(decoded['face_shape'], open_model.triangles)


@pytest.fixture(scope='session')
def face_regions(open_model):
    from Deep3DFaceReconstruction.surface.regions import build_regions
    return build_regions(open_model)
