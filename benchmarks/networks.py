"""Size, time and error of a network in several formats: python benchmarks/networks.py --data VALIDATION FILE [FILE ...]

FILE: .pb, .tflite, .onnx or the folder of a SavedModel, as tools/export_network.py writes them. ms: medians of
wall-clock time an image, with 1 and 2 threads and batches of 1 and 8; every row and number of threads in a process of
its own, because TensorFlow makes its threads once. NME: mean distance of the 68 landmarks over sqrt(w h) of the
truth's box, per cent, over the samples of a training set (synthesize.py); for comparison, of the mean face in the
middle of the crop.
"""
import argparse
import json
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

import numpy as np  # noqa: E402

from benchmarks.machine import describe_machine  # noqa: E402
from Deep3DFaceReconstruction import numpy_decoder  # noqa: E402
from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES, IMAGE_SIZE  # noqa: E402
from Deep3DFaceReconstruction.errors import UserError, message_of  # noqa: E402
from Deep3DFaceReconstruction.evaluation import metrics  # noqa: E402
from Deep3DFaceReconstruction.system import exit_codes  # noqa: E402
from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

THREADS, BATCHES = (1, 2), (1, 8)
CHUNK = 8


def landmarks(model, coeff):
    """[B,68,2] pixels of the crop, y up, of coefficients [B,257]."""
    key = numpy_decoder.key_vertices(model)
    shapes = np.stack([key.shape(row[:COEFF_SLICES['ex'].stop]) for row in coeff.astype(np.float64)])
    turned = shapes @ numpy_decoder.rotation_matrix(coeff[:, COEFF_SLICES['angles']].astype(np.float64))
    return numpy_decoder.project(turned + coeff[:, np.newaxis, COEFF_SLICES['translation']])


def mean_nme(found, truth):
    """Mean NME in per cent of landmarks [N,68,2]."""
    return float(np.mean([metrics.nme(*pair) for pair in zip(found, truth)]))


def samples_of(folder, count):
    """(images [n,224,224,3] float32 BGR, landmarks [n,68,2] y up) of a training set."""
    from Deep3DFaceReconstruction.dataset.data_loader import SampleReader, find_samples
    samples, _ = find_samples([folder])
    reader = SampleReader(samples[:count], shuffle=False)
    rows = [reader.at(position) for position in range(len(reader))]
    return np.stack([row[0] for row in rows]).astype(np.float32), np.stack([row[1] for row in rows])


def milliseconds(run, images):
    """Median wall-clock milliseconds an image, of at least ten runs."""
    run(images)
    times = []
    while len(times) < 10 or (sum(times) < 1.0 and len(times) < 200):
        began = time.perf_counter()
        run(images)
        times.append(time.perf_counter() - began)
    return 1000 * float(np.median(times)) / len(images)


def one(path, threads, data, count):
    """{column: number} of a network with a number of threads; its error with one thread only."""
    from Deep3DFaceReconstruction.face_model import load_face_model
    from Deep3DFaceReconstruction.networks.formats import runners
    run = runners.load(path, threads)
    noise = np.random.RandomState(0).uniform(0, 255, [max(BATCHES), IMAGE_SIZE, IMAGE_SIZE, 3]).astype(np.float32)
    result = {'ms %d/%d' % (batch, threads): milliseconds(run, noise[:batch]) for batch in BATCHES}
    if data and threads == THREADS[0]:
        images, truth = samples_of(data, count)
        whole = len(images) // CHUNK * CHUNK  # a .tflite file is not resized for a last, smaller batch
        coeff = np.concatenate([run(images[i:i + CHUNK]) for i in range(0, whole, CHUNK)])
        model = load_face_model()
        result['NME %'] = mean_nme(landmarks(model, coeff), truth[:whole])
        result['NME % mean face'] = mean_nme(landmarks(model, np.zeros([whole, COEFF_DIM], np.float32)), truth[:whole])
    return result


def megabytes(path):
    """Size of a file, or of a folder's files, in MB."""
    files = [path] if os.path.isfile(path) else [os.path.join(folder, name) for folder, _, names in os.walk(path)
                                                 for name in names]
    return sum(map(os.path.getsize, files)) / 1e6


def row_of(path, options):
    """{column: number} of one network; what has failed is missing."""
    row = {'MB': megabytes(path)}
    for threads in THREADS:
        words = [sys.executable, os.path.abspath(__file__), path, '--threads', str(threads), '--count',
                 str(options.count)] + (['--data', options.data] if options.data else [])
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True)
        if done.returncode == 0:
            row.update(json.loads(done.stdout.splitlines()[-1]))
    return row


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('files', nargs='+', metavar='FILE')
    parser.add_argument('--data', metavar='DIR', help='training set to measure the error on')
    parser.add_argument('--count', type=int, default=600, metavar='N', help='how many of its samples')
    parser.add_argument('--threads', type=int, choices=THREADS, help='only this row, as JSON')
    options = parser.parse_args(arguments)
    prepare_process()
    if options.threads:
        try:
            print(json.dumps(one(options.files[0], options.threads, options.data, options.count)))
        except (UserError, OSError) as error:
            print('networks.py: %s' % message_of(error), file=sys.stderr)
            return exit_codes.NOT_STARTED
        return exit_codes.ALL_DONE
    print(describe_machine())
    columns = ['MB'] + ['ms %d/%d' % (batch, threads) for batch in BATCHES for threads in THREADS] + ['NME %']
    print('ms B/T: milliseconds an image in batches of B, with T threads\n')
    print('| file | %s |\n|%s' % (' | '.join(columns), '---|' * (len(columns) + 1)))
    failed = False
    for path in options.files:
        row = row_of(path, options)
        failed = failed or len(row) < len(columns) - (not options.data)
        print('| %s | %s |' % (os.path.basename(path.rstrip(os.sep)), ' | '.join(
            '%.2f' % row[name] if name in row else '' for name in columns)), flush=True)
        mean_face = row.get('NME % mean face')
    if options.data and mean_face is not None:
        print('\nNME of the mean face: %.2f %%' % mean_face)
    return exit_codes.SOME_FAILED if failed else exit_codes.ALL_DONE


if __name__ == '__main__':
    sys.exit(main())
