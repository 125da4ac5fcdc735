"""Fitting: faces whose coefficients are known, the same answer twice, profiles, a real portrait, other models."""
import numpy as np
import pytest
from skimage import data

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES, LUMA
from Deep3DFaceReconstruction.demo.options import DEFAULT_ITERATIONS
from Deep3DFaceReconstruction.demo.reconstructor import Decoder
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.fitting import dense_points
from Deep3DFaceReconstruction.fitting import fitter as fitting
from Deep3DFaceReconstruction.numpy_decoder import project, rotation_matrix
from Deep3DFaceReconstruction.photo import crops
from Deep3DFaceReconstruction.photo.crops import FaceCrop
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, to_y_up
from Deep3DFaceReconstruction.tf1 import tf


@pytest.fixture(scope='module')
def open_model():
    return load_face_model()


@pytest.fixture(scope='module')
def known_face(open_model):
    """(coeff [257], FaceCrop on grey with the true landmarks and mesh) of a random face."""
    random = np.random.RandomState(4)
    coeff = 0.7 * random.randn(1, COEFF_DIM).astype(np.float32)
    for name, value in (('angles', [0.1, 0.25, -0.08]), ('translation', [0.05, -0.04, 0.1])):
        coeff[0, COEFF_SLICES[name]] = value
    coeff[0, COEFF_SLICES['gamma']] = 0
    coeff[0, COEFF_SLICES['gamma']][[2, 11, 20]] = 0.25  # some light from the front
    with tf.Graph().as_default(), tf.Session() as session:
        face = Face3D(open_model).Reconstruction_Block(tf.constant(coeff))
        rgba, landmarks = session.run([face.render_imgs[0], face.landmark_p[0]])
    rgb = np.where(rgba[..., 3:] > 0, rgba[..., :3], 90)
    return coeff[0], face_crop(open_model, coeff[0], np.rint(rgb[:, :, ::-1]).astype(np.uint8), landmarks)


def face_crop(model, coeff, bgr, landmarks):
    points = dense_points.point_set(model, *(part[:468] for part in dense_points.dense_places(model)))
    moved = (points.mean + points.base.dot(coeff[:144])).dot(rotation_matrix(coeff[224:227])) + coeff[254:257]
    mesh = np.concatenate([project(moved), 101.5 * moved[:, 2:]], axis=1)
    return FaceCrop('face', 'face.png', (224, 224), 1, bgr, np.full([224, 224], 255, np.uint8),
                    to_y_up(five_from_68(landmarks)), landmarks, np.ones(68, bool), np.array([224, 224, 1, 112, 112.0]),
                    'mediapipe', 0.9, (40, 40, 180, 180), mesh=mesh)


def test_a_known_face_is_found_again(open_model, known_face):
    coeff, crop = known_face
    fitter = fitting.Fitter(open_model, 10)
    result = fitter.fit(crop)
    np.testing.assert_allclose(result.coeff[COEFF_SLICES['angles']], coeff[COEFF_SLICES['angles']], atol=0.06)
    before = fitting.Fitter(open_model, 0).fit(crop).deviation[COEFF_SLICES['id']]
    after = result.deviation[COEFF_SLICES['id']]
    assert (after < before + 1e-6).all() and after.mean() < 0.9 * before.mean() and before.max() < 1 + 1e-6
    assert result.errors[-1] < 0.5 * result.errors[0] and result.errors[-1] < 6 and result.doubts == ()
    np.testing.assert_array_equal(fitter.fit(crop).coeff, result.coeff)

    from_truth = fitter.fit(crop, start=coeff)
    assert from_truth.errors[0] < 5  # blur, and the mouth that is seen through the lips


def test_a_grey_photo_leaves_the_hue_of_the_skin_to_the_prior(open_model, known_face):
    coeff, crop = known_face
    grey = np.repeat(np.rint(crop.bgr[:, :, ::-1].dot(LUMA)).astype(np.uint8)[:, :, np.newaxis], 3, axis=2)
    fitted = fitting.Fitter(open_model, 10).fit(crop._replace(bgr=grey)).coeff
    light = fitted[COEFF_SLICES['gamma']].reshape(3, 9)
    assert np.ptp(light, axis=0).max() < 2e-3
    skin = open_model.skinmask > 0
    albedo = open_model.meantex + open_model.tex_base.dot(fitted[COEFF_SLICES['tex']]).reshape(-1, 3)
    mean, got = (colours[skin] / colours[skin].dot(LUMA)[:, np.newaxis] for colours in (open_model.meantex, albedo))
    np.testing.assert_allclose(got.mean(axis=0), mean.mean(axis=0), rtol=0.05)
    assert np.abs(got - mean).mean() < 0.05


