"""Fitting: faces whose coefficients are known, the same answer twice, and a real portrait."""
import numpy as np
import pytest
from skimage import data

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES
from Deep3DFaceReconstruction.demo import fitting
from Deep3DFaceReconstruction.demo.options import DEFAULT_ITERATIONS
from Deep3DFaceReconstruction.demo.reconstructor import Decoder
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.photo import crops
from Deep3DFaceReconstruction.photo.face_finder import FaceFinder
from Deep3DFaceReconstruction.tf1 import tf


@pytest.fixture(scope='module')
def open_model(tmp_path_factory):
    from Deep3DFaceReconstruction.face_model import open_model
    path = str(tmp_path_factory.mktemp('model') / 'open_model_front.mat')
    open_model.write_open_model_front(path)
    return load_face_model(path)


@pytest.fixture(scope='module')
def known_face(open_model):
    """(coeff [257], crop [224,224,3] uint8 BGR on grey, landmarks [68,2]) of a random face."""
    rng = np.random.RandomState(4)
    coeff = 0.7 * rng.randn(1, COEFF_DIM).astype(np.float32)
    for name, value in (('angles', [0.1, 0.25, -0.08]), ('translation', [0.05, -0.04, 0.1])):
        coeff[0, COEFF_SLICES[name]] = value
    coeff[0, COEFF_SLICES['gamma']] = 0
    coeff[0, COEFF_SLICES['gamma']][[2, 11, 20]] = 0.25  # some light from the front
    with tf.Graph().as_default(), tf.Session() as session:
        face = Face3D(open_model).Reconstruction_Block(tf.constant(coeff))
        rgba, landmarks = session.run([face.render_imgs[0], face.landmark_p[0]])
    rgb = np.where(rgba[..., 3:] > 0, rgba[..., :3], 90)
    return coeff[0], np.rint(rgb[:, :, ::-1]).astype(np.uint8), landmarks


@pytest.mark.slow
def test_a_known_face_is_found_again(open_model, known_face):
    coeff, crop, landmarks = known_face
    everything = np.full([224, 224], 255, np.uint8)
    fitter = fitting.Fitter(open_model, iterations=60)
    result = fitter.fit(crop, everything, landmarks)
    np.testing.assert_allclose(result.coeff[COEFF_SLICES['angles']], coeff[COEFF_SLICES['angles']], atol=0.06)
    first, last = result.losses[0], result.losses[-1]
    assert last['total'] < 0.6 * first['total'] and last['photo'] < 0.025  # about 6 of 255
    assert last['landmark'] < 1.5
    again = fitter.fit(crop, everything, landmarks)
    np.testing.assert_array_equal(again.coeff, result.coeff)

    from_truth = fitter.fit(crop, everything, landmarks, start=coeff)
    assert from_truth.losses[0]['photo'] < 0.005  # rounding to 8 bits
    assert from_truth.losses[-1]['total'] <= from_truth.losses[0]['total']


@pytest.mark.slow
def test_landmarks_beside_the_photo_do_not_pull(open_model, known_face):
    _, crop, landmarks = known_face
    everything, inside = np.full([224, 224], 255, np.uint8), np.ones(68, bool)
    inside[:5] = False
    moved = landmarks.copy()
    moved[:5] += 60
    fitter = fitting.Fitter(open_model, iterations=1)
    np.testing.assert_array_equal(fitter.fit(crop, everything, landmarks, inside).coeff,
                                  fitter.fit(crop, everything, moved, inside).coeff)


@pytest.mark.slow
def test_the_portrait(open_model, tmp_path):
    from PIL import Image
    path = str(tmp_path / 'astronaut.png')
    Image.fromarray(data.astronaut()).save(path)
    crop, = crops.crops_of_photo(path, 'astronaut', FaceFinder(), landmarks=True)
    fitter = fitting.Fitter(open_model, DEFAULT_ITERATIONS)
    coeff = fitter.fit(crop.bgr, crop.attention, crop.lm_68p, crop.lm_inside).coeff
    result, = Decoder(open_model)([crop], coeff[None])
    assert result.landmark_error <= 2.0
    assert result.photometric_error <= 12.0
    assert np.abs(coeff[COEFF_SLICES['id']]).max() < 5  # still a face of the model's
