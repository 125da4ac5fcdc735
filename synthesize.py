"""Training images with known coefficients, from the face model alone: python synthesize.py -h"""
import sys

from Deep3DFaceReconstruction.dataset.options import synthesis_parser
from Deep3DFaceReconstruction.system.process import prepare_process


def main(arguments=None):
    options = synthesis_parser().parse_args(arguments)
    prepare_process()
    # NumPy and TensorFlow read those settings when they are imported.
    from Deep3DFaceReconstruction.dataset import commands
    return commands.guarded(commands.synthesize, options)


if __name__ == '__main__':
    sys.exit(main())
