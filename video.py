"""Follows the faces of a clip and writes them over it, and their motion into tables: python video.py -h"""
import sys

from Deep3DFaceReconstruction.motion.options import parse_video
from Deep3DFaceReconstruction.system.process import prepare_process


def main(arguments=None):
    options = parse_video(arguments)
    prepare_process(options.verbose)
    # NumPy and TensorFlow read those settings when they are imported.
    from Deep3DFaceReconstruction.motion import pipeline
    return pipeline.run(options)


if __name__ == '__main__':
    sys.exit(main())
