"""How fast the renderer and the decoder before it are, and what that takes: python benchmarks/render.py

Every row is measured in a process of its own, because TensorFlow makes its threads once and memory has one peak.
Beside it, in the same process, a plain scalar rasterizer (tests/mesh_renderer/oracle.cc) draws the same meshes.

  render    vertices in clip space and their colours -> image, mask and mask of the photometric region
  decode    coefficients -> vertices and colours, before that
  forward   without, forward+backward with the gradients to vertices and colours, or to the coefficients
  mask      what the region's mask adds to a forward pass, for the whole batch
Times are medians of wall-clock time, milliseconds for the whole batch unless it says per image. cpu: processor time
over all threads, per image, which other programs on the machine disturb less. ns: of render forward, per triangle
of the mesh and per covered pixel. x scalar: how many times the plain rasterizer takes render forward's time per
image. MB: peak memory of the process, less what it held before the first run.
"""
import argparse
import os
import resource
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

prepare_process()

import numpy as np  # noqa: E402

from benchmarks.machine import describe_machine  # noqa: E402
from Deep3DFaceReconstruction import face_model  # noqa: E402
from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES  # noqa: E402
from Deep3DFaceReconstruction.face_decoder import Face3D  # noqa: E402
from Deep3DFaceReconstruction.tf1 import tf  # noqa: E402
from mesh_renderer import rasterize_triangles  # noqa: E402
from tests.mesh_renderer import oracle  # noqa: E402

COLUMNS = (
    ('batch', '%5d'), ('px', '%5d'), ('threads', '%7d'), ('render fwd', '%10.1f'), ('fwd+bwd', '%8.1f'),
    ('per image', '%9.2f'), ('cpu', '%6.2f'), ('ns/tri', '%6.1f'), ('ns/pixel', '%8.1f'), ('x scalar', '%8.1f'),
    ('mask', '%5.1f'), ('decode+render fwd', '%17.1f'), ('fwd+bwd', '%8.1f'), ('cpu', '%6.2f'), ('MB', '%6.0f'))


def random_coefficients(batch):
    """People, poses and lights of the kind that training draws."""
    random = np.random.RandomState(0)
    coeff = np.zeros([batch, COEFF_DIM], np.float32)
    for name, scale in (('id', 0.8), ('ex', 0.8), ('tex', 0.8), ('angles', 0.25), ('gamma', 0.1), ('translation', 0.1)):
        part = COEFF_SLICES[name]
        coeff[:, part] = scale * random.randn(batch, part.stop - part.start)
    return coeff


def measure(run, seconds=2.0):
    """(median wall-clock milliseconds, processor milliseconds) of run(): at least five times, after a first one."""
    run()
    wall, start = [], os.times()
    while len(wall) < 5 or (sum(wall) < seconds and len(wall) < 50):
        began = time.perf_counter()
        run()
        wall.append(time.perf_counter() - began)
    end = os.times()
    return 1e3 * np.median(wall), 1e3 * (end.user - start.user + end.system - start.system) / len(wall)


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def measure_row(model, batch, size, threads):
    """One row of the table, in the order of COLUMNS."""
    config = tf.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
    with tf.Graph().as_default(), tf.Session(config=config) as session:
        face3d = Face3D(model, image_size=size)
        coeff = tf.placeholder(tf.float32, [None, COEFF_DIM])
        decoded = face3d.Reconstruction_Block(coeff, is_train=True)
        feed = {coeff: random_coefficients(batch)}
        clip_values, color_values = session.run(
            [face3d.clip_space(decoded.face_shape_t), decoded.face_color], feed)
        vertices, colors = [tf.Variable(x) for x in (clip_values, color_values)]
        session.run([vertices.initializer, colors.initializer])

        def render(region):
            return rasterize_triangles.render_attributes(vertices, colors, model.triangles, size, size,
                                                         region, top_down=True)

        rendered, plain = render(model.region_triangles), render(None)
        gradients = tf.gradients(rendered.image, [vertices, colors], grad_ys=rendered.image)
        coeff_gradient = tf.gradients(decoded.render_imgs, coeff, grad_ys=decoded.render_imgs)[0]
        before = peak_megabytes()

        def time_of(*fetches):
            operations = [x.op for x in fetches]
            return measure(lambda: session.run(operations, feed))

        forward, forward_cpu = time_of(rendered.image, rendered.mask, rendered.region_mask)
        both, _ = time_of(rendered.image, rendered.region_mask, *gradients)
        with_mask, _ = time_of(rendered.mask, rendered.region_mask)
        without_mask, _ = time_of(plain.mask)
        decode, decode_cpu = time_of(decoded.render_imgs, decoded.img_mask, decoded.img_mask_crop)
        decode_both, _ = time_of(decoded.render_imgs, decoded.img_mask_crop, coeff_gradient)
        memory = peak_megabytes() - before
        covered = session.run(tf.reduce_sum(rendered.mask)) / batch

    scalar, _ = measure(lambda: oracle.rasterize(clip_values[0], model.triangles, size, size), seconds=0.5)
    per_image = forward / batch
    return (batch, size, threads, forward, both, per_image, forward_cpu / batch, 1e6 * per_image / len(model.triangles),
            1e6 * per_image / covered, scalar / per_image, with_mask - without_mask, decode, decode_both,
            decode_cpu / batch, memory)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', help='a .mat in the layout of BFM_model_front.mat (default: the model of demo.py)')
    parser.add_argument('--batch', type=int, nargs='+', default=[1, 4, 16, 64])
    parser.add_argument('--size', type=int, nargs='+', default=[224, 1024])
    parser.add_argument('--threads', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--row', action='store_true', help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        model = face_model.load_face_model(options.model)
        row = measure_row(model, options.batch[0], options.size[0], options.threads[0])
        print('ROW ' + ' '.join(fmt % value for (_, fmt), value in zip(COLUMNS, row)))
        return
    print(describe_machine())
    print(' '.join(name.rjust(len(fmt % 0)) for name, fmt in COLUMNS))
    for size in options.size:
        for threads in options.threads:
            for batch in options.batch:
                command = [sys.executable, os.path.abspath(__file__), '--row', '--batch', str(batch)]
                command += ['--size', str(size), '--threads', str(threads)]
                command += ['--model', options.model] if options.model else []
                output = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
                print(''.join(line[4:] for line in output.splitlines() if line.startswith('ROW ')), flush=True)


if __name__ == '__main__':
    main()
