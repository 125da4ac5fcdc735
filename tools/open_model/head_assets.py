"""Hair, lashes, a tongue, hats and tops of MakeHuman, made ready to be drawn without textures.

Each becomes a coarse quad mesh in the frame of the mean head and, at the vertices of its refined mesh, the colour and
opacity of its texture; triangles that are transparent are dropped. Only MakeHuman's system assets are taken, which
its authors released as CC0.
"""
import json
import os
from typing import NamedTuple

import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.conventions import LUMA
from Deep3DFaceReconstruction.meshes import subdivision
from tools.open_model.paint_layers import sample
from tools.open_model.source import Proxy

HAIR = ('afro01', 'bob01', 'bob02', 'Braid01', 'long01', 'ponytail01', 'short01', 'short02', 'short03', 'short04')
LASHES = ('eyelashes02', 'eyelashes03', 'eyelashes04')
HATS = ('fedora', 'fedora_cocked')
TOPS = ('male_casualsuit01', 'male_casualsuit02', 'male_casualsuit04', 'male_casualsuit05', 'male_elegantsuit01',
        'male_worksuit01', 'female_casualsuit01', 'female_casualsuit02', 'female_elegantsuit01')
_KINDS = (('hair', 'hair', HAIR), ('lashes', 'eyelashes', LASHES), ('tongue', 'tongue', ('tongue01',)),
          ('hat', 'clothes', HATS), ('top', 'clothes', TOPS))
_MOST_QUADS = {'hair': 9000, 'lashes': 3000, 'tongue': 300, 'hat': 2600, 'top': 5000}
_TRANSPARENT = 0.12
_TOP_LOW = -2.4   # dm: below this the tops are cut off


class Accessory(NamedTuple):
    """One asset; V coarse vertices, Q quads, W vertices of the mesh refined `level` times."""

    name: str
    kind: str
    vertices: np.ndarray  # [V,3] dm, on the mean head
    quads: np.ndarray     # [Q,4]
    level: int
    keep: np.ndarray      # [2 Q 4^level] bool, the triangles that are drawn
    colour: np.ndarray    # [W,C] 0-255; C is 1 for hair: how bright
    opacity: np.ndarray   # [W] 0-255


def read_all(human_folder, base, to_model):
    """All accessories.

    Args:
      human_folder: the unpacked package.
      base: [19158,3] MakeHuman's vertices as the mean head, in MakeHuman's frame.
      to_model: function of points [n,3] that takes them into the model's frame.
    Returns:
      list of Accessory.
    """
    folder = os.path.join(human_folder, 'public', 'data', 'proxies')
    return [_read(os.path.join(folder, place, name), name, kind, base, to_model)
            for kind, place, names in _KINDS for name in names]


def _read(folder, name, kind, base, to_model):
    with open(os.path.join(folder, name + '.json'), encoding='utf-8') as file:
        proxy = Proxy(json.load(file))
    points = to_model(proxy.fit(base))
    corners, local = np.unique(np.stack([proxy.quads.ravel(), proxy.quad_uvs.ravel()], axis=1), axis=0,
                               return_inverse=True)
    quads, vertices, uv = local.reshape(-1, 4), points[corners[:, 0]], proxy.uvs[corners[:, 1]]
    if kind == 'top':
        quads = quads[vertices[quads][:, :, 1].max(axis=1) > _TOP_LOW]
        used, local = np.unique(quads, return_inverse=True)
        quads, vertices, uv = local.reshape(-1, 4), vertices[used], uv[used]
    level = 0
    while level < 2 and len(quads) * 4 ** (level + 1) <= _MOST_QUADS[kind]:
        level += 1
    fine, matrix = subdivision.subdivide(quads, len(vertices), level, subdivision.midpoint_split)
    texture = _texture(folder)
    seen = sample(texture, matrix.dot(uv))
    triangles = subdivision.split_quads(fine)
    keep = seen[:, 3][triangles].mean(axis=1) > 255 * _TRANSPARENT
    colour = seen[:, :3]
    if kind in ('hair', 'lashes'):
        light = colour.dot(LUMA)[:, np.newaxis]
        colour = light * (150 / max(np.quantile(light[seen[:, 3] > 128], 0.8), 40))
    return Accessory(name, kind, vertices, quads, level, keep, np.clip(colour, 0, 255), seen[:, 3])


def _texture(folder):
    """[H,W,4] the diffuse texture, colours continued into what is transparent."""
    textures = os.path.join(folder, 'textures')
    names = [name for name in sorted(os.listdir(textures))
             if not any(word in name for word in ('normal', '_ao', 'nrm', 'displacement', 'black', 'grey'))]
    with Image.open(os.path.join(textures, names[0])) as image:
        rgba = np.asarray(image.convert('RGBA'), np.float32)
    return rgba


def packed(accessories, unit):
    """The arrays of the head's file that hold the accessories; `unit` is what a coordinate is counted in, dm."""
    arrays = {'accessories': np.array([each.name for each in accessories]),
              'accessory_kinds': np.array([each.kind for each in accessories])}
    for number, each in enumerate(accessories):
        prefix = 'a%d_' % number
        arrays[prefix + 'vertices'] = np.rint(each.vertices / unit).astype(np.int16)
        arrays[prefix + 'quads'] = each.quads.astype(np.uint16)
        arrays[prefix + 'level'] = np.uint8(each.level)
        arrays[prefix + 'keep'] = np.packbits(each.keep)
        arrays[prefix + 'colour'] = np.rint(each.colour).astype(np.uint8)
        arrays[prefix + 'opacity'] = np.rint(each.opacity).astype(np.uint8)
    return arrays
