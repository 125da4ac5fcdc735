"""The open model's attributes point where their names say."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model.attributes import load_attributes, read


def move(model, known, name):
    """([N,3] dm, [N,3] RGB): what one step of an attribute does to the mean face."""
    place = known.names.index(name)
    return (model.id_base.dot(known.id[place]).reshape(-1, 3), model.tex_base.dot(known.tex[place]).reshape(-1, 3))


def test_directions_do_what_they_are_called(open_model):
    known = load_attributes(open_model)
    marks = open_model.keypoints
    moves = {name: move(open_model, known, name) for name in known.names}

    def wider(name, left, right, axis=0):
        shape = moves[name][0]
        return shape[marks[right], axis] - shape[marks[left], axis]

    assert wider('nose_width', 31, 35) > 0.005 and wider('mouth_width', 48, 54) > 0.01
    assert wider('weight', 4, 12) > 0.02 and wider('jaw_width', 4, 12) > 0.003 and wider('face_width', 1, 15) > 0.01
    assert wider('chin_length', 8, 57, axis=1) > 0.01 and wider('face_length', 8, 27, axis=1) > 0.01
    assert wider('lip_fullness', 57, 51, axis=1) > 0.003 and wider('eye_size', 41, 37, axis=1) > 0.002
    skin = open_model.skinmask > 0.5
    tint = {name: moves[name][1][skin].mean() for name in known.names}
    assert tint['skin_lightness'] > 5 and tint['african'] < -10 and tint['caucasian'] > 10
    assert abs(tint['age']) < 1 and moves['stubble'][1].min() < -5
    redness = moves['skin_redness'][1][skin].mean(axis=0)
    assert redness[0] > 0 > redness[1]


def test_other_models_and_other_builds_are_refused(open_model, tmp_path):
    with pytest.raises(FaceModelError, match='expected the open face model, which alone has attributes, got Basel'):
        load_attributes(open_model._replace(name='Basel'))
    with pytest.raises(FaceModelError, match='got those of another build of it'):
        load_attributes(open_model._replace(tex_base=1.1 * open_model.tex_base))
    with pytest.raises(FaceModelError, match='x.npz: expected the attributes of the open face model, got nothing'):
        read(str(tmp_path / 'x.npz'))
    (tmp_path / 'x.npz').write_bytes(b'broken')
    with pytest.raises(FaceModelError, match='got one that cannot be read'):
        read(str(tmp_path / 'x.npz'))
    np.savez(str(tmp_path / 'x.npz'), names=np.array(['age']))
    with pytest.raises(FaceModelError, match='got a file without id, tex'):
        read(str(tmp_path / 'x.npz'))
