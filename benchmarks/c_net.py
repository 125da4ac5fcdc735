"""Does C-Net learn which photo of a set not to trust? About ten minutes on two cores.

    python benchmarks/c_net.py [--r_net FILE] [--loss known|hybrid] [--scenes KIND] [--folder DIR]

Makes synthetic sets of three images, one of them spoiled (blur, something in front, noise or wrong exposure), and
trains C-Net on them with train.py --sets; without --r_net, first a small R-Net with train.py --supervised on images of
which none is spoiled. The faces are frontal and neutral and differ much, so that so short a training learns identities;
--scenes takes others, for an R-Net that knows them. Then, on other people: the shares of spoiled and of good images in
the confidences of their sets, and the distance of the vertices of the neutral face from the true ones after rigid
alignment, for C-Net and for the plain mean. Exit code 1 if the share of the spoiled images is not smaller, or if
C-Net's error is not smaller than the mean's.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

prepare_process()

import cv2  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks.machine import describe_machine  # noqa: E402
from benchmarks.made_people import SCENES, make_people  # noqa: E402
from Deep3DFaceReconstruction.conventions import COEFF_SLICES, IMAGE_SIZE  # noqa: E402
from Deep3DFaceReconstruction.dataset import sample_files  # noqa: E402
from Deep3DFaceReconstruction.dataset.people.folders import find_people  # noqa: E402
from Deep3DFaceReconstruction.dataset.scene_effects import clouds  # noqa: E402
from Deep3DFaceReconstruction.evaluation.synthetic import identity_error  # noqa: E402
from Deep3DFaceReconstruction.face_model import load_face_model  # noqa: E402
from Deep3DFaceReconstruction.networks.c_net import SetNetwork  # noqa: E402

VIEWS = 3
KINDS = ('blur', 'occlusion', 'noise', 'exposure')
R_NET = ('--supervised --id_net none --backbone mobilenet_v1 --width 0.5 --input_size 112 --batch_size 16 --lr 1e-3 '
         '--bn_decay 0.98 --center_heads --w_coeff 0.1 --w_vertex 0.05 --w_dense 0.05 --w_colour 0.5').split()
C_NET = '--sets --id_net none --batch_size 8 --set_size 3'.split()
LOSSES = {'known': ['--supervised'], 'hybrid': []}
_ID = COEFF_SLICES['id']


class Measured(NamedTuple):
    """One set of a held-out person: which image is spoiled and how, shares [K], errors in mm by name.

    An image's share is its confidence over the sum of the set's, mean over the 80 coefficients: only ratios count.
    """
    spoiled: int
    kind: str
    share: np.ndarray
    errors: dict


def run(script, *words):
    """Runs one of the program's scripts; its failure is ours."""
    print('$ python %s %s' % (script, ' '.join(words)), flush=True)
    subprocess.check_call([sys.executable, os.path.join(ROOT, script)] + list(words), stdout=subprocess.DEVNULL)


def spoiled(random, kind, image, attention):
    """A photo that says little of its face.

    Args:
      random: RandomState.  kind: of KINDS.
      image: [224,224,3] uint8 BGR.  attention: [224,224] uint8.
    Returns:
      (image, attention) of the same shapes.
    """
    if kind == 'blur':
        return cv2.GaussianBlur(image, (0, 0), random.uniform(6, 10)), attention
    if kind == 'noise':
        changed = image + random.uniform(60, 100) * random.randn(*image.shape)
    elif kind == 'exposure':
        changed = image * random.choice([0.12, 5.0])
    else:
        hides = np.zeros([IMAGE_SIZE, IMAGE_SIZE], bool)
        # The left, right, upper or lower half and a little more or less.
        hides[:int(IMAGE_SIZE * random.uniform(0.45, 0.6))] = True
        hides = np.rot90(hides, random.randint(4))
        thing = clouds(random, IMAGE_SIZE, random.uniform(0, 255, 3), random.uniform(10, 80))
        changed = np.where(hides[..., np.newaxis], thing, image)
        attention = np.where(hides, 0, attention).astype(np.uint8)
    return np.uint8(np.clip(changed, 0, 255)), attention


def spoil_sets(folder):
    """Spoils one image of each set, in turn, by one kind after the other.

    Returns:
      list of (samples of a person, number of the spoiled image, kind).
    """
    people, problems = find_people(folder)
    assert not problems, problems
    chosen = []
    for number, samples in enumerate(people):
        random = np.random.RandomState(number)
        place, kind = random.randint(len(samples)), KINDS[number % len(KINDS)]
        sample = samples[place]
        image, landmarks, attention = sample_files.read_sample(sample)
        image, attention = spoiled(random, kind, image, attention[..., 0])
        sample_files.write_sample(sample, image, landmarks, attention, {'source': 'spoiled: ' + kind},
                                  sample_files.read_coeff(sample))
        chosen.append((samples, place, kind))
    return chosen


