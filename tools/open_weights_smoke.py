"""The commands of docs/open_weights.md at a small scale, from nothing: python tools/open_weights_smoke.py

Synthesises heads, trains R-Net on them, exports it and prints its landmark error on other heads; about ten minutes on
two cores. Exits with 1 unless the error is at most 0.8 of the mean face's.
"""
import argparse
import os
import shutil
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from tools.train_smoke import run  # noqa: E402

# The same as for the weights of the repository, but for counts and steps.
NETWORK = ['--backbone', 'mobilenet_v1', '--width', '0.5', '--input_size', '112']
RECIPE = ['--supervised', '--id_net', 'none', '--batch_size', '32', '--lr', '3e-3', '--lr_schedule', 'cosine',
          '--bn_decay', '0.99', '--center_heads', '--augment', '--seed', '1']
VALIDATION_SEED, VALIDATION = 1000001, 200
GOAL = 0.8


def report(network, val_set):
    """Prints the landmark error of a frozen network; returns it over that of the mean face."""
    import numpy as np

    from benchmarks.networks import landmarks, mean_nme, samples_of
    from Deep3DFaceReconstruction.conventions import COEFF_DIM
    from Deep3DFaceReconstruction.face_model import load_face_model
    from Deep3DFaceReconstruction.networks import frozen_graph
    from Deep3DFaceReconstruction.system import assets
    images, truth = samples_of(val_set, VALIDATION)
    model = load_face_model(assets.OPEN_MODEL)
    with frozen_graph.CoefficientNetwork(frozen_graph.load(network), network) as predict:
        error = mean_nme(landmarks(model, predict(images)), truth)
    of_mean = mean_nme(landmarks(model, np.zeros([len(images), COEFF_DIM], np.float32)), truth)
    print('%s: %.1f MB; NME on %d other heads: %.1f %%, of the mean face %.1f %%' % (
        network, os.path.getsize(network) / 1e6, len(images), error, of_mean))
    return error / of_mean


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--folder', default=os.path.join(ROOT, 'result', 'open_weights_smoke'), help='emptied first')
    parser.add_argument('--count', type=int, default=4000, help='heads to train on')
    parser.add_argument('--steps', type=int, default=1000)
    options = parser.parse_args(arguments)
    began, folder, steps = time.time(), options.folder, options.steps
    shutil.rmtree(folder, ignore_errors=True)
    train_set, val_set = os.path.join(folder, 'heads0'), os.path.join(folder, 'val')
    run('synthesize.py', '--count', str(options.count), '--jobs', '2', '--save_path', train_set, '--seed', '0')
    run('synthesize.py', '--count', str(VALIDATION), '--jobs', '2', '--save_path', val_set, '--seed',
        str(VALIDATION_SEED))
    network = os.path.join(folder, 'open_r_net.pb')
    run('train.py', *RECIPE + NETWORK, '--data_path', train_set, '--val_data_path', val_set, '--result', folder,
        '--model_name', 'open', '--steps', str(steps), '--validate_every', str(steps), '--save_every', str(steps),
        '--keep', '1', '--export', network)
    run(os.path.join('tools', 'plot_training.py'), os.path.join(folder, 'open'), '--tags',
        'supervised_error', 'landmark_px')
    ratio = report(network, val_set)
    print('%s after %.0f s' % ('learned' if ratio <= GOAL else 'NOT as much as it should have been learned',
                               time.time() - began))
    return 0 if ratio <= GOAL else 1


if __name__ == '__main__':
    sys.exit(main())
