"""The rasterizer against the published figures, against a plain scalar one, and against its own invariants."""
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh_renderer import rasterize_triangles as rt
from mesh_renderer.tf1 import tf
from tests import ROOT
from tests.mesh_renderer import oracle

MESHES = ('cube', 'soup', 'soup_crossing_eye_plane', 'soup_xyzw', 'degenerate')


def run(build, *arguments):
    """The value of the tensors that build(*arguments) returns."""
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(build(*arguments))


def soup(seed, triangle_count, batch=None):
    """Random triangles in front of the eye, some partly off screen: vertices [B,3T,4] or [3T,4], triangles."""
    rng = np.random.RandomState(seed)
    shape = (batch or 1, triangle_count)
    centers = rng.uniform(-1.2, 1.2, shape + (1, 3))
    points = centers + rng.uniform(-0.5, 0.5, shape + (3, 3))
    w = rng.uniform(0.5, 4.0, shape + (3, 1))
    vertices = np.concatenate([points * w * [1, 1, 0.6], w], axis=-1).reshape(shape[0], -1, 4).astype(np.float32)
    triangles = np.arange(3 * triangle_count, dtype=np.int32).reshape(-1, 3)
    return (vertices if batch else vertices[0]), triangles


@pytest.fixture(scope='module')
def figures(golden):
    return golden('rasterize')


@pytest.mark.parametrize('mesh', MESHES)
def test_equals_the_published_figures(figures, mesh):
    def figure(name):
        return figures[mesh + '/' + name]

    height, width = figure('triangle_ids').shape

    def build():
        vertices = tf.constant(figure('clip_vertices'))
        seen = rt.rasterize_triangles(vertices, figure('triangles'), width, height)
        loss = tf.reduce_sum(seen.barycentric_coordinates * figure('grad_in'))
        return seen, tf.gradients(loss, vertices)[0]

    seen, grad = run(build)
    np.testing.assert_array_equal(seen.triangle_ids, figure('triangle_ids'))
    np.testing.assert_allclose(seen.barycentric_coordinates, figure('barycentric'), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(seen.z_buffer, figure('z_buffer'), rtol=1e-6)
    np.testing.assert_allclose(grad, figure('grad_vertices'), rtol=1e-3, atol=1e-4)


EXTREMES = (1e-30, 1e-6, 1e6, 1e30, 3e38)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2 ** 31 - 1), triangle_count=st.integers(0, 40), width=st.integers(1, 70),
       height=st.integers(1, 40), size=st.sampled_from([0.05, 0.5, 3.0]),
       flaws=st.sets(st.sampled_from(['nan', 'inf', 'extreme', 'behind', 'duplicate', 'flat', 'on_grid'])))
