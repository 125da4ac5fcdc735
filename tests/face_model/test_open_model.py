"""The open face model: the published layout, a closed surface, anatomy that holds within two deviations."""
import os
import shutil

import numpy as np
import pytest
import scipy.ndimage
import scipy.sparse as sp
from scipy.sparse import csgraph

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES, FOCAL
from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.face_model import open_model
from Deep3DFaceReconstruction.system import assets

# The published standard positions (dm) of the five points, as means of the left and the mirrored right.
STANDARD_FIVE = np.array([[-0.3106, 0.2900, 0.1326], [0.3106, 0.2900, 0.1326], [0.0, -0.0462, 0.5524],
                          [-0.2503, -0.3813, 0.2232], [0.2503, -0.3813, 0.2232]])
SKIN, MOUTH, RIGHT_EYE, LEFT_EYE, TEETH = range(5)


@pytest.fixture(scope='module')
def loaded():
    return open_model.load_open_model()


@pytest.fixture(scope='module')
def model(loaded):
    return face_model.from_mat_dict(loaded, 'the open model')


@pytest.fixture(scope='module')
def part(loaded):
    return loaded['part'].ravel().astype(int)


class _Renderer:
    """coeff [B,257] -> pictures, and which triangles they show."""

    def __init__(self, model):
        from Deep3DFaceReconstruction.face_decoder import Face3D
        from Deep3DFaceReconstruction.tf1 import tf
        from mesh_renderer import rasterize_triangles
        with tf.Graph().as_default() as graph:
            self._coeff = tf.placeholder(tf.float32, [None, COEFF_DIM])
            face = Face3D(model, 448)
            geometry = face.Geometry_block(self._coeff)
            self._image = face.Render_block(geometry.face_shape_t, geometry.face_color)[0]
            depth = 10 - geometry.face_shape_t[:, :, 2:]
            pixel = FOCAL / 112.0 * geometry.face_shape_t[:, :, :2]
            clip = tf.concat([pixel, depth * (1 - 2 / depth), depth], axis=2)
            self._ids = rasterize_triangles.rasterize_triangles(clip, model.triangles, 448, 448)[1]
            self._session = tf.Session(graph=graph, config=tf.ConfigProto(intra_op_parallelism_threads=2))

    def __call__(self, coeff):
        """RGBA [B,448,448,4]."""
        return self._session.run(self._image, {self._coeff: coeff})

    def visible_triangles(self, coeff):
        """Sorted numbers of the triangles that some pixel shows (0 among them, for the background)."""
        return np.unique(self._session.run(self._ids, {self._coeff: coeff}))

    def close(self):
        self._session.close()


@pytest.fixture(scope='module')
def render(model):
    renderer = _Renderer(model)
    yield renderer
    renderer.close()


def _coefficients(count, **parts):
    coeff = np.zeros((count, COEFF_DIM), np.float32)
    for name, value in parts.items():
        coeff[:, COEFF_SLICES[name]] = value
    return coeff


def shape_of(model, alpha=None, beta=None):
    """[N,3] about the mean vertex."""
    shape = model.meanshape.astype(np.float64)
    for base, value in ((model.id_base, alpha), (model.ex_base, beta)):
        if value is not None:
            shape = shape + base.dot(value.astype(np.float32)).reshape(-1, 3)
    return shape - model.meanshape.mean(axis=0)


def face_normals(shape, triangles):
    a, b, c = (shape[triangles[:, k]] for k in range(3))
    normals = np.cross(a - b, b - c)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def five_points(landmarks):
    return np.stack([landmarks[[36, 39]].mean(axis=0), landmarks[[42, 45]].mean(axis=0),
                     landmarks[30], landmarks[48], landmarks[54]])


def lip_gap(landmarks):
    """[3] height of the upper lip's inner landmarks above the lower lip's."""
    return landmarks[[61, 62, 63], 1] - landmarks[[67, 66, 65], 1]


def eye_opening(landmarks):
    """[2] right, left: height of the upper lid's landmarks above the lower lid's."""
    return np.array([landmarks[[37, 38], 1].mean() - landmarks[[40, 41], 1].mean(),
                     landmarks[[43, 44], 1].mean() - landmarks[[46, 47], 1].mean()])


def rim_edges(triangles):
    ends = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    edges, count = np.unique(ends, axis=0, return_counts=True)
    assert count.max() == 2, 'an edge with %d faces' % count.max()
    return edges, edges[count == 1]


# ---- layout

