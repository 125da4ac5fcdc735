"""Phong-shaded pictures against the published figures and against what light must do."""
import os

import numpy as np
import pytest
from PIL import Image

from mesh_renderer import mesh_renderer as mr
from mesh_renderer.tf1 import tf
from tests import ROOT

FAILURES = os.path.join(ROOT, 'tests', 'failures')


def run(build):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(build())


def assert_same_pictures(name, pictures, expected, atol):
    """RGBA [B,H,W,4] in [0, 1]; a failure leaves NAME.png: what came | what was expected | 10 times the difference."""
    if not np.allclose(pictures, expected, rtol=0, atol=atol):
        os.makedirs(FAILURES, exist_ok=True)
        rows = [np.concatenate(list(x[..., :3]), axis=0) for x in (pictures, expected, 10 * abs(pictures - expected))]
        sheet = np.uint8(255 * np.clip(np.concatenate(rows, axis=1), 0, 1))
        Image.fromarray(sheet).save(os.path.join(FAILURES, name + '.png'))
    np.testing.assert_allclose(pictures, expected, rtol=0, atol=atol)


@pytest.fixture(scope='module')
def figures(golden):
    return golden('mesh_renderer')


def render(figures, vertices=None, normals=None, colors=None, **options):
    arguments = dict(
        camera_position=figures['camera_position'], camera_lookat=figures['camera_lookat'],
        camera_up=figures['camera_up'], light_positions=figures['light_positions'],
        light_intensities=figures['light_intensities'], image_width=int(figures['image_width']),
        image_height=int(figures['image_height']), ambient_color=figures['ambient_color'], fov_y=figures['fov_y'],
        near_clip=float(figures['near_clip']), far_clip=float(figures['far_clip']))
    arguments.update(options)
    return mr.mesh_renderer(figures['vertices'] if vertices is None else vertices, figures['triangles'],
                            figures['normals'] if normals is None else normals,
                            figures['diffuse_colors'] if colors is None else colors, **arguments)


def test_diffuse_figures_and_their_gradients(figures):
    def build():
        inputs = [tf.constant(figures[k]) for k in ('vertices', 'normals', 'diffuse_colors')]
        rgba = render(figures, *inputs)
        return rgba, tf.gradients(tf.reduce_sum(rgba * figures['image_grad_in']), inputs)

    rgba, grads = run(build)
    assert_same_pictures('diffuse', rgba, figures['diffuse_rgba'], 1e-5)
    for name, grad in zip(('grad_vertices', 'grad_normals', 'grad_diffuse_colors'), grads):
        np.testing.assert_allclose(grad, figures[name], rtol=1e-3, atol=1e-4)


def test_specular_figures(figures):
    shininess = float(figures['shininess'])
    per_vertex = np.full(figures['vertices'].shape[:2], shininess, np.float32)
    pictures = run(lambda: [
        render(figures, specular_colors=figures['specular_colors'], shininess_coefficients=value)
        for value in (shininess, np.float32([shininess] * 2), per_vertex)])
    for rgba in pictures:
        assert_same_pictures('specular', rgba, figures['specular_rgba'], 1e-5)


def test_one_camera_serves_the_batch(figures):
    """Camera, angle and clipping given once or once per image."""
    position, lookat, up = [figures[k][:1] for k in ('camera_position', 'camera_lookat', 'camera_up')]
    once, each = run(lambda: (
        render(figures, camera_position=position[0], camera_lookat=lookat[0], camera_up=up[0], fov_y=35.0),
        render(figures, camera_position=position.repeat(2, 0), camera_lookat=lookat.repeat(2, 0),
               camera_up=up.repeat(2, 0), fov_y=[35.0, 35.0], near_clip=2 * [float(figures['near_clip'])])))
    np.testing.assert_array_equal(once, each)


