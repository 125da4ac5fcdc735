"""AFLW2000-3D (Zhu et al. 2016): 68-point NME in 2-D and 3-D, and pose error, by yaw.

Layout: NAME.jpg beside NAME.mat with pt3d_68 [3,68] (x, y in pixels of the photo, y down; depth towards the viewer) and
Pose_Para [1,7] (pitch, yaw, roll in radians first).
"""
import os

import numpy as np

from Deep3DFaceReconstruction.conventions import LANDMARK_COUNT, MM_PER_DM
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.evaluation import metrics, reconstructions, report
from Deep3DFaceReconstruction.evaluation.scans import heat_maps
from Deep3DFaceReconstruction.evaluation.scans.alignment import Mesh
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.photo.photo_files import list_images
from Deep3DFaceReconstruction.system.mat_file import CheckedArrays, MatFile

# Boxes of landmarks that share less of their joint area are not of the same face.
_SAME_FACE = 0.2
# Of heat maps: how far a landmark's error is shown about it (dm), and the error (per cent) of the last colour.
_REACH, _WARMEST = 0.2, 10.0


def read_truth(path):
    """(landmarks [68,3], (pitch, yaw, roll) in degrees) of a NAME.mat of the dataset.

    Raises:
      InputError: missing, unreadable, or without the arrays.
    """
    what = 'the truth of an AFLW2000-3D photo'
    get = CheckedArrays(MatFile(path, InputError, what), path, InputError, what)
    points = get.floats('pt3d_68', (3, LANDMARK_COUNT)).T.astype(np.float64)
    return points, np.degrees(get.floats('Pose_Para', (1, None))[0, :3].astype(np.float64))


def evaluate(options):
    """Runs the protocol; returns the exit code."""
    photos = list_images(options.data)
    if not photos:
        raise InputError('%s: expected NAME.jpg beside NAME.mat, found no image' % options.data)
    model = load_face_model(options.face_model)
    folder = reconstructions.make(options, options.data)
    rows = [measure(path, folder, model) for path in photos]
    report.write_table(options.output, rows)
    yaws = np.array([row['true_yaw'] for row in rows])
    errors = {key: np.array([row[key] for row in rows], np.float64) for key in (
        'nme_2d', 'nme_3d', 'pitch_error', 'yaw_error', 'roll_error')}
    lines = [['', '0-30', '30-60', '60-90', 'balanced', 'all', 'samples', 'failed']]
    for key, values in errors.items():
        means = metrics.by_yaw(values, yaws)
        lines.append([key] + [means[name][0] for name in lines[0][1:6]]
                     + [means['all'][1], int(np.isnan(values).sum())])
    print(report.write_summary(options.output, 'AFLW2000-3D: %d photos' % len(rows), lines, options))
    report.draw_errors(options.output, errors['nme_2d'], yaws, 'NME, 2-D, %')
    _write_heat_maps(options, rows, folder, model)
    mean = metrics.by_yaw(errors['nme_2d'], yaws)['all'][0]
    too_large = options.max_nme is not None and not mean <= options.max_nme
    return 1 if too_large or np.isnan(errors['nme_2d']).any() else 0


def measure(photo, folder, model):
    """The errors of one photo as a dict; NaN and a reason where there is no reconstruction of its face."""
    name = os.path.splitext(os.path.basename(photo))[0]
    truth, pose = read_truth(os.path.splitext(photo)[0] + '.mat')
    row = {'name': name, 'true_yaw': pose[1], 'nme_2d': np.nan, 'nme_3d': np.nan, 'pitch_error': np.nan,
           'yaw_error': np.nan, 'roll_error': np.nan, 'reason': ''}
    result, reason = _own_result(folder, name, truth)
    if result is None:
        return dict(row, reason=reason)
    row['nme_2d'] = metrics.nme(result.landmarks_photo, truth[:, :2])
    if result.trans_params is not None and len(model.meanshape) == len(result.face_shape):
        depth = reconstructions.landmark_depths(result, model)
        row['nme_3d'] = metrics.nme(np.column_stack([result.landmarks_photo, depth]), truth)
    error = np.abs((metrics.aflw_pose(result.rotation) - pose + 180) % 360 - 180)
    row.update(zip(('pitch_error', 'yaw_error', 'roll_error'), error))
    return row


def _own_result(folder, name, truth):
    """(the Reconstruction of the face that the truth [68,3] is of, ''), or (None, why there is none)."""
    found = [reconstructions.read(path) for path in reconstructions.candidates(folder, name)]
    if any(result.landmarks_photo is None for result in found):
        return None, 'expected lm_68p_photo in %s, got none' % found[0].path
    overlaps = [_overlap(result.landmarks_photo, truth) for result in found]
    if not overlaps or max(overlaps) < _SAME_FACE:
        return None, 'no reconstruction of this face' if found else 'no reconstruction'
    return found[int(np.argmax(overlaps))], ''


def _write_heat_maps(options, rows, folder, model):
    """The reconstructions of the best, median and worst photo in the colours of their landmarks' errors."""
    for name, row in heat_maps.chosen_samples(rows, 'nme_2d').items():
        truth, _ = read_truth(os.path.join(options.data, row['name'] + '.mat'))
        result, _ = _own_result(folder, row['name'], truth)
        if len(result.face_shape) != len(model.meanshape):
            continue
        errors = 100 * np.linalg.norm(result.landmarks_photo - truth[:, :2], axis=1) / metrics.box_size(truth)
        heat_maps.draw_heat_map(
            os.path.join(options.output, 'heat_maps', name), Mesh(MM_PER_DM * result.face_shape, model.triangles),
            spread(errors, result.face_shape, result.face_shape[model.keypoints]),
            heat_maps.Scale('landmark error, % of the box', _WARMEST),
            heat_maps.title_of(name, row, 'nme_2d'))


def spread(errors, vertices, landmarks):
    """[N] errors [K] of landmarks [K,3] at all vertices [N,3] (dm): Gaussian-weighted means of those near by."""
    squares = ((vertices[:, np.newaxis] - landmarks) ** 2).sum(axis=2)
    weights = np.exp((squares.min(axis=1, keepdims=True) - squares) / (2 * _REACH ** 2))
    return weights.dot(errors) / weights.sum(axis=1)


def _overlap(points, others):
    low = np.maximum(points[:, :2].min(axis=0), others[:, :2].min(axis=0))
    high = np.minimum(points[:, :2].max(axis=0), others[:, :2].max(axis=0))
    shared = np.prod(np.maximum(high - low, 0))
    area = np.prod(np.ptp(points[:, :2], axis=0)) + np.prod(np.ptp(others[:, :2], axis=0))
    return float(shared / max(area - shared, 1e-9))