def test_layout_is_that_of_the_published_file(loaded):
    assert (loaded['name'], loaded['licence']) == (open_model.NAME, 'CC0 1.0')
    loaded = {key: value for key, value in loaded.items() if key not in ('name', 'licence')}
    count, faces = loaded['meanshape'].size // 3, len(loaded['tri'])
    region, region_faces = len(loaded['frontmask2_idx']), len(loaded['tri_mask2'])
    expected = {'meanshape': (1, 3 * count), 'idBase': (3 * count, 80), 'exBase': (3 * count, 64),
                'meantex': (1, 3 * count), 'texBase': (3 * count, 80), 'tri': (faces, 3), 'point_buf': (count, 8),
                'frontmask2_idx': (region, 1), 'tri_mask2': (region_faces, 3), 'skinmask': (1, count),
                'keypoints': (1, 68), 'uv': (count, 2), 'part': (1, count)}
    assert {key: value.shape for key, value in loaded.items()} == expected
    assert {key: value.dtype.name for key, value in loaded.items()} == {
        key: 'float64' if key == 'exBase' else 'float32' for key in expected}
    assert 30000 <= count <= 40000 and 60000 <= faces <= 80000
    for key, top in (('tri', count), ('point_buf', faces + 1), ('frontmask2_idx', count), ('tri_mask2', region),
                     ('keypoints', count)):
        assert loaded[key].min() == 1 if key != 'keypoints' and key != 'frontmask2_idx' else loaded[key].min() >= 1
        assert loaded[key].max() <= top
        np.testing.assert_array_equal(loaded[key], np.rint(loaded[key]))
    assert all(np.isfinite(value).all() for value in loaded.values())
    assert set(np.unique(loaded['skinmask'])) == {0.0, 1.0}
    assert os.path.getsize(assets.OPEN_MODEL) < 8e6


def test_point_buf_lists_exactly_the_faces_around_each_vertex(loaded, model):
    faces = len(model.triangles)
    table = model.point_buf
    vertex, slot = np.nonzero(table < faces)
    assert (model.triangles[table[vertex, slot]] == vertex[:, None]).any(axis=1).all()
    assert len(vertex) == 3 * faces, 'some face is missing around one of its vertices'
    assert (np.bincount(vertex, minlength=len(table)) > 0).all(), 'a vertex without faces'


def test_region_triangles_are_those_within_the_region(loaded, model):
    inside = np.zeros(len(model.meanshape), bool)
    inside[loaded['frontmask2_idx'].astype(int).ravel() - 1] = True
    np.testing.assert_array_equal(model.region_triangles, model.triangles[inside[model.triangles].all(axis=1)])


def test_loading_twice_gives_the_same(loaded):
    again = open_model.load_open_model()
    for key, value in loaded.items():
        np.testing.assert_array_equal(again[key], value)


# ---- surface

def test_surface_is_a_disc_and_two_rows_of_teeth(model, part):
    edges, rim = rim_edges(model.triangles)
    count = len(model.meanshape)
    for teeth in (False, True):
        mine = part == TEETH if teeth else part != TEETH
        faces = model.triangles[mine[model.triangles].all(axis=1)]
        mine_edges, mine_rim = edges[mine[edges].all(axis=1)], rim[mine[rim].all(axis=1)]
        pieces = csgraph.connected_components(sp.coo_matrix(
            (np.ones(len(mine_edges)), mine_edges.T), (count, count)), directed=False)[1][mine]
        rims = csgraph.connected_components(sp.coo_matrix(
            (np.ones(len(mine_rim)), mine_rim.T), (count, count)), directed=False)[1][np.unique(mine_rim)]
        # Euler's number of each piece is 1: a disc, so there is no hole but the outer rim.
        expected = 2 if teeth else 1
        assert len(np.unique(pieces)) == expected and len(np.unique(rims)) == expected
        assert mine.sum() - len(mine_edges) + len(faces) == expected
    directed = np.stack([model.triangles, np.roll(model.triangles, -1, axis=1)], axis=2).reshape(-1, 2)
    assert len(np.unique(directed, axis=0)) == len(directed), 'neighbouring faces turn opposite ways'


def test_faces_look_outwards(model, part):
    normals = face_normals(shape_of(model), model.triangles)
    skin = (part[model.triangles] == SKIN).all(axis=1)
    centers = shape_of(model)[model.triangles].mean(axis=1)
    assert normals[skin, 2].mean() > 0.5
    cheek = skin & (np.abs(centers[:, 0]) > 0.55)
    assert (normals[cheek, 0] * np.sign(centers[cheek, 0]) > 0).mean() > 0.99
    for eye in (RIGHT_EYE, LEFT_EYE):
        assert normals[(part[model.triangles] == eye).all(axis=1), 2].mean() > 0.3


