"""The animated .glb: its keys are the rows of the table, its head turns as the decoder's."""
import json
import struct

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from Deep3DFaceReconstruction.exports.arkit import ShapeWeights
from Deep3DFaceReconstruction.face_model import arkit, load_face_model
from Deep3DFaceReconstruction.motion.following import EYES, ROW_DIM
from Deep3DFaceReconstruction.motion.frame_fit import ANGLES, EXPRESSION, TRANSLATION
from Deep3DFaceReconstruction.numpy_decoder import rotation_matrix
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.video import animation, trajectories
from tests.video.made_clip import motion, person_of


@pytest.fixture(scope='module')
def rows():
    random = np.random.RandomState(0)
    states = np.zeros((6, ROW_DIM))
    states[:, ANGLES], _ = motion(6)
    states[:, TRANSLATION] = 0.1 * random.randn(6, 3)
    states[:, EXPRESSION] = 0.3 * random.randn(6, 64)
    states[:, EYES] = [0.2, 0.0, 0.2, 0.0, 1.0, 0.0]  # to the subject's left, the right eye shut
    return states


def _read(path):
    """(document, function that reads an accessor without sparse values)."""
    content = path.read_bytes()
    length = struct.unpack('<I', content[12:16])[0]
    document, binary = json.loads(content[20:20 + length].decode()), content[28 + length:]

    def accessor(number):
        entry = document['accessors'][number]
        view = document['bufferViews'][entry['bufferView']]
        width = {'SCALAR': 1, 'VEC2': 2, 'VEC3': 3, 'VEC4': 4}[entry['type']]
        return np.frombuffer(binary, '<f4', entry['count'] * width, view['byteOffset']).reshape(-1, width)
    return document, accessor


def test_keys_are_the_rows(rows, tmp_path):
    model = load_face_model(assets.OPEN_MODEL)
    person, times = person_of(model), 2.0 + np.arange(6) / 30.0
    animation.AnimationWriter(model, ShapeWeights(model)).write(str(tmp_path / 'a.glb'), person, times, rows)
    document, accessor = _read(tmp_path / 'a.glb')
    motion_of = document['animations'][0]
    values = {channel['target']['path']: motion_of['samplers'][channel['sampler']] for channel in motion_of['channels']}
    assert set(values) == {'rotation', 'translation', 'weights'}
    np.testing.assert_allclose(accessor(values['rotation']['input'])[:, 0], times - 2.0, atol=1e-6)
    np.testing.assert_allclose(accessor(values['translation']['output']), 0.1 * rows[:, TRANSLATION], atol=1e-6)
    points = np.random.RandomState(1).randn(7, 3)
    for quaternion, state in zip(accessor(values['rotation']['output']), rows):
        np.testing.assert_allclose(Rotation.from_quat(quaternion).apply(points),
                                   points.dot(rotation_matrix(state[ANGLES])), atol=1e-5)
    names = document['meshes'][0]['extras']['targetNames']
    assert tuple(names) == arkit.NAMES
    weights = accessor(values['weights']['output']).reshape(6, 52)
    assert weights.min() >= 0 and weights.max() <= 1
    # Lids that the expression has lowered need less than 1.
    assert (weights[:, arkit.NAMES.index('eyeBlinkRight')] > 0.9).all()
    assert (weights[:, arkit.NAMES.index('eyeBlinkLeft')] < 0.9).all()
    for inwards, outwards in (('InRight', 'OutRight'), ('OutLeft', 'InLeft')):
        assert weights[:, arkit.NAMES.index('eyeLook' + inwards)].min() > 0.2
        assert weights[:, arkit.NAMES.index('eyeLook' + outwards)].max() == 0


def test_rows_are_read_back_by_person_and_thinned_out(rows, tmp_path):
    path = str(tmp_path / 'coefficients.csv')
    table = trajectories.Table(path, trajectories.COEFFICIENTS)
    for number, row in enumerate(rows):
        for person in (1, 2):
            key = (number, trajectories.time_code(number / 25.0), person, 0, 1)
            table.add(trajectories.coefficient_row(key, (1.0, 0.0, 0.0), person * row))
    table.close()
    times, read = animation.read_rows(path, 2)
    np.testing.assert_allclose(times, np.arange(6) / 25.0)
    np.testing.assert_allclose(read, 2 * rows, rtol=1e-4, atol=1e-6)
    assert len(animation.read_rows(path, 2, most=3)[0]) == 3
    assert len(animation.read_rows(path, 3)[0]) == 0


def test_a_table_can_be_cut_back_to_where_it_was(tmp_path):
    path = str(tmp_path / 'a.csv')
    table = trajectories.Table(path, ('a', 'b'))
    table.add((1, 2))
    size = table.size()
    table.add((3, 4))
    table.close()
    again = trajectories.Table(path, ('a', 'b'), size)
    again.add((5, 6))
    again.close()
    with open(path) as stream:
        assert stream.read() == 'a,b\n1,2\n5,6\n'
    assert trajectories.time_code(3723.4567) == '01:02:03.457' and trajectories.seconds_of('01:02:03.457') == 3723.457
