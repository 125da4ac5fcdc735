"""Draws the open face model for docs/models.md: the mean face, its components, random faces, expressions, regions.

    python tools/pictures/open_model.py [--output FOLDER]

Uses the program's own decoder and renderer. Takes about a minute.
"""
import argparse
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
if __package__ in (None, ''):
    sys.path.insert(0, ROOT)  # run as a script: find the program's packages

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

prepare_process()

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES, SH_TERMS  # noqa: E402
from Deep3DFaceReconstruction.face_decoder import Face3D  # noqa: E402
from Deep3DFaceReconstruction.face_model import from_mat_dict, open_model  # noqa: E402
from Deep3DFaceReconstruction.pictures import clay_shading, over  # noqa: E402
from Deep3DFaceReconstruction.system.files import atomic_write  # noqa: E402
from Deep3DFaceReconstruction.tf1 import tf  # noqa: E402

TURN_DEGREES = 40.0
COMPONENTS, DEVIATIONS = 5, 2.0
RANDOM_FACES, SEED = 10, 7
TILE = 224                       # pixels of one picture, rendered at twice that
BACKGROUND = 255.0
MARGIN_ROWS = (34, 214)          # the rows of a tile that hold faces
# Soft light from the front and a little from above: the first, second and third spherical harmonics of gamma.
LIGHT = {0: 0.10, 1: -0.10, 2: 0.24}
_ROWS_PER_BATCH = 10


class Painter:
    """Renders rows of coefficients with one graph."""

    def __init__(self, model):
        self._graph = tf.Graph()
        with self._graph.as_default():
            self._coeff = tf.placeholder(tf.float32, [None, COEFF_DIM])
            self._colors = tf.placeholder(tf.float32, [len(model.meanshape), 3])
            face = Face3D(model, 2 * TILE)
            geometry = face.Geometry_block(self._coeff)
            painted = face.Illumination_block(tf.expand_dims(self._colors, 0) * tf.ones_like(geometry.face_texture),
                                              geometry.face_norm_r, geometry.coefficients.gamma)
            self._pictures = [self._drawn(face, geometry, colors) for colors in (
                geometry.face_color, clay_shading(geometry.face_norm_r), painted)]
            self._session = tf.Session(graph=self._graph, config=tf.ConfigProto(
                intra_op_parallelism_threads=2, inter_op_parallelism_threads=1))

    @staticmethod
    def _drawn(face, geometry, colors):
        """[B,TILE,TILE,3]: drawn at twice the size, averaged down."""
        rgba, mask, _ = face.Render_block(geometry.face_shape_t, colors)
        return tf.nn.avg_pool2d(over(rgba, mask, BACKGROUND * tf.ones_like(rgba[..., :3])), 2, 2, 'VALID')

    def draw(self, coeff, kind='albedo', colors=None):
        """[B,h,TILE,3] uint8 pictures of coeff [B,257]; kind: 'albedo', 'clay', or 'colors' ([N,3] RGB)."""
        node = self._pictures[('albedo', 'clay', 'colors').index(kind)]
        if colors is None:
            colors = np.zeros(self._colors.shape.as_list(), np.float32)
        batches = [self._session.run(node, {self._coeff: coeff[first:first + _ROWS_PER_BATCH], self._colors: colors})
                   for first in range(0, len(coeff), _ROWS_PER_BATCH)]
        return np.rint(np.clip(np.concatenate(batches), 0, 255)).astype(np.uint8)[:, slice(*MARGIN_ROWS)]


def coefficients(count, turn=0.0, **parts):
    """[count,257] coefficients with soft frontal light; parts: id=, ex=, tex= of [count, <= dimension]."""
    coeff = np.zeros((count, COEFF_DIM), np.float32)
    for name, values in parts.items():
        start = COEFF_SLICES[name].start
        coeff[:, start:start + values.shape[1]] = values
    coeff[:, COEFF_SLICES['angles'].start + 1] = np.radians(turn)
    for channel in range(3):
        for term, value in LIGHT.items():
            coeff[:, COEFF_SLICES['gamma'].start + channel * SH_TERMS + term] = value
    return coeff


def front_and_turned(painter, **parts):
    """Two rows of pictures, each [h, count * TILE, 3]: from the front, and turned by 40 degrees."""
    count = len(next(iter(parts.values())))
    return [np.concatenate(list(painter.draw(coefficients(count, turn, **parts))), axis=1)
            for turn in (0.0, TURN_DEGREES)]


def component_rows(painter, name):
    """The mean plus and minus two deviations of the first five components of one basis, four rows."""
    rows = []
    for sign in (1, -1):
        rows += front_and_turned(painter, **{name: sign * DEVIATIONS * np.eye(COMPONENTS)})
    return np.concatenate(rows)


def mean_face(painter, model, loaded):
    """The mean: albedo, clay and regions, each from the front and turned."""
    skin = model.skinmask[:, None] > 0
    front = np.zeros((len(skin), 1), bool)
    front[np.unique(model.region_triangles)] = True
    landmark = np.zeros((len(skin), 1), bool)
    landmark[model.keypoints] = True
    part = loaded['part'].ravel().astype(int)
    colors = np.array([[225, 170, 145], [150, 60, 60], [90, 150, 220], [90, 150, 220], [240, 240, 235]], float)[part]
    colors = np.where(skin, colors, 0.62 * colors)
    colors = np.where(front, colors, 0.75 * colors + 0.25 * np.array([90, 120, 90]))
    coeff = [coefficients(1, turn) for turn in (0.0, TURN_DEGREES)]
    tiles = [painter.draw(c, 'albedo')[0] for c in coeff] + [painter.draw(c, 'clay')[0] for c in coeff]
    tiles += [painter.draw(c, 'colors', colors.astype(np.float32))[0] for c in coeff]
    return np.concatenate(tiles, axis=1)


def random_faces(painter):
    """Ten random neutral people, and below them ten with random expressions at half the deviation."""
    random = np.random.RandomState(SEED)
    people = {'id': random.randn(RANDOM_FACES, 80), 'tex': random.randn(RANDOM_FACES, 80)}
    rows = front_and_turned(painter, **people)
    rows += front_and_turned(painter, ex=0.6 * random.randn(RANDOM_FACES, 64), **people)
    half = RANDOM_FACES // 2 * TILE
    return np.concatenate([row[:, start:start + half] for start in (0, half) for row in rows])


def save(picture, folder, name):
    path = os.path.join(folder, name)
    with atomic_write(path) as temporary:
        Image.fromarray(picture).save(temporary, quality=88)
    print('%s: %d x %d, %d kB' % (path, picture.shape[1], picture.shape[0], os.path.getsize(path) // 1000))


def main(arguments=None):
    parser = argparse.ArgumentParser(description='Draw the open face model for docs/models.md.')
    parser.add_argument('--output', default=os.path.join(ROOT, 'docs', 'images'), help='folder (default: %(default)s)')
    options = parser.parse_args(arguments)
    os.makedirs(options.output, exist_ok=True)
    loaded = open_model.load_open_model()
    model = from_mat_dict(loaded, 'the open model')
    painter = Painter(model)
    save(mean_face(painter, model, loaded), options.output, 'model_mean.jpg')
    for name, title in (('id', 'identity'), ('ex', 'expression'), ('tex', 'albedo')):
        save(component_rows(painter, name), options.output, 'model_%s.jpg' % title)
    save(random_faces(painter), options.output, 'model_random.jpg')


if __name__ == '__main__':
    main()
