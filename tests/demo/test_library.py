"""A photo to arrays, without files: what other programs call."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.demo.library import Reconstructor
from Deep3DFaceReconstruction.errors import InputError


def test_an_unknown_option_is_named():
    with pytest.raises(TypeError, match='expected options of demo.py, got: iteration'):
        Reconstructor(iteration=3)


@pytest.mark.slow
def test_a_photo_becomes_vertices(tmp_path):
    """The astronaut's mesh lies on her landmarks, twice the same; a folder without a photo says so."""
    import skimage.data
    from PIL import Image
    photo = str(tmp_path / 'astronaut.png')
    Image.fromarray(skimage.data.astronaut()).save(photo)
    reconstruct = Reconstructor(iterations=20, fit='only')
    face, = reconstruct(photo)
    count = len(reconstruct.model.meanshape)
    assert face.arrays['face_shape'].shape == face.arrays['face_color'].shape == (count, 3)
    assert face.arrays['face_shape'].dtype == np.float32 and reconstruct.model.triangles.max() == count - 1
    assert face.landmark_error < 6 and face.landmarks_compared == 68
    again, = reconstruct(photo, all_faces=True)
    np.testing.assert_array_equal(again.coeff, face.coeff)
    with pytest.raises(InputError, match='nowhere.png'):
        reconstruct(str(tmp_path / 'nowhere.png'))
