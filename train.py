"""Trains R-Net: python train.py -h"""
import sys

from Deep3DFaceReconstruction.system.process import prepare_process
from Deep3DFaceReconstruction.training.options import parse_train


def main(arguments=None):
    options = parse_train(arguments)
    prepare_process(options.verbose)
    from Deep3DFaceReconstruction.photo import image_io
    from Deep3DFaceReconstruction.system import assets
    from Deep3DFaceReconstruction.training import cluster, run
    try:
        return run.run(options)
    except (assets.AssetError, image_io.InputError, cluster.ClusterError) as error:
        sys.stderr.write('train.py: %s\n' % error)
        return 2
    except (run.TrainingError, OSError) as error:
        sys.stderr.write('train.py: %s\n' % error)
        return 1


if __name__ == '__main__':
    sys.exit(main())
