"""The decoder against the published program's figures and against what must hold of any decoder."""
import numpy as np
import pytest

from Deep3DFaceReconstruction import losses
from Deep3DFaceReconstruction.conventions import (
    AMBIENT_OFFSET,
    CENTER,
    COEFF_DIM,
    COEFF_SLICES,
    FOCAL,
    WHITE_LIGHT_COEFF_DIM,
)
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
        return session.run({'train': train._asdict(), 'test': {'render_imgs': test.render_imgs}, 'loss': terms,
                            'gradient': gradients, 'rotation': face3d.Compute_rotation_matrix(parts.angles)})


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
    assert_colours_close(train['render_imgs'], figures['render_imgs'])
    rgba = decoded['test']['render_imgs']
    np.testing.assert_array_equal(rgba[..., 3], figures['render_rgba_test'][..., 3])
    assert_colours_close(rgba[..., :3], figures['render_rgba_test'][..., :3].astype(np.float32))


def assert_colours_close(came, figure):
    """To 0.2 of 255, save for a few pixels of 150,528 on slivers narrower than float32 can interpolate."""
    difference = np.abs(came - figure).max(axis=-1)
    assert (difference > 0.2).sum() <= 8 and difference.max() < 2.0, np.sort(difference.ravel())[-10:]


@pytest.mark.parametrize('name', ['photo', 'landmark', 'perceptual', 'regulation', 'reflectance', 'gamma', 'total'])
def test_losses_equal_the_figures(decoded, figures, name):
    np.testing.assert_allclose(decoded['loss'][name], figures[name + '_loss'], rtol=1e-4)


@pytest.mark.parametrize('name', ['photo', 'landmark', 'regulation', 'reflectance', 'gamma', 'total'])
def test_loss_gradients_equal_the_figures(decoded, figures, name):
    want = figures['grad_coeff_' + name]
    np.testing.assert_allclose(decoded['gradient'][name], want, rtol=1e-3, atol=1e-3 * np.abs(want).max())


def run(build, **feeds):
    """Values of the tensors that build(placeholders) returns."""
    with tf.Graph().as_default(), tf.Session() as session:
        placeholders = {name: tf.placeholder(tf.float32, [None] + list(np.shape(value)[1:]))
                        for name, value in feeds.items()}
        return session.run(build(**placeholders), {placeholders[name]: value for name, value in feeds.items()})


def random_coeff(batch, seed=0):
    coeff = np.random.RandomState(seed).randn(batch, COEFF_DIM).astype(np.float32)
    for name, scale in (('angles', 0.3), ('gamma', 0.1), ('translation', 0.1)):
        coeff[:, COEFF_SLICES[name]] *= scale
    return coeff


@pytest.fixture(scope='module')
def batch_of_8(test_model):
    coeff = random_coeff(8)
    face3d = Face3D(test_model)
    return coeff, run(lambda coeff: face3d.Reconstruction_Block(coeff, is_train=True)._asdict(), coeff=coeff)


def test_rotations_are_rotations_and_normals_unit(batch_of_8, test_model):
    coeff, out = batch_of_8
    face3d = Face3D(test_model)
    rotation = run(lambda angles: face3d.Compute_rotation_matrix(angles), angles=coeff[:, COEFF_SLICES['angles']])
    np.testing.assert_allclose(np.matmul(rotation, rotation.transpose(0, 2, 1)), np.tile(np.eye(3), [8, 1, 1]),
                               atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(rotation), 1, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(out['face_norm_r'], axis=2), 1, atol=1e-5)


def test_rotation_composes_as_documented(test_model):
    angles = np.array([[0.3, 0, 0], [0, -0.5, 0], [0, 0, 0.8], [0.3, -0.5, 0.8]], np.float32)
    about_x, about_y, about_z, all_three = run(
        lambda angles: Face3D(test_model).Compute_rotation_matrix(angles), angles=angles)
    np.testing.assert_allclose(all_three, about_x.dot(about_y).dot(about_z), atol=1e-6)  # transposed: reversed order
    np.testing.assert_allclose(about_z[0, :2], [np.cos(0.8), np.sin(0.8)], atol=1e-6)  # x turns towards y


