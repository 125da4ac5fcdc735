"""A stand-in for gnm_head.npz and its list of landmarks, in their layout: metres, groups, parts of the bases."""
import os

import numpy as np

from tests.face_model.converters.real_face import BALL

TEETH = 20
METRES = 0.1  # of a decimetre
# How GNM lists the jaw line.
JAW_ORDER = [0, 1, 6, 5, 4, 3, 2, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]


def arrays(face):
    """What gnm_head.npz holds of a RealFace, and more: teeth, whose components move nothing else."""
    random = np.random.RandomState(0)
    skin, eyes = len(face.mean), 2 * BALL
    count = skin + eyes + TEETH
    # The left eye of the subject comes first.
    template = np.concatenate([face.mean, face.eyes[::-1].reshape(-1, 3), random.randn(TEETH, 3)])
    identity, expression = np.zeros((80 + 3, count, 3)), np.zeros((64, count, 3))
    identity[:80, :skin], expression[:, :skin] = face.identity, face.expression
    identity[80:, skin + eyes:] = random.randn(3, TEETH, 3)
    names = ['ears', 'skin', 'scleras', 'teeth']
    groups = np.zeros((len(names), count), np.float32)
    for name, rows in (('skin', slice(0, skin)), ('scleras', slice(skin, skin + eyes)),
                       ('teeth', slice(skin + eyes, None))):
        groups[names.index(name), rows] = 1
    teeth = skin + eyes + np.arange(TEETH).reshape(-1, 4)
    quads = np.concatenate([teeth, face.quads])
    return {'version': np.array('3.0'), 'variant': np.array('head'),
            'template_vertex_positions': np.float32(METRES * template + [0.01, 1.6, 0.05]),
            'vertex_identity_basis': np.float32(METRES * identity), 'expression_basis': np.float32(METRES * expression),
            'identity_names': np.array(['head_%03d' % k for k in range(80)] + ['teeth_%03d' % k for k in range(3)]),
            'expression_names': np.array(['lower_face_region_%03d' % k for k in range(64)]),
            'quads': quads.astype(np.int32), 'triangles': np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]]),
            'vertex_groups': groups, 'vertex_group_names': np.array(names)}


def write(face, folder, **changes):
    """Writes FOLDER/data/versions/v3_0/gnm_head.npz and FOLDER/data/landmarks/head_sparse_68.txt; returns the model's
    path. A change to None leaves an array out."""
    path = os.path.join(str(folder), 'data', 'versions', 'v3_0', 'gnm_head.npz')
    os.makedirs(os.path.dirname(path), exist_ok=True)
    content = dict(arrays(face), **changes)
    np.savez(path, **{key: value for key, value in content.items() if value is not None})
    listed = os.path.join(str(folder), 'data', 'landmarks', 'head_sparse_68.txt')
    os.makedirs(os.path.dirname(listed), exist_ok=True)
    around = face.quads[[np.flatnonzero((face.quads == vertex).any(axis=1))[0] for vertex in face.landmarks]]
    with open(listed, 'w') as stream:
        for number in JAW_ORDER + list(range(17, 68)):
            others = [vertex for vertex in around[number] if vertex != face.landmarks[number]]
            stream.write('%d 0.9 %d 0.06 %d 0.04\n' % (face.landmarks[number], others[0], others[1]))
    return path
