"""Trains R-Net: python train.py -h"""
import sys

from Deep3DFaceReconstruction.errors import TrainingError, UserError, message_of
from Deep3DFaceReconstruction.system.process import prepare_process
from Deep3DFaceReconstruction.training.options import parse_train


def main(arguments=None):
    options = parse_train(arguments)
    prepare_process(options.verbose)
    # NumPy and TensorFlow read those settings when they are imported.
    from Deep3DFaceReconstruction.training import run
    try:
        return run.run(options)
    except (UserError, OSError) as error:
        sys.stderr.write('train.py: %s\n' % message_of(error))
        return 1 if isinstance(error, TrainingError) else 2
    except KeyboardInterrupt:
        sys.stderr.write('train.py: interrupted; go on from the newest checkpoint with --resume\n')
        return run.INTERRUPTED


if __name__ == '__main__':
    sys.exit(main())
