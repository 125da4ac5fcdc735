"""Exact truth: sets that synthesize.py made. Per-vertex error after rigid alignment, without ICP.

ICP finds the closest surface, not the true vertex, and flatters a wrong shape; here vertices correspond.
"""
import os

import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES, MM_PER_DM
from Deep3DFaceReconstruction.dataset.sample_files import sample_named
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.evaluation import metrics, reconstructions, report
from Deep3DFaceReconstruction.evaluation.scans import heat_maps
from Deep3DFaceReconstruction.evaluation.scans.alignment import Mesh
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.meshes.registration import similarity
from Deep3DFaceReconstruction.numpy_decoder import key_vertices, project, rotation_matrix
from Deep3DFaceReconstruction.photo.image_io import read_image
from Deep3DFaceReconstruction.photo.landmarks import to_y_up
from Deep3DFaceReconstruction.photo.photo_files import list_images
from Deep3DFaceReconstruction.system.files import atomic_write

_CONTACT_SHEET = 'contact_sheet'


def evaluate(options):
    """Runs the protocol; returns the exit code."""
    model = load_face_model(options.face_model)
    names = [os.path.splitext(os.path.basename(path))[0] for path in list_images(options.data)]
    names = [name for name in names if name != _CONTACT_SHEET]
    if not names:
        raise InputError('%s: expected a set that synthesize.py made, found no image' % options.data)
    folder = options.results or reconstructions.make(options, _photos(options, names))
    rows = [measure(sample_named(options.data, name), folder, model) for name in names]
    report.write_table(options.output, rows)
    yaws = np.array([row['true_yaw'] for row in rows])
    columns = [key for key in rows[0] if key not in ('name', 'true_yaw', 'reason')]
    lines = [['', '0-30', '30-60', '60-90', 'balanced', 'all', 'samples', 'failed']]
    for key in columns:
        values = np.array([row[key] for row in rows], np.float64)
        means = metrics.by_yaw(values, yaws)
        lines.append([key] + [means[name][0] for name in lines[0][1:6]]
                     + [means['all'][1], int(np.isnan(values).sum())])
    print(report.write_summary(options.output, 'Synthetic faces: %d images' % len(rows), lines, options))
    errors = np.array([row['vertex_mm'] for row in rows], np.float64)
    report.draw_errors(options.output, errors, yaws, 'vertex error, mm')
    _write_heat_maps(options, rows, folder, model)
    return 1 if np.isnan(errors).any() else 0


def _photos(options, names):
    """A folder with copies of the images that do not say that this program made them: demo.py passes those over."""
    folder = os.path.join(options.output, 'photos')
    for name in names:
        goal = os.path.join(folder, name + '.png')
        if not os.path.exists(goal):
            with atomic_write(goal) as temporary:
                read_image(sample_named(options.data, name).image).save(temporary, format='PNG')
    return folder


def measure(sample, folder, model):
    """The errors of one image as a dict; NaN and a reason where there is no reconstruction."""
    truth = read_coefficients(sample.coeff)
    row = {'name': sample.name, 'true_yaw': float(np.degrees(truth[COEFF_SLICES['angles']][1])), 'vertex_mm': np.nan,
           'scaled_vertex_mm': np.nan, 'mean_face_mm': np.nan, 'landmark_px': np.nan, 'id_rms': np.nan,
           'ex_rms': np.nan, 'tex_rms': np.nan, 'angle_error': np.nan, 'gamma_rms': np.nan, 'reason': ''}
    shape = numpy_decoder.shape_of(model, truth)
    row['mean_face_mm'] = vertex_errors(numpy_decoder.shape_of(model, np.zeros(COEFF_DIM)), shape).mean()
    found = reconstructions.candidates(folder, sample.name)
    if not found:
        return dict(row, reason='no reconstruction')
    result = reconstructions.read(found[0])
    if result.face_shape.shape != shape.shape:
        return dict(row, reason='expected %d vertices as the face model has, got %d' % (
            len(shape), len(result.face_shape)))
    row['vertex_mm'] = vertex_errors(result.face_shape.astype(np.float64), shape).mean()
    scale, rotation, shift = similarity(result.face_shape, shape)
    scaled = scale * result.face_shape.dot(rotation) + shift
    row['scaled_vertex_mm'] = MM_PER_DM * float(np.linalg.norm(scaled - shape, axis=1).mean())
    if result.landmarks_photo is not None:
        row['landmark_px'] = float(np.linalg.norm(result.landmarks_photo - landmarks_of(model, truth), axis=1).mean())
    for key in ('id', 'ex', 'tex', 'gamma'):
        difference = result.coeff[COEFF_SLICES[key]] - truth[COEFF_SLICES[key]]
        row[key + '_rms'] = float(np.sqrt((difference ** 2).mean()))
    angles = result.coeff[COEFF_SLICES['angles']] - truth[COEFF_SLICES['angles']]
    row['angle_error'] = float(np.degrees(np.abs(angles).mean()))
    return row


def vertex_errors(shape, truth):
    """[N] mm: distances of corresponding vertices [N,3] (dm) after rigid alignment."""
    rotation, shift = metrics.rigid_alignment(shape, truth)
    return MM_PER_DM * np.linalg.norm(shape.dot(rotation) + shift - truth, axis=1)


def identity_error(model, identity, truth):
    """Mean distance in mm of the vertices of the neutral faces of two identities [80], after rigid alignment."""
    faces = np.zeros([2, COEFF_DIM])
    faces[0, COEFF_SLICES['id']], faces[1, COEFF_SLICES['id']] = identity, truth
    return float(vertex_errors(*(numpy_decoder.neutral_shape(model, coeff) for coeff in faces)).mean())


def landmarks_of(model, coeff):
    """[68,2] pixels of a synthetic image, y down: the landmarks of its coefficients [257]."""
    key = key_vertices(model).shape(coeff[:COEFF_SLICES['ex'].stop])
    placed = key.dot(rotation_matrix(coeff[COEFF_SLICES['angles']])) + coeff[COEFF_SLICES['translation']]
    return to_y_up(project(placed))


def _write_heat_maps(options, rows, folder, model):
    """The true faces of the best, median and worst sample in the colours of the vertex errors."""
    for name, row in heat_maps.chosen_samples(rows, 'vertex_mm').items():
        truth = numpy_decoder.shape_of(model, read_coefficients(sample_named(options.data, row['name']).coeff))
        result = reconstructions.read(reconstructions.candidates(folder, row['name'])[0])
        stem, mesh = os.path.join(options.output, 'heat_maps', name), Mesh(MM_PER_DM * truth, model.triangles)
        heat_maps.draw_heat_map(stem, mesh, vertex_errors(result.face_shape.astype(np.float64), truth),
                                heat_maps.Scale('distance from the true vertex, mm'),
                                heat_maps.title_of(name, row, 'vertex_mm'))


def read_coefficients(path):
    """The true coefficients [257] of a synthetic image."""
    try:
        coeff = np.load(path)
    except (OSError, ValueError):
        raise InputError('%s: expected the true coefficients of a synthetic image (.npy), got nothing readable' % path)
    if coeff.shape != (COEFF_DIM,):
        raise InputError('%s: expected coefficients [%d], got %s' % (path, COEFF_DIM, list(coeff.shape)))
    return coeff.astype(np.float64)
