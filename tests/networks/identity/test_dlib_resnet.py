"""dlib's face-recognition network in TensorFlow against dlib's own."""
import os

import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.networks.identity import dlib_format, dlib_resnet
from Deep3DFaceReconstruction.photo.alignment import align_img
from Deep3DFaceReconstruction.photo.landmarks import standard_five_points
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.tf1 import tf

dlib = pytest.importorskip('dlib')
Image = pytest.importorskip('PIL.Image')
data = pytest.importorskip('skimage.data')


@pytest.fixture(scope='module')
def recognizer():
    return dlib.face_recognition_model_v1(assets.dlib_model(dlib_resnet.WEIGHTS))


@pytest.fixture(scope='module')
def network():
    return dlib_resnet.DlibIdNet()


@pytest.fixture(scope='module')
def predict():
    """Function of an RGB image -> dlib's 68 landmarks of its one face."""
    predictor = dlib.shape_predictor(assets.dlib_model('shape_predictor_68_face_landmarks.dat'))
    detector = dlib.get_frontal_face_detector()
    return lambda rgb: predictor(rgb, detector(rgb, 1)[0])


def as_array(shape):
    return np.array([[p.x, p.y] for p in shape.parts()], np.float64)


@pytest.fixture(scope='module')
def astronaut():
    return data.astronaut()


@pytest.fixture(scope='module')
def aligned(astronaut, predict):
    """The aligned crop, BGR, and its 68 landmarks, y-up."""
    lm = as_array(predict(astronaut))
    five = np.stack([lm[[36, 39]].mean(0), lm[[42, 45]].mean(0), lm[30], lm[48], lm[54]])
    crop, _, _ = align_img(Image.fromarray(astronaut), five, standard_five_points())
    landmarks = as_array(predict(np.ascontiguousarray(crop[0, :, :, ::-1])))
    landmarks[:, 1] = 223 - landmarks[:, 1]
    return crop.astype(np.float32), landmarks[None].astype(np.float32)


def features(network, chips):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(network(tf.constant(chips, tf.float32)))


def test_features_equal_dlibs(network, recognizer, astronaut, predict):
    shape = predict(astronaut)
    noise = np.random.RandomState(0).randint(0, 256, [150, 150, 3]).astype(np.uint8)
    chips = np.stack([dlib.get_face_chip(astronaut, shape, 150, 0.25), noise, np.zeros_like(noise)])
    expected = [np.array(recognizer.compute_face_descriptor(chip, 0)) for chip in chips]
    np.testing.assert_allclose(features(network, chips), expected, atol=1e-5)


def test_gradient_reaches_the_chip(network):
    rng = np.random.RandomState(1)
    chips = rng.uniform(0, 255, [1, 150, 150, 3]).astype(np.float32)
    direction = rng.randn(1, 150, 150, 3).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 150, 150, 3])
        total = tf.reduce_sum(network(x) * np.linspace(-1, 1, 128, dtype=np.float32))
        gradient = session.run(tf.gradients(total, x)[0], {x: chips})
        slope = (session.run(total, {x: chips + 0.5 * direction})
                 - session.run(total, {x: chips - 0.5 * direction}))
    np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=0.02, atol=1e-3)


def test_chips_from_landmarks_are_dlibs(network, recognizer, aligned):
    """On the same picture and landmarks dlib's own chip differs by its interpolation alone."""
    crop, landmarks = aligned
    rgb = np.ascontiguousarray(crop[0, :, :, ::-1]).astype(np.uint8)
    parts = [dlib.point(int(x), int(223 - y)) for x, y in landmarks[0]]
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, 223, 223), dlib.points(parts))
    theirs = dlib.get_face_chip(rgb, shape, 150, 0.25)
    with tf.Graph().as_default(), tf.Session() as session:
        ours = session.run(dlib_resnet.face_chips(tf.constant(crop), tf.constant(landmarks)))
    inner = np.s_[5:-5, 5:-5]
    assert np.abs(ours[0][inner] - theirs[inner]).mean() < 1.5
    distance = np.linalg.norm(features(network, ours)[0] - np.array(recognizer.compute_face_descriptor(theirs, 0)))
    assert distance < 0.05


