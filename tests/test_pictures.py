"""What people look at: panels, directions, files."""
import numpy as np
from PIL import Image

from Deep3DFaceReconstruction import pictures
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
