"""Edits the face in a photo (expression, identity, pose, light, makeup): python edit.py -h"""
import sys

from Deep3DFaceReconstruction.editing.options import parse_edit
from Deep3DFaceReconstruction.system import exit_codes
from Deep3DFaceReconstruction.system.process import prepare_process


def main(arguments=None):
    options = parse_edit(arguments)
    prepare_process(options.verbose)
    try:
        # NumPy and TensorFlow read those settings when they are imported.
        from Deep3DFaceReconstruction.editing import pipeline
        return pipeline.run(options)
    except KeyboardInterrupt:
        print('edit.py: stopped', file=sys.stderr)
        return exit_codes.INTERRUPTED


if __name__ == '__main__':
    sys.exit(main())
