"""The mesh ops before drawing: against the same steps composed of TensorFlow's ops, and against geometry."""
import numpy as np
import pytest

from mesh_renderer import fallback, geometry, shading
from mesh_renderer.tf1 import tf


def run(build, feed=None):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(build(), feed)


def sphere(rings=9, segments=14):
    """A closed mesh, outward: vertices [V,3] of unit length, triangles, faces around each vertex (T = none)."""
    theta = np.pi * (np.arange(1, rings) / rings)
    phi = 2 * np.pi * np.arange(segments) / segments
    around = np.stack([np.outer(np.sin(theta), np.cos(phi)), np.outer(np.sin(theta), np.sin(phi)),
                       np.outer(np.cos(theta), np.ones(segments))], axis=-1).reshape(-1, 3)
    vertices = np.concatenate([around, [[0, 0, 1], [0, 0, -1]]])
    top, bottom = len(around), len(around) + 1
    ring = np.arange(len(around)).reshape(rings - 1, segments)
    a, b, c, d = ring[:-1], np.roll(ring[:-1], -1, 1), ring[1:], np.roll(ring[1:], -1, 1)
    parts = [np.stack([a, c, b], -1), np.stack([b, c, d], -1),
             np.stack([np.full(segments, top), ring[0], np.roll(ring[0], -1)], -1),
             np.stack([np.full(segments, bottom), np.roll(ring[-1], -1), ring[-1]], -1)]
    triangles = np.concatenate([p.reshape(-1, 3) for p in parts]).astype(np.int32)
    faces = [np.nonzero((triangles == v).any(axis=1))[0] for v in range(len(vertices))]
    table = np.full([len(vertices), max(map(len, faces))], len(triangles), np.int32)
    for row, around_vertex in zip(table, faces):
        row[:len(around_vertex)] = around_vertex
    return vertices.astype(np.float32), triangles, table


def bumpy_spheres(batch, seed=0):
    vertices, triangles, faces = sphere()
    rng = np.random.RandomState(seed)
    return (vertices * rng.uniform(.7, 1.3, [batch, len(vertices), 1])).astype(np.float32), triangles, faces


def cases():
    rng = np.random.RandomState(1)
    vertices, triangles, faces = bumpy_spheres(3)
    normals = vertices / np.linalg.norm(vertices, axis=2, keepdims=True)

    def floats(*shape):
        return rng.randn(*shape).astype(np.float32)

    return {
        'blend_shapes': (geometry.blend_shapes, [floats(301), floats(301, 7), floats(3, 7)], []),
        'blend_shapes, 6 meshes': (geometry.blend_shapes, [floats(99), floats(99, 37), floats(6, 37)], []),
        'blend_shapes, 2 meshes': (geometry.blend_shapes, [floats(99), floats(99, 37), floats(2, 37)], []),
        'blend_shapes, 35 meshes': (geometry.blend_shapes, [floats(70), floats(70, 3), floats(35, 3)], []),
        'transform_points': (geometry.transform_points, [floats(3, 277, 3), floats(3, 3, 3), floats(3, 3)], []),
        'transform_points to 4': (geometry.transform_points, [floats(2, 5, 3), floats(2, 3, 4), floats(2, 4)], []),
        'vertex_normals': (geometry.vertex_normals, [vertices], [triangles, faces]),
        'shade': (shading.shade, [floats(*vertices.shape), normals, floats(3, 3, 9)], []),
    }


@pytest.mark.parametrize('case', sorted(cases()))
def test_equals_the_composition_of_tensorflow_ops(case, monkeypatch):
    """Values, and the gradient to every input."""
    function, floats, others = cases()[case]

    def build():
        inputs = [tf.constant(x) for x in floats]
        result = function(*(inputs + others))
        weights = np.random.RandomState(2).randn(*result.shape.as_list()).astype(np.float32)
        return result, tf.gradients(tf.reduce_sum(result * weights), inputs)

    monkeypatch.setattr(fallback, 'preferred', lambda: False)
    value, grads = run(build)
    monkeypatch.setattr(fallback, 'preferred', lambda: True)
    expected, expected_grads = run(build)
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)
    for grad, expected_grad in zip(grads, expected_grads):
        np.testing.assert_allclose(grad, expected_grad, rtol=1e-4, atol=1e-4)


def test_normals_of_a_sphere_point_outward():
    vertices, triangles, faces = sphere(40, 60)
    normals = run(lambda: geometry.vertex_normals(vertices[None], triangles, faces))[0]
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    assert np.min(np.sum(normals * vertices, axis=1)) > 0.995


def test_normals_turn_with_the_mesh_and_forget_its_place_and_size():
    vertices, triangles, faces = bumpy_spheres(1, seed=3)
    angle = 0.7
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]], np.float32)
    plain, moved = run(lambda: [geometry.vertex_normals(v, triangles, faces)
                                for v in (vertices, 5 * vertices.dot(turn) + np.float32([1, -2, 3]))])
    np.testing.assert_allclose(moved, plain.dot(turn), atol=1e-5)


