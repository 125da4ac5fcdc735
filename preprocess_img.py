"""Raw photos -> a training set (python preprocess_img.py -h); the home of the published `POS` and `align_img`."""
import sys

from Deep3DFaceReconstruction.dataset.options import preprocess_parser
from Deep3DFaceReconstruction.system.process import prepare_process

PUBLISHED = ('POS', 'align_img', 'standard_five_points')


def __getattr__(name):
    # NumPy reads the settings of prepare_process when it is imported: not before main has made them.
    if name not in PUBLISHED:
        raise AttributeError('module %r has no attribute %r' % (__name__, name))
    from Deep3DFaceReconstruction.photo import alignment, landmarks
    return landmarks.standard_five_points if name == 'standard_five_points' else getattr(alignment, name)


def main(arguments=None):
    options = preprocess_parser().parse_args(arguments)
    prepare_process()  # the processes of --jobs inherit it; they work outside their main threads
    from Deep3DFaceReconstruction.dataset import commands
    return commands.guarded(commands.preprocess, options)


if __name__ == '__main__':
    sys.exit(main())
