"""Synthetic pictures: labels that are exact, poses as alignment leaves them, seeds that hold."""
import os

import numpy as np
import pytest

import synthesize
from Deep3DFaceReconstruction.dataset import data_loader, random_faces, sample_files, synthesis
from Deep3DFaceReconstruction.face_decoder import Face3D, sh_basis
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.photo.alignment import POS
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, standard_five_points
from Deep3DFaceReconstruction.tf1 import tf

COUNT = 6


@pytest.fixture(scope='module')
def model():
    return load_face_model()


@pytest.fixture(scope='module')
def plain(model, tmp_path_factory):
    """A set without anything that hides or spoils the face."""
    folder = str(tmp_path_factory.mktemp('plain'))
    synthesis.synthesize(folder, COUNT, synthesis.Scenes(model, 3, random_faces.PLAIN_OPTIONS), batch_size=4)
    return folder


def read(folder, index):
    sample = sample_files.sample_named(folder, '%06d' % index)
    return sample_files.read_sample(sample) + (np.load(sample.coeff),)


def check_pictures_equal(one, other):
    """Equal but for rounding, and for the odd pixel where two triangles are equally near."""
    difference = np.abs(one.astype(np.float64) - other)
    assert difference.mean() < 0.5 and (difference > 1.0).mean() < 1e-3


def test_files_hold_what_the_decoder_makes_of_the_coefficients(plain, model):
    coeff = np.stack([read(plain, index)[3] for index in range(COUNT)])
    with tf.Graph().as_default():
        decoded = Face3D(model).Reconstruction_Block(tf.constant(coeff))
        with tf.Session() as session:
            render, mask, landmarks = session.run((decoded.render_imgs, decoded.img_mask, decoded.landmark_p))
    for index in range(COUNT):
        image, labels, attention, _ = read(plain, index)
        np.testing.assert_allclose(labels, landmarks[index], atol=1e-3)
        covered = mask[index, ..., 0] > 0.5
        assert covered.mean() > 0.1
        assert ((attention[..., 0] == 255) != covered).sum() <= 2 and set(np.unique(attention)) <= {0, 255}
        check_pictures_equal(image[covered], render[index, ..., 2::-1][covered])


def test_the_set_is_what_the_loader_reads(plain):
    samples, problems = data_loader.find_samples(plain)
    assert [sample.name for sample in samples] == ['%06d' % index for index in range(COUNT)] and not problems


def test_a_picture_depends_on_seed_and_number_alone(plain, model, tmp_path):
    folder = str(tmp_path)
    synthesis.synthesize(folder, 3, synthesis.Scenes(model, 3, random_faces.PLAIN_OPTIONS), batch_size=2)
    for index in range(3):
        one, other = read(plain, index), read(folder, index)
        np.testing.assert_allclose(one[1], other[1], atol=1e-4)
        np.testing.assert_array_equal(one[3], other[3])
        check_pictures_equal(one[0], other[0])
        assert (one[2] != other[2]).sum() <= 2
    other = random_faces.CoefficientSampler(model, 4, random_faces.PLAIN_OPTIONS)([0])[0]
    assert np.abs(other - read(plain, 0)[3]).max() > 0.5


@pytest.mark.slow
def test_what_is_there_is_kept_and_what_is_not_is_made_again(plain, model, tmp_path):
    folder = str(tmp_path)
    options = random_faces.PLAIN_OPTIONS
    synthesis.synthesize(folder, 3, synthesis.Scenes(model, 3, options))
    samples = [sample_files.sample_named(folder, '%06d' % index) for index in range(3)]
    os.remove(samples[1].landmarks)
    made = [os.stat(sample.image).st_ino for sample in samples]
    calls = []
    synthesis.synthesize(folder, 3, synthesis.Scenes(model, 3, options), progress=lambda: calls.append(1))
    assert [os.stat(sample.image).st_ino == before for sample, before in zip(samples, made)] == [True, False, True]
    assert len(calls) == 3
    np.testing.assert_allclose(read(folder, 1)[1], read(plain, 1)[1], atol=1e-4)
    synthesis.synthesize(folder, 1, synthesis.Scenes(model, 3, options._replace(max_yaw=1.0)))
    assert os.stat(samples[0].image).st_ino != made[0]
    assert abs(read(folder, 0)[3][225]) <= np.radians(1.0)


def test_faces_stand_where_alignment_would_put_them(model):
    options = random_faces.PLAIN_OPTIONS._replace(shift_px=0.0, scale=0.0)
    coeff = random_faces.CoefficientSampler(model, 0, options)(range(8))
    with tf.Graph().as_default(), tf.Session() as session:
        landmarks = session.run(Face3D(model).Geometry_block(tf.constant(coeff)).landmark_p)
    for points in landmarks:
        t, s = POS(five_from_68(points).T, standard_five_points().T)
        np.testing.assert_allclose(t[:, 0], 112.0, atol=2e-3)
        np.testing.assert_allclose(s, 102.0, atol=2e-3)