def test_mean_is_mirror_symmetric(model, part):
    from scipy.spatial import cKDTree
    shape = shape_of(model)
    distance, twin = cKDTree(shape).query(shape * [-1, 1, 1])
    skin = part == SKIN
    assert np.percentile(distance[skin], 99) < 0.012
    albedo = np.abs(model.meantex[twin] - model.meantex)[skin]
    assert albedo.mean() < 4


# ---- frame and landmarks

def test_five_points_are_at_the_standard_positions(model):
    landmarks = shape_of(model)[model.keypoints]
    off = five_points(landmarks) - STANDARD_FIVE
    np.testing.assert_allclose(off[:, :2], 0, atol=0.02)
    # How far away the mean vertex lies is free; the relief is not.
    np.testing.assert_allclose(off[:, 2], off[:, 2].mean(), atol=0.02)


def test_mean_face_fills_the_crop(model):
    shape = shape_of(model)
    pixels = FOCAL * shape[:, :2] / (10 - shape[:, 2:]) + 112
    rows, columns = 223 - pixels[:, 1], pixels[:, 0]
    assert 42 < rows.min() < 52 and 185 < rows.max() < 205
    assert 30 < columns.min() < 45 and 180 < columns.max() < 195


def test_landmarks_lie_where_their_names_say(model, part):
    landmarks = shape_of(model)[model.keypoints]
    mirror = np.r_[16:-1:-1, 26:16:-1, 27:31, 35:30:-1, 45:41:-1, 47, 46, 39:35:-1, 41, 40, 54:47:-1, 59:54:-1,
                   64:59:-1, 67:64:-1]
    assert sorted(mirror) == list(range(68))
    np.testing.assert_allclose(landmarks, landmarks[mirror] * [-1, 1, 1], atol=0.02)
    assert (np.diff(landmarks[:17, 0]) > 0).all() and landmarks[:17, 1].argmin() == 8
    assert (part[model.keypoints] == SKIN).all()
    assert landmarks[30, 2] > landmarks[:, 2].max() - 0.01
    assert (eye_opening(landmarks) > 0.05).all()
    assert len(np.unique(model.keypoints)) == 68
    assert (np.abs(lip_gap(landmarks)) < 0.035).all(), 'the neutral mouth is closed'
    assert landmarks[51, 1] > landmarks[62, 1] > landmarks[57, 1]


# ---- statistics

def test_components_are_sorted_independent_and_sane(model):
    for base, dimension, largest in ((model.id_base, 80, 0.10), (model.ex_base, 64, 0.12)):
        size = np.linalg.norm(base.reshape(-1, 3, dimension), axis=1).max(axis=0)
        assert size.max() < largest and size.min() > 1e-4
        assert np.linalg.matrix_rank(base.astype(np.float64).T.dot(base)) == dimension
    identity = np.linalg.norm(model.id_base, axis=0)
    # The analysis weighs coarse vertices, and those inside mouth and sockets less: the order holds nearly.
    assert (identity[1:] < 1.3 * identity[:-1]).all() and identity[-1] < 0.2 * identity[0]


def test_identity_carries_no_rigid_motion(model, part):
    """The part of a component that a rigid motion of the outer skin explains is small."""
    shape = shape_of(model)
    base = model.id_base.astype(np.float64).reshape(-1, 3, 80)
    skin = part == SKIN
    moved = np.concatenate([np.tile(np.eye(3), (skin.sum(), 1)),
                            np.stack([np.cross(axis, shape[skin]).ravel() for axis in np.eye(3)], axis=1)], axis=1)
    components = base[skin].reshape(-1, 80)
    fitted = moved.dot(np.linalg.lstsq(moved, components, rcond=None)[0])
    assert (fitted ** 2).sum() < 0.05 * (components ** 2).sum()


