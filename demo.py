"""Reconstructs the 3D faces of a folder of photos: python demo.py -h"""
import sys

from Deep3DFaceReconstruction.demo.options import parse_demo
from Deep3DFaceReconstruction.system.process import prepare_process


def main(arguments=None):
    options = parse_demo(arguments)
    prepare_process(options.verbose)
    # NumPy and TensorFlow read those settings when they are imported.
    from Deep3DFaceReconstruction.demo import pipeline
    return pipeline.run(options)


if __name__ == '__main__':
    sys.exit(main())
