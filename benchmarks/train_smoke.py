"""Proof that training learns, on nothing but what the set-up installed: python benchmarks/train_smoke.py

Synthesises 64 pictures of faces near the frontal view and 16 others to validate on, trains R-Net from random numbers,
prints each loss at the start and at the end, exports the network and runs demo.py with it. Exits with 1 when the
landmark error has not fallen to a third, the photometric error by 30 %, or the validation loss not at all.
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

from Deep3DFaceReconstruction.process import prepare_process  # noqa: E402

prepare_process()

import numpy as np  # noqa: E402

from Deep3DFaceReconstruction.tf1 import tf  # noqa: E402

POSE = ['--max_yaw', '15', '--max_pitch', '10', '--max_roll', '5', '--plain']
# Steps per pass over the training pictures: a batch alone says more of its pictures than of the training.
_EPOCH = 16
TAGS = ('train_error', 'landmark_px', 'lm_error', 'photo_error', 'id_sim_error', 'regulation_error', 'reflect_error',
        'gamma_error')


def run(script, *words):
    """Runs one of the program's scripts; its failure is ours."""
    print('$ python %s %s' % (script, ' '.join(words)), flush=True)
    subprocess.check_call([sys.executable, os.path.join(ROOT, script)] + list(words))


def curves(folder):
    """{tag: ([step], [value])} from a TensorBoard folder."""
    found = {tag: ([], []) for tag in TAGS}
    for path in sorted(glob.glob(os.path.join(folder, 'events.*'))):
        for event in tf.train.summary_iterator(path):
            for value in event.summary.value:
                if value.tag in found:
                    number = (tf.make_ndarray(value.tensor).item() if value.HasField('tensor')
                              else value.simple_value)
                    found[value.tag][0].append(event.step)
                    found[value.tag][1].append(number)
    return found


def draw(train, val, path):
    """The curves of four losses as a PNG, training and validation."""
    from benchmarks.curves import draw_curves
    draw_curves([('total loss', train['train_error'], val['train_error']),
                 ('landmark error (px)', train['landmark_px'], val['landmark_px']),
                 ('photometric error', train['photo_error'], val['photo_error']),
                 ('1 - cosine of identity', train['id_sim_error'], val['id_sim_error'])], path)


def table(train, val):
    """Prints start and end of each loss; returns whether training and validation improved as they should."""
    print('%-18s %12s %12s %8s %14s %12s' % ('loss', 'start', 'end', 'ratio', 'val. start', 'val. end'))
    ratio = {}
    for tag in TAGS:
        values = train[tag][1]
        start, end = np.mean(values[:_EPOCH]), np.mean(values[-_EPOCH:])
        ratio[tag] = end / start if start else float('nan')
        print('%-18s %12.5g %12.5g %8.2f %14.5g %12.5g' % (tag, start, end, ratio[tag], val[tag][1][0],
                                                            val[tag][1][-1]))
    falls = val['train_error'][1][-1] < val['train_error'][1][0]
    return ratio['landmark_px'] <= 1 / 3 and ratio['photo_error'] <= 0.7 and falls


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--folder', default=os.path.join(ROOT, 'result', 'smoke'), help='emptied first')
    parser.add_argument('--steps', type=int, default=600)
    parser.add_argument('--batch_size', type=int, default=4)
    parser.add_argument('--lr', default='2e-4')
    parser.add_argument('--picture', default=None, help='PNG of the curves; by default FOLDER/curves.png')
    options = parser.parse_args()
    began, folder = time.time(), options.folder
    shutil.rmtree(folder, ignore_errors=True)
    train_set, val_set = os.path.join(folder, 'train_set'), os.path.join(folder, 'val_set')
    run('synthesize.py', '--save_path', train_set, '--count', '64', '--seed', '1', *POSE)
    run('synthesize.py', '--save_path', val_set, '--count', '16', '--seed', '2', *POSE)
    network = os.path.join(folder, 'FaceReconModel.pb')
    run('train.py', '--data_path', train_set, '--val_data_path', val_set, '--result', folder, '--model_name', 'model',
        '--steps', str(options.steps), '--batch_size', str(options.batch_size), '--lr', options.lr,
        '--lr_decay_step', str(options.steps * 3 // 4), '--bn_decay', '0.9', '--freeze_bn',
        '--lr_heads', '0.1', '--summary_every', '1',
        '--validate_every', str(max(options.steps // 6, 1)), '--save_every', str(options.steps), '--keep', '1',
        '--threads', '2', '--export', network)
    summary = os.path.join(folder, 'model', 'summary')
    train, val = curves(os.path.join(summary, 'train')), curves(os.path.join(summary, 'val'))
    draw(train, val, options.picture or os.path.join(folder, 'curves.png'))
    good = table(train, val)
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
