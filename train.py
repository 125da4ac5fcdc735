"""Trains R-Net: python train.py -h"""
import sys

from Deep3DFaceReconstruction.errors import UserError, message_of
from Deep3DFaceReconstruction.system.process import prepare_process
from Deep3DFaceReconstruction.training.options import parse_train


def main(arguments=None):
    options = parse_train(arguments)
    prepare_process(options.verbose)
    from Deep3DFaceReconstruction.training import run
    try:
        return run.run(options)
    except (UserError, OSError) as error:
        sys.stderr.write('train.py: %s\n' % message_of(error))
        # 1: it went wrong on the way; 2: it could not start.
        return 1 if isinstance(error, (run.TrainingError, OSError)) else 2


if __name__ == '__main__':
    sys.exit(main())
