"""Binary glTF: Khronos's validator has nothing to say, trimesh reads back every number, any name survives."""
import glob
import io
import json
import os
import shutil
import struct
import subprocess

import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.exports import glb, morph_targets
from Deep3DFaceReconstruction.system.png import encode_png
from tests import ROOT

NAME = '</script> "Łódź" =1+1 \'顔\'\n'
VALIDATE = '''
const validator = require(process.argv[1]);
validator.validateBytes(new Uint8Array(require('fs').readFileSync(process.argv[2]))).then(
  report => console.log(JSON.stringify(report.issues)));
'''


def validator():
    """The npm package gltf-validator, where it and node are installed."""
    places = [os.environ.get('GLTF_VALIDATOR', '')] + glob.glob(os.path.join(ROOT, 'node_modules', 'gltf-validator'))
    found = [place for place in places if place and os.path.isdir(place)]
    if not found or shutil.which('node') is None:
        pytest.skip('needs node and the npm package gltf-validator in node_modules/ or at GLTF_VALIDATOR')
    return os.path.abspath(found[0])


@pytest.fixture
def mesh():
    random = np.random.RandomState(0)
    targets = 0.01 * random.randn(3, 4, 3)
    targets[1, 1:] = 0  # moves one vertex: stored sparse
    targets[2] = 0
    texture = encode_png(random.randint(0, 256, (8, 8, 3)).astype(np.uint8))
    return glb.GlbMesh(random.randn(4, 3), np.array([[0, 0, 2.0], [1, 0, 0], [0, 0, 0], [0, -1, 0]]), random.rand(4, 2),
                       np.array([[0, 1, 2], [2, 1, 3]]), texture, ('jawOpen', 'a"b', '<i>'), targets,
                       np.array([0.5, -0.25, 0]), False)


def parsed(data):
    """(the JSON part, the binary part)"""
    magic, version, size = struct.unpack('<4sII', data[:12])
    assert (magic, version, size) == (b'glTF', 2, len(data))
    length, kind = struct.unpack('<I4s', data[12:20])
    assert kind == b'JSON' and length % 4 == 0
    binary_size, binary_kind = struct.unpack('<I4s', data[20 + length:28 + length])
    assert binary_kind == b'BIN\0' and 28 + length + binary_size == len(data)
    return json.loads(data[20:20 + length].decode()), data[28 + length:]


def accessor_values(document, binary, number):
    """An accessor's values, sparse ones included."""
    accessor = document['accessors'][number]
    width = int(accessor['type'][3:]) if accessor['type'] != 'SCALAR' else 1
    kind = {5126: '<f4', 5125: '<u4'}[accessor['componentType']]

    def view(reference, dtype):
        place = document['bufferViews'][reference]
        return np.frombuffer(binary[place['byteOffset']:place['byteOffset'] + place['byteLength']], dtype)
    values = np.zeros([accessor['count'], width], kind)
    if 'bufferView' in accessor:
        values = view(accessor['bufferView'], kind).reshape(-1, width).copy()
    if 'sparse' in accessor:
        sparse = accessor['sparse']
        moved = view(sparse['values']['bufferView'], kind).reshape(-1, width)
        values[view(sparse['indices']['bufferView'], '<u4')] = moved
    return values


