"""Follows the faces of a clip and writes them over it, and their motion into tables: python video.py -h"""
import sys

from Deep3DFaceReconstruction.system.process import prepare_process
from Deep3DFaceReconstruction.video.options import parse_video


def main(arguments=None):
    options = parse_video(arguments)
    prepare_process(options.verbose)
    # NumPy and TensorFlow read those settings when they are imported.
    from Deep3DFaceReconstruction.video import pipeline
    return pipeline.run(options)


if __name__ == '__main__':
    sys.exit(main())
