"""The open model's face in the shape of other models: a folder like ICT-FaceKit's, the topology of BFM09."""
import json
import os

import numpy as np
import scipy.io

from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.face_model.converters import ict_facekit
from Deep3DFaceReconstruction.face_model.open_model import EYE_PARTS
from Deep3DFaceReconstruction.meshes import registration
from Deep3DFaceReconstruction.meshes.closest_surface import closest_points, interpolation_matrix
from Deep3DFaceReconstruction.system import assets
from tests.face_model.converters.real_face import BALL

CENTIMETRES = 10  # of a decimetre
IDENTITIES = 30
# Weight of jawOpen at which lips are about a millimetre apart.
SLIT = 0.04
_SLACK = 0.02


def ict_layout(face):
    """The ict_facekit.Layout of `write_ict`."""
    count = len(face.mean)
    return ict_facekit.Layout(vertices=count + 2 * BALL, face_vertices=count, face_quads=len(face.quads),
                              identities=IDENTITIES, eyes=((count, count + BALL - 1),
                                                           (count + BALL, count + 2 * BALL - 1)))


def write_ict(face, folder):
    """Writes a RealFace as FaceXModel: a slit between the lips, eyes, the 53 expressions; returns the folder."""
    folder = os.path.join(str(folder), 'FaceXModel')
    os.makedirs(folder)
    neutral = face.mean + SLIT * face.named['jawOpen']
    moves = {'identity%03d' % k: face.identity[k] for k in range(IDENTITIES)}
    moves.update({name: _expression(face, name) for name in ict_facekit.EXPRESSIONS})
    faces = ('f %d %d %d %d\n' * len(face.quads)) % tuple((face.quads + 1).ravel())
    for name, move in [('generic_neutral_mesh', 0)] + sorted(moves.items()):
        vertices = CENTIMETRES * np.concatenate([neutral + move, face.eyes[::-1].reshape(-1, 3)])
        with open(os.path.join(folder, name + '.obj'), 'w') as stream:
            stream.write(('v %.6f %.6f %.6f\n' * len(vertices)) % tuple(vertices.ravel()))
            stream.write(faces)
    with open(os.path.join(folder, 'vertex_indices.json'), 'w') as stream:
        json.dump({'expressions': list(ict_facekit.EXPRESSIONS)}, stream)
    with open(os.path.join(folder, 'README.md'), 'w') as stream:
        stream.write(', '.join(map(str, face.landmarks)))
    return folder


def _expression(face, name):
    """[n,3] of an ICT-FaceKit name; its sides of browInnerUp and cheekPuff are halves of ARKit's."""
    stem, side = (name[:-2], name[-1]) if name[-2:] in ('_L', '_R') else (name, '')
    whole = stem + {'L': 'Left', 'R': 'Right', '': ''}[side]
    if whole in face.named:
        return face.named[whole]
    left = np.clip(0.5 + face.mean[:, :1] / 0.2, 0, 1)
    return face.named[stem] * (left if side == 'L' else 1 - left)


def bfm09_shaped(reference_dir):
    """A dict in the layout of BFM_model_front.mat: the public topology of BFM09, laid onto the open model's face.

    Args:
      reference_dir: folder of the public topology files.
    """
    info = scipy.io.loadmat(os.path.join(reference_dir, 'facemodel_info.mat'))
    mean = np.load(os.path.join(reference_dir, 'test_mean_shape.npz'))['meanshape'].astype(np.float64)
    source = load_face_model(assets.OPEN_MODEL)
    marks, goal = mean[info['keypoints'].ravel().astype(int) - 1], source.meanshape[source.keypoints]
    scale, rotation, shift = registration.similarity(marks, goal)
    warp = registration.smooth_warp(scale * marks.dot(rotation) + shift, goal, np.full(68, _SLACK))
    # BFM09's surface runs over the eyes.
    skin = source.triangles[np.isin(source.part, (0,) + EYE_PARTS)[source.triangles].all(axis=1)]
    closest = closest_points(warp(scale * mean.dot(rotation) + shift), source.meanshape, skin)
    matrix = interpolation_matrix(closest, skin, len(source.meanshape)).astype(np.float32)
    model = {key: info[key] for key in ('tri', 'point_buf', 'tri_mask2', 'keypoints', 'frontmask2_idx', 'skinmask')}
    for key, values in (('idBase', source.id_base), ('exBase', source.ex_base), ('texBase', source.tex_base)):
        model[key] = matrix.dot(values.reshape(len(source.meanshape), -1)).reshape(3 * len(mean), -1)
    model.update(meanshape=matrix.dot(source.meanshape).reshape(1, -1),
                 meantex=matrix.dot(source.meantex).reshape(1, -1))
    return model