def test_any_mesh_is_drawn_as_the_plain_rasterizer_draws_it(seed, triangle_count, width, height, size, flaws):
    """To the bit: ids, depth, barycentrics, mask, region mask; and upside down."""
    rng = np.random.RandomState(seed)
    vertex_count = max(3, triangle_count)
    w = rng.uniform(0.2, 3.0, [vertex_count, 1])
    if 'behind' in flaws:
        w *= rng.choice([-1, 0, 1, 1, 1], w.shape)
    points = rng.uniform(-1.1, 1.1, [1, 3]) + size * rng.uniform(-1, 1, [vertex_count, 3])
    vertices = np.concatenate([points * np.abs(w), w], axis=1)
    if 'on_grid' in flaws:  # corners and edges through pixel centres, w = 1
        vertices[:, :2] = (rng.randint(0, 9, [vertex_count, 2]) + 0.5) / (0.5 * np.array([width, height])) - 1
        vertices[:, 3] = 1
    for flaw, values in (('nan', [np.nan]), ('inf', [np.inf, -np.inf]), ('extreme', EXTREMES)):
        if flaw in flaws:
            where = rng.uniform(size=vertices.shape) < 0.05
            vertices[where] = rng.choice(values, where.sum())
    if 'flat' in flaws:
        vertices[:, 2] = 0
    triangles = rng.randint(0, vertex_count, [triangle_count, 3]).astype(np.int32)
    if 'duplicate' in flaws:
        triangles = np.concatenate([triangles, triangles[::-1]])
    vertices = vertices.astype(np.float32)
    region = triangles[rng.uniform(size=len(triangles)) < 0.5]

    ids, z_buffer, barycentrics = oracle.rasterize(vertices, triangles, width, height)
    region_ids, _, _ = oracle.rasterize(vertices, region, width, height)
    attributes = rng.uniform(size=[1, vertex_count, 5]).astype(np.float32)

    def build():
        return (rt.rasterize_triangles(vertices, triangles, width, height),
                rt.render_attributes(vertices[None], attributes, triangles, width, height, region),
                rt.render_attributes(vertices[None], attributes, triangles, width, height, region, top_down=True))

    seen, rendered, flipped = run(build)
    np.testing.assert_array_equal(rendered.triangle_ids[0], ids)
    np.testing.assert_array_equal(seen.triangle_ids, np.maximum(ids, 0))
    np.testing.assert_array_equal(seen.z_buffer, z_buffer)
    np.testing.assert_array_equal(seen.barycentric_coordinates, barycentrics)
    np.testing.assert_array_equal(rendered.mask[0, :, :, 0], ids >= 0)
    np.testing.assert_array_equal(rendered.region_mask[0, :, :, 0], region_ids >= 0)
    for one, other in zip(rendered, flipped):
        np.testing.assert_array_equal(one[:, ::-1], other)
    if len(triangles):
        expected = np.einsum('hwk,hwka->hwa', barycentrics, attributes[0][triangles[np.maximum(ids, 0)]])
        np.testing.assert_allclose(rendered.image[0], expected * (ids >= 0)[..., None], atol=1e-6)


def test_barycentrics_are_a_partition_of_one():
    vertices, triangles = soup(1, 200)
    seen = run(lambda: rt.rasterize_triangles(vertices, triangles, 90, 70))
    barycentrics = seen.barycentric_coordinates
    covered = barycentrics.any(axis=-1)
    assert covered.mean() > 0.5
    assert barycentrics.min() >= 0 and barycentrics.max() <= 1
    np.testing.assert_allclose(barycentrics[covered].sum(axis=-1), 1, atol=3e-7)
    assert np.all(seen.z_buffer[~covered] == 1)


def test_the_order_of_corners_and_of_triangles_does_not_matter():
    vertices, triangles = soup(2, 60)
    order = np.random.RandomState(0).permutation(len(triangles))
    plain = run(lambda: rt.rasterize_triangles(vertices, triangles, 64, 48))
    for other in (triangles[:, ::-1], triangles[:, [1, 2, 0]]):
        seen = run(rt.rasterize_triangles, vertices, other, 64, 48)
        np.testing.assert_array_equal(plain.triangle_ids, seen.triangle_ids)
    shuffled = run(lambda: rt.rasterize_triangles(vertices, triangles[order], 64, 48))
    np.testing.assert_array_equal(plain.z_buffer, shuffled.z_buffer)


@pytest.mark.parametrize('cells', [7, 150])
def test_a_closed_grid_leaves_no_crack(cells):
    """Every pixel of a square that fills the screen is covered, whatever the triangles it is made of."""
    rng = np.random.RandomState(3)
    x, y = np.meshgrid(*2 * [np.linspace(-1.05, 1.05, cells + 1)])
    inner = np.zeros_like(x)
    inner[1:-1, 1:-1] = 0.3 * 2.1 / cells
    x, y = [a + inner * rng.uniform(-1, 1, x.shape) for a in (x, y)]
    w = rng.uniform(1, 3, x.shape)
    vertices = np.stack([x * w, y * w, 0 * w, w], axis=-1).reshape(-1, 4)
    corner = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    mask = run(lambda: rt.render_attributes(vertices[None], vertices[None], triangles, 211, 173).mask)
    assert mask.min() == 1


