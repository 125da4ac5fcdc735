"""How right are the fits? Landmark errors on photos with truth, shape errors on heads of known shape, likeness, time.

    python benchmarks/accuracy.py [--aflw DIR] [--heads DIR] [--detector D] [--fit only|fast]
        [--max_nme PERCENT] [--max_shape MM] [--min_cosine C]

--aflw: an AFLW2000-3D folder (NAME.jpg beside NAME.mat). NME: mean distance of the 68 landmarks over sqrt(w h) of the
truth's box. --heads: photos/hNN_yYY.jpg and truth/hNN.npz (vertices [N,3] and keypoints [68], millimetres). Shape
error: mean distance of the truth's vertices within 95 mm of the tip of the nose, brought onto the mesh by a similarity
(68 landmarks, then ICP), to its surface; the mean face is measured alike. Likeness: cosine of dlib's
face-recognition features of crop and overlay, over all photos. Exit code 1 where a limit is exceeded.
"""
import argparse
import glob
import os
import re
import sys
import time

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from benchmarks.machine import describe_machine  # noqa: E402
from Deep3DFaceReconstruction.demo.library import Reconstructor  # noqa: E402
from Deep3DFaceReconstruction.errors import UserError, message_of  # noqa: E402
from Deep3DFaceReconstruction.evaluation import metrics  # noqa: E402
from Deep3DFaceReconstruction.evaluation.aflw2000 import read_truth  # noqa: E402
from Deep3DFaceReconstruction.meshes import registration  # noqa: E402
from Deep3DFaceReconstruction.meshes.closest_surface import closest_points, on_rim  # noqa: E402
from Deep3DFaceReconstruction.photo.photo_files import list_images  # noqa: E402

RADIUS, SAMPLE, STEPS, NEAREST = 95.0, 1500, 12, 0.9
DECIMETRE = 100.0


def shape_error(shape, keypoints, triangles, truth):
    """Mean distance in mm of the truth's vertices near the nose to a mesh.

    Args:
      shape: [N,3] dm.  keypoints: [68].  triangles: [F,3].
      truth: dict of vertices [M,3] mm and keypoints [68].
    """
    vertices, marks = truth['vertices'].astype(np.float64), truth['keypoints']
    near = np.flatnonzero(np.linalg.norm(vertices - vertices[marks[30]], axis=1) < RADIUS)
    points = vertices[np.random.RandomState(0).permutation(near)[:SAMPLE]]
    goal = shape[keypoints].astype(np.float64)
    scale, rotation, shift = registration.similarity(vertices[marks], goal)
    for _ in range(STEPS):
        moved = scale * points.dot(rotation) + shift
        closest = closest_points(moved, shape, triangles)
        kept = ~on_rim(closest, triangles)
        kept &= closest.distance <= np.quantile(closest.distance[kept], NEAREST)
        places = np.einsum('nk,nkc->nc', closest.weights, shape[triangles[closest.triangle]].astype(np.float64))
        scale, rotation, shift = registration.similarity(points[kept], places[kept])
    closest = closest_points(scale * points.dot(rotation) + shift, shape, triangles)
    return float(closest.distance[~on_rim(closest, triangles)].mean() / scale)


def likeness(reconstructed):
    """Cosine of face-recognition features of each crop and its overlay: [n]."""
    from Deep3DFaceReconstruction.networks.identity import perceptual_net
    from Deep3DFaceReconstruction.tf1 import tf
    crops = np.stack([result.crop.bgr for result in reconstructed]).astype(np.float32)
    recon = np.stack([result.arrays['recon_img'] for result in reconstructed]).astype(np.float32)
    alpha = recon[..., 3:] / max(float(recon[..., 3].max()), 1.0)
    overlays = recon[..., 2::-1] * alpha + crops * (1 - alpha)
    marks = np.stack([result.arrays['lm_68p'] for result in reconstructed]).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        network = perceptual_net.load('dlib')
        inputs = tf.placeholder(tf.float32, [None, 224, 224, 3])
        features = tf.nn.l2_normalize(network(inputs, tf.constant(marks)), axis=1)
        session.run(tf.global_variables_initializer())
        pair = [session.run(features, {inputs: images}) for images in (crops, overlays)]
    return (pair[0] * pair[1]).sum(axis=1)


