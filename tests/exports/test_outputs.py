"""All outputs of faces in a photo: each file there and whole, names hard on formats, a folder that fills up."""
import json
import os

import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.exports import arkit, catalogue
from Deep3DFaceReconstruction.exports.outputs import Face, OutputOptions, OutputWriter
from Deep3DFaceReconstruction.photo.camera import Camera, lm_68p_to_pixels, project
from Deep3DFaceReconstruction.system import files

NAME = '=1+1 <b>"Łódź"&amp; \'co'
MORE = [name for name in catalogue.SUFFIXES if name not in catalogue.DEFAULT]


@pytest.fixture(scope='module')
def face(decoded, trans_params):
    return Face(NAME, decoded['coeff'], trans_params, decoded['face_shape'], decoded['face_texture'],
                decoded['face_color'], np.zeros([224, 1120, 3], np.uint8))


@pytest.fixture(scope='module')
def written(tmp_path_factory, open_model, photo, face):
    """(folder, Outcome) of every output."""
    folder = tmp_path_factory.mktemp('all')
    writer = OutputWriter(open_model, OutputOptions(tuple(catalogue.SUFFIXES), 0.5, 'photo', 128))
    outcome, = writer.write(str(folder), NAME, NAME + '.jpg', photo, [face])
    return folder, outcome


def test_files_are_those_of_the_catalogue(written):
    folder, outcome = written
    expected = sorted(
        (NAME.replace('"', '\u2033') if suffix.endswith(('.mtl', '_texture.png')) else NAME) + suffix
        for name in MORE for suffix in catalogue.SUFFIXES[name])
    assert outcome.failures == {}
    assert sorted(outcome.files) == sorted(os.listdir(str(folder))) == expected


def test_images_have_the_size_of_the_photo(written, photo):
    folder, _ = written
    for name in MORE:
        for suffix in catalogue.SUFFIXES[name]:
            if suffix.endswith('.png') and name not in ('texture', 'position', 'head'):
                assert Image.open(str(folder / (NAME + suffix))).size == photo.shape[1::-1]
    assert Image.open(str(folder / (NAME.replace('"', '\u2033') + '_texture.png'))).size == (128, 128)


def test_camera_file_projects_the_mesh(written, decoded, open_model, photo):
    folder, _ = written
    document = json.loads((folder / (NAME + '_camera.json')).read_text(encoding='utf-8'))
    cameras = {key: Camera(*[np.array(document[key][part]) for part in 'KRt'],
                           size=(document[key]['width'], document[key]['height'])) for key in ('crop', 'photo')}
    points = decoded['face_shape'][open_model.keypoints]
    in_crop = project(cameras['crop'], points)[0]
    np.testing.assert_allclose(in_crop, lm_68p_to_pixels(decoded['landmark_p']), atol=1e-3)
    rule = document['crop_to_photo']
    in_photo = project(cameras['photo'], points)[0]
    np.testing.assert_allclose(in_photo, in_crop * rule['scale'] + rule['offset'], atol=1e-6)
    assert cameras['photo'].size == photo.shape[1::-1] and document['image'] == NAME + '.jpg'
    np.testing.assert_allclose([document['pose_degrees'][key] for key in ('pitch', 'yaw', 'roll')],
                               np.degrees(decoded['coeff'][224:227]), atol=1e-4)


def test_depth_in_the_units_of_the_camera_file(written, decoded):
    folder, _ = written
    rule = json.loads((folder / (NAME + '_camera.json')).read_text(encoding='utf-8'))['depth_image']
    values = np.asarray(Image.open(str(folder / (NAME + '_depth.png')))).astype(float)
    depth = rule['nearest'] + rule['step'] * (values[values > 0] - 1)
    distance = 10 - decoded['face_shape_t'][:, 2]
    assert depth.min() == pytest.approx(distance.min(), abs=5e-3) and depth.max() <= distance.max() + 1e-4


def test_glb_opens_with_this_face(written, decoded):
    trimesh = pytest.importorskip('trimesh')
    folder, _ = written
    geometry, = trimesh.load(str(folder / (NAME + '.glb')), process=False).geometry.values()
    assert np.ptp(geometry.vertices, axis=0).max() < 0.25  # metres


def test_arkit_weights_of_a_model_with_names(written):
    folder, _ = written
    document = json.loads((folder / (NAME + '_arkit.json')).read_text(encoding='utf-8'))
    assert len(document['blendShapes']) == 52 and all(0 <= weight <= 1 for weight in document['blendShapes'].values())


def test_a_model_without_names_has_no_arkit_file(tmp_path, open_model, photo, face, monkeypatch):
    def without_names(model):
        raise FaceModelError('no names')
    monkeypatch.setattr(arkit, 'load_named_shapes', without_names)
    outcome, = OutputWriter(open_model, OutputOptions(('ply', 'arkit'))).write(
        str(tmp_path), 'a', 'a.jpg', photo, [face._replace(name='a')])
    assert outcome.files == ['a.ply'] and not outcome.failures


def test_faces_share_one_overlay(tmp_path, open_model, photo, face):
    writer = OutputWriter(open_model, OutputOptions(('overlay', 'ply')))
    two = [face._replace(name='pair_1'), face._replace(name='pair_2')]
    outcomes = writer.write(str(tmp_path), 'pair', 'pair.jpg', photo, two)
    assert [outcome.files for outcome in outcomes] == [
        ['pair_1.ply', 'pair_overlay.png'], ['pair_2.ply', 'pair_overlay.png']]
    assert sorted(os.listdir(str(tmp_path))) == ['pair_1.ply', 'pair_2.ply', 'pair_overlay.png']


def test_a_mesh_that_is_not_finite(tmp_path, open_model, photo, face):
    broken = face._replace(shape=np.full_like(face.shape, np.nan), name='broken')
    with np.errstate(invalid='ignore'):
        outcome, = OutputWriter(open_model, OutputOptions(('ply', 'camera'))).write(
            str(tmp_path), 'broken', 'broken.jpg', photo, [broken])
    assert outcome.files == [] and os.listdir(str(tmp_path)) == []
    assert 'vertices: expected finite numbers, got NaN or infinity' in outcome.failures['ply']


def test_a_folder_that_fills_up(tmp_path, open_model, photo, face, monkeypatch):
    """After the third file there is no room: what is written stays, nothing half-written does."""
    replace, count = os.replace, []

    def full(source, target):
        count.append(target)
        if len(count) > 3:
            raise OSError(28, 'No space left on device')
        replace(source, target)

    monkeypatch.setattr(files.os, 'replace', full)
    wanted = ('camera', 'landmarks', 'pose', 'ply', 'pncc')
    outcome, = OutputWriter(open_model, OutputOptions(wanted)).write(str(tmp_path), 'she', 'she.jpg', photo, [
        face._replace(name='she')])
    assert outcome.files == ['she_camera.json', 'she_landmarks.png', 'she_pose.png']
    assert sorted(os.listdir(str(tmp_path))) == sorted(outcome.files)
    assert outcome.failures == dict.fromkeys(('ply', 'pncc'), 'No space left on device')