@pytest.mark.parametrize('name', ['id_base', 'ex_base'])
def test_no_folds_within_two_deviations(model, part, name):
    """Neighbouring faces of the skin that met at less than 90 degrees in the mean still do.

    But for the creases that faces have: around the eyes and in the mouth's corners.
    """
    triangles = model.triangles
    ends = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    order = np.lexsort(ends.T)
    same = (ends[order[1:]] == ends[order[:-1]]).all(axis=1)
    pairs = np.stack([order[:-1][same], order[1:][same]], axis=1) // 3
    rim = np.zeros(len(model.meanshape), bool)
    rim[rim_edges(triangles)[1]] = True
    mean = shape_of(model)
    landmarks, centers = mean[model.keypoints], mean[triangles].mean(axis=1)
    creased = np.zeros(len(triangles), bool)
    for point, reach in ((landmarks[36:42].mean(axis=0), 0.20), (landmarks[42:48].mean(axis=0), 0.20),
                         (landmarks[48], 0.08), (landmarks[54], 0.08)):
        creased |= np.linalg.norm(centers[:, :2] - point[:2], axis=1) < reach
    judged = (part[triangles] == SKIN).all(axis=1) & ~rim[triangles].any(axis=1) & ~creased
    assert judged.mean() > 0.4
    pairs = pairs[judged[pairs].all(axis=1)]

    numbers, pairs = np.unique(pairs, return_inverse=True)
    used, pairs = triangles[numbers], pairs.reshape(-1, 2)

    def cosine(shape):
        normals = face_normals(shape, used)
        return (normals[pairs[:, 0]] * normals[pairs[:, 1]]).sum(axis=1)

    assert (cosine(mean) > 0).all()
    base = getattr(model, name)
    for component in range(base.shape[1]):
        moved = 2 * base[:, component].reshape(-1, 3)
        for sign in (-1, 1):
            folded = cosine(mean + sign * moved) < 0
            assert not folded.any(), '%s: 2 deviations of component %d fold %d edges' % (name, component, folded.sum())


def _eyeball(shape):
    """Centre and radius of the sphere through the front of an eye's dome [n,3]."""
    front = shape[shape[:, 2] > np.median(shape[:, 2])]
    system = np.concatenate([2 * front, np.ones((len(front), 1))], axis=1)
    solution = np.linalg.lstsq(system, (front ** 2).sum(axis=1), rcond=None)[0]
    return solution[:3], np.sqrt(solution[3] + (solution[:3] ** 2).sum())


def test_lids_stay_in_front_of_the_eyeballs_and_neutral_lips_closed(model, part, render):
    """On faces drawn from the model, coefficients within two deviations: what is visible of the mean's lids."""
    mean = shape_of(model)
    visible = np.zeros(len(mean), bool)
    visible[model.triangles[render.visible_triangles(_coefficients(1))]] = True
    visible &= part == SKIN
    lids = {}
    for eye in (RIGHT_EYE, LEFT_EYE):
        center, radius = _eyeball(mean[part == eye])
        lids[eye] = visible & (np.linalg.norm(mean - center, axis=1) < 1.5 * radius)
        assert lids[eye].sum() > 300
    random = np.random.RandomState(5)
    for _ in range(40):
        alpha, beta = (np.clip(random.randn(size), -2, 2) for size in (80, 64))
        neutral, moved = shape_of(model, alpha), shape_of(model, alpha, beta)
        assert np.abs(lip_gap(neutral[model.keypoints])).max() < 0.035
        assert lip_gap(moved[model.keypoints]).min() > -0.15, 'the lips cross'
        for shape in (neutral, moved):
            for eye in (RIGHT_EYE, LEFT_EYE):
                center, radius = _eyeball(shape[part == eye])
                assert np.linalg.norm(shape[lids[eye]] - center, axis=1).min() > radius, 'an eye pokes out'


def test_no_single_expression_component_pushes_the_lips_through_each_other(model):
    landmarks = shape_of(model)[model.keypoints]
    base = model.ex_base.astype(np.float64).reshape(-1, 3, 64)[model.keypoints]
    for sign in (-2.0, 2.0):
        gaps = lip_gap(landmarks[:, :, None] + sign * base)
        assert gaps.shape == (3, 64) and gaps.min() > -0.045


def _reach(model, rows, change):
    """The smallest beta that moves the given combination of landmark heights by `change`."""
    base = model.ex_base.astype(np.float64).reshape(-1, 3, 64)[model.keypoints, 1]
    direction = rows.dot(base)
    return direction.T.dot(np.linalg.solve(direction.dot(direction.T), change))


def _rows(pairs):
    rows = np.zeros((len(pairs), 68))
    for row, (above, below) in zip(rows, pairs):
        row[list(above)], row[list(below)] = 1.0 / len(above), -1.0 / len(below)
    return rows


