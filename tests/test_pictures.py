"""Images for people: panels, directions, files."""
from types import SimpleNamespace

import numpy as np
from PIL import Image

from Deep3DFaceReconstruction import pictures
from Deep3DFaceReconstruction.conventions import COEFF_DIM, IMAGE_SIZE
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.tf1 import tf


def run(tensor):
    with tf.Session(graph=tensor.graph) as session:
        return session.run(tensor)


def test_a_positive_angle_turns_the_nose_to_the_right():
    with tf.Graph().as_default():
        points = tf.constant([[[0, 0, 1], [0, 1, 0], [1, 0, 0]]], tf.float32)
        out = run(pictures.turned(points, 90.0))[0]
    np.testing.assert_allclose(out, [[1, 0, 0], [0, 1, 0], [0, 0, -1]], atol=1e-6)


def test_over_is_the_render_where_the_mask_is_and_the_background_elsewhere():
    rng = np.random.RandomState(0)
    rgba, mask = rng.rand(1, 4, 4, 4).astype('f4'), (rng.rand(1, 4, 4, 1) > 0.5).astype('f4')
    with tf.Graph().as_default():
        out = run(pictures.over(tf.constant(rgba), tf.constant(mask), 7.0))
    np.testing.assert_allclose(out, np.where(mask > 0, rgba[..., :3], 7.0), rtol=1e-6)


def test_clay_is_grey_and_brightest_towards_the_lamp():
    lamp = pictures.LAMP / np.linalg.norm(pictures.LAMP)
    with tf.Graph().as_default():
        towards, away = run(pictures.clay_shading(tf.constant(np.stack([lamp, -lamp])[None], tf.float32)))[0]
    np.testing.assert_allclose(towards, 3 * [pictures.CLAY], rtol=1e-5)
    np.testing.assert_allclose(away, 3 * [pictures.CLAY * pictures.CLAY_AMBIENT], rtol=1e-5)


def test_png_keeps_every_pixel(tmp_path):
    pixels = np.random.RandomState(0).randint(0, 256, (5, 7, 3)).astype(np.uint8)
    pictures.save_png(str(tmp_path / 'a.png'), pixels)
    np.testing.assert_array_equal(np.asarray(Image.open(str(tmp_path / 'a.png'))), pixels)
    assert [p.name for p in tmp_path.iterdir()] == ['a.png']


def test_comparison_is_the_input_beside_the_face_over_it():
    rng = np.random.RandomState(0)
    images, rendered = rng.uniform(0, 255, [2, 1, 4, 5, 3]).astype('f4')
    rendered[0, 0, 0] = [-9, 300, 128]  # colours of training are not clipped
    mask = np.zeros([1, 4, 5, 1], 'f4')
    mask[0, :2] = 1
    with tf.Graph().as_default():
        face = SimpleNamespace(render_imgs=tf.constant(rendered), img_mask=tf.constant(mask))
        shown = run(pictures.comparison(tf.constant(images), face))
    assert shown.shape == (1, 4, 10, 3) and shown.dtype == np.uint8
    np.testing.assert_array_equal(shown[:, :, :5], images[..., ::-1].astype(np.uint8))
    np.testing.assert_array_equal(shown[:, :2, 5:], np.clip(rendered[:, :2, :, ::-1], 0, 255).astype(np.uint8))
    np.testing.assert_array_equal(shown[:, 2:, 5:], shown[:, 2:, :5])


def test_the_strip_has_five_panels_and_turns_the_face_both_ways(test_model):
    with tf.Graph().as_default(), tf.Session() as session:
        face3d = Face3D(test_model)
        geometry = face3d.Geometry_block(tf.zeros([1, COEFF_DIM]))
        crops = tf.fill([1, IMAGE_SIZE, IMAGE_SIZE, 3], 10.0) + [0.0, 20.0, 40.0]
        left = pictures.panel(face3d, pictures.turned(geometry.face_shape, -45.0), geometry.face_color)
        (strip, recon, region), left = session.run((pictures.picture_strip(face3d, geometry, crops), left[0]))
    assert strip.shape == (1, IMAGE_SIZE, pictures.PANELS * IMAGE_SIZE, 3) and strip.dtype == np.uint8
    crop, over, clay, first, second = np.split(strip[0], pictures.PANELS, axis=1)
    assert (crop == [50, 30, 10]).all()  # RGB of a BGR crop
    covered = recon[0, ..., 3] == 1
    assert 0.1 < covered.mean() < 0.9 and (region[0, ..., 0] <= covered).all()
    np.testing.assert_array_equal(over[~covered], crop[~covered])
    np.testing.assert_allclose(over[covered], recon[0, covered, :3], atol=0.51)
    assert (clay[~covered] == 255).all() and (np.ptp(clay.astype(int), axis=2) == 0).all()
    np.testing.assert_allclose(first, np.clip(left, 0, 255), atol=0.51)
    assert 0.1 < (second != 255).any(axis=2).mean() < 0.9 and (first != second).mean() > 0.1