def test_coefficients_stay_within_the_options(model):
    options = random_faces.DEFAULT_OPTIONS._replace(max_yaw=40.0, max_pitch=10.0, max_roll=5.0, ex_sd=0.5)
    coeff = random_faces.CoefficientSampler(model, 1, options)(range(200))
    angles = np.degrees(np.abs(coeff[:, 224:227]).max(axis=0))
    np.testing.assert_array_less(angles, [10.001, 40.001, 5.001])
    assert angles[1] > 35
    assert np.abs(coeff[:, :80]).max() <= 2.5 and coeff[:, :80].std() == pytest.approx(1.0, abs=0.05)
    assert coeff[:, 80:144].std() == pytest.approx(0.5, abs=0.03)
    assert np.abs(coeff[:, 254:256]).max() < 0.5 and np.abs(coeff[:, 256]).max() < 1.5


def test_even_light_shows_the_albedo_and_lamps_come_from_the_front():
    normals = np.random.RandomState(1).randn(400, 3)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    with tf.Graph().as_default(), tf.Session() as session:
        basis = session.run(sh_basis(tf.constant(normals)))
    even = random_faces.draw_light(np.random.RandomState(0), 0.0)
    even[:, 0] += 0.8
    np.testing.assert_allclose(basis @ even.T, 0.95, atol=1e-9)
    front, back = [], []
    for seed in range(40):
        gamma = random_faces.draw_light(np.random.RandomState(seed), 1.0)
        gamma[:, 0] += 0.8
        brightness = (basis @ gamma.T).mean(axis=1)
        assert -0.5 < brightness.min() and 0.5 < brightness.max() < 1.7
        front.append(brightness[normals[:, 2] > 0.7].mean())
        back.append(brightness[normals[:, 2] < -0.7].mean())
    assert np.mean(front) > np.mean(back) + 0.15
    assert np.std(front) > 0.1


def test_an_occluder_is_taken_out_of_the_mask():
    face = np.full((224, 224, 3), 77.0, np.float32)
    mask = np.ones((224, 224), bool)
    options = random_faces.PLAIN_OPTIONS._replace(occluded=1.0)
    picture, attention = synthesis.compose(np.random.RandomState(2), face, mask, options)
    shown = (picture == 77).all(axis=2)
    assert 0.3 < shown.mean() < 1.0
    assert (attention[shown] == 255).mean() > 0.999 and (attention[~shown] == 0).all()


def test_images_of_a_person_share_identity_and_albedo_alone(model):
    options = random_faces.PLAIN_OPTIONS
    coeff = random_faces.CoefficientSampler(model, 5, options, views=3)(range(6)).reshape(2, 3, 257)
    shared = np.r_[0:80, 144:224]
    own = np.setdiff1d(np.arange(257), shared)
    np.testing.assert_array_equal(coeff[:, 1:, shared], np.repeat(coeff[:, :1, shared], 2, axis=1))
    assert np.abs(coeff[0, 0, shared] - coeff[1, 0, shared]).min() > 0
    assert (np.ptp(coeff[:, :, own], axis=1) > 0).all()
    alone = random_faces.CoefficientSampler(model, 5, options, views=3)([4])[0]
    np.testing.assert_array_equal(alone, coeff[1, 1])


def test_command_for_sets(tmp_path, capsys):
    """A folder for each person, each a training set; a run again keeps what is there."""
    save = tmp_path / 'sets'
    words = ['--save_path', str(save), '--sets', '2', '--views', '3', '--batch_size', '4', '--max_yaw', '10']
    assert synthesize.main(words) == 0
    assert '6 images of 2 people' in capsys.readouterr().out
    assert sorted(os.listdir(str(save))) == ['.lock', '000000', '000001', 'contact_sheet.png']
    for person in ('000000', '000001'):
        samples, problems = data_loader.find_samples(str(save / person))
        assert [sample.name for sample in samples] == ['000000', '000001', '000002'] and not problems
        coeff = np.stack([np.load(sample.coeff) for sample in samples])
        assert (np.ptp(coeff, axis=0)[np.r_[0:80, 144:224]] == 0).all()
    made = os.stat(str(save / '000001' / '000002.png')).st_ino
    assert synthesize.main(words) == 0
    assert os.stat(str(save / '000001' / '000002.png')).st_ino == made
    (save / '000000' / '000001.png').write_text('mine')
    assert synthesize.main(words) == 2 and '000001.png: expected nothing' in capsys.readouterr().err


def test_command(tmp_path, capsys):
    save = str(tmp_path / 'set')
    assert synthesize.main(['--save_path', save, '--count', '2', '--batch_size', '2', '--max_yaw', '10']) == 0
    assert '2 images' in capsys.readouterr().out
    assert sorted(os.listdir(save)) == ['.lock', '000000.png', '000001.png', 'coeff', 'contact_sheet.png', 'dense',
                                        'lm', 'lm_bin', 'mask', 'parts']
    (tmp_path / 'file').write_bytes(b'')
    assert synthesize.main(['--save_path', str(tmp_path / 'file'), '--count', '1']) == 2
    assert 'file: expected a folder that can be written' in capsys.readouterr().err


@pytest.mark.parametrize('name', ['000000.png', 'coeff/000000.npy', 'contact_sheet.png'])
def test_what_others_wrote_is_in_the_way(tmp_path, capsys, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text('mine')
    assert synthesize.main(['--save_path', str(tmp_path), '--count', '1']) == 2
    assert name + ': expected nothing' in capsys.readouterr().err and (tmp_path / name).read_text() == 'mine'
