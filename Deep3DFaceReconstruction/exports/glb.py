"""Writes one binary glTF 2.0 file (.glb): mesh, normals, texture, morph targets. Follows the specification of Khronos.

trimesh writes no morph targets, and pygltflib leaves the layout of the buffers to its caller: what is below.
"""
import json
import struct
from typing import NamedTuple, Optional, Tuple

import numpy as np

from Deep3DFaceReconstruction.exports.camera_file import METRES_PER_UNIT
from Deep3DFaceReconstruction.meshes.checks import check_mesh
from Deep3DFaceReconstruction.system.files import atomic_write

_FLOAT, _UINT32 = 5126, 5125
_ARRAY, _INDICES = 34962, 34963
_LINEAR, _LINEAR_MIPMAP, _CLAMP = 9729, 9987, 33071
# A target that moves at most this share of the vertices is stored as the list of those.
_SPARSE_BELOW = 0.6
_SMALLEST_MOVE = 1e-7  # metres


class Animation(NamedTuple):
    """Keys of a moving face, interpolated linearly.

    Attributes:
      times: [T] seconds, rising.
      weights: [T,K] of the morph targets.
      rotations: [T,4] of the head, unit quaternions x, y, z, w, for column vectors.
      translations: [T,3] metres.
    """

    times: np.ndarray
    weights: np.ndarray
    rotations: np.ndarray
    translations: np.ndarray


class GlbMesh(NamedTuple):
    """What a .glb file holds; V vertices as they are drawn, so that one on a seam stands there several times.

    Attributes:
      positions: [V,3] float, metres, y up: the neutral face.
      normals: [V,3] float, unit.
      uv: [V,2] float in 0-1, v UP (glTF's own runs down: it is turned over in the file).
      triangles: [F,3] int, from 0.
      texture_png: bytes of a PNG file, row 0 at v = 1.
      target_names: names of the morph targets; any text.
      targets: [K,V,3] float, offsets in metres at weight 1.
      weights: [K] float, this face's expression.
      lit: True: the texture is an albedo. False: the photo's light is in it, and it is shown as it is.
      animation: Animation of the targets' weights and of the head, or None.
    """

    positions: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray
    texture_png: bytes
    target_names: Tuple[str, ...] = ()
    targets: Optional[np.ndarray] = None
    weights: Optional[np.ndarray] = None
    lit: bool = True
    animation: Optional[Animation] = None


def atlas_mesh(atlas, shape, normals, texture_png, targets=None, **more):
    """The GlbMesh of a mesh with the texture of its atlas.

    Args:
      atlas: surface.face_atlas.FaceAtlas.
      shape: [N,3] dm, the neutral face; normals: [N,3] unit.
      texture_png: as of GlbMesh.
      targets: names of the morph targets and their moves [K,N,3] dm, or None.
      more: further fields of GlbMesh.
    """
    rows = atlas.vertices
    if targets is not None:
        names, moves = targets
        more.update(target_names=tuple(names), targets=moves[:, rows] * METRES_PER_UNIT)
    return GlbMesh(shape[rows] * METRES_PER_UNIT, normals[rows], atlas.uv, atlas.triangles, texture_png, **more)


def write_glb(path, mesh, name='face'):
    """Writes a GlbMesh; to a temporary file, then renamed.

    For example `write_glb('face.glb', GlbMesh(shape / 10, normals, uv, triangles, encode_png(texture)))`.

    Args:
      path: the .glb file.
      mesh: GlbMesh.
      name: of the node in the scene; any text.
    Raises:
      OSError: the folder cannot be written. ValueError: sizes that do not match, or numbers that are not finite.
    """
    parts = encode_glb(mesh, name)
    with atomic_write(path) as temporary:
        with open(temporary, 'wb') as stream:
            stream.writelines(parts)


