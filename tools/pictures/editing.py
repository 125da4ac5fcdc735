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

from Deep3DFaceReconstruction.demo.library import Reconstructor  # noqa: E402
from Deep3DFaceReconstruction.editing.commands import COMMANDS  # noqa: E402
from Deep3DFaceReconstruction.editing.editor import Editor  # noqa: E402
from Deep3DFaceReconstruction.editing.options import parse_edit  # noqa: E402
from Deep3DFaceReconstruction.editing.subject import read_subject  # noqa: E402
from Deep3DFaceReconstruction.system import assets  # noqa: E402
from Deep3DFaceReconstruction.system.files import atomic_write  # noqa: E402

CROP = (slice(20, 220), slice(130, 320))
STRIPS = {
    'express': ('--set jawOpen=0.6', '--set eyeBlinkLeft=1,eyeBlinkRight=1', '--set browInnerUp=1,mouthPucker=1'),
    'pose': ('--yaw -10', '--yaw 10', '--pitch -10', '--roll 10'),
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
    for command, variants in STRIPS.items():
        tiles = [subject.photo[CROP]]
        for words in variants:
            edit = parse_edit([command, photo] + words.split())
            tiles.append(COMMANDS[command](editor, subject, edit, None).image[CROP])
        path = os.path.join(options.output, 'edit_%s.jpg' % command)
        with atomic_write(path) as temporary:
            Image.fromarray(np.concatenate(tiles, axis=1)).save(temporary, format='JPEG', quality=85)
        print('%s: %d kB' % (path, os.path.getsize(path) // 1000))


if __name__ == '__main__':
    main()
