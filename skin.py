"""Skin-colour mixtures -> attention mask (the published `skinmask`), and a command that draws masks."""
import argparse
import os
import sys

import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.errors import UserError, message_of
from Deep3DFaceReconstruction.photo.image_io import read_image
from Deep3DFaceReconstruction.photo.photo_files import result_names
from Deep3DFaceReconstruction.photo.skin import skinmask
from Deep3DFaceReconstruction.system import exit_codes
from Deep3DFaceReconstruction.system.files import atomic_write
from Deep3DFaceReconstruction.system.own_files import check_replaceable, marked_info

__all__ = ['skinmask']


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description='Writes the skin attention mask of each image: white is skin for sure, black surely not.',
        epilog=exit_codes.EPILOG)
    parser.add_argument('images', nargs='+', help='image files')
    parser.add_argument('--output', default='.',
                        help='folder for NAME_skin.png (default: the working directory)')
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_arguments(arguments)
    targets = [os.path.join(options.output, name + '_skin.png') for name in result_names(options.images)]
    try:
        for target in targets:
            check_replaceable(target)
    except UserError as error:
        print(error, file=sys.stderr)
        return exit_codes.NOT_STARTED
    try:
        failed = [path for path, target in zip(options.images, targets) if not write_mask(path, target)]
    except KeyboardInterrupt:
        print('skin.py: stopped', file=sys.stderr)
        return exit_codes.INTERRUPTED
    return exit_codes.SOME_FAILED if failed else exit_codes.ALL_DONE


def write_mask(path, target):
    """Writes the mask of the image at path; says what is wrong and returns False where that cannot be done."""
    try:
        mask = skinmask(np.asarray(read_image(path))[..., ::-1])
        check_replaceable(target)
        with atomic_write(target) as temporary:
            Image.fromarray(mask).save(temporary, format='PNG', pnginfo=marked_info())
    except (UserError, OSError) as error:
        print(message_of(error), file=sys.stderr)
        return False
    return True


if __name__ == '__main__':
    sys.exit(main())
