"""Skin-colour mixtures -> attention mask (the published `skinmask`), and a command that draws masks."""
import argparse
import os
import sys

import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.errors import UserError, message_of
from Deep3DFaceReconstruction.photo.image_io import read_image
from Deep3DFaceReconstruction.photo.skin import skinmask
from Deep3DFaceReconstruction.system.files import atomic_write

__all__ = ['skinmask']


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description='Writes the skin attention mask of each image: white is skin for sure, black surely not.')
    parser.add_argument('images', nargs='+', help='image files')
    parser.add_argument('--output', default='.',
                        help='folder for NAME_skin.png (default: the working directory)')
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_arguments(arguments)
    failed = 0
    for path in options.images:
        try:
            write_mask(path, options.output)
        except (UserError, OSError) as error:
            print(message_of(error), file=sys.stderr)
            failed += 1
    return 1 if failed else 0


def write_mask(path, output):
    """Writes OUTPUT/NAME_skin.png for the image at path."""
    bgr = np.asarray(read_image(path))[..., ::-1]
    name = os.path.splitext(os.path.basename(path))[0]
    with atomic_write(os.path.join(output, name + '_skin.png')) as temporary:
        Image.fromarray(skinmask(bgr)).save(temporary, format='PNG')


if __name__ == '__main__':
    sys.exit(main())
