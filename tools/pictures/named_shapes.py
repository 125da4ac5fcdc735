"""Draws the open model's 52 named shapes at weight 1 for docs/models.md.

    python tools/pictures/named_shapes.py [--output FOLDER]

Uses the program's own decoder and renderer. Takes about half a minute.
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
from PIL import Image, ImageDraw  # noqa: E402

from Deep3DFaceReconstruction.conventions import SH_TERMS  # noqa: E402
from Deep3DFaceReconstruction.face_decoder import Face3D  # noqa: E402
from Deep3DFaceReconstruction.face_model import load_face_model, named_shapes  # noqa: E402
from Deep3DFaceReconstruction.graph_function import GraphFunction  # noqa: E402
from Deep3DFaceReconstruction.pictures import over  # noqa: E402
from Deep3DFaceReconstruction.system import assets  # noqa: E402
from Deep3DFaceReconstruction.system.files import atomic_write  # noqa: E402
from Deep3DFaceReconstruction.tf1 import tf  # noqa: E402

SIZE = 144                      # pixels of a tile's render, drawn at twice that
CROP = (slice(12, 144), slice(14, 130))
COLUMNS = 9
# Soft light from the front and a little from above, as in open_model.py.
LIGHT = {0: 0.10, 1: -0.10, 2: 0.24}
# What a shape is drawn with, where alone it shows nothing.
TOGETHER = {'mouthClose': 'jawOpen'}


def renderer(model):
    """A GraphFunction from shapes [B,N,3], dm, to pictures [B,SIZE,SIZE,3], 0-255."""
    gamma = np.zeros(3 * SH_TERMS, np.float32)
    for channel in range(3):
        for term, value in LIGHT.items():
            gamma[channel * SH_TERMS + term] = value

    def build():
        shapes = tf.placeholder(tf.float32, [None, len(model.meanshape), 3])
        face = Face3D(model, 2 * SIZE)
        count = tf.shape(shapes)[0]
        colors = face.Illumination_block(tf.tile(model.meantex[None], [count, 1, 1]), face.Compute_norm(shapes),
                                         tf.tile(gamma[None], [count, 1]))
        rgba, mask, _ = face.Render_block(shapes, colors)
        picture = over(rgba, mask, 255.0 * tf.ones_like(rgba[..., :3]))
        return {'shapes': shapes}, {'picture': tf.nn.avg_pool2d(picture, 2, 2, 'VALID')}
    return GraphFunction(build)


def tiles(model, named):
    """One labelled tile [h,w,3] uint8 per shape."""
    mean = model.meanshape - model.meanshape.mean(axis=0)
    with renderer(model) as draw:
        for name in named.names:
            weights = named.weights({name: 1.0, TOGETHER.get(name, name): 1.0})
            shape = (mean + named.offset(weights))[None]
            picture = np.rint(np.clip(draw.fetch('picture', shapes=shape)[0], 0, 255)).astype(np.uint8)[CROP]
            image = Image.fromarray(np.ascontiguousarray(picture))
            ImageDraw.Draw(image).text((2, 0), name, fill=(0, 0, 0))
            yield np.asarray(image)


def main(arguments=None):
    parser = argparse.ArgumentParser(description='Draw the named shapes for docs/models.md.')
    parser.add_argument('--output', default=os.path.join(ROOT, 'docs', 'images'), help='folder (default: %(default)s)')
    options = parser.parse_args(arguments)
    model = load_face_model(assets.OPEN_MODEL)
    pictures = list(tiles(model, named_shapes.load_named_shapes(model)))
    pictures += [np.full_like(pictures[0], 255)] * (-len(pictures) % COLUMNS)
    sheet = np.concatenate([np.concatenate(pictures[first:first + COLUMNS], axis=1)
                            for first in range(0, len(pictures), COLUMNS)])
    os.makedirs(options.output, exist_ok=True)
    path = os.path.join(options.output, 'named_shapes.jpg')
    with atomic_write(path) as temporary:
        Image.fromarray(sheet).save(temporary, format='JPEG', quality=85)
    print('%s: %d x %d, %d kB' % (path, sheet.shape[1], sheet.shape[0], os.path.getsize(path) // 1000))


if __name__ == '__main__':
    main()
