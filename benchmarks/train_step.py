"""How long one training step takes on this machine, and where the time goes: python benchmarks/train_step.py

Random weights and random images: the time does not depend on them. FaceNet's place is taken by a network of its
shape with random weights, so that nothing has to be downloaded.
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

prepare_process()

import numpy as np  # noqa: E402

from benchmarks.machine import describe_machine  # noqa: E402
from Deep3DFaceReconstruction.dataset.data_loader import Batch  # noqa: E402
from Deep3DFaceReconstruction.face_decoder import Face3D  # noqa: E402
from Deep3DFaceReconstruction.face_model import load_face_model  # noqa: E402
from Deep3DFaceReconstruction.networks import checkpoints, r_net  # noqa: E402
from Deep3DFaceReconstruction.networks.identity import perceptual_net  # noqa: E402
from Deep3DFaceReconstruction.reconstruction_model import ReconstructionModel  # noqa: E402
from Deep3DFaceReconstruction.tf1 import tf  # noqa: E402
from Deep3DFaceReconstruction.training.gradient_step import GradientStep  # noqa: E402
from Deep3DFaceReconstruction.training.graph import model_options  # noqa: E402
from Deep3DFaceReconstruction.training.options import parse_train  # noqa: E402

PUBLISHED_SECONDS = 1.12


def random_facenet():
    """FaceNet with random weights of a sensible size."""
    random = np.random.RandomState(0)
    with tf.Graph().as_default():
        perceptual_net.Perceptual_Net(tf.zeros([1, 224, 224, 3]))
        shapes = checkpoints.shapes_of(tf.global_variables())
    values = {}
    for name, shape in shapes.items():
        if name.endswith('moving_variance'):
            values[name] = np.ones(shape, np.float32)
        else:
            scale = 0.05 if len(shape) == 1 else np.sqrt(1.6 / np.prod(shape[:-1]))
            values[name] = (random.randn(*shape) * scale).astype(np.float32)
    return perceptual_net.FaceNet(values, 'random weights')


def random_batch(size):
    """A Batch of constants; the landmarks are near the middle of the crop."""
    random = np.random.RandomState(1)
    return Batch(tf.constant(random.uniform(0, 255, [size, 224, 224, 3]), tf.float32),
                 tf.constant(random.uniform(70, 150, [size, 68, 2]), tf.float32),
                 tf.ones([size, 224, 224, 1]), tf.constant([b''] * size))


def seconds(build, threads, repeats):
    """Medians (of the clock, of the processor over all threads), in seconds, of running what build() gives, one
    after the other, in a graph and a session of its own."""
    config = tf.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
    with tf.Graph().as_default(), tf.Session(config=config) as session:
        runs = build()
        session.run(tf.global_variables_initializer())
        times = []
        for _ in range(repeats + 2):
            start = np.array([time.time(), time.process_time()])
            for fetches in runs:
                session.run(fetches)
            times.append(np.array([time.time(), time.process_time()]) - start)
    return np.median(times[2:], axis=0)


def training_step(model, size, id_net, features):
    """A builder of the two runs of a whole training step."""
    def build():
        outputs = ReconstructionModel(model, model_options(parse_train([])), id_net, features)(
            random_batch(size), is_training=True)
        update = GradientStep(outputs.losses.total, outputs.statistics, 1)
        adam = tf.train.AdamOptimizer(1e-4)
        apply, _ = update.apply(update.sums, lambda pairs: [adam.apply_gradients(pairs)],
                                tf.train.get_or_create_global_step(),
                                tf.get_variable('skipped', [], tf.int64, trainable=False,
                                                initializer=tf.zeros_initializer()))
        return [(update.contribution.first, update.contribution.finite), apply]
    return build


def network(size, with_gradient):
    """A builder of R-Net's forward pass, or of both passes."""
    def build():
        total = tf.reduce_sum(r_net.R_Net(random_batch(size).images, is_training=True))
        if with_gradient:
            return [tf.add_n([tf.reduce_sum(g) for g in tf.gradients(total, tf.trainable_variables())])]
        return [total]
    return build


def decoder(model, size):
    """A builder of both passes of decoder and renderer."""
    def build():
        coeff = tf.random_normal([size, 257], stddev=0.1, seed=1)
        decoded = Face3D(model).Reconstruction_Block(coeff, is_train=True)
        return [tf.gradients(tf.reduce_sum(decoded.render_imgs), coeff)]
    return build


def perceptual(size, features):
    """A builder of the label, and of both passes of the rendering's features."""
    def build():
        batch = random_batch(size)
        image = tf.random_uniform([size, 224, 224, 3], 0, 255, seed=2)
        label = tf.reduce_sum(features(batch.images, batch.landmarks))
        return [[label, tf.gradients(tf.reduce_sum(features(image, batch.landmarks)), image)]]
    return build


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--batch_size', type=int, default=4)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=10)
    parser.add_argument('--only', default='', help='the rows whose names contain this')
    options = parser.parse_args()
    size, model = options.batch_size, load_face_model()
    facenet, dlib = random_facenet(), perceptual_net.load('dlib')
    rows = [('whole step, facenet', training_step(model, size, 'facenet', facenet)),
            ('whole step, dlib', training_step(model, size, 'dlib', dlib)),
            ('whole step, none', training_step(model, size, 'none', None)),
            ('R_Net forward', network(size, False)),
            ('R_Net forward and backward', network(size, True)),
            ('decoder and renderer, both ways', decoder(model, size)),
            ('facenet: label, render, backward', perceptual(size, facenet)),
            ('dlib: label, render, backward', perceptual(size, dlib))]
    print('%s; %d threads, batch of %d, medians of %d'
          % (describe_machine(), options.threads, size, options.repeats))
    print('%-36s %9s %9s' % ('', 'ms', 'CPU ms'))
    for name, build in [row for row in rows if options.only in row[0]]:
        print('%-36s %9.0f %9.0f' % ((name,) + tuple(seconds(build, options.threads, options.repeats) * 1e3)),
              flush=True)
    print('%-36s %9.0f' % ('published program, facenet, batch of 4', 1e3 * PUBLISHED_SECONDS))


if __name__ == '__main__':
    main()