def aflw_errors(folder, reconstruct):
    """(NME [n], true yaw [n] in degrees, results) of a folder's photos; NaN where no face was found."""
    errors, yaws, found = [], [], []
    for path in list_images(folder):
        truth, pose = read_truth(os.path.splitext(path)[0] + '.mat')
        result = reconstruct(path)
        errors.append(np.nan if result is None else metrics.nme(result.arrays['lm_68p_photo'], truth[:, :2]))
        yaws.append(pose[1])
        found.append(result)
    return np.array(errors), np.array(yaws), found


def head_errors(folder, reconstruct, model):
    """({yaw: [errors in mm]}, mean face's errors, results) of a folder of heads."""
    errors, mean_errors, found = {}, [], []
    for path in sorted(glob.glob(os.path.join(folder, 'truth', 'h??.npz'))):
        with np.load(path) as data:
            truth = {key: data[key] for key in ('vertices', 'keypoints')}
        mean_errors.append(shape_error(model.meanshape, model.keypoints, model.triangles, truth))
        for photo in sorted(glob.glob(os.path.join(folder, 'photos', os.path.basename(path)[:-4] + '_y*'))):
            result = reconstruct(photo)
            found.append(result)
            yaw = re.search(r'_y(\d+)', photo).group(1)
            shape = None if result is None else np.squeeze(result.arrays['face_shape'])
            errors.setdefault(yaw, []).append(np.nan if shape is None else shape_error(
                shape, model.keypoints, model.triangles, truth))
    return errors, mean_errors, found


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--aflw', help='folder of photos with AFLW2000-3D truth')
    parser.add_argument('--heads', help='folder of heads of known shape')
    parser.add_argument('--detector', default='auto')
    parser.add_argument('--fit', default='only', choices=('only', 'fast'))
    parser.add_argument('--max_nme', type=float, help='per cent, mean over all photos')
    parser.add_argument('--max_shape', type=float, help='mm, mean at every yaw')
    parser.add_argument('--min_cosine', type=float, help='mean likeness')
    return parser.parse_args(arguments)


class Timed:
    """Reconstructs the largest face of a photo; a photo's failure is its own.

    Attributes:
      seconds: of each photo.
    """

    def __init__(self, library):
        self._library = library
        self.seconds = []

    def __call__(self, path):
        begin = time.time()
        try:
            return self._library(path)[0]
        except UserError as error:
            print(message_of(error), file=sys.stderr)
            return None
        finally:
            self.seconds.append(time.time() - begin)


def print_aflw(folder, reconstruct):
    """Prints the NME by bin; returns (its mean, results)."""
    errors, yaws, results = aflw_errors(folder, reconstruct)
    bins = metrics.by_yaw(errors, yaws)
    print('NME %%: %s; failed %d' % (', '.join('%s %.2f (%d)' % ((key,) + value) for key, value in bins.items()),
                                     int(np.isnan(errors).sum())))
    return bins['all'][0], results


def print_heads(folder, reconstruct, model):
    """Prints the shape error by yaw; returns (the largest mean, results)."""
    errors, mean_errors, results = head_errors(folder, reconstruct, model)
    means = {yaw: float(np.mean(values)) for yaw, values in sorted(errors.items())}
    print('shape mm: %s; mean face %.2f' % (
        ', '.join('yaw %s %.2f' % item for item in means.items()), np.mean(mean_errors)))
    return max(means.values()), results


def main(arguments=None):
    options = parse_arguments(arguments)
    print(describe_machine())
    library = Reconstructor(fit=options.fit, detector=options.detector)
    reconstruct = Timed(library)
    measured, found = [], []
    if options.aflw:
        value, results = print_aflw(options.aflw, reconstruct)
        measured.append(('NME', value, options.max_nme))
        found += results
    if options.heads:
        value, results = print_heads(options.heads, reconstruct, library.model)
        measured.append(('shape', value, options.max_shape))
        found += results
    found = [result for result in found if result is not None]
    if found and options.fit != 'fast':
        cosine = float(likeness(found).mean())
        print('likeness: cosine %.3f over %d photos' % (cosine, len(found)))
        measured.append(('likeness', -cosine, None if options.min_cosine is None else -options.min_cosine))
    if reconstruct.seconds:
        print('seconds a photo: median %.2f' % np.median(reconstruct.seconds[1:] or reconstruct.seconds))
    beyond = [name for name, value, limit in measured if limit is not None and not value <= limit]
    if beyond:
        print('beyond the limits: %s' % ', '.join(beyond))
    return 1 if beyond else 0


if __name__ == '__main__':
    sys.exit(main())
