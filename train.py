"""Trains R-Net: python train.py -h"""
import logging
import os
import sys

from Deep3DFaceReconstruction.allocator import keep_freed_memory
from Deep3DFaceReconstruction.training_options import parse_train


def main(arguments=None):
    options = parse_train(arguments)
    if not options.verbose:
        os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # read when TensorFlow is imported
        logging.getLogger('tensorflow').setLevel(logging.ERROR)
    keep_freed_memory()
    from Deep3DFaceReconstruction import assets, cluster, image_io, training
    try:
        return training.run(options)
    except (assets.AssetError, image_io.InputError, cluster.ClusterError) as error:
        sys.stderr.write('train.py: %s\n' % error)
        return 2
    except training.TrainingError as error:
        sys.stderr.write('train.py: %s\n' % error)
        return 1


if __name__ == '__main__':
    sys.exit(main())
