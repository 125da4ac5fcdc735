"""The photometric step of fitting: its derivative, its priors, grey photos."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_DIM, LUMA
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.fitting import shading_fit
from Deep3DFaceReconstruction.fitting.crop_colors import CropColors, SeenSamples, is_grey, with_hues
from Deep3DFaceReconstruction.fitting.landmark_fit import Posterior
from Deep3DFaceReconstruction.fitting.shading_fit import LIGHT, SHAPE, TEXTURE, ShadingFit
from Deep3DFaceReconstruction.fitting.surface_samples import SurfaceSamples
from Deep3DFaceReconstruction.losses import Reflectance_loss
from Deep3DFaceReconstruction.numpy_decoder import sh_basis
from Deep3DFaceReconstruction.photo.crops import FaceCrop
from Deep3DFaceReconstruction.tf1 import tf


@pytest.fixture(scope='module')
def samples():
    return SurfaceSamples(load_face_model())


@pytest.fixture
def values():
    random = np.random.RandomState(0)
    values = np.zeros(COEFF_DIM)
    values[:6] = [0.1, 0.3, -0.1, 0.02, 0.03, 0.1]
    values[6:SHAPE.stop] = 0.3 * random.randn(144)
    values[TEXTURE], values[LIGHT] = 0.5 * random.randn(80), 0.05 * random.randn(27)
    return values


def _crop():
    bgr = _smooth_crop()
    return FaceCrop('face', 'face.png', (224, 224), 1, bgr, np.full([224, 224], 255, np.uint8), None, None, None, None)


def _smooth_crop():
    rows, columns = np.mgrid[0:224, 0:224] / 224.0
    waves = [np.sin(3 * rows + k) * np.cos(2 * columns - k) for k in range(3)]
    return np.uint8(np.rint(127 + 80 * np.stack(waves, axis=2)))


def test_the_derivative_against_finite_differences(samples, values):
    fit, image = ShadingFit(samples), CropColors(_smooth_crop(), np.ones([224, 224], np.float32), 2.0)

    def residual(values, rows=None):
        geometry = samples.geometry(values)
        facing = samples.facing(values, geometry)
        if rows is not None:
            facing = np.where(np.isin(np.arange(len(facing)), rows), 0.5, 0)
        seen = image.sample(geometry, facing)
        return fit._residual(values, geometry, seen) + (seen.rows,)

    _, slope, rows = residual(values)
    assert len(rows) > 1000
    for column in [0, 1, 2, 3, 4, 5, 6, 20, 86, 140, 150, 229, 230, 235, 256]:
        step = np.zeros(COEFF_DIM)
        # Far enough for a pixel's colour to change.
        size = 2e-2 if 3 <= column < 6 else 0.2 if 6 <= column < 150 else 2e-3
        step[column] = size
        (above, _, same), (below, _, too) = residual(values + step, rows), residual(values - step, rows)
        np.testing.assert_array_equal(same, too)
        numeric = (above - below) / (2 * size)
        chosen = slope[np.isin(rows, same), :, column]
        # Slopes of the image are those of a grid of pixels, hence not exact.
        assert np.corrcoef(chosen.ravel(), numeric.ravel())[0, 1] > 0.97, column
        assert np.abs(chosen).mean() == pytest.approx(np.abs(numeric).mean(), rel=0.15), column


def test_the_flatness_is_the_reflectance_loss(samples, values):
    model = load_face_model()
    texture = values[TEXTURE].astype(np.float32)

    def loss(coeff):
        albedo = (model.meantex.ravel() + model.tex_base.dot(coeff)).reshape(1, -1, 3)
        with tf.Graph().as_default(), tf.Session() as session:
            return session.run(Reflectance_loss(tf.constant(albedo), model.skinmask))

    quadratic = texture.dot(samples.flatness).dot(texture) + 2 * samples.flatness_pull.dot(texture)
    assert loss(texture) - loss(0 * texture) == pytest.approx(quadratic, rel=1e-3)


def test_what_lies_behind_is_not_seen(samples, values):
    turned = values.copy()
    turned[:3] = [0, 1.3, 0]
    facing = samples.facing(turned, samples.geometry(turned))
    front = samples.facing(0 * values, samples.geometry(0 * values))
    left = samples.geometry(0 * values).moved[:, 0] < -0.3
    right = samples.geometry(0 * values).moved[:, 0] > 0.3
    assert (front > 0).mean() > 0.8
    seen = [(facing[side] > 0).mean() for side in (left, right)]
    assert min(seen) < 0.2 and max(seen) > 0.8


def test_noisy_colours_leave_more_to_the_landmarks(samples, values):
    """Four times the variance: the equations, times 4, are the colours' once and the landmarks' four times."""
    fit, random = ShadingFit(samples), np.random.RandomState(7)
    least, most = shading_fit._NOISE_RANGE
    assert fit.noise(fit._weights.noise) == 1 and fit.noise(0) == least and fit.noise(255) == most
    assert fit.noise(1.5 * fit._weights.noise) == pytest.approx(2.25)
    root = random.randn(200, 150)
    found = Posterior(values[SHAPE] + 0.1 * random.randn(150), root.T.dot(root), 1.0)
    face = fit.begin(_crop(), found)
    face.values = values
    once = face.equations(1)
    hessian, gradient = face.with_noise(once, 4.0)
    np.testing.assert_allclose(hessian[SHAPE, SHAPE] - once.hessian[SHAPE, SHAPE], 3 * found.precision, atol=1e-3)
    np.testing.assert_allclose(gradient[SHAPE] - once.gradient[SHAPE],
                               3 * found.precision.dot(values[SHAPE] - found.mean), atol=1e-3)
    for part in (TEXTURE, LIGHT):
        np.testing.assert_array_equal(hessian[part], once.hessian[part])
        np.testing.assert_array_equal(gradient[part], once.gradient[part])


def test_the_second_order_of_the_light_is_held_back(samples):
    """A change of the first two orders that the second imitates on normals towards the camera."""
    fit = ShadingFit(samples)
    white = np.tile(np.eye(9), 3)  # each row: one term, alike in all channels
    precision = np.diag(white.dot(fit._light_prior(False)).dot(white.T))
    np.testing.assert_allclose(precision[4:] / precision[:4].max(), fit._weights.second)
    z = np.linspace(0.5, 1, 50)
    basis = sh_basis(np.stack([np.sqrt(1 - z ** 2), 0 * z, z], axis=1))
    imitated = basis[:, [0, 2]].dot(np.linalg.lstsq(basis[:, [0, 2]], basis[:, 6], rcond=None)[0])
    assert np.abs(imitated - basis[:, 6]).max() < 0.06 * np.ptp(basis[:, 6])


def test_a_grey_photo_gets_white_light(samples):
    crop = _smooth_crop()
    assert not is_grey(crop)
    grey = np.repeat(crop[:, :, :1], 3, axis=2)
    assert is_grey(grey)
    prior = ShadingFit(samples)._light_prior(True)
    tinted, white = np.zeros(27), np.zeros(27)
    tinted[0], white[[0, 9, 18]] = 1, 1
    assert tinted.dot(prior).dot(tinted) > 1000 * white.dot(prior).dot(white)


def test_a_grey_photo_is_coloured_as_the_mean_face():
    albedo = np.array([[0.8, 0.5, 0.4], [0.1, 0.1, 0.3], [0, 0, 0]], np.float32)
    grey, slope = np.full([2, 3], 0.3), np.ones([2, 3, 2])
    seen = with_hues(SeenSamples(np.array([1, 0]), grey, slope, np.ones(2), np.ones(2)), albedo)
    np.testing.assert_allclose(seen.colour.dot(LUMA), 0.3, rtol=1e-6)
    np.testing.assert_allclose(seen.colour[1] / seen.colour[1, 0], albedo[0] / 0.8, rtol=1e-6)
    np.testing.assert_allclose(seen.slope, seen.colour[:, :, np.newaxis] / 0.3 * slope, rtol=1e-6)


def test_a_bright_grey_is_as_bright_in_colour_where_channels_are_cut_off():
    hues = np.array([[0.8, 0.5, 0.4], [0.9, 0.7, 0.65]])

    def seen(level):
        grey = np.full([2, 3], level)
        return with_hues(SeenSamples(np.arange(2), grey, np.ones([2, 3, 2]), np.ones(2), np.ones(2)), hues)
    for level in (0.2, 0.6, 0.75, 0.85, 0.95, 1.0):
        found = seen(level)
        np.testing.assert_allclose(np.minimum(found.colour, 1).dot(LUMA), level, rtol=1e-6)
        np.testing.assert_allclose(found.colour / found.colour[:, :1], hues / hues[:, :1], rtol=1e-6)
        # The slope, and how much less a steep one counts.
        numeric = (seen(level + 1e-6).colour - found.colour) / 1e-6
        np.testing.assert_allclose(found.slope[:, :, 0], numeric, rtol=1e-4)
        climb = found.slope[:, 0, 0] / (hues[:, 0] / hues.dot(LUMA))
        np.testing.assert_allclose(found.attention, climb ** -2, rtol=1e-6)
    assert (seen(1.0).colour >= 1 - 1e-5).all()


@pytest.mark.parametrize('steps', [1, 2, 3, 10, 37])
def test_levels_share_all_steps(steps):
    levels = shading_fit.levels_of(steps)
    assert len(levels) == steps and levels == sorted(levels) and set(levels) <= {0, 1, 2}
    shares = [levels.count(level) for level in range(3)]
    assert steps < 10 or shares == pytest.approx([0.3 * steps, 0.3 * steps, 0.4 * steps], abs=1)