def test_the_nearer_is_seen_and_the_later_of_equals():
    flat = np.array([[-1, -1, 0, 1], [3, -1, 0, 1], [-1, 3, 0, 1]], np.float32)
    near, far = flat - [0, 0, .5, 0], flat + [0, 0, .5, 0]
    vertices = np.concatenate([flat, near, far, flat])
    triangles = np.arange(12).reshape(4, 3)
    for order, winner in (([0, 1, 2], 1), ([2, 0], 1), ([0, 3], 1), ([3, 0], 1), ([0, 2, 3], 2)):
        seen = run(rt.rasterize_triangles, vertices, triangles[order], 5, 5)
        assert np.all(seen.triangle_ids == winner), order


def test_depth_is_clipped_pixel_by_pixel():
    """A screen-filling triangle pair whose z runs from -3 at the left to 3 at the right."""
    vertices = np.array([[-1, -1, -3, 1], [1, -1, 3, 1], [1, 1, 3, 1], [-1, 1, -3, 1]], np.float32)
    seen = run(lambda: rt.rasterize_triangles(vertices, [[0, 1, 2], [0, 2, 3]], 60, 4))
    z = 3 * ((np.arange(60) + 0.5) / 30 - 1)
    np.testing.assert_allclose(seen.z_buffer, np.tile(np.where(np.abs(z) <= 1, z, 1), [4, 1]), atol=1e-5)


def test_a_batch_is_its_images():
    """Forward and backward, eight images at once or one by one."""
    vertices, triangles = soup(6, 50, batch=8)
    rng = np.random.RandomState(7)
    attributes = rng.randn(8, vertices.shape[1], 3).astype(np.float32)
    weights = rng.randn(8, 40, 56, 3).astype(np.float32)

    def build(part):
        v, a = tf.constant(vertices[part]), tf.constant(attributes[part])
        rendered = rt.render_attributes(v, a, triangles, 56, 40, triangles[::2])
        return rendered, tf.gradients(tf.reduce_sum(rendered.image * weights[part]), [v, a])

    rendered, grads = run(build, slice(0, 8))
    for i in range(8):
        one, one_grads = run(build, slice(i, i + 1))
        for batch_value, value in zip(list(rendered) + grads, list(one) + one_grads):
            np.testing.assert_array_equal(batch_value[i:i + 1], value)


THREADS_SCRIPT = '''
import hashlib, sys
sys.path.insert(0, {root!r})
from tests.mesh_renderer.test_rasterize_triangles import rt, soup, tf
config = tf.ConfigProto(intra_op_parallelism_threads=int(sys.argv[1]))
digest = hashlib.sha256()
with tf.Graph().as_default(), tf.Session(config=config) as session:
    for batch in (1, 2, 3, 9):
        vertices, triangles = soup(batch, 300, batch)
        v = tf.constant(vertices)
        image = rt.render_attributes(v, v, triangles, 101, 83, triangles[::3])
        seen = rt.rasterize_triangles(v, triangles, 101, 83)
        loss = tf.reduce_sum(tf.sin(9.0 * image.image)) + tf.reduce_sum(tf.sin(seen.barycentric_coordinates))
        for value in session.run(list(image) + list(seen) + tf.gradients(loss, [v])):
            digest.update(value.tobytes())
print(digest.hexdigest())
'''


@pytest.mark.slow
def test_the_number_of_threads_does_not_change_a_bit():
    """Each count in a process of its own: TensorFlow makes its threads once per process."""
    script = THREADS_SCRIPT.format(root=ROOT)
    digests = {subprocess.run([sys.executable, '-c', script, threads], stdout=subprocess.PIPE, check=True,
                              text=True).stdout for threads in ('1', '2', '5')}
    assert len(digests) == 1


