"""Reconstructs the 3D faces of a folder of photos: python demo.py -h"""
import sys

from Deep3DFaceReconstruction.sets.options import parse
from Deep3DFaceReconstruction.system import exit_codes
from Deep3DFaceReconstruction.system.process import prepare_process


def main(arguments=None):
    options, set_options = parse(arguments)
    prepare_process(options.verbose)
    try:
        # NumPy and TensorFlow read those settings when they are imported.
        if set_options.has_sets:
            from Deep3DFaceReconstruction.sets import pipeline as sets_pipeline
            return sets_pipeline.run(options, set_options)
        from Deep3DFaceReconstruction.demo import pipeline
        return pipeline.run(options)
    except KeyboardInterrupt:
        print('demo.py: stopped', file=sys.stderr)
        return exit_codes.INTERRUPTED


if __name__ == '__main__':
    sys.exit(main())
