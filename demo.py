"""Reconstructs the 3D faces of a folder of photos: python demo.py -h"""
import os
import sys

from Deep3DFaceReconstruction.allocator import keep_freed_memory
from Deep3DFaceReconstruction.options import parse_demo


def main(arguments=None):
    options = parse_demo(arguments)
    if not options.verbose:
        os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # read when TensorFlow is imported
    keep_freed_memory()
    from Deep3DFaceReconstruction import demo_pipeline
    return demo_pipeline.run(options)


if __name__ == '__main__':
    sys.exit(main())