def test_eyes_close_and_the_mouth_opens_within_three_deviations(model):
    eyes = _rows([((37, 38), (40, 41)), ((43, 44), (46, 47))])
    opening = eye_opening(shape_of(model)[model.keypoints])
    closed = _reach(model, eyes, -opening)
    assert np.abs(closed).max() < 3
    wink = _reach(model, eyes, -opening * [1, 0])
    assert np.abs(wink).max() < 3
    landmarks = shape_of(model, beta=wink)[model.keypoints]
    np.testing.assert_allclose(eye_opening(landmarks), opening * [0, 1], atol=0.005)
    wide = _reach(model, _rows([((61, 62, 63), (65, 66, 67))]), np.array([0.35]))
    assert np.abs(wide).max() < 3


# ---- albedo and regions

def test_albedo_has_eyes_brows_lips_and_a_range_of_skins(loaded, model, part):
    albedo = model.meantex
    luma = albedo.dot([0.299, 0.587, 0.114])
    skin = model.skinmask > 0
    landmarks = shape_of(model)[model.keypoints]
    shape = shape_of(model)
    assert albedo.min() >= 0 and albedo.max() <= 255
    skin_mean = albedo[skin].mean(axis=0)
    assert skin_mean[0] > skin_mean[1] > skin_mean[2]

    def around(point, radius=0.03):
        return (np.linalg.norm((shape - point)[:, :2], axis=1) < radius) & (shape[:, 2] > point[2] - 0.1)

    for brow in (landmarks[18:21].mean(axis=0), landmarks[23:26].mean(axis=0)):
        near = around(brow - [0, 0.03, 0], 0.05) & (part == SKIN)
        assert luma[near].min() < 0.7 * luma[skin].mean()
    for eye in (RIGHT_EYE, LEFT_EYE):
        assert np.percentile(luma[part == eye], 90) > luma[skin].mean() > 2 * np.percentile(luma[part == eye], 1)
    lips = around(landmarks[[57, 66]].mean(axis=0)) & (part == SKIN) & ~skin
    redness = albedo[:, 0] / albedo[:, 1]
    assert redness[lips].mean() > 1.1 * redness[skin].mean()
    assert luma[part == TEETH].max() > luma[skin].mean() > 2 * luma[(part == MOUTH)].min()

    first = model.tex_base[:, 0].reshape(-1, 3)
    light, dark = (np.clip(albedo + sign * 2 * first, 0, 255)[skin].mean(axis=0).dot([0.299, 0.587, 0.114])
                   for sign in (1, -1))
    light, dark = max(light, dark), min(light, dark)
    assert light > 190 and dark < 75


def test_albedo_carries_no_directed_light(model):
    """Of the skin's luminance, what first-order harmonics of the normal explain is a few grey levels."""
    skin = model.skinmask > 0
    normals = np.zeros_like(model.meanshape, dtype=np.float64)
    faces = face_normals(shape_of(model), model.triangles)
    for k in range(3):
        np.add.at(normals, model.triangles[:, k], faces)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    luma = model.meantex.dot([0.299, 0.587, 0.114])
    system = np.concatenate([np.ones((skin.sum(), 1)), normals[skin]], axis=1)
    weights = np.linalg.lstsq(system, luma[skin], rcond=None)[0]
    assert abs(weights[1]) < 3, 'light from the side'
    assert np.linalg.norm(weights[1:]) < 0.15 * weights[0]


def test_regions_leave_out_what_is_not_skin(loaded, model, part):
    skin = model.skinmask > 0
    assert (part[skin] == SKIN).all() and 0.4 < skin.mean() < 0.9
    # The lips' outlines, where the standard has them, lie here and there on the skin beside.
    assert not skin[model.keypoints[list(range(36, 48)) + list(range(60, 68))]].any()
    region = np.unique(model.region_triangles)
    assert not np.isin(part[region], (MOUTH, TEETH)).any()
    assert set(part[region]) == {SKIN, RIGHT_EYE, LEFT_EYE}
    rim = np.unique(rim_edges(model.triangles)[1])
    assert not np.isin(rim[part[rim] == SKIN], region).any()
    assert 0.6 < len(model.region_triangles) / len(model.triangles) < 0.9


def test_uv_points_into_the_textures(loaded, model):
    uv = loaded['uv']
    assert uv.min() > 0 and uv.max() < 1
    landmarks = uv[model.keypoints]
    assert np.ptp(landmarks[:, 0]) > 0.1 and np.ptp(landmarks[:, 1]) > 0.1