def measure(network, model, samples, place, kind):
    """Measured of one person's samples."""
    answer = network(np.stack([sample_files.read_sample(sample)[0] for sample in samples]).astype(np.float32))
    own = answer.coeff[:, _ID]
    identities = {'C-Net': answer.identity, 'mean': own.mean(axis=0),
                  'mean of the good': np.delete(own, place, axis=0).mean(axis=0), 'mean face': np.zeros(own.shape[1])}
    truth = sample_files.read_coeff(samples[0])[_ID]
    errors = {name: identity_error(model, identity, truth) for name, identity in identities.items()}
    share = (answer.confidence / answer.confidence.sum(axis=0)).mean(axis=1)
    return Measured(place, kind, share, errors)


def report(rows):
    """Prints the table; returns whether C-Net has learned what it should."""
    bad = np.array([row.share[row.spoiled] for row in rows])
    good = np.array([np.delete(row.share, row.spoiled).mean() for row in rows])
    kinds = np.array([row.kind for row in rows])
    names = list(rows[0].errors)
    errors = np.array([[row.errors[name] for name in names] for row in rows])
    print('\n| spoiled by | sets | share: good | spoiled | %s |' % ' | '.join('%s, mm' % name for name in names))
    print('|---' * (4 + len(names)) + '|')
    for kind in KINDS + ('all',):
        own = (kinds == kind) | (kind == 'all')
        if own.any():
            print('| %s | %d | %.3f | %.3f | %s |' % (kind, own.sum(), good[own].mean(), bad[own].mean(), ' | '.join(
                '%.3f' % value for value in errors[own].mean(axis=0))))
    gain = errors[:, names.index('mean')] - errors[:, names.index('C-Net')]
    spread = gain.std(ddof=1) / np.sqrt(len(gain))
    lowest = sum(row.share.argmin() == row.spoiled for row in rows)
    print('\nthe spoiled image has the lowest share in %d of %d sets; C-Net is nearer than the mean by %.3f '
          '+- %.3f mm, in %d of %d' % (lowest, len(rows), gain.mean(), spread, (gain > 0).sum(), len(gain)))
    return bad.mean() < good.mean() and gain.mean() > 0


def train_r_net(folder, options):
    """Trains a small R-Net on images of which none is spoiled; returns its .pb."""
    sets = [os.path.join(folder, name) for name in ('images', 'images_val')]
    for place, (path, count) in enumerate(zip(sets, (options.images, 64))):
        make_people(path, count, options.scenes, 10 + place)
    pb = os.path.join(folder, 'r_net.pb')
    part = str(max(options.r_steps // 8, 1))
    run('train.py', '--data_path', sets[0], '--val_data_path', sets[1], '--result', folder, '--model_name', 'r_net',
        '--steps', str(options.r_steps), '--lr_decay_step', str(options.r_steps * 3 // 4), '--validate_every', part,
        '--save_every', part, '--export', pb, *R_NET)
    return pb


def train_c_net(folder, r_net, options):
    """Trains C-Net behind an R-Net; returns (its .pb, what spoil_sets says of the held-out people)."""
    sets = [os.path.join(folder, name) for name in ('people', 'people_val')]
    for place, (path, count) in enumerate(zip(sets, (options.people, options.held_out))):
        make_people(path, count, options.scenes, 20 + place, VIEWS)
    held_out = [spoil_sets(path) for path in sets][1]
    pb = os.path.join(folder, 'c_net.pb')
    steps = str(options.steps)
    run('train.py', '--data_path', sets[0], '--val_data_path', sets[1], '--result', folder, '--model_name', 'c_net',
        '--pretrain_weights', r_net, '--steps', steps, '--validate_every', steps, '--save_every', steps, '--export', pb,
        '--lr', str(options.lr), *C_NET + LOSSES[options.loss])
    return pb, held_out


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('--r_net', metavar='FILE', help='an R-Net, .pb or checkpoint, instead of training one')
    parser.add_argument('--scenes', choices=sorted(SCENES), default='easy', help='see made_people.py')
    parser.add_argument('--loss', choices=sorted(LOSSES), default='known',
                        help="C-Net's: the known identities, or the paper's hybrid loss of the images")
    parser.add_argument('--images', type=int, default=3000, help='to train R-Net on')
    parser.add_argument('--r_steps', type=int, default=2500, help='of R-Net, 16 images each')
    parser.add_argument('--people', type=int, default=400, help='to train C-Net on')
    parser.add_argument('--steps', type=int, default=250, help='of C-Net, 8 sets each')
    parser.add_argument('--lr', type=float, default=1e-3, help="C-Net's; confidences that are all alike at the end say "
                                                               'that it was too high for this R-Net: 1e-4')
    parser.add_argument('--held_out', type=int, default=60, help='people to measure on')
    parser.add_argument('--folder', metavar='DIR', help='keep everything in this new folder')
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_arguments(arguments)
    print(describe_machine())
    began = time.time()
    folder = options.folder or tempfile.mkdtemp(prefix='benchmark-c-net-')
    try:
        r_net = options.r_net or train_r_net(folder, options)
        trained = time.time()
        c_net, held_out = train_c_net(folder, r_net, options)
        model = load_face_model()
        with SetNetwork(c_net) as network:
            learned = report([measure(network, model, *one) for one in held_out])
    finally:
        if not options.folder:
            shutil.rmtree(folder)
    print('%s; R-Net %.0f s, C-Net %.0f s' % ('learned' if learned else 'NOT learned', trained - began,
                                              time.time() - trained))
    return 0 if learned else 1


if __name__ == '__main__':
    sys.exit(main())