def encode_glb(mesh, name='face'):
    """The file as a list of bytes objects; see write_glb."""
    check_mesh(mesh.positions, mesh.triangles, normals=mesh.normals, uv=mesh.uv)
    targets = np.zeros([0, len(mesh.positions), 3]) if mesh.targets is None else mesh.targets
    weights = [] if mesh.weights is None else mesh.weights
    if np.shape(targets)[1:] != np.shape(mesh.positions) or not len(targets) == len(weights) == len(mesh.target_names):
        raise ValueError('targets: expected [K,%d,3], K weights and K names, got %s, %d and %d' % (
            len(mesh.positions), list(np.shape(targets)), len(weights), len(mesh.target_names)))
    if not (np.isfinite(targets).all() and np.isfinite(weights).all()):
        raise ValueError('targets: expected finite numbers, got NaN or infinity')
    buffers = _Buffers()
    primitive = {
        'attributes': {'POSITION': buffers.add_vectors(mesh.positions, bounds=True),
                       'NORMAL': buffers.add_vectors(_unit(mesh.normals)),
                       'TEXCOORD_0': buffers.add_vectors(np.stack([mesh.uv[:, 0], 1 - mesh.uv[:, 1]], axis=1))},
        'indices': buffers.add_indices(mesh.triangles), 'material': 0}
    content = {'primitives': [primitive], 'name': name}
    if len(targets):
        primitive['targets'] = [{'POSITION': buffers.add_target(target)} for target in targets]
        content['weights'] = [float(weight) for weight in weights]
        content['extras'] = {'targetNames': list(mesh.target_names)}
    image = buffers.add_view(mesh.texture_png)
    animations = [] if mesh.animation is None else [_animation(mesh.animation, buffers)]
    return _container(_document(content, name, image, buffers, mesh.lit, animations), buffers)


def _animation(animation, buffers):
    """One animation of the mesh's only node."""
    times = np.ascontiguousarray(animation.times, '<f4')
    if len(times) < 1 or (np.diff(times) <= 0).any():
        raise ValueError('animation: expected times that rise, got %d of them' % len(times))
    keys = buffers.add_numbers(times, bounds=True)
    paths = [('rotation', buffers.add_keys(animation.rotations)),
             ('translation', buffers.add_keys(animation.translations))]
    if np.size(animation.weights):
        paths.append(('weights', buffers.add_numbers(np.ravel(animation.weights))))
    return {'name': 'motion',
            'samplers': [{'input': keys, 'output': values, 'interpolation': 'LINEAR'} for _, values in paths],
            'channels': [{'sampler': place, 'target': {'node': 0, 'path': path}}
                         for place, (path, _) in enumerate(paths)]}


def _document(content, name, image, buffers, lit, animations):
    material = {'name': 'face', 'doubleSided': True, 'pbrMetallicRoughness': {
        'baseColorTexture': {'index': 0}, 'metallicFactor': 0, 'roughnessFactor': 0.8}}
    document = {
        'asset': {'version': '2.0', 'generator': 'Deep3DFaceReconstruction'},
        'scene': 0, 'scenes': [{'nodes': [0]}], 'nodes': [{'mesh': 0, 'name': name}], 'meshes': [content],
        'materials': [material], 'textures': [{'source': 0, 'sampler': 0}],
        'images': [{'bufferView': image, 'mimeType': 'image/png', 'name': 'texture'}],
        'samplers': [{'magFilter': _LINEAR, 'minFilter': _LINEAR_MIPMAP, 'wrapS': _CLAMP, 'wrapT': _CLAMP}],
        'accessors': buffers.accessors, 'bufferViews': buffers.views, 'buffers': [{'byteLength': buffers.size}]}
    if animations:
        document['animations'] = animations
    if not lit:
        material['extensions'] = {'KHR_materials_unlit': {}}
        document['extensionsUsed'] = ['KHR_materials_unlit']
    return document