@pytest.mark.parametrize('with_landmarks', [True, False])
def test_chips_of_the_aligned_crop_are_the_same_person(network, recognizer, astronaut, predict, aligned,
                                                       with_landmarks):
    crop, landmarks = aligned
    expected = np.array(recognizer.compute_face_descriptor(dlib.get_face_chip(astronaut, predict(astronaut), 150, .25),
                                                           0))
    with tf.Graph().as_default(), tf.Session() as session:
        got = session.run(network(dlib_resnet.face_chips(tf.constant(crop),
                                                         tf.constant(landmarks) if with_landmarks else None)))
    distance = np.linalg.norm(got[0] - expected)
    assert distance < (0.2 if with_landmarks else 0.35) < dlib_resnet.SAME_PERSON


def test_transform_of_known_landmarks_is_found():
    """Landmarks that are the mean face, turned, scaled and shifted, give just that transform."""
    a, b, tx, ty = 1.1, 0.3, 20.0, -7.0
    landmarks = np.full([1, 68, 2], np.nan, np.float32)
    ids = sorted(dlib_resnet._MEAN_FACE)
    u, v = dlib_resnet._chip_points(ids).T
    landmarks[0, ids] = np.stack([a * u - b * v + tx, 223 - (b * u + a * v + ty)], 1)
    with tf.Graph().as_default(), tf.Session() as session:
        got = session.run(dlib_resnet.chip_transforms(tf.constant(landmarks)))
    np.testing.assert_allclose(got, [[a, b, tx, ty]], rtol=1e-4, atol=1e-3)


def test_sampling_is_bilinear_and_zero_outside():
    images = np.random.RandomState(0).uniform(0, 255, [2, 4, 5, 3]).astype(np.float32)
    x = np.array([[0, 4, 1.25, 3.5, -0.1, 4.1, 2]] * 2, np.float32)
    y = np.array([[0, 3, 2.5, 0.75, 1.0, 1.0, 3.01]] * 2, np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        got = session.run(dlib_resnet._bilinear(tf.constant(images), tf.constant(x), tf.constant(y)))
    i = images
    expected = np.stack([
        i[:, 0, 0], i[:, 3, 4],
        0.5 * (0.75 * i[:, 2, 1] + 0.25 * i[:, 2, 2]) + 0.5 * (0.75 * i[:, 3, 1] + 0.25 * i[:, 3, 2]),
        0.25 * (i[:, 0, 3] + i[:, 0, 4]) / 2 + 0.75 * (i[:, 1, 3] + i[:, 1, 4]) / 2,
        0 * i[:, 0, 0], 0 * i[:, 0, 0], 0 * i[:, 0, 0]], 1)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-3)


def test_faulty_files_are_named(tmp_path):
    path = str(tmp_path / 'x.dat')
    with pytest.raises(AssetError, match=r'x\.dat: expected a dlib network, got one that cannot be read'):
        dlib_format.read_network(path)
    with open(assets.dlib_model(dlib_resnet.WEIGHTS), 'rb') as f:
        whole = f.read()
    for contents, reason in ((b'\x01', 'it ends within a value'), (b'\x01\x01\x01\x05hello', "got 'hello'"),
                             (whole[:10000], 'it ends within a value'), (os.urandom(100), 'expected a dlib network')):
        with open(path, 'wb') as f:
            f.write(contents)
        with pytest.raises(AssetError, match=r'x\.dat: expected a dlib network, got one that .*' + reason if
                           reason != 'expected a dlib network' else r'x\.dat: ' + reason):
            dlib_format.read_network(path)
    for contents, got in ((b'', 'an empty file'), (b'BZh9', r'a bzip2 archive \(\.bz2\): unpack it'),
                           (b'<html>', r'a saved web page \(HTML\)')):
        with open(path, 'wb') as f:
            f.write(contents)
        with pytest.raises(AssetError, match=r'x\.dat: expected a dlib network, got ' + got):
            dlib_format.read_network(path)
