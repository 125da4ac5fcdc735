"""The decoder against the published program's figures and against what must hold of any decoder."""
import numpy as np
import pytest

from Deep3DFaceReconstruction import losses
from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.face_decoder import Face3D, sh_basis
from Deep3DFaceReconstruction.tf1 import tf

LOSS_WEIGHTS = {'photo': 1.92, 'landmark': 1.6e-3, 'perceptual': 0.2, 'regulation': 3e-4, 'reflectance': 5.0,
                'gamma': 10.0}


@pytest.fixture(scope='module')
def figures(golden):
    return golden('face_decoder')


@pytest.fixture(scope='module')
def decoded(figures, test_model):
    """Every block, loss and loss gradient on the reference batch of 3."""
    with tf.Graph().as_default(), tf.Session() as session:
        face3d = Face3D(test_model)
        coeff = tf.constant(figures['coeff'])
        train = face3d.Reconstruction_Block(coeff, is_train=True)
        test = face3d.Reconstruction_Block(coeff, is_train=False)
        target = tf.constant(figures['target_bgr'].astype(np.float32))
        attention = tf.constant(figures['attention'].astype(np.float32) / 255)
        parts = train.coefficients
        terms = {
            'photo': losses.Photo_loss(target, train.render_imgs, train.img_mask_crop * attention),
            'landmark': losses.Landmark_loss(train.landmark_p, tf.constant(figures['landmark_label'])),
            'perceptual': losses.Perceptual_loss(tf.constant(figures['id_feature']), tf.constant(figures['id_label'])),
            'regulation': losses.Regulation_loss(parts.id_coeff, parts.ex_coeff, parts.tex_coeff),
            'reflectance': losses.Reflectance_loss(train.face_texture, test_model.skinmask),
            'gamma': losses.Gamma_loss(parts.gamma),
        }
        terms['total'] = tf.add_n([LOSS_WEIGHTS[name] * term for name, term in sorted(terms.items())])
        gradients = {name: tf.gradients(terms[name], coeff)[0] for name in terms if name != 'perceptual'}
        return session.run({'train': train._asdict(), 'test': test._asdict() if False else {
            'render_imgs': test.render_imgs}, 'loss': terms, 'gradient': gradients,
            'rotation': face3d.Compute_rotation_matrix(parts.angles)})


def test_blocks_equal_the_figures(decoded, figures):
    ids = figures['vertex_ids_from_0']
    train = decoded['train']
    np.testing.assert_allclose(decoded['rotation'], figures['rotation'], rtol=1e-4, atol=1e-6)
    for name in ('face_shape', 'face_shape_t', 'face_texture'):
        np.testing.assert_allclose(train[name][:, ids], figures[name], rtol=1e-4, atol=2e-5, err_msg=name)
    np.testing.assert_allclose(train['landmark_p'], figures['landmark_p'], rtol=1e-4, atol=1e-3)


def test_normals_and_colours_equal_the_figures(decoded, figures):
    ids = figures['vertex_ids_from_0']
    # The figures' own normals are float32 and lose up to 2e-3 beside tiny triangles, their colours up to 0.1.
    rotation = figures['rotation']
    np.testing.assert_allclose(decoded['train']['face_norm_r'][:, ids], np.matmul(figures['face_norm'], rotation),
                               atol=2e-3)
    np.testing.assert_allclose(decoded['train']['face_color'][:, ids], figures['face_color'], rtol=1e-4, atol=0.1)


def test_pictures_equal_the_figures(decoded, figures):
    train = decoded['train']
    np.testing.assert_array_equal(train['img_mask'], figures['img_mask'])
    np.testing.assert_array_equal(train['img_mask_crop'], figures['img_mask_crop'])
    np.testing.assert_allclose(train['render_imgs'], figures['render_imgs'], rtol=1e-4, atol=0.15)
    rgba = decoded['test']['render_imgs']
    np.testing.assert_array_equal(rgba[..., 3], figures['render_rgba_test'][..., 3])
    # Stored as float16: 11 bits of mantissa.
    np.testing.assert_allclose(rgba[..., :3], figures['render_rgba_test'][..., :3], rtol=1e-3, atol=0.15)


@pytest.mark.parametrize('name', ['photo', 'landmark', 'perceptual', 'regulation', 'reflectance', 'gamma', 'total'])
def test_losses_equal_the_figures(decoded, figures, name):
    np.testing.assert_allclose(decoded['loss'][name], figures[name + '_loss'], rtol=1e-4)


@pytest.mark.parametrize('name', ['photo', 'landmark', 'regulation', 'reflectance', 'gamma', 'total'])
def test_loss_gradients_equal_the_figures(decoded, figures, name):
    want = figures['grad_coeff_' + name]
    np.testing.assert_allclose(decoded['gradient'][name], want, rtol=1e-3, atol=1e-3 * np.abs(want).max())