def test_one_row_is_the_same_alone_and_in_a_batch(batch_of_8, test_model):
    coeff, batch = batch_of_8
    face3d = Face3D(test_model)
    for row in (0, 5):
        alone = run(lambda coeff: face3d.Reconstruction_Block(coeff, is_train=True)._asdict(),
                    coeff=coeff[row:row + 1])
        # A matrix product rounds differently for another batch; normals beside tiny triangles magnify that.
        for name, atol in (('face_shape_t', 1e-5), ('landmark_p', 1e-3), ('face_color', 0.3)):
            np.testing.assert_allclose(alone[name][0], batch[name][row], rtol=1e-4, atol=atol, err_msg=name)
        for name in ('img_mask', 'img_mask_crop'):
            assert (alone[name][0] != batch[name][row]).mean() < 1e-4, name
        assert_colours_close(alone['render_imgs'][0], batch['render_imgs'][row])


@pytest.mark.parametrize('is_train', [True, False])
def test_empty_batch(test_model, is_train):
    out = run(lambda coeff: Face3D(test_model).Reconstruction_Block(coeff, is_train)[1:],
              coeff=np.zeros([0, COEFF_DIM], np.float32))
    assert all(len(value) == 0 for value in out)
    assert out[-3].shape == (0, 224, 224, 3 if is_train else 4) and out[-1].shape == (0, 224, 224, 1)


def test_white_light_serves_every_channel(test_model):
    coeff = random_coeff(2)
    gamma = COEFF_SLICES['gamma']
    coeff[:, gamma] = np.tile(coeff[:, gamma][:, :9], [1, 3])
    white = np.delete(coeff, np.s_[gamma.start + 9:gamma.stop], axis=1)
    assert white.shape[1] == WHITE_LIGHT_COEFF_DIM
    face3d = Face3D(test_model)
    both = [run(lambda coeff: face3d.Geometry_block(coeff).face_color, coeff=c) for c in (coeff, white)]
    np.testing.assert_array_equal(*both)


def test_wrong_width_is_named(test_model):
    with pytest.raises(ValueError, match='coeff: expected 257 values in the last axis .* got 256'):
        run(lambda coeff: Face3D(test_model).Split_coeff(coeff), coeff=np.zeros([1, 256]))


def test_projection_is_a_pinhole(test_model):
    points = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 5]]], np.float32)
    pixels = run(lambda points: Face3D(test_model).Projection_block(points), points=points)
    expected = [[CENTER, CENTER], [CENTER + FOCAL / 10, CENTER], [CENTER, CENTER + FOCAL / 5]]
    np.testing.assert_allclose(pixels[0], expected, rtol=1e-6)


def test_landmarks_are_drawn_where_they_are_projected(batch_of_8, test_model):
    """The camera of the renderer and Projection_block agree: a lone bright vertex lights the pixel it projects to."""
    coeff, out = batch_of_8
    face3d = Face3D(test_model)
    vertex = int(test_model.keypoints[30])  # the tip of the nose, which nothing hides
    color = np.zeros_like(out['face_shape_t'])
    color[:, vertex] = 255
    image = run(lambda shape, color: face3d.Render_block(shape, color)[0], shape=out['face_shape_t'], color=color)
    for row in range(len(coeff)):
        x, y = out['landmark_p'][row, 30]
        lit = np.argwhere(image[row, :, :, 0] > 0)
        if len(lit):  # a vertex between pixel centres may light none
            # Pixel k spans k to k+1 of the continuous image, whose bottom is y = 0.
            np.testing.assert_allclose(lit.mean(axis=0), [224 - y - 0.5, x - 0.5], atol=1.0)