def _container(document, buffers):
    text = json.dumps(document, separators=(',', ':'), allow_nan=False).encode('ascii')
    text += b' ' * (-len(text) % 4)
    size = 12 + 8 + len(text) + 8 + buffers.size
    return ([struct.pack('<4sII', b'glTF', 2, size), struct.pack('<I4s', len(text), b'JSON'), text,
             struct.pack('<I4s', buffers.size, b'BIN\0')] + buffers.parts)


def _unit(normals):
    """Unit vectors; where there is no direction, one that points to the viewer, as the format has no other."""
    normals = np.asarray(normals, np.float64)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 1e-6, normals / np.maximum(length, 1e-6), [0, 0, 1])


class _Buffers:
    """The one buffer of the file, grown piece by piece, with its views and accessors."""

    def __init__(self):
        self.parts, self.size, self.views, self.accessors = [], 0, [], []

    def add_view(self, data, target=None):
        """The number of a new view of these bytes."""
        view = {'buffer': 0, 'byteOffset': self.size, 'byteLength': len(data)}
        if target is not None:
            view['target'] = target
        self.views.append(view)
        padding = b'\0' * (-len(data) % 4)
        self.parts += [data, padding]
        self.size += len(data) + len(padding)
        return len(self.views) - 1

    def _add_accessor(self, accessor):
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def add_vectors(self, values, bounds=False):
        """The number of a new accessor of [V,2] or [V,3] float."""
        values = np.ascontiguousarray(values, '<f4')
        accessor = {'bufferView': self.add_view(values.tobytes(), _ARRAY), 'componentType': _FLOAT,
                    'count': len(values), 'type': 'VEC%d' % values.shape[1]}
        return self._add_accessor(_bounded(accessor, values) if bounds else accessor)

    def add_keys(self, values):
        """The number of a new accessor of [T,3] or [T,4] float for an animation."""
        values = np.ascontiguousarray(values, '<f4')
        return self._add_accessor({'bufferView': self.add_view(values.tobytes()), 'componentType': _FLOAT,
                                   'count': len(values), 'type': 'VEC%d' % values.shape[1]})

    def add_numbers(self, values, bounds=False):
        """The number of a new accessor of [T] float for an animation."""
        values = np.ascontiguousarray(values, '<f4')
        accessor = {'bufferView': self.add_view(values.tobytes()), 'componentType': _FLOAT, 'count': len(values),
                    'type': 'SCALAR'}
        return self._add_accessor(_bounded(accessor, values[:, np.newaxis]) if bounds else accessor)

    def add_indices(self, triangles):
        """The number of a new accessor of triangles [F,3]."""
        values = np.ascontiguousarray(triangles, '<u4').ravel()
        view = self.add_view(values.tobytes(), _INDICES)
        return self._add_accessor({'bufferView': view, 'componentType': _UINT32, 'count': len(values),
                                   'type': 'SCALAR'})

    def add_target(self, offsets):
        """The number of a new accessor of offsets [V,3]; sparse where few vertices move."""
        offsets = np.ascontiguousarray(offsets, '<f4')
        large = np.abs(offsets) > _SMALLEST_MOVE
        moving = np.flatnonzero(large[:, 0] | large[:, 1] | large[:, 2])
        if not 0 < len(moving) <= _SPARSE_BELOW * len(offsets):
            return self.add_vectors(offsets, bounds=True)
        moved = offsets[moving]
        accessor = {'componentType': _FLOAT, 'count': len(offsets), 'type': 'VEC3', 'sparse': {
            'count': len(moving),
            'indices': {'bufferView': self.add_view(moving.astype('<u4').tobytes()), 'componentType': _UINT32},
            'values': {'bufferView': self.add_view(moved.tobytes())}}}
        return self._add_accessor(_bounded(accessor, np.concatenate([moved, np.zeros([1, 3], '<f4')])))


def _bounded(accessor, values):
    columns = [np.ascontiguousarray(values[:, k]) for k in range(values.shape[1])]  # many times faster than by axis
    return dict(accessor, min=[float(column.min()) for column in columns],
                max=[float(column.max()) for column in columns])
