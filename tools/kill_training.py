"""Kills train.py with SIGKILL at random moments and resumes it, five times: python tools/kill_training.py

Synthesises a few images, trains with a checkpoint every two steps, and after each kill checks that every checkpoint is
complete and that `--resume` loses no more than the steps since the newest one. The last start runs to its end. Exits
with 1 if any check fails.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

prepare_process()

from Deep3DFaceReconstruction.networks import checkpoints  # noqa: E402
from Deep3DFaceReconstruction.training.run_folder import RunFolder  # noqa: E402


def start(folder, steps):
    """A train.py that resumes from the newest checkpoint."""
    images = os.path.join(folder, 'images')
    words = ['--data_path', images, '--val_data_path', images, '--result', folder, '--model_name', 'run',
             '--steps', str(steps), '--batch_size', '1', '--id_net', 'none', '--save_every', '2', '--keep', '3',
             '--validate_every', '5', '--resume']
    with open(os.path.join(folder, 'train.log'), 'a') as log:
        return subprocess.Popen([sys.executable, os.path.join(ROOT, 'train.py')] + words, stdout=log, stderr=log)


def check(run):
    """Reads every checkpoint of the run whole; returns the newest step, 0 where there is none."""
    if not os.path.isdir(run.path):
        return 0
    for step, prefix in checkpoints.list_checkpoints(run.path):
        checkpoint = checkpoints.Checkpoint(prefix)
        for name in checkpoint.shapes:
            checkpoint[name]
        if checkpoint['global_step'] != step:
            raise checkpoints.CheckpointError('%s: expected step %d, got %d' % (prefix, step,
                                                                                checkpoint['global_step']))
    return run.newest()[0] if run.newest() else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kills', type=int, default=5)
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix='kill-training-') as folder:
        subprocess.check_call([sys.executable, os.path.join(ROOT, 'synthesize.py'), '--save_path',
                               os.path.join(folder, 'images'), '--count', '4'])
        run, before = RunFolder(os.path.join(folder, 'run')), 0
        for number in range(options.kills):
            process = start(folder, 100000)
            # Killed anywhere between the start and some steps after the next checkpoint, saving included.
            if number % 2:
                while check(run) < before + 2 and process.poll() is None:
                    time.sleep(0.05)
            time.sleep(chance.uniform(0, 20))
            process.kill()
            process.wait()
            newest = check(run)
            print('kill %d: newest checkpoint at step %d, before it %d' % (number + 1, newest, before), flush=True)
            if newest < before:
                return 1
            before = newest
        code = start(folder, before + 3).wait()
        left = [name for name in os.listdir(run.path) if name.startswith('.')]
        print('finished with code %d at step %d; unfinished files left: %s' % (code, check(run), left or 'none'))
        return 0 if code == 0 and check(run) == before + 3 and not left else 1


if __name__ == '__main__':
    sys.exit(main())