def test_every_number(mesh):
    document, binary = parsed(b''.join(glb.encode_glb(mesh, NAME)))
    primitive, = document['meshes'][0]['primitives']
    read = {key: accessor_values(document, binary, number) for key, number in primitive['attributes'].items()}
    np.testing.assert_array_equal(read['POSITION'], mesh.positions.astype(np.float32))
    np.testing.assert_allclose(read['TEXCOORD_0'], np.stack([mesh.uv[:, 0], 1 - mesh.uv[:, 1]], axis=1), atol=1e-7)
    np.testing.assert_allclose(np.linalg.norm(read['NORMAL'], axis=1), 1, atol=1e-6)
    indices = accessor_values(document, binary, primitive['indices'])
    np.testing.assert_array_equal(indices.reshape(-1, 3), mesh.triangles)
    for target, expected in zip(primitive['targets'], mesh.targets):
        moves = accessor_values(document, binary, target['POSITION'])
        np.testing.assert_array_equal(moves, expected.astype(np.float32))
    sparse = ['sparse' in document['accessors'][target['POSITION']] for target in primitive['targets']]
    assert sparse == [False, True, False]
    assert document['meshes'][0]['weights'] == [0.5, -0.25, 0]
    assert document['meshes'][0]['extras']['targetNames'] == ['jawOpen', 'a"b', '<i>']
    assert document['nodes'][0]['name'] == NAME
    place = document['bufferViews'][document['images'][0]['bufferView']]
    image = Image.open(io.BytesIO(binary[place['byteOffset']:place['byteOffset'] + place['byteLength']]))
    assert image.size == (8, 8)


@pytest.mark.parametrize('lit', [False, True])
def test_khronos_validator(mesh, tmp_path, lit):
    package = validator()
    for number, change in enumerate(({}, {'targets': None, 'target_names': (), 'weights': None})):
        path = tmp_path / ('%d.glb' % number)
        glb.write_glb(str(path), mesh._replace(lit=lit, **change), NAME)
        found = json.loads(subprocess.check_output(['node', '-e', VALIDATE, package, str(path)]).decode())
        assert found['messages'] == []


def test_trimesh_reads_it(mesh, tmp_path):
    trimesh = pytest.importorskip('trimesh')
    glb.write_glb(str(tmp_path / 'a.glb'), mesh, 'face')
    loaded, = trimesh.load(str(tmp_path / 'a.glb'), process=False).geometry.values()
    np.testing.assert_array_equal(loaded.vertices, mesh.positions.astype(np.float32))
    np.testing.assert_array_equal(loaded.faces, mesh.triangles)
    np.testing.assert_allclose(loaded.visual.uv, mesh.uv, atol=1e-6)
    assert loaded.visual.material.baseColorTexture.size == (8, 8)


@pytest.mark.parametrize('change, message', [
    ({'weights': np.zeros(2)}, 'targets: expected [K,4,3], K weights and K names, got [3, 4, 3], 2 and 3'),
    ({'targets': np.full([3, 4, 3], np.inf)}, 'targets: expected finite numbers'),
    ({'uv': np.zeros([3, 2])}, 'uv: expected one row for each of 4 vertices'),
    ({'positions': np.full([4, 3], np.nan)}, 'vertices: expected finite numbers')])
def test_arrays_that_do_not_fit(mesh, tmp_path, change, message):
    with pytest.raises(ValueError) as caught:
        glb.write_glb(str(tmp_path / 'a.glb'), mesh._replace(**change))
    assert message in str(caught.value) and os.listdir(str(tmp_path)) == []


class TestMorphTargets:
    def test_components(self, test_model):
        targets = morph_targets.morph_targets(test_model)
        assert len(targets.names) == test_model.ex_dim and targets.names[0] == 'expression_01'
        self.check_expression(targets, test_model, np.linspace(-1, 1, 64))

    def test_arkit_names_and_the_rest(self, open_model):
        targets = morph_targets.morph_targets(open_model)
        assert len(targets.names) == 52 and 'jawOpen' in targets.names
        names = self.check_expression(targets, open_model, np.random.RandomState(0).randn(64))
        assert names[:52] == targets.names and names[52:] == (morph_targets.REST,)
        names = self.check_expression(targets, open_model, np.zeros(64))
        assert names == targets.names  # nothing is left of no expression

    @staticmethod
    def check_expression(targets, model, coefficients):
        names, moves, weights = targets.of_face(coefficients)
        assert len(names) == len(moves) == len(weights)
        expected = model.ex_base.dot(coefficients).reshape(-1, 3)
        np.testing.assert_allclose(np.tensordot(weights, moves, axes=1), expected, atol=2e-5)
        return names
