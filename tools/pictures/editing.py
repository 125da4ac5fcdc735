"""Makes docs/images/edit_*.jpg: the commands of edit.py on the astronaut's portrait (NASA, public domain).

    .venv/bin/python tools/pictures/editing.py [--output FOLDER]

Takes about half a minute.
"""
import argparse
import os
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
if __package__ in (None, ''):
    sys.path.insert(0, ROOT)  # run as a script: find the program's packages

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

prepare_process()

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from skimage import data  # noqa: E402

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES  # noqa: E402
from Deep3DFaceReconstruction.demo.library import Reconstructor  # noqa: E402
from Deep3DFaceReconstruction.editing.commands import COMMANDS  # noqa: E402
from Deep3DFaceReconstruction.editing.editor import Editor  # noqa: E402
from Deep3DFaceReconstruction.editing.options import parse_edit  # noqa: E402
from Deep3DFaceReconstruction.editing.subject import read_subject  # noqa: E402
from Deep3DFaceReconstruction.meshes.normals import vertex_normals  # noqa: E402
from Deep3DFaceReconstruction.numpy_decoder import albedo_of, shape_of  # noqa: E402
from Deep3DFaceReconstruction.photo.alignment import align_img, from_crop  # noqa: E402
from Deep3DFaceReconstruction.photo.camera import photo_camera  # noqa: E402
from Deep3DFaceReconstruction.photo.landmarks import standard_five_points  # noqa: E402
from Deep3DFaceReconstruction.surface import texture  # noqa: E402
from Deep3DFaceReconstruction.surface.rasterizer import rasterize  # noqa: E402
from Deep3DFaceReconstruction.system import assets  # noqa: E402
from Deep3DFaceReconstruction.system.files import atomic_write  # noqa: E402

CROP = (slice(20, 220), slice(130, 320))
SEEDS = (11, 5)
STRIPS = {
    'express': ('--set jawOpen=0.6', '--set eyeBlinkLeft=1,eyeBlinkRight=1', '--set browInnerUp=1,mouthPucker=1'),
    'pose': ('--yaw -30', '--yaw 30', '--pitch -15', '--roll 15'),
    'relight': ('--light left', '--light right', '--light top', '--tint #a0c0ff'),
    'attributes': ('--set age=-3', '--set age=3', '--set weight=-4', '--set weight=4'),
    'makeup': ('--lips #a03040', '--blush 0.8', '--shadow #604080', '--lips #a03040 --blush 0.5 --shadow #604080'),
}


def main(arguments=None):
    parser = argparse.ArgumentParser(description='Draw the edits for docs/editing.md.')
    parser.add_argument('--output', default=os.path.join(ROOT, 'docs', 'images'), help='folder (default: %(default)s)')
    options = parser.parse_args(arguments)
    reconstruct = Reconstructor(face_model=assets.OPEN_MODEL)
    editor = Editor(reconstruct.model, reconstruct.finder)
    with tempfile.TemporaryDirectory() as folder:
        photo = os.path.join(folder, 'astronaut.png')
        Image.fromarray(data.astronaut()).save(photo)
        subject = read_subject(photo, reconstruct)
    os.makedirs(options.output, exist_ok=True)
    strips = {command: _strip(editor, subject, command, variants) for command, variants in STRIPS.items()}
    strips['swap'] = _swaps(editor, subject)
    for command, tiles in strips.items():
        path = os.path.join(options.output, 'edit_%s.jpg' % command)
        with atomic_write(path) as temporary:
            Image.fromarray(np.concatenate(tiles, axis=1)).save(temporary, format='JPEG', quality=85)
        print('%s: %d kB' % (path, os.path.getsize(path) // 1000))


def _strip(editor, subject, command, variants):
    """The portrait's crop, then those of its edits."""
    edits = [parse_edit([command, 'astronaut.png'] + words.split()) for words in variants]
    return [subject.photo[CROP]] + [COMMANDS[command](editor, subject, edit, None).image[CROP] for edit in edits]


def _swaps(editor, subject):
    """The portrait, then people of the open model, each with the portrait that has the face."""
    tiles = [subject.photo[CROP]]
    edit = parse_edit(['swap', 'made.png', 'astronaut.png', '--no_visible_mark'])
    for seed in SEEDS:
        source = _made(editor.model, subject, seed)
        tiles += [source.photo[CROP], COMMANDS['swap'](editor, subject, edit, source).image[CROP]]
    return tiles


def _made(model, subject, seed):
    """The Subject of a random person of the open model, drawn where the portrait's face is."""
    random = np.random.RandomState(seed)
    coeff = np.zeros(COEFF_DIM)
    for name, scale in (('id', 0.7), ('tex', 0.8)):
        part = COEFF_SLICES[name]
        coeff[part] = scale * random.randn(part.stop - part.start)
    coeff[COEFF_SLICES['translation']] = subject.coeff[COEFF_SLICES['translation']]
    shape, camera = shape_of(model, coeff), photo_camera(coeff, subject.crop.trans_params)
    colours = albedo_of(model, coeff) * texture.shading(vertex_normals(shape, model.triangles), camera, coeff)
    face = rasterize(camera, shape, colours, model.triangles)
    photo = np.uint8(np.where(face.triangle_ids[:, :, np.newaxis] >= 0, np.clip(np.rint(face.values), 0, 255), 235))
    # Its crop is taken where the portrait's is.
    points = from_crop(subject.crop.lm_5p, subject.crop.trans_params)
    bgr = np.ascontiguousarray(align_img(Image.fromarray(photo), points, standard_five_points())[0][0])
    return subject._replace(photo=photo, coeff=coeff, shape=shape, name='made',
                            crop=subject.crop._replace(image_path='made%d' % seed, bgr=bgr))


if __name__ == '__main__':
    main()
