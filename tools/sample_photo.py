"""Puts scikit-image's `astronaut` portrait (NASA, public domain) into a folder that holds no photo yet.

    python tools/sample_photo.py input
"""
import os
import sys

from PIL import Image
from skimage import data

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from Deep3DFaceReconstruction.photo import photo_files  # noqa: E402
from Deep3DFaceReconstruction.system.files import atomic_write  # noqa: E402


def main(folder):
    os.makedirs(folder, exist_ok=True)
    if photo_files.list_images(folder):
        return
    path = os.path.join(folder, 'astronaut.png')
    with atomic_write(path) as temporary:
        Image.fromarray(data.astronaut()).save(temporary)
    print('%s: put there to try the program on (portrait of Eileen Collins, NASA, public domain)' % path)


if __name__ == '__main__':
    main(sys.argv[1])