def test_rasterize_projects_with_the_camera():
    vertices, triangles = soup(8, 20, batch=2)
    matrices = np.random.RandomState(9).uniform(-.2, .2, [2, 4, 4]).astype(np.float32) + np.eye(4, dtype=np.float32)
    points = vertices[..., :3]
    clip = np.einsum('bij,bvj->bvi', matrices, np.concatenate([points, np.ones_like(points[..., :1])], -1))
    background = [0.5, -1.0, 2.0, 7.0]
    by_world, by_clip = run(lambda: (
        rt.rasterize(points, vertices, triangles, matrices, 33, 21, background),
        rt.rasterize_clip_space(clip.astype(np.float32), vertices, triangles, 33, 21, background)))
    assert by_world.shape == (2, 21, 33, 4)
    assert np.mean(np.isclose(by_world, by_clip, atol=1e-4).all(axis=-1)) > 0.99  # but for pixels on an edge
    assert (by_clip == np.float32(background)).all(axis=-1).any()


def test_no_batch_axis():
    vertices, triangles = soup(11, 10)
    with_batch, without = run(lambda: [
        rt.rasterize_clip_space(v, v, triangles, 20, 10, [0.0] * 4) for v in (vertices[None], vertices)])
    np.testing.assert_array_equal(with_batch[0], without)


def test_region_triangles_that_are_no_triangle_of_the_mesh():
    """Given as arrays or as tensors: the same masks, and no trace of the region in the picture."""
    vertices, triangles = soup(12, 30, batch=2)
    mesh = triangles[:10]
    region = np.concatenate([triangles[5:15, [1, 2, 0]], triangles[20:]])

    def build():
        return (rt.render_attributes(vertices, vertices, mesh, 40, 40),
                rt.render_attributes(vertices, vertices, mesh, 40, 40, region),
                rt.render_attributes(vertices, vertices, tf.constant(mesh), 40, 40, tf.constant(region)),
                rt.render_attributes(vertices, vertices, region, 40, 40).mask)

    plain, by_array, by_tensor, alone = run(lambda: [x if not isinstance(x, tuple) else [y for y in x if y is not None]
                                                     for x in build()])
    image, mask, ids, z_buffer = plain
    for with_region in (by_array, by_tensor):
        np.testing.assert_array_equal(with_region[0], image)
        np.testing.assert_array_equal(with_region[1], mask)
        np.testing.assert_array_equal(with_region[2], alone)
        np.testing.assert_array_equal(with_region[3], ids)
        np.testing.assert_array_equal(with_region[4], z_buffer)


def test_nothing_to_draw():
    """An empty batch, no triangles, no vertices: empty or background pictures, and gradients of their shape."""
    vertices, triangles = soup(13, 4, batch=2)
    none = np.zeros([0, 3], np.int32)
    for v, t in ((vertices[:0], triangles), (vertices, none), (vertices[:, :0], none)):
        def build(v=v, t=t):
            tensor = tf.constant(v)
            rendered = rt.render_attributes(tensor, tensor, t, 6, 5, t)
            return rendered, tf.gradients(tf.reduce_sum(rendered.image), tensor)[0]
        rendered, grad = run(build)
        assert rendered.image.shape == (len(v), 5, 6, 4) and not rendered.image.any()
        assert not rendered.mask.any() and not rendered.region_mask.any()
        assert np.all(rendered.triangle_ids == -1) and np.all(rendered.z_buffer == 1)
        assert grad.shape == v.shape and not grad.any()


@pytest.mark.parametrize('size', [(1, 1), (4096, 3), (2, 4096), (7, 300)])
def test_any_size(size):
    width, height = size
    vertices, triangles = soup(14, 12)
    ids, _, barycentrics = oracle.rasterize(vertices, triangles, width, height)
    seen = run(lambda: rt.rasterize_triangles(vertices, triangles, width, height))
    np.testing.assert_array_equal(seen.triangle_ids, np.maximum(ids, 0))
    np.testing.assert_array_equal(seen.barycentric_coordinates, barycentrics)


def test_static_shapes():
    with tf.Graph().as_default():
        vertices = tf.placeholder(tf.float32, [None, 9, 4])
        rendered = rt.render_attributes(vertices, vertices[..., :3], [[0, 1, 2]], 20, 10, [[0, 1, 2]])
        assert [x.shape.as_list() for x in rendered] == [
            [None, 10, 20, 3], [None, 10, 20, 1], [None, 10, 20, 1], [None, 10, 20], [None, 10, 20]]
