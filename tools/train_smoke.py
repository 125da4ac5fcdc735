"""Shows that training learns, with nothing but what the set-up installs: python tools/train_smoke.py

Synthesises 64 images of near-frontal faces and 16 others for validation, trains R-Net from random initialisation,
prints each loss at the start and at the end, exports the network and runs demo.py with it. Exits with 1 unless
the landmark error falls to a third, the photometric error by 30 %, and the validation loss falls at all.

The start is the output of the untrained R-Net, the mean face in the middle of every crop, over all images; the end of
training is the mean over its last 64 steps.
"""
import argparse
import glob
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

prepare_process()

import numpy as np  # noqa: E402

from Deep3DFaceReconstruction.conventions import COEFF_DIM  # noqa: E402
from Deep3DFaceReconstruction.dataset.data_loader import SampleReader, find_samples, make_dataset  # noqa: E402
from Deep3DFaceReconstruction.face_decoder import Face3D  # noqa: E402
from Deep3DFaceReconstruction.face_model import load_face_model  # noqa: E402
from Deep3DFaceReconstruction.networks.identity import perceptual_net  # noqa: E402
from Deep3DFaceReconstruction.reconstruction_model import Losses, ReconstructionModel  # noqa: E402
from Deep3DFaceReconstruction.tf1 import tf  # noqa: E402
from Deep3DFaceReconstruction.training.graph import model_options  # noqa: E402
from Deep3DFaceReconstruction.training.log import scalars  # noqa: E402
from Deep3DFaceReconstruction.training.options import parse_train  # noqa: E402
from tools.plot_training import draw_curves, read_scalars  # noqa: E402

POSE = ['--max_yaw', '15', '--max_pitch', '10', '--max_roll', '5', '--plain']
TRAINING, VALIDATION = 64, 16
# For random initialisation and batches of four images; docs/training.md explains it.
RECIPE = ['--batch_size', '4', '--freeze_bn', '--bn_decay', '0.9', '--residual_gamma', '0.3', '--center_heads',
          '--lr', '2e-4', '--lr_heads', '0.5']
# A single batch depends more on its images than on the training.
_LAST_STEPS = 64
TAGS = ('train_error', 'landmark_px', 'lm_error', 'photo_error', 'id_sim_error', 'regulation_error', 'reflect_error',
        'gamma_error')
PANELS = ('train_error', 'landmark_px', 'photo_error', 'id_sim_error')


def run(script, *words):
    """Runs one of the program's scripts; its failure is ours."""
    print('$ python %s %s' % (script, ' '.join(words)), flush=True)
    subprocess.check_call([sys.executable, os.path.join(ROOT, script)] + list(words))


def start_losses(folder):
    """{tag: number} over a training set for coefficients of zero, which R-Net's heads give before training."""
    samples, _ = find_samples([folder])
    total = np.zeros(len(Losses._fields))
    with tf.Graph().as_default():
        id_net = perceptual_net.choose('auto')
        face_model = load_face_model()
        model = ReconstructionModel(face_model, model_options(parse_train([])), id_net, perceptual_net.load(id_net))
        iterator = tf.data.make_initializable_iterator(
            make_dataset(SampleReader(samples, shuffle=False), TRAINING // 4, repeat=False))
        batch = iterator.get_next()
        size = tf.shape(batch.images)[0]
        reconstruction = Face3D(face_model).Reconstruction_Block(tf.zeros([size, COEFF_DIM]), is_train=True)
        fetches = [tf.stack(model.compute_losses(batch, reconstruction)), size]
        with tf.Session() as session:
            session.run(iterator.initializer)
            while True:
                try:
                    losses, count = session.run(fetches)
                except tf.errors.OutOfRangeError:
                    return scalars(Losses(*(total / len(samples))))
                total += losses * count


def table(start, train, val):
    """Prints start and end of each loss; returns whether training and validation improved as they should."""
    print('%-18s %12s %12s %8s %14s %12s' % ('loss', 'start', 'end', 'ratio', 'val. start', 'val. end'))
    ratio = {}
    for tag in TAGS:
        steps, values = (np.array(column) for column in train[tag])
        end = values[steps > steps[-1] - _LAST_STEPS].mean()
        ratio[tag] = end / start[tag] if start[tag] else float('nan')
        print('%-18s %12.5g %12.5g %8.2f %14.5g %12.5g' % (tag, start[tag], end, ratio[tag], val[tag][1][0],
                                                            val[tag][1][-1]))
    falls = val['train_error'][1][-1] < val['train_error'][1][0]
    return ratio['landmark_px'] <= 1 / 3 and ratio['photo_error'] <= 0.7 and falls


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--folder', default=os.path.join(ROOT, 'result', 'smoke'), help='emptied first')
    parser.add_argument('--steps', type=int, default=880)
    parser.add_argument('--train', default='', metavar='WORDS', help='more options of train.py, such as "--lr 1e-4"')
    parser.add_argument('--picture', default=None, help='PNG of the curves; by default FOLDER/curves.png')
    options = parser.parse_args()
    began, folder = time.time(), options.folder
    shutil.rmtree(folder, ignore_errors=True)
    train_set, val_set = os.path.join(folder, 'train_set'), os.path.join(folder, 'val_set')
    run('synthesize.py', '--save_path', train_set, '--count', str(TRAINING), '--seed', '1', *POSE)
    run('synthesize.py', '--save_path', val_set, '--count', str(VALIDATION), '--seed', '2', *POSE)
    network = os.path.join(folder, 'FaceReconModel.pb')
    steps = options.steps
    run('train.py', '--data_path', train_set, '--val_data_path', val_set, '--result', folder, '--model_name', 'model',
        '--steps', str(steps), *RECIPE + ['--lr_decay_step', str(steps * 4 // 5)],
        '--summary_every', '4', '--validate_every', str(max(steps // 5, 1)), '--save_every', str(steps), '--keep', '1',
        '--threads', '2', '--export', network, *options.train.split())
    summary = os.path.join(folder, 'model', 'summary')
    train, val = (read_scalars(os.path.join(summary, name)) for name in ('train', 'val'))
    draw_curves(train, val, options.picture or os.path.join(folder, 'curves.png'), PANELS)
    good = table(start_losses(train_set), train, val)
    photos = os.path.join(folder, 'photos')
    os.makedirs(photos)
    for path in sorted(glob.glob(os.path.join(val_set, '0*.png')))[:4]:
        shutil.copy(path, photos)
    run('demo.py', '--input', photos, '--output', os.path.join(folder, 'output'), '--fit', 'never',
        '--pretrain_weights', network, '--use_pb', '0')
    print('%s after %.0f s' % ('learned' if good else 'NOT as much as it should have been learned',
                               time.time() - began))
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
