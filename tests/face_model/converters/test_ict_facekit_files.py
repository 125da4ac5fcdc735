"""Wrong, missing and surplus files of ICT-FaceKit, each by its message."""
import json
import os

import pytest

from Deep3DFaceReconstruction.errors import AssetError, FaceModelError
from Deep3DFaceReconstruction.face_model.converters import ict_facekit
from tests.face_model.converters import ict_stand_in as stand_in
from tests.face_model.converters.ict_stand_in import LAYOUT, NAMES, convert


@pytest.mark.parametrize('text, message', [
    ('{}', 'got none$'), ('[1]', 'got none$'), ('{"expressions": [1]}', 'got none$'), ('{', "got a text file .'{'.$"),
    ('<html>', 'got a saved web page'), ('', 'got an empty file')])
def test_a_wrong_list_of_expressions_is_named(ict_folder, change_ict, text, message):
    change_ict('FaceXModel/vertex_indices.json', lambda _: text)
    with pytest.raises(FaceModelError, match="vertex_indices.json: expected JSON with the list 'expressions' of names, "
                                             + message):
        convert(ict_folder)


def _line(word, number, new):
    """Replaces the n-th line that starts with a word."""
    def edit(text):
        lines = text.split('\n')
        at = [k for k, line in enumerate(lines) if line.startswith(word + ' ')][number]
        lines[at] = new
        return '\n'.join(lines)
    return edit


@pytest.mark.parametrize('name, edit, message', [
    ('identity001.obj', _line('v', 3, ''), 'identity001.obj: expected %d vertices, got %d$' % (
        LAYOUT.vertices, LAYOUT.vertices - 1)),
    ('jawOpen.obj', _line('v', 3, 'v 1 2 nan'), 'jawOpen.obj: expected finite .* got NaN or infinity at vertex 3$'),
    ('jawOpen.obj', _line('v', 7, 'v 1 2 x'), "jawOpen.obj: expected lines 'v x y z' of numbers, got 'v 1 2 x'$"),
    ('jawOpen.obj', _line('v', 7, 'v 1 2'), "jawOpen.obj: expected lines 'v x y z' of numbers, got 'v 1 2'$"),
    ('jawOpen.obj', lambda text: '<!DOCTYPE html><html><title>Sign in</title>',
     r'jawOpen.obj: expected an .obj mesh, got a saved web page'),
    ('identity000.obj', lambda text: 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n',
     r'identity000.obj: expected an .obj mesh, got a git-lfs pointer'),
    ('identity002.obj', lambda text: '', 'identity002.obj: expected an .obj mesh, got an empty file$'),
    ('identity002.obj', lambda text: '# nothing here\n', "identity002.obj: expected an .obj mesh, got .*"),
    ('generic_neutral_mesh.obj', _line('f', 17, 'f 1/1/1 2/2/2 3/3/3'),
     'generic_neutral_mesh.obj: expected faces of 4 corners, got face 17 of 3 corners$'),
    ('generic_neutral_mesh.obj', _line('f', 17, 'f 1 2 3 x'), "expected lines 'f a/b/c ...' of numbers from 1"),
    ('generic_neutral_mesh.obj', _line('f', 17, 'f -1 -2 -3 -4'), "expected lines 'f a/b/c ...' of numbers from 1"),
    ('generic_neutral_mesh.obj', _line('f', 17, 'f 1 2 3 1770'),
     'expected the first 1660 faces on the first 1764 vertices, got vertex 1769$'),
    ('generic_neutral_mesh.obj', lambda text: text[:text.index('\nf ') + 1] + 'f 1 2 3 4\n',
     'expected at least 1660 faces, got 1$'),
    ('generic_neutral_mesh.obj', _line('f', 17, 'f 1/1/1 2/1/1 43/1/1 42/1/1'),
     'generic_neutral_mesh.obj: quads: expected at most two faces on an edge, found 3$'),
])
def test_wrong_files_are_named(ict_folder, change_ict, name, edit, message):
    change_ict(os.path.join('FaceXModel', name), edit)
    out = os.path.join(ict_folder, 'out', 'x.mat')
    with pytest.raises(AssetError, match=message) as error:
        ict_facekit.convert(ict_folder, out, stand_in.albedo_model(), layout=LAYOUT)
    assert '\n' not in str(error.value)
    assert not os.path.exists(os.path.dirname(out))


@pytest.mark.parametrize('names, message', [
    (['generic_neutral_mesh'], 'expected the folder FaceXModel of ICT-FaceKit, or the folder that holds it, got'),
    (['identity001'], 'FaceXModel: expected 3 identities, got a folder without identity001.obj$'),
    (NAMES, 'FaceXModel: expected the .obj files of 1 to 64 expressions, got 0: none$'),
])
def test_missing_files_are_named(ict_folder, names, message):
    paths = [os.path.join(ict_folder, 'FaceXModel', name + '.obj') for name in names]
    for path in paths:
        os.rename(path, path + '.away')
    try:
        with pytest.raises(AssetError, match=message):
            convert(ict_folder)
    finally:
        for path in paths:
            os.rename(path + '.away', path)


def test_many_missing_files_fit_in_a_line(ict_folder):
    with pytest.raises(FaceModelError, match='100 identities, got a folder without identity003.obj, .* and 92 more$'):
        convert(ict_folder, layout=LAYOUT._replace(identities=100))


def test_too_many_expressions(ict_folder, change_ict):
    extra = ['extra%d' % k for k in range(12)]
    change_ict('FaceXModel/vertex_indices.json', lambda _: json.dumps({'expressions': NAMES + extra}))
    paths = [os.path.join(ict_folder, 'FaceXModel', name + '.obj') for name in extra]
    for path in paths:
        open(path, 'w').close()
    try:
        with pytest.raises(FaceModelError, match='1 to 64 expressions, got 65: browDown_L, .* and 60 more$'):
            convert(ict_folder)
    finally:
        for path in paths:
            os.remove(path)