def test_a_vertex_without_faces_has_a_zero_normal_and_finite_gradients():
    vertices = np.float32([[[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5], [2, 2, 2]]])
    triangles, faces = [[0, 1, 2], [4, 4, 4]], [[0], [0], [0], [2], [1]]

    def build():
        tensor = tf.constant(vertices)
        normals = geometry.vertex_normals(tensor, triangles, faces)
        return normals, tf.gradients(tf.reduce_sum(tf.sin(normals)), tensor)[0]

    normals, grad = run(build)
    np.testing.assert_allclose(normals[0], [[0, 0, 1]] * 3 + [[0, 0, 0]] * 2, atol=1e-7)
    assert np.isfinite(grad).all() and not grad[0, 3].any()


def test_ambient_light_shows_the_albedo():
    """Only the first term, at 1 / (a0 c0): colours are the albedo whatever the normal."""
    vertices, _, _ = sphere()
    albedo = np.random.RandomState(4).uniform(0, 255, (1,) + vertices.shape).astype(np.float32)
    lights = np.zeros([1, 3, 9], np.float32)
    lights[:, :, 0] = 2 / np.sqrt(np.pi)
    colors = run(lambda: shading.shade(albedo, vertices[None], lights))
    np.testing.assert_allclose(colors, albedo, rtol=1e-6)


def test_directional_terms_are_odd():
    vertices, _, _ = sphere()
    normals = np.stack([vertices, -vertices])
    lights = np.zeros([2, 3, 9], np.float32)
    lights[:, :, 1:4] = np.random.RandomState(5).randn(3, 3)
    one, opposite = run(lambda: shading.shade(np.ones_like(normals), normals, lights))
    np.testing.assert_allclose(one, -opposite, atol=1e-6)


def test_an_empty_batch():
    vertices, triangles, faces = sphere()
    none = vertices[None][:0]
    results = run(lambda: (
        geometry.blend_shapes(vertices.ravel(), np.ones([vertices.size, 2], np.float32), np.zeros([0, 2], np.float32)),
        geometry.transform_points(none, np.zeros([0, 3, 4], np.float32), np.zeros([0, 4], np.float32)),
        geometry.vertex_normals(none, triangles, faces), shading.shade(none, none, np.zeros([0, 3, 9], np.float32))))
    assert [r.shape for r in results] == [(0, vertices.size), (0, len(vertices), 4)] + 2 * [(0, len(vertices), 3)]


def test_wrong_input_is_named(monkeypatch):
    monkeypatch.setattr(fallback, 'preferred', lambda: False)
    vertices, triangles, faces = sphere()
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match=r'vertices: expected rank 3 .*got shape \[\d+, 3\]'):
            geometry.vertex_normals(vertices, triangles, faces)
        with pytest.raises(ValueError, match='normals: expected rank 3 with a last axis of 3'):
            shading.shade(tf.zeros([1, 2, 3]), tf.zeros([1, 2, 4]), tf.zeros([1, 3, 9]))
        with pytest.raises(TypeError, match='basis: expected float32, got float64'):
            geometry.blend_shapes(tf.zeros([6]), tf.zeros([6, 2], tf.float64), tf.zeros([1, 2]))
    wrong_faces = faces.copy()
    count = len(triangles)
    wrong_faces[2, 1] = count + 1
    for build, message in (
            (lambda: geometry.vertex_normals(vertices[None], triangles, wrong_faces),
             r'vertex_faces\[2, 1\]: expected a triangle index in \[0, %d\], got %d' % (count, count + 1)),
            (lambda: geometry.vertex_normals(vertices[None], triangles, faces[1:]), r'vertex_faces: expected shape'),
            (lambda: geometry.blend_shapes(tf.zeros([5]), tf.zeros([6, 2]), tf.zeros([1, 2])),
             r'mean: expected shape \[6\], got \[5\]'),
            (lambda: geometry.blend_shapes(tf.zeros([6]), tf.zeros([6, 2]), tf.zeros([1, 3])),
             r'coefficients: expected shape \[batch, 2\], got \[1,3\]'),
            (lambda: geometry.transform_points(tf.zeros([2, 5, 3]), tf.zeros([2, 3, 2]), tf.zeros([2, 2])),
             r'linear: expected shape \[2, 3, 3\] or \[2, 3, 4\], got \[2,3,2\]'),
            (lambda: shading.shade(tf.zeros([2, 5, 3]), tf.zeros([2, 5, 3]), tf.zeros([1, 3, 9])),
             r'lights: expected shape \[2,3,9\], got \[1,3,9\]')):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            run(build)
