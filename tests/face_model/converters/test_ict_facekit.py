"""ICT-FaceKit, on a small stand-in folder: what was put where arrives where it must."""
import json
import logging
import os

import numpy as np
import pytest
from scipy.io import loadmat
from scipy.sparse import coo_matrix, csgraph
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.face_model.converters import ict_facekit
from Deep3DFaceReconstruction.meshes import registration, subdivision
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, standard_five_points
from tests.face_model.converters import ict_stand_in as stand_in
from tests.face_model.converters.ict_stand_in import LAYOUT, NAMES, StandIn, convert

# Catmull-Clark in a regular grid: what a moved vertex gives to itself, to old vertices beside and diagonally, to new
# points on its edges and on the edges of its quads, to its quads' middles.
STENCIL = np.sort([9 / 16] + [3 / 32] * 4 + [1 / 64] * 4 + [3 / 8] * 4 + [1 / 16] * 8 + [1 / 4] * 4)
# file: (the one vertex that it moves, how far and where to, dm in the program's frame)
PUT = {'identity000': (stand_in.vertex(-10, -5), (0.3, 0, 0)), 'identity001': (stand_in.vertex(8, 2), (0, -0.2, 0)),
       'identity002': (stand_in.vertex(3, 12), (0, 0.1, 0.1)), 'browDown_L': (stand_in.vertex(5, 14), (0, -0.4, 0)),
       'jawOpen': (stand_in.vertex(0, -16), (0, 0, 0.8)), 'noseSneer_R': (stand_in.vertex(-7, 0), (0.4, 0.4, 0))}


def _columns(base):
    """[3N,K] -> [K,N,3]."""
    return base.T.reshape(base.shape[1], -1, 3)


@pytest.fixture(scope='module')
def converted(tmp_path_factory):
    """(the stand-in, the model, its file)."""
    files = StandIn()
    for name, (vertex, way) in PUT.items():
        files.moved[name][vertex] = files.scale * np.dot(way, files.rotation)
    root = files.write(tmp_path_factory.mktemp('ict'))
    return files, convert(root), os.path.join(root, 'ict.mat')


def _refined(files):
    """The stand-in's face area, refined, in the files' frame."""
    quads, matrix = subdivision.catmull_clark(stand_in.grid_quads(), stand_in.GRID)
    return matrix.dot(files.neutral[:stand_in.GRID])[np.unique(quads)]


def _to_model(files, model):
    """(scale, rotation, shift) from the files' frame to the model's; away from the lips, the model must be that image
    of the files."""
    refined = _refined(files)
    mean = model['meanshape'].reshape(-1, 3)
    away = ~stand_in.in_lips(mean[:, :2])
    scale, rotation, shift = registration.similarity(refined[away], mean[away])
    np.testing.assert_allclose(scale * refined[away].dot(rotation) + shift, mean[away], atol=1e-6)
    return scale, rotation, shift


def test_the_file_is_a_face_model(converted):
    _, model, path = converted
    loaded = face_model.load_face_model(path)
    # The loose vertex is gone, and those between the lips.
    count = (2 * stand_in.ROWS - 1) * (2 * stand_in.COLUMNS - 1) - 3 * (4 * stand_in.MOUTH_HALF - 1)
    assert loaded.meanshape.shape == (count, 3)
    assert loaded.triangles.shape == (8 * LAYOUT.face_quads, 3)
    np.testing.assert_array_equal(loaded.id_base, model['idBase'])
    np.testing.assert_array_equal(loaded.ex_base, model['exBase'].astype(np.float32))
    assert model['exBase'].dtype == np.float64 and model['exBase'].shape == (3 * count, 64)
    mat = loadmat(path)
    assert (mat['name'][0], mat['licence'][0]) == ('ICT-FaceKit (USC ICT)', 'MIT')
    assert [name.strip() for name in mat['exNames']] == NAMES and len(NAMES) == 53
    assert (loaded.ex_lower[:53] == 0).all() and (loaded.ex_lower[53:] == -np.inf).all()
    assert not [name for name in os.listdir(os.path.dirname(path)) if name.startswith('.')]


def test_every_component_moves_what_its_file_moved(converted):
    files, model, _ = converted
    identity, expression = _columns(model['idBase']), _columns(model['exBase'])
    scale, rotation, _ = _to_model(files, model)
    for name, (vertex, way) in PUT.items():
        if name in NAMES:
            moved, weight = expression[NAMES.index(name)], ict_facekit.WEIGHT_PER_DEVIATION
        else:
            moved, weight = identity[int(name[-3:])], 1.0
        goal = weight * scale * np.dot(files.scale * np.dot(way, files.rotation), rotation)
        # Old vertices keep their order.
        np.testing.assert_allclose(moved[stand_in.in_model(vertex)], 9 / 16 * goal, atol=1e-6)
        share = moved.dot(goal) / goal.dot(goal)
        np.testing.assert_allclose(moved, share[:, None] * goal, atol=1e-6)
        np.testing.assert_allclose(np.sort(share[np.abs(share) > 1e-4]), STENCIL, atol=1e-5)
    unmoved = [k for k, name in enumerate(NAMES) if name not in PUT]
    assert np.abs(expression[unmoved]).max() < 1e-9  # what lies behind the face area has no part in it
    assert not model['idBase'][:, stand_in.IDENTITIES:].any() and not model['exBase'][:, len(NAMES):].any()