def test_landmarks_alone(open_model, known_face):
    coeff, crop = known_face
    result = fitting.Fitter(open_model, 0).fit(crop)
    np.testing.assert_allclose(result.coeff[COEFF_SLICES['angles']], coeff[COEFF_SLICES['angles']], atol=0.1)
    assert result.errors == [] and not result.coeff[COEFF_SLICES['tex']].any()


def test_without_a_mesh_the_68_do(open_model, known_face):
    coeff, crop = known_face
    crop = crop._replace(mesh=None)
    fitter = fitting.Fitter(open_model, 0)
    result = fitter.fit(crop)
    np.testing.assert_allclose(result.coeff[COEFF_SLICES['angles']], coeff[COEFF_SLICES['angles']], atol=0.1)
    # Those in the black beside the photo do not pull.
    inside, moved = np.ones(68, bool), crop.lm_68p.copy()
    inside[20:24], moved[20:24] = False, moved[20:24] + 60
    np.testing.assert_allclose(fitter.fit(crop._replace(lm_inside=inside, lm_68p=moved)).coeff,
                               fitter.fit(crop._replace(lm_inside=inside)).coeff, atol=1e-4)


def test_five_points_of_a_file_keep_a_profile_from_turning_away(open_model, known_face):
    """68 landmarks of a face that looks ahead, five points of one that is turned by 50 degrees: the five win."""
    coeff, crop = known_face
    turned = coeff.copy()
    turned[COEFF_SLICES['angles']] = [0, 0.87, 0]
    fitter = fitting.Fitter(open_model, 0)
    shape = fitter._key.mean + fitter._key.base.dot(turned[:144])
    seen = project(shape.dot(rotation_matrix(turned[224:227])) + turned[254:257])
    crop = crop._replace(mesh=None, detector='', lm_5p=to_y_up(five_from_68(seen)))
    yaw = fitter.fit(crop).coeff[225]
    assert yaw > np.radians(40)


def test_what_contradicts_is_doubtful(open_model, known_face):
    _, crop = known_face
    fitter = fitting.Fitter(open_model, 2)
    elsewhere = crop.lm_68p + [12, 0]
    assert fitter.fit(crop._replace(rival_landmarks=crop.lm_68p)).doubts == ()
    apart = crops.landmarks_apart(crop._replace(rival_landmarks=elsewhere))
    assert apart == pytest.approx(12)
    turned = crop.mesh * [1, 1, 0]  # as if looked at from the front
    turned[:, 2] = -1.2 * (turned[:, 0] - turned[:, 0].mean())
    assert 'turned' in fitting.Fitter(open_model, 0)._checked(
        crop._replace(mesh=turned), None, fitting.FitResult(known_face[0], known_face[0], [])).doubts[0]


@pytest.mark.slow
@pytest.mark.parametrize('detector', ['mediapipe', 'auto', 'dlib'])
def test_the_portrait(open_model, tmp_path, detector):
    from PIL import Image
    path = str(tmp_path / 'astronaut.png')
    Image.fromarray(data.astronaut()).save(path)
    crop, = crops.crops_of_photo(path, 'astronaut', FaceFinder(detector), landmarks=True)
    answer = fitting.Fitter(open_model, DEFAULT_ITERATIONS).fit(crop)
    result, = Decoder(open_model)([crop], answer.coeff[None])
    assert answer.doubts == () and (crop.mesh is None) == (detector == 'dlib')
    assert result.landmark_error <= 5.0
    assert result.photometric_error <= 12.0
    assert np.abs(answer.coeff[COEFF_SLICES['id']]).max() < 5  # still a face of the model's


def test_another_model_has_its_points_by_registration(open_model):
    """The open model under another name, smaller and turned: the points lie where its own file says."""
    angles, scale = np.array([0.05, -0.1, 0.03]), 0.9
    moved = scale * open_model.meanshape.dot(rotation_matrix(angles).astype(np.float32)) + np.float32([0.1, 0.2, 0])
    other = open_model._replace(path='other.mat', meanshape=moved)
    vertices, weights = dense_points.dense_places(other)
    own, own_weights = dense_points.dense_places(open_model)
    places = [np.einsum('kn,knc->kc', w, other.meanshape[v]) for v, w in ((vertices, weights), (own, own_weights))]
    assert np.percentile(np.linalg.norm(places[0] - places[1], axis=1), 90) < 0.01  # dm
