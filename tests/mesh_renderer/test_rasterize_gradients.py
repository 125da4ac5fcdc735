"""The gradients of the rasterizer against finite differences."""
import numpy as np
import pytest

from mesh_renderer import rasterize_triangles as rt
from mesh_renderer.tf1 import tf
from tests.mesh_renderer.test_rasterize_triangles import run, soup


def fixed_barycentrics(vertices, corners, ndc):
    """float64 barycentrics of points ndc [P,2] in triangles with corners [P,3] of vertices [V,4]."""
    matrix = np.swapaxes(vertices[corners][:, :, [0, 1, 3]], 1, 2)
    solution = np.linalg.solve(matrix, np.concatenate([ndc, np.ones([len(ndc), 1])], axis=1)[..., None])[..., 0]
    return solution / solution.sum(axis=1, keepdims=True)


@pytest.mark.parametrize('top_down', [False, True])
def test_gradient_equals_finite_differences(top_down):
    """To clip-space x, y, w (z has none) and to the attributes, ids held fixed."""
    width, height, channels = 31, 23, 4
    vertices, triangles = soup(4, 8)
    rng = np.random.RandomState(5)
    attributes = rng.randn(len(vertices), channels).astype(np.float32)
    weights = rng.randn(1, height, width, channels).astype(np.float32)

    def build():
        v, a = tf.constant(vertices[None]), tf.constant(attributes[None])
        rendered = rt.render_attributes(v, a, triangles, width, height, top_down=top_down)
        return rendered.triangle_ids, tf.gradients(tf.reduce_sum(rendered.image * weights), [v, a])

    ids, (vertex_grad, attribute_grad) = run(build)
    row, column = np.nonzero(ids[0] >= 0)
    corners = triangles[ids[0][row, column]]
    y = height - 1 - row if top_down else row
    ndc = np.stack([(column + 0.5) * 2 / width - 1, (y + 0.5) * 2 / height - 1], axis=1)

    def loss(v, a):
        barycentrics = fixed_barycentrics(v, corners, ndc)
        return np.sum(np.einsum('pk,pka->pa', barycentrics, a[corners]) * weights[0, row, column])

    def differences(index, step=1e-6):
        arrays = [vertices.astype(np.float64), attributes.astype(np.float64)]
        result = np.zeros(arrays[index].shape)
        for place in np.ndindex(*result.shape):
            values = []
            for sign in (1, -1):
                moved = [array.copy() for array in arrays]
                moved[index][place] += sign * step
                values.append(loss(*moved))
            result[place] = (values[0] - values[1]) / (2 * step)
        return result

    expected = differences(0)
    np.testing.assert_allclose(vertex_grad[0], expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert np.all(vertex_grad[..., 2] == 0)
    np.testing.assert_allclose(attribute_grad[0], differences(1), rtol=1e-3, atol=1e-4)


def test_a_background_tensor_has_a_gradient():
    vertices, triangles = soup(10, 3, batch=2)

    def build():
        background = tf.constant([1.0, 2.0, 3.0, 4.0])
        image = rt.rasterize_clip_space(vertices, vertices, triangles, 20, 20, background)
        mask = rt.render_attributes(vertices, vertices, triangles, 20, 20).mask
        return tf.gradients(tf.reduce_sum(image), background)[0], tf.reduce_sum(1 - mask)

    grad, uncovered = run(build)
    np.testing.assert_array_equal(grad, np.full(4, uncovered))
