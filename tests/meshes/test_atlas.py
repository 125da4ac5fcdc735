"""Charts, flattening and packing: every triangle once, none turned over, none on another, little stretch."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.meshes import atlas, charts, flattening


def grid(columns, rows, bump=0.0):
    """A rectangle of 1 x rows/columns with a bump; (positions, triangles) wound towards +z."""
    x, y = np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, rows / columns, rows + 1))
    z = bump * np.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / 0.02)
    number = np.arange(x.size).reshape(x.shape)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]
    return np.stack([x, y, z], axis=2).reshape(-1, 3), np.concatenate([
        np.stack([a, b, c], axis=2).reshape(-1, 3), np.stack([a, c, d], axis=2).reshape(-1, 3)])


def torus(around=24, through=12):
    u, v = np.meshgrid(np.arange(around), np.arange(through), indexing='ij')
    p, q = 2 * np.pi * u / around, 2 * np.pi * v / through
    out = 1 + 0.4 * np.cos(q)
    positions = np.stack([out * np.cos(p), out * np.sin(p), 0.4 * np.sin(q)], axis=2)
    number = u * through + v
    a, b = number, np.roll(number, -1, axis=0)
    c, d = np.roll(b, -1, axis=1), np.roll(number, -1, axis=1)
    return positions.reshape(-1, 3), np.concatenate([
        np.stack([a, b, c], axis=2).reshape(-1, 3), np.stack([a, c, d], axis=2).reshape(-1, 3)])


TETRAHEDRON = (np.array([[0, 0, 1], [1, 0, -1], [-1, 1, -1], [-1, -1, -1.]]),
               np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]]))


def signed_areas(uv, corners):
    a, b, c = (uv[corners[:, k]] for k in range(3))
    return ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2


def covered(uv, corners, size=400):
    """How many triangles hold each of size x size points."""
    x, y = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size)
    count = np.zeros([size, size], int)
    for corner in uv[corners]:
        low = np.floor(corner.min(axis=0) * size).astype(int).clip(0, size)
        high = np.ceil(corner.max(axis=0) * size).astype(int).clip(0, size)
        part = (slice(low[1], high[1]), slice(low[0], high[0]))
        inside = np.ones(x[part].shape, bool)
        for k in range(3):
            p, q = corner[k], corner[(k + 1) % 3]
            inside &= (q[0] - p[0]) * (y[part] - p[1]) - (q[1] - p[1]) * (x[part] - p[0]) > 0
        count[part] += inside
    return count


@pytest.mark.parametrize('mesh', [grid(12, 9), grid(12, 12, 0.5), torus(), TETRAHEDRON], ids=[
    'flat', 'bump', 'torus', 'closed'])
def test_nothing_overlaps_and_nothing_is_turned_over(mesh):
    positions, triangles = mesh
    found = atlas.build_atlas(positions, triangles)
    np.testing.assert_array_equal(found.vertices[found.triangles], triangles)
    assert found.uv.min() > 0 and found.uv.max() < 1
    assert signed_areas(found.uv.astype(float), found.triangles).min() > 0
    assert covered(found.uv.astype(float), found.triangles).max() == 1


def test_a_flat_mesh_is_one_chart_of_even_scale():
    positions, triangles = grid(20, 20)
    chart, = charts.cut_into_charts(positions, triangles)
    plane = flattening.flatten(chart, positions[chart.vertices])
    inner = np.abs(positions[chart.vertices][chart.corners].mean(axis=1)[:, :2] - 0.5).max(axis=1) < 0.3
    ratio = signed_areas(plane, chart.corners) / (0.5 / 400)
    assert 0.8 < ratio[inner].min() and ratio[inner].max() < 1.25 and ratio.sum() / len(ratio) == pytest.approx(1)


def test_up_stays_up():
    positions, triangles = grid(16, 16)
    chart, = charts.cut_into_charts(positions, triangles)
    plane = flattening.flatten(chart, positions[chart.vertices])
    for axis in range(2):
        assert np.corrcoef(plane[:, axis], positions[chart.vertices][:, axis])[0, 1] > 0.98


def test_labels_and_pieces_come_into_charts_of_their_own():
    positions, triangles = grid(6, 6)
    both = np.concatenate([positions, positions * 0.5 + [3, 0, 0]])
    faces = np.concatenate([triangles, triangles + len(positions)])
    labels = (both[faces].mean(axis=1)[:, 1] > 0.25) * 1
    found = charts.cut_into_charts(both, faces, labels)
    assert len(found) == 4
    assert sorted(np.concatenate([chart.triangles for chart in found])) == list(range(len(faces)))
    assert all(len(set(labels[chart.triangles])) == 1 for chart in found)
    areas = [charts.surface(both, faces[chart.triangles]) for chart in found]
    assert areas == sorted(areas, reverse=True)


def test_a_hole_stays_a_hole():
    positions, triangles = grid(10, 10)
    middle = positions[triangles].mean(axis=1)
    ring = triangles[np.abs(middle[:, :2] - 0.5).max(axis=1) > 0.2]
    chart, = charts.cut_into_charts(positions, ring)
    assert [len(loop) for loop in chart.loops] == [40, 16]
    plane = flattening.flatten(chart, positions[chart.vertices])
    assert signed_areas(plane, chart.corners).min() > 0


def test_a_vertex_where_two_fans_meet_is_doubled():
    triangles = np.array([[0, 1, 2], [0, 3, 4]])
    positions = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [-1, 0, 0], [-1, -1, 0.]])
    found = atlas.build_atlas(positions, triangles)
    assert (found.vertices == 0).sum() == 2 and len(found.uv) == 6


@pytest.mark.parametrize('triangles, message', [
    (np.zeros([0, 3], int), 'expected at least one, got none'),
    (np.array([[0, 1, 1]]), 'expected three different vertices each, got [0 1 1]')])
def test_no_mesh(triangles, message):
    with pytest.raises(ValueError) as caught:
        atlas.build_atlas(np.zeros([2, 3]), triangles)
    assert message in str(caught.value)
