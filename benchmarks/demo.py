"""How long does `python demo.py` take over a folder of photos with landmarks, start-up included?

    python benchmarks/demo.py [--photos 25] [--repeats 5] [--model BFM_model_front.mat]

Works in a scratch copy of the program: the astronaut's portrait N times (jittered landmarks), R-Net with random
weights frozen as network/FaceReconModel.pb, and the open model, or the model file given. For comparison with the
published program use a model of its size (35,709 vertices). Prints wall and processor seconds of each run, their
medians, and the machine.
"""
import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image
from skimage import data

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from benchmarks.machine import describe_machine  # noqa: E402
from Deep3DFaceReconstruction.networks import frozen_graph, r_net  # noqa: E402
from Deep3DFaceReconstruction.tf1 import tf  # noqa: E402

# The astronaut's five points in scikit-image's picture.
FIVE_POINTS = np.array([[201, 108], [245, 107], [226, 129], [206, 150], [248, 149]], float)


def random_network_values():
    """R-Net's variables: He-initialised trunk, heads small enough to keep the face in the picture."""
    rng = np.random.RandomState(0)
    with tf.Graph().as_default():
        r_net.R_Net(tf.placeholder(tf.float32, [None, 224, 224, 3]))
        shapes = {v.op.name: v.shape.as_list() for v in tf.global_variables()}
    values = {}
    for name, shape in sorted(shapes.items()):
        if name.startswith('fc-'):
            value = 1e-5 * rng.randn(*shape)
        elif name.endswith(('gamma', 'moving_variance')):
            value = np.ones(shape)
        elif name.endswith(('beta', 'moving_mean', 'biases')):
            value = np.zeros(shape)
        else:
            value = rng.randn(*shape) * np.sqrt(1.2 / np.prod(shape[:-1]))
        values[name] = value.astype(np.float32)
    return values


def make_scratch(folder, photos, model_path):
    """A copy of the program with photos, network and model."""
    shutil.copytree(os.path.join(ROOT, 'Deep3DFaceReconstruction'), os.path.join(folder, 'Deep3DFaceReconstruction'))
    shutil.copytree(os.path.join(ROOT, 'mesh_renderer'), os.path.join(folder, 'mesh_renderer'))
    shutil.copy(os.path.join(ROOT, 'demo.py'), folder)
    os.makedirs(os.path.join(folder, 'BFM'))
    shutil.copy(os.path.join(ROOT, 'BFM', 'open_model.npz'), os.path.join(folder, 'BFM'))
    if model_path:
        shutil.copy(model_path, os.path.join(folder, 'BFM', 'BFM_model_front.mat'))
    frozen_graph.save(frozen_graph.freeze_r_net(random_network_values(), 'random'),
                      os.path.join(folder, 'network', 'FaceReconModel.pb'))
    os.makedirs(os.path.join(folder, 'input'))
    rng = np.random.RandomState(0)
    portrait = Image.fromarray(data.astronaut())
    for i in range(photos):
        stem = os.path.join(folder, 'input', 'photo%02d' % i)
        portrait.save(stem + '.jpg', quality=92)
        np.savetxt(stem + '.txt', FIVE_POINTS + rng.randn(5, 2), fmt='%.3f')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--photos', type=int, default=25)
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--model', default=None)
    options = parser.parse_args()
    print(describe_machine())
    folder = tempfile.mkdtemp()
    try:
        make_scratch(folder, options.photos, options.model)
        walls, cpus = [], []
        for repeat in range(options.repeats + 1):
            before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
            subprocess.check_call([sys.executable, 'demo.py'], cwd=folder, stdout=subprocess.DEVNULL)
            wall, after = time.time() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            note = '   (first: not counted, it fills caches)' if repeat == 0 else ''
            print('%d photos: %.2f s wall, %.2f s processor%s' % (options.photos, wall, cpu, note))
            if repeat:
                walls.append(wall)
                cpus.append(cpu)
        print('median of %d: %.2f s wall, %.2f s processor' % (
            options.repeats, statistics.median(walls), statistics.median(cpus)))
    finally:
        shutil.rmtree(folder)


if __name__ == '__main__':
    main()
