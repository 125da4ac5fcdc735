"""edit.py's command line: its files, and one line for every mistake."""
import os

import numpy as np
import pytest
import scipy.io
from PIL import Image

import edit
from Deep3DFaceReconstruction.editing import pipeline
from Deep3DFaceReconstruction.editing.options import parse_edit
from Deep3DFaceReconstruction.system.own_files import is_own_image


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'made.png'
    Image.new('RGB', (80, 60), (120, 160, 90)).save(str(path))
    return str(path)


@pytest.mark.parametrize('words, message', [
    (['makeup', 'a.jpg'], 'makeup: expected --lips, --shadow or --blush'),
    (['makeup', 'a.jpg', '--lips', 'red'], "expected a colour such as #a03040, got 'red'"),
    (['makeup', 'a.jpg', '--blush', '2'], 'expected a number from 0 to 1, got 2'),
    (['pose', 'a.jpg'], 'pose: expected --yaw, --pitch or --roll'),
    (['relight', 'a.jpg'], 'relight: expected --light, --turn or --tint'),
    (['express', 'a.jpg', '--set', 'jawOpen'], "expected NAME=WEIGHT,... such as jawOpen=0.6, got 'jawOpen'"),
    (['express', 'a.jpg', '--set', 'jawOpen=nan'], 'expected NAME=WEIGHT'),
    (['transfer', 'a.jpg'], 'TARGET'),
    (['pose', 'a.jpg', '--yaw', '3', '--outputs', 'viewer'], 'expected outputs of one face, got viewer'),
    ([], 'COMMAND'),
])
def test_a_wrong_command_line_says_what_is_expected(words, message, capsys):
    with pytest.raises(SystemExit) as end:
        parse_edit(words)
    assert end.value.code == 2 and message in capsys.readouterr().err


def run(words, tmp_path, capsys):
    """(exit code, the line on stderr, names in the output folder)."""
    code = edit.main(words + ['--output', str(tmp_path / 'out')])
    folder = str(tmp_path / 'out')
    return code, capsys.readouterr().err, sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def test_mistakes_are_told_before_anything_is_loaded(photo, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(pipeline, 'Reconstructor', None)
    for words, message in (
            (['express', photo, '--set', 'jawOpne=1'], 'edit.py: --set: expected one of jawOpen, '),
            (['express', photo, '--set', 'xyzzy=1'], ', ..., got xyzzy'),
            (['pose', 'no.jpg', '--yaw', '3'], 'edit.py: no.jpg: expected a photo, got nothing'),
            (['transfer', str(tmp_path), photo], 'expected a photo, got a folder'),
            (['pose', photo, '--yaw', '3', '--photo', photo], 'edit.py: --photo: expected the photo of a .mat file'),
            (['relight', photo, '--light', 'lefty'], 'edit.py: --light: expected a photo, 27 numbers or one of soft, '),
            (['relight', photo, '--light', '1,2,3'], 'edit.py: --light: expected 27 finite numbers, got 3')):
        code, error, names = run(words, tmp_path, capsys)
        assert (code, names) == (2, []) and message in error and error.count('\n') == 1


def test_foreign_files_are_not_replaced(photo, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(pipeline, 'Reconstructor', None)
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'made_pose.mat').write_text('mine')
    code, error, names = run(['pose', photo, '--yaw', '3'], tmp_path, capsys)
    assert (code, names) == (2, ['made_pose.mat']) and 'made_pose.mat: expected nothing' in error


@pytest.mark.slow
def test_a_photo_without_a_face_writes_nothing(photo, tmp_path, capsys):
    code, error, names = run(['pose', photo, '--yaw', '3'], tmp_path, capsys)
    assert (code, names) == (1, []) and error.startswith('edit.py: %s: ' % photo) and error.count('\n') == 1


@pytest.mark.slow
def test_the_files_of_a_portrait(tmp_path, capsys):
    import skimage.data
    path = str(tmp_path / 'portrait.png')
    Image.fromarray(skimage.data.astronaut()).save(path)
    for _ in range(2):  # an earlier result is replaced
        code, error, names = run(['express', path, '--set', 'jawOpen=1.5'], tmp_path, capsys)
        assert (code, error) == (0, '')
    assert [name for name in names if not name.startswith('.')] == [
        'portrait_express.mat', 'portrait_express.png', 'portrait_express_mesh.mtl', 'portrait_express_mesh.obj',
        'portrait_express_mesh_texture.png']
    folder = str(tmp_path / 'out')
    assert is_own_image(os.path.join(folder, 'portrait_express.png'))
    image = np.asarray(Image.open(os.path.join(folder, 'portrait_express.png'))).astype(int)
    difference = np.abs(image - skimage.data.astronaut()).max(axis=2)
    assert image.shape == (512, 512, 3) and difference[110:220, 180:280].max() > 60 and not difference[400:].any()
    mat = scipy.io.loadmat(os.path.join(folder, 'portrait_express.mat'))
    assert mat['coeff'].shape == (1, 257) and np.isfinite(mat['face_shape']).all()
    check_edit_of_the_edit(folder, image, tmp_path, capsys)


def check_edit_of_the_edit(folder, image, tmp_path, capsys):
    """The .mat file of an edit is edited in turn, with other outputs."""
    words = ['makeup', os.path.join(folder, 'portrait_express.mat'), '--lips', '#0000ff']
    code, error, names = run(words + ['--outputs', 'camera,ply'], tmp_path, capsys)
    assert (code, error) == (0, '')
    assert {'portrait_express_makeup.ply', 'portrait_express_makeup_camera.json'} < set(names)
    path = os.path.join(folder, 'portrait_express_makeup.png')
    changed = np.nonzero(np.abs(np.asarray(Image.open(path)).astype(int) - image).max(axis=2))
    assert 130 < changed[0].min() and changed[0].max() < 190 and Image.open(path).text['Description'] == (
        'Edited by Deep3DFaceReconstruction: makeup')
    with open(os.path.join(folder, '.deep3d_results')) as record:
        text = record.read()
    assert 'edit.py' in text and 'demo.py' not in text and 'compositeSynthetic' in Image.open(path).text[
        'XML:com.adobe.xmp']
    code, error, names = run(words, tmp_path, capsys)
    assert code == 0 and 'portrait_express_makeup.ply' not in names