def test_sphere_in_white_ambient_light():
    """The first term alone is constant: pi / sqrt(4 pi); the other terms average to zero over the sphere."""
    rng = np.random.RandomState(0)
    normals = rng.randn(1, 20000, 3).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    normals = np.concatenate([normals, -normals, normals[..., [1, 2, 0]], -normals[..., [1, 2, 0]],
                              normals[..., [2, 0, 1]], -normals[..., [2, 0, 1]]], axis=1)
    basis = run(lambda normals: sh_basis(normals), normals=normals)[0]
    np.testing.assert_allclose(basis[:, 0], np.pi / np.sqrt(4 * np.pi), rtol=1e-6)
    np.testing.assert_allclose(basis[:, 1:].mean(axis=0), 0, atol=0.02)
    # Orthogonal, and each as large as the clamped cosine's factor of its band (pi, 2 pi/sqrt 3, 2 pi/sqrt 8) says.
    factors = np.array([np.pi] + 3 * [2 * np.pi / np.sqrt(3)] + 5 * [2 * np.pi / np.sqrt(8)]) ** 2 / (4 * np.pi)
    scale = np.sqrt(np.outer(factors, factors))
    np.testing.assert_allclose(basis.T.dot(basis) / len(basis) / scale, np.eye(9), atol=0.03)


def test_ambient_light_scales_the_albedo(test_model):
    """With gamma = 0 every normal gets the ambient offset alone."""
    coeff = random_coeff(1)
    coeff[:, COEFF_SLICES['gamma']] = 0
    out = run(lambda coeff: Face3D(test_model).Geometry_block(coeff)._asdict(), coeff=coeff)
    np.testing.assert_allclose(out['face_color'], out['face_texture'] * AMBIENT_OFFSET * np.sqrt(np.pi) / 2,
                               rtol=1e-5)


@pytest.mark.slow
def test_gradient_of_geometry_against_finite_differences(test_model):
    """Through shape, normals, light and projection, along random directions."""
    rng = np.random.RandomState(3)
    coeff = random_coeff(1, seed=3).astype(np.float32)
    weight_color = rng.randn(*test_model.meanshape.shape).astype(np.float32) / 1e3
    weight_landmark = rng.randn(68, 2).astype(np.float32)
    face3d = Face3D(test_model)

    def value(coeff):
        geometry = face3d.Geometry_block(coeff)
        return tf.reduce_sum(geometry.face_color * weight_color) + tf.reduce_sum(geometry.landmark_p * weight_landmark)

    gradient = run(lambda coeff: tf.gradients(value(coeff), coeff)[0], coeff=coeff)[0]
    for name, step in (('tex', 1e-1), ('angles', 1e-3), ('gamma', 1e-1), ('translation', 1e-3)):
        direction = np.zeros_like(coeff)
        direction[:, COEFF_SLICES[name]] = rng.randn(coeff[:, COEFF_SLICES[name]].shape[1])
        plus, minus = [run(value, coeff=coeff + sign * step * direction) for sign in (1, -1)]
        np.testing.assert_allclose(gradient.dot(direction[0]), (plus - minus) / (2 * step), rtol=2e-2, err_msg=name)


def test_mask_is_coverage_whatever_the_light(batch_of_8, test_model):
    _, out = batch_of_8
    dark = run(lambda shape, color: Face3D(test_model).Render_block(shape, color, is_train=True),
               shape=out['face_shape_t'], color=-np.ones_like(out['face_color']))
    np.testing.assert_array_equal(dark[1], out['img_mask'])
    np.testing.assert_allclose(dark[0], -np.tile(out['img_mask'], [1, 1, 1, 3]), atol=1e-5)


def test_a_larger_picture_shows_the_same(batch_of_8, test_model):
    _, out = batch_of_8
    large = run(lambda shape, color: Face3D(test_model, image_size=448).Render_block(shape, color)[0],
                shape=out['face_shape_t'][:1], color=np.clip(out['face_color'][:1], 0, 255))
    halved = large.reshape(1, 224, 2, 224, 2, 4).mean(axis=(2, 4))
    inside = (halved[..., 3] == 1) & (out['img_mask'][:1, ..., 0] == 1)
    small = np.clip(out['render_imgs'][:1, ..., ::-1], 0, 255)
    assert np.abs(halved[..., :3] - small)[inside].mean() < 1.0
    assert abs(large[..., 3].mean() - out['img_mask'][:1].mean()) < 5e-3