# ---- rendered

def test_no_background_shines_through(render):
    random = np.random.RandomState(3)
    coeff = _coefficients(6, id=np.clip(random.randn(6, 80), -2, 2), ex=np.clip(random.randn(6, 64), -2, 2))
    coeff[:, COEFF_SLICES['angles'].start + 1] = np.radians([0, 0, 40, -40, 20, -20])
    for picture in render(coeff):
        mask = picture[:, :, 3] > 0
        holes = scipy.ndimage.binary_fill_holes(mask) & ~mask
        assert mask.sum() > 40000 and holes.sum() <= 3


@pytest.mark.slow
def test_dlib_sees_the_landmarks_where_they_are(model, render):
    """dlib's predictor on the rendered mean face: the mean distance is less than two pixels of the crop."""
    dlib = pytest.importorskip('dlib')
    predictor = dlib.shape_predictor(assets.dlib_model('shape_predictor_68_face_landmarks.dat'))
    # Light from the front and a little from above.
    gamma = np.tile([0.1, -0.1, 0.24, 0, 0, 0, 0, 0, 0], 3)
    picture = render(_coefficients(1, gamma=gamma))[0]
    image = np.where(picture[:, :, 3:] > 0, picture[:, :, :3], 128).astype(np.uint8)
    boxes = dlib.get_frontal_face_detector()(image, 1)
    assert len(boxes) == 1, 'no face, or more than one'
    seen = np.array([(p.x, p.y) for p in predictor(image, boxes[0]).parts()]) / 2.0
    landmarks = shape_of(model)[model.keypoints]
    pixels = FOCAL * landmarks[:, :2] / (10 - landmarks[:, 2:]) + 112
    distance = np.linalg.norm(seen - np.stack([pixels[:, 0], 223 - pixels[:, 1]], axis=1), axis=1)
    assert distance.mean() < 2.0
    assert distance[17:].mean() < 1.6


# ---- files

def test_front_file_is_written_whole_and_loads(tmp_path, loaded):
    path = str(tmp_path / 'open_model_front.mat')
    written = open_model.write_open_model_front(path)
    assert os.listdir(str(tmp_path)) == ['open_model_front.mat']
    np.testing.assert_array_equal(written['idBase'], loaded['idBase'])
    read = face_model.load_face_model(path)
    assert (read.name, read.licence) == (open_model.NAME, open_model.LICENCE)
    np.testing.assert_array_equal(read.meanshape.reshape(1, -1), loaded['meanshape'])
    np.testing.assert_array_equal(read.keypoints + 1, loaded['keypoints'].ravel())


def test_missing_file_says_how_to_get_it(tmp_path):
    with pytest.raises(AssetError, match=r'nowhere.npz: expected the open face model, .*tools.open_model'):
        open_model.load_open_model(str(tmp_path / 'nowhere.npz'))


def test_truncated_file_is_named(tmp_path):
    path = str(tmp_path / 'half.npz')
    shutil.copy(assets.OPEN_MODEL, path)
    with open(path, 'r+b') as file:
        file.truncate(100000)
    with pytest.raises(AssetError, match='half.npz: expected the open face model, got one that cannot be read'):
        open_model.load_open_model(path)


def test_incomplete_file_names_what_it_lacks(tmp_path):
    path = str(tmp_path / 'poor.npz')
    with np.load(assets.OPEN_MODEL) as archive:
        np.savez(path, **{key: archive[key] for key in archive.files if key not in ('skin', 'uv')})
    with pytest.raises(AssetError, match='poor.npz: expected the open face model, got a file without uv, skin'):
        open_model.load_open_model(path)


def test_wrong_shape_is_named(tmp_path):
    path = str(tmp_path / 'odd.npz')
    with np.load(assets.OPEN_MODEL) as archive:
        data = dict(archive)
    data['keypoints'] = data['keypoints'][:51]
    np.savez(path, **data)
    with pytest.raises(AssetError, match=r'odd.npz: expected keypoints of shape \(1, 68\), got \(1, 51\)'):
        open_model.load_open_model(path)


def test_packing_keeps_a_component_within_half_a_step():
    values = np.random.RandomState(0).randn(3, 50, 3) * np.array([1, 1e-3, 0])[:, None, None]
    packed, scale = open_model.pack(values, np.int8)
    assert packed.dtype == np.int8
    assert (np.abs(packed * scale[:, None, None] - values) <= 0.51 * scale[:, None, None]).all()