def test_the_frame_is_the_least_squares_fit_of_the_five_points(converted):
    files, model, _ = converted
    _to_model(files, model)
    mean = model['meanshape'].reshape(-1, 3).astype(np.float64)
    keypoints = model['keypoints'].astype(int).ravel() - 1
    np.testing.assert_array_equal(keypoints, stand_in.in_model(stand_in.landmarks()))
    five = five_from_68(mean[keypoints])
    residual = standard_five_points() - five
    assert np.linalg.norm(residual, axis=1).max() < 0.045
    # No shift, growth or turn makes the squared residual smaller.
    np.testing.assert_allclose(residual.sum(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose((residual * five).sum(), 0, atol=1e-6)
    np.testing.assert_allclose(np.cross(five, residual).sum(axis=0), 0, atol=1e-6)
    corners = mean[model['tri'].astype(int) - 1]
    assert (np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0).all()


def test_unit_frame_and_winding_of_the_files_do_not_matter(converted, tmp_path):
    files, model, _ = converted
    other = StandIn(scale=0.1, pitch=-1.2, shift=(0.2, 0.1, -0.3))
    other.quads = other.quads[:, ::-1]
    for name, (vertex, way) in PUT.items():
        other.moved[name][vertex] = other.scale * np.dot(way, other.rotation)
    again = convert(other.write(tmp_path))
    for key in ('meanshape', 'idBase', 'exBase', 'meantex', 'texBase', 'skinmask', 'keypoints'):
        np.testing.assert_allclose(again[key], model[key], atol=2e-5 * max(np.abs(model[key]).max(), 1), err_msg=key)
    corners = again['meanshape'].reshape(-1, 3)[again['tri'].astype(int) - 1]
    assert (np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0).all()


def test_the_normals_of_the_mean_are_those_of_its_faces(converted):
    _, model, _ = converted
    triangles, table = model['tri'].astype(int), model['point_buf'].astype(int)
    assert table.max() == len(triangles) + 1
    for vertex in (1, stand_in.GRID, len(table)):
        row = table[vertex - 1]
        np.testing.assert_array_equal(row[row <= len(triangles)] - 1,
                                      np.flatnonzero((triangles == vertex).any(axis=1)))


def test_colours_and_regions_arrive_vertex_by_vertex(converted, tmp_path):
    files, model, path = converted
    # The finished mesh itself, shuffled, with a colour of its own at each vertex, is the source.
    random = np.random.RandomState(0)
    count = model['meanshape'].size // 3
    order = random.permutation(count)
    place = np.argsort(order)
    colors, base = 255 * random.rand(count, 3), random.randn(count, 3, 80)
    keypoints, triangles = (model[key].astype(int) - 1 for key in ('keypoints', 'tri'))
    mean = model['meanshape'].reshape(-1, 3)
    round_region = np.linalg.norm(mean[:, :2] - [0.02, 0], axis=1) < 0.6
    skin = random.rand(count) < 0.5
    source = {'meanshape': mean[order].reshape(1, -1), 'meantex': colors[order].reshape(1, -1),
              'texBase': base[order].reshape(-1, 80), 'tri': place[triangles] + 1, 'keypoints': place[keypoints] + 1,
              'skinmask': skin[order][None], 'frontmask2_idx': np.flatnonzero(round_region[order])[:, None] + 1,
              'name': 'Source', 'licence': 'CC0'}
    again = convert(os.path.dirname(path), source)
    np.testing.assert_allclose(again['meantex'].reshape(-1, 3), colors, atol=0.05)
    np.testing.assert_allclose(again['texBase'].reshape(-1, 3, 80), base, atol=2e-3)
    np.testing.assert_array_equal(again['skinmask'][0] > 0, skin)
    np.testing.assert_array_equal(again['meanshape'], model['meanshape'])
    assert again['licence'] == 'MIT (shape); CC0 (albedo, from Source)'

    front = again['frontmask2_idx'].astype(int).ravel() - 1
    region = front[again['tri_mask2'].astype(int) - 1]
    inside = round_region[triangles].all(axis=1)
    got = set(map(tuple, region))
    assert got <= set(map(tuple, triangles[inside])) and len(got) > 0.97 * inside.sum()
    assert _one_piece(region, count) and (np.unique(region) == front).all()


def _one_piece(triangles, count):
    links = coo_matrix((np.ones(triangles.size), (triangles.ravel(), np.roll(triangles, 1, axis=1).ravel())),
                       (count, count))
    label = csgraph.connected_components(links, directed=False)[1]
    return len(np.unique(label[triangles])) == 1


def test_lips_take_their_colour_from_lips_though_the_face_is_longer(ict_folder):
    whole = convert(ict_folder)['meanshape'].reshape(-1, 3)
    model = convert(ict_folder, stand_in.albedo_model(stretch=1.25))
    place = _grid_places()[cKDTree(whole).query(model['meanshape'].reshape(-1, 3))[1]]
    # Two components of the source hold the grid place, so the result tells where each vertex took its albedo.
    base = model['texBase'].reshape(-1, 3, 80)
    away = np.linalg.norm(np.stack([base[:, 1, 4], base[:, 2, 79]], axis=1) - place, axis=1)
    amid = (np.abs(place[:, 0]) < 0.45) & (place[:, 1] > -0.75) & (place[:, 1] < 0.45)
    assert away[amid].max() < 0.09 and np.median(away[amid]) < 0.025  # 1 and 2 steps of the finer grid
    marks = model['keypoints'].astype(int).ravel() - 1
    assert away[marks[17:]].max() < 0.02
    red = (model['meantex'].reshape(-1, 3) * [1, -1, 0]).sum(axis=1) > 200
    assert red[marks[[49, 50, 51, 57, 58, 61, 62, 66]]].all() and not red[marks[:48]].any()
    assert not model['skinmask'][0][red].any()


def _grid_places():
    """[N,2] dm: where each vertex of the refined mesh lies in the grid."""
    return _refined(StandIn(scale=1, pitch=0, shift=(0, 0, 0)))[:, :2]


def test_the_mesh_ends_where_the_source_does(ict_folder):
    model = convert(ict_folder, stand_in.albedo_model(width=19))
    mean = model['meanshape'].reshape(-1, 3)
    edge = 19 * stand_in.STEP
    assert edge < np.abs(mean[:, 0]).max() < edge + 0.03 < stand_in.HALF * stand_in.STEP
    assert len(mean) == len(np.unique(model['tri'])) and _one_piece(model['tri'].astype(int) - 1, len(mean))
    # The new edge is even, the mouth as it was.
    marks = mean[model['keypoints'].astype(int).ravel() - 1]
    assert abs(marks[62, 1] - marks[66, 1]) < 0.5 * stand_in.SLIT and marks[64, 0] - marks[60, 0] > 0.35
    rim = np.abs(mean[:, 0]) > edge
    assert np.ptp(np.abs(mean[rim, 0])) < 0.03


def test_a_source_that_does_not_reach_the_landmarks_is_refused(ict_folder):
    with pytest.raises(face_model.FaceModelError,
                       match="generic_neutral_mesh.obj: expected landmarks within the face of the albedo's source, "
                             r'got vertex \d+ beyond$'):
        convert(ict_folder, stand_in.albedo_model(width=12))


def test_the_first_eighty_identities_are_taken_whatever_their_size(tmp_path, caplog):
    files = StandIn()
    sizes = np.random.RandomState(1).permutation(82) + 1.0
    for number, size in enumerate(sizes):
        moved = np.zeros(files.neutral.shape)
        moved[stand_in.vertex(number % 20, 0)] = size / 10
        files.moved['identity%03d' % number] = moved
    with caplog.at_level(logging.WARNING):
        model = convert(files.write(tmp_path), layout=LAYOUT._replace(identities=82))
    assert not caplog.records
    largest = np.linalg.norm(_columns(model['idBase']), axis=2).max(axis=1)
    np.testing.assert_allclose(largest / largest[0], sizes[:80] / sizes[0], rtol=1e-4)


def test_the_list_says_which_expressions_there_are(ict_folder, change_ict, caplog):
    """Files that are not listed are left out; a listed one without a file is told."""
    assert os.path.exists(os.path.join(ict_folder, 'FaceXModel', 'PupilDilate_L.obj'))
    change_ict('FaceXModel/vertex_indices.json', lambda text: json.dumps(
        {'expressions': ['jawOpen', 'cheekRaiser_L', 'yawn', 'browDown_L']}))
    model = convert(ict_folder)
    assert [name.strip() for name in model['exNames']] == ['browDown_L', 'cheekRaiser_L', 'jawOpen']
    assert model['exOneSided'].tolist() == [[1, 1, 1]]
    message, = [record.getMessage() for record in caplog.records]
    assert message.endswith('FaceXModel: 3 of 4 expressions; no .obj file of yawn')


def test_without_the_list_the_known_expressions_are_taken(tmp_path):
    root = StandIn().write(tmp_path)
    os.remove(os.path.join(root, 'FaceXModel', 'vertex_indices.json'))
    assert list(convert(root)['exNames']) == NAMES
