"""The open face model's file: the published layout, written whole for other programs, wrong files by message."""
import os
import shutil

import numpy as np
import pytest

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.errors import AssetError
from Deep3DFaceReconstruction.face_model import open_model
from Deep3DFaceReconstruction.system import assets


def test_layout_is_that_of_the_published_file(open_arrays):
    assert (open_arrays['name'], open_arrays['licence']) == (open_model.NAME, 'CC0 1.0')
    open_arrays = {key: value for key, value in open_arrays.items() if key not in ('name', 'licence')}
    count, faces = open_arrays['meanshape'].size // 3, len(open_arrays['tri'])
    region, region_faces = len(open_arrays['frontmask2_idx']), len(open_arrays['tri_mask2'])
    expected = {'meanshape': (1, 3 * count), 'idBase': (3 * count, 80), 'exBase': (3 * count, 64),
                'meantex': (1, 3 * count), 'texBase': (3 * count, 80), 'tri': (faces, 3), 'point_buf': (count, 8),
                'frontmask2_idx': (region, 1), 'tri_mask2': (region_faces, 3), 'skinmask': (1, count),
                'keypoints': (1, 68), 'uv': (count, 2), 'part': (1, count)}
    assert {key: value.shape for key, value in open_arrays.items()} == expected
    assert {key: value.dtype.name for key, value in open_arrays.items()} == {
        key: 'float64' if key == 'exBase' else 'float32' for key in expected}
    assert 30000 <= count <= 40000 and 60000 <= faces <= 80000
    for key, top in (('tri', count), ('point_buf', faces + 1), ('frontmask2_idx', count), ('tri_mask2', region),
                     ('keypoints', count)):
        numbers = open_arrays[key]
        assert numbers.min() == 1 if key != 'keypoints' and key != 'frontmask2_idx' else numbers.min() >= 1
        assert numbers.max() <= top
        np.testing.assert_array_equal(numbers, np.rint(numbers))
    assert all(np.isfinite(value).all() for value in open_arrays.values())
    assert set(np.unique(open_arrays['skinmask'])) == {0.0, 1.0}
    assert os.path.getsize(assets.OPEN_MODEL) < 8e6


def test_point_buf_lists_exactly_the_faces_around_each_vertex(open_arrays, open_face):
    faces = len(open_face.triangles)
    table = open_face.point_buf
    vertex, slot = np.nonzero(table < faces)
    assert (open_face.triangles[table[vertex, slot]] == vertex[:, None]).any(axis=1).all()
    assert len(vertex) == 3 * faces, 'some face is missing around one of its vertices'
    assert (np.bincount(vertex, minlength=len(table)) > 0).all(), 'a vertex without faces'


def test_region_triangles_are_those_within_the_region(open_arrays, open_face):
    inside = np.zeros(len(open_face.meanshape), bool)
    inside[open_arrays['frontmask2_idx'].astype(int).ravel() - 1] = True
    np.testing.assert_array_equal(open_face.region_triangles,
                                  open_face.triangles[inside[open_face.triangles].all(axis=1)])


def test_loading_twice_gives_the_same(open_arrays):
    again = open_model.load_open_model()
    for key, value in open_arrays.items():
        np.testing.assert_array_equal(again[key], value)


def test_front_file_is_written_whole_and_loads(tmp_path, open_arrays):
    path = str(tmp_path / 'open_model_front.mat')
    written = open_model.write_open_model_front(path)
    assert os.listdir(str(tmp_path)) == ['open_model_front.mat']
    np.testing.assert_array_equal(written['idBase'], open_arrays['idBase'])
    read = face_model.load_face_model(path)
    assert (read.name, read.licence) == (open_model.NAME, open_model.LICENCE)
    np.testing.assert_array_equal(read.meanshape.reshape(1, -1), open_arrays['meanshape'])
    np.testing.assert_array_equal(read.keypoints + 1, open_arrays['keypoints'].ravel())


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