def square(distance=3.0):
    """A white square in the plane z = 0, normal +z, and a camera before it: the keyword arguments."""
    vertices = np.float32([[[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]])
    return dict(vertices=vertices, triangles=[[0, 1, 2], [0, 2, 3]],
                normals=np.tile(np.float32([0, 0, 1]), [1, 4, 1]), diffuse_colors=np.ones_like(vertices),
                camera_position=[0., 0., distance], camera_lookat=[0., 0., 0.], camera_up=[0., 1., 0.],
                image_width=24, image_height=24)


def test_light_from_ahead_shades_by_the_cosine():
    """One far light at 60 degrees: every pixel of a white square shows cos 60 = 1/2 of it."""
    direction = 1e4 * np.array([np.sin(np.pi / 3), 0, np.cos(np.pi / 3)])
    rgba = run(lambda: mr.mesh_renderer(light_positions=[[direction.tolist()]], light_intensities=[[[1., .5, .25]]],
                                        **square()))
    covered = rgba[..., 3] == 1
    assert 0.2 < covered.mean() < 1
    np.testing.assert_allclose(rgba[covered][:, :3], np.tile([.5, .25, .125], [covered.sum(), 1]), atol=1e-3)
    assert not rgba[~covered].any()


def test_light_from_behind_leaves_the_ambient():
    rgba = run(lambda: mr.mesh_renderer(light_positions=[[[0., 0., -5.]]], light_intensities=[[[1., 1., 1.]]],
                                        ambient_color=[[.1, .2, .3]], specular_colors=np.ones([1, 4, 3], np.float32),
                                        shininess_coefficients=3.0, **square()))
    covered = rgba[..., 3] == 1
    np.testing.assert_allclose(rgba[covered][:, :3], np.tile([.1, .2, .3], [covered.sum(), 1]), atol=1e-6)


def test_row_zero_is_the_top():
    arguments = square()
    arguments['diffuse_colors'] = np.float32([[[0, 0, 0], [0, 0, 0], [1, 1, 1], [1, 1, 1]]])
    rgba = run(lambda: mr.mesh_renderer(light_positions=[[[0., 0., 5.]]], light_intensities=[[[1., 1., 1.]]],
                                        **arguments))
    rows = np.nonzero(rgba[0, :, 12, 3])[0]
    assert rgba[0, rows[0], 12, 0] > 0.7 and rgba[0, rows[-1], 12, 0] < 0.1


def test_phong_shader_without_colours_is_white():
    normals = np.tile(np.float32([0, 0, 1]), [1, 2, 2, 1])
    rgba = run(lambda: mr.phong_shader(normals, np.ones([1, 2, 2], np.float32), np.zeros_like(normals),
                                       np.float32([[[0, 0, 9]]]), np.float32([[[.2, .4, .6]]])))
    np.testing.assert_allclose(rgba, np.tile([.2, .4, .6, 1], [1, 2, 2, 1]), atol=1e-6)


def test_tone_mapper():
    image = np.random.RandomState(0).uniform(0, 7, [3, 4, 5, 3]).astype(np.float32)
    mapped = run(lambda: mr.tone_mapper(tf.constant(image), 0.7))
    corrected = image ** 0.7
    expected = 255 * corrected / corrected.max(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(mapped, expected, rtol=1e-5)
    assert mapped.max() <= 255


@pytest.mark.parametrize('change, error, message', [
    (dict(normals=np.zeros([4, 3], np.float32)), ValueError, r'normals: expected rank 3 .*\[4, 3\]'),
    (dict(diffuse_colors=np.zeros([1, 4, 4], np.float32)), ValueError, 'diffuse_colors: expected rank 3 with a last'),
    (dict(camera_position=[[0., 0.]]), ValueError, 'camera_position: expected rank 2 with a last axis of 3'),
    (dict(specular_colors=np.ones([1, 4, 3], np.float32)), ValueError, 'shininess_coefficients: expected a value'),
    (dict(shininess_coefficients=2.0), ValueError, 'shininess_coefficients: expected None without specular_colors'),
    (dict(image_width=-1), ValueError, 'image_width: expected a Python integer >= 1, got -1'),
    (dict(image_width=100000, image_height=100000), ValueError,
     'image_width: expected at most 32767 pixels, got 100000'),
    (dict(diffuse_colors=np.ones([3, 4, 3], np.float32)), ValueError,
     r'diffuse_colors: expected one row per vertex, \[1, 4, ...\] as in vertices, got shape \[3, 4, 3\]'),
    (dict(normals=np.ones([1, 5, 3], np.float32)), ValueError, r'normals: expected one row per vertex, .*\[1, 5, 3\]'),
    (dict(specular_colors=np.ones([1, 4, 3]), shininess_coefficients=np.ones([2, 4])), ValueError,
     r'shininess_coefficients: expected one row per vertex, .*got shape \[2, 4\]'),
    (dict(camera_position=[[0., 0., 3.]] * 2), ValueError,
     r'camera_position: expected one entry for each of 1 images, got shape \[2, 3\]'),
    (dict(light_positions=np.ones([2, 1, 3])), ValueError, 'light_positions: expected one entry for each of 1 images'),
    (dict(light_positions=np.ones([1, 3, 3]), light_intensities=np.ones([1, 2, 3])), ValueError,
     r'light_intensities: expected one colour for each of 3 lights, got shape \[1, 2, 3\]'),
    (dict(normals=None), TypeError, '^normals: expected an array of numbers, got None$'),
    (dict(image_width=np.ones([5, 5])), ValueError, '^image_width: expected a Python integer >= 1, got .{1,40}$'),
])
def test_wrong_input_is_named(change, error, message):
    arguments = dict(square(), light_positions=[[[0., 0., 5.]]], light_intensities=[[[1., 1., 1.]]])
    arguments.update(change)
    with tf.Graph().as_default(), pytest.raises(error, match=message):
        mr.mesh_renderer(**arguments)


@pytest.mark.parametrize('name, kind, message', [
    ('vertices', tf.float32, 'vertices: expected rank 3 with a last axis of 3, got a tensor of unknown rank'),
    ('diffuse_colors', tf.float32, 'diffuse_colors: expected rank 3 .*, got a tensor of unknown rank'),
    ('camera_position', tf.float32, 'camera_position: expected rank 2 .*, got a tensor of unknown rank'),
    ('fov_y', tf.float32, 'fov_y: expected rank 1, got a tensor of unknown rank'),
    ('image_width', tf.int32, 'image_width: expected a Python integer >= 1, got a tensor$')])
def test_a_placeholder_without_a_shape_is_named(name, kind, message):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
        mr.mesh_renderer(**dict(square(), light_positions=[[[0., 0., 5.]]], light_intensities=[[[1., 1., 1.]]],
                                **{name: tf.placeholder(kind)}))


def test_sizes_that_are_known_only_when_run_are_rendered_and_checked():
    arguments = dict(square(), light_positions=[[[0., 0., 5.]]], light_intensities=[[[1., 1., 1.]]])
    with tf.Graph().as_default(), tf.Session() as session:
        fixed = session.run(mr.mesh_renderer(**arguments))
        late = {name: tf.placeholder(tf.float32, [None, None, None]) for name in (
            'vertices', 'normals', 'diffuse_colors', 'light_positions')}
        feed = {placeholder: arguments[name] for name, placeholder in late.items()}
        image = mr.mesh_renderer(**dict(arguments, **late))
        np.testing.assert_array_equal(session.run(image, feed), fixed)
        feed[late['normals']] = np.ones([1, 4, 4])
        with pytest.raises(tf.errors.InvalidArgumentError, match=r'\[1,4,4\] is not compatible with .*\[\?,\?,3\]'):
            session.run(image, feed)
