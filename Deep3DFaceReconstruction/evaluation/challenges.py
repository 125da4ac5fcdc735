"""NoW and REALY: the meshes and landmark files that the challenges' own programs measure.

NoW (Sanyal et al. 2019) reads PREDICTIONS/SUBJECT/CHALLENGE/IMAGE.obj and IMAGE.npy [7,3], the landmarks 36, 39, 42,
45, 33, 48, 54 of the mesh. REALY (Chai et al. 2022) reads PREDICTIONS/IMAGE.obj, all of one topology, with a template
.obj and the barycentric coordinates of 85 keypoints on it, which do not follow from 68 landmarks.
"""
import os
import shutil
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import COEFF_DIM, MM_PER_DM
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.evaluation import reconstructions, report
from Deep3DFaceReconstruction.evaluation.scans import heat_maps
from Deep3DFaceReconstruction.evaluation.scans.alignment import Mesh
from Deep3DFaceReconstruction.evaluation.synthetic import vertex_errors
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.meshes.obj import face_lines, read_vertices, save_obj
from Deep3DFaceReconstruction.photo.photo_files import list_images
from Deep3DFaceReconstruction.system.files import atomic_write

NOW_LANDMARKS = (36, 39, 42, 45, 33, 48, 54)
NOW_CHALLENGES = ('multiview_neutral', 'multiview_expressions', 'multiview_occlusions', 'selfie')
TEMPLATE = 'template'
_GREY = 0.7
# The column of each mesh's mean distance from the mean face, and the names of the meshes that are shown.
_FROM_MEAN = 'from_mean_face_mm'
_SHOWN = ('nearest', 'median', 'farthest')


class Photo(NamedTuple):
    """image: path of the photo; name: of its result, NAME.mat; stem: of its files below the predictions."""
    image: str
    name: str
    stem: str


def now_photos(folder):
    """The Photos of NoW: a list of `SUBJECT/CHALLENGE/IMAGE.jpg` lines, or all there are below its image folder.

    Raises:
      InputError: none is there.
    """
    lists = [os.path.join(folder, name) for name in ('imagepathsvalidation.txt', 'imagepathstest.txt')]
    images = _first_folder(folder, ('NoW_Dataset/final_release_version/iphone_pictures', 'final_release_version/'
                                    'iphone_pictures', 'iphone_pictures', '.'))
    lines = [line for path in lists if os.path.exists(path) for line in _lines(path)] or [
        os.path.join(subject, challenge, os.path.basename(path)) for subject in sorted(os.listdir(images))
        for challenge in NOW_CHALLENGES for path in _images(os.path.join(images, subject, challenge))]
    parts = [line.replace('\\', '/').split('/')[-3:] for line in lines]
    if not parts or any(len(part) != 3 for part in parts):
        raise InputError('%s: expected iphone_pictures/SUBJECT/CHALLENGE/IMAGE.jpg, or imagepathsvalidation.txt with '
                         'lines SUBJECT/CHALLENGE/IMAGE.jpg, got none' % folder)
    return [Photo(os.path.join(images, *part), '-'.join(_without_ending(part)), os.path.join(*_without_ending(part)))
            for part in parts]


def realy_photos(folder):
    """The Photos of REALY: a folder of NUMBER.jpg or NUMBER_VIEW.jpg.

    Raises:
      InputError: none is there, or a name that REALY's program cannot sort.
    """
    found = []
    for image in _images(folder):
        stem = os.path.splitext(os.path.basename(image))[0]
        if not stem.replace('_', '').isdigit():
            raise InputError('%s: expected NUMBER.jpg or NUMBER_VIEW.jpg, as REALY names its images' % image)
        found.append(Photo(image, stem, stem))
    if not found:
        raise InputError('%s: expected the images of REALY, found none' % folder)
    return found


def evaluate_now(options):
    """Writes OUTPUT/predictions for NoW's program; returns the exit code. The scans are neutral: so are the meshes."""
    return _evaluate(options, now_photos(options.data), 'NoW', True)


def evaluate_realy(options):
    """Writes OUTPUT/predictions and the template for REALY's program; returns the exit code."""
    model = load_face_model(options.face_model)
    template = numpy_decoder.shape_of(model, np.zeros(COEFF_DIM))
    _save(os.path.join(options.output, TEMPLATE + '.obj'), template, face_lines(model.triangles))
    # No 85 keypoints are known for a topology; the 68 say where most of the face's features are.
    _save_text(os.path.join(options.output, TEMPLATE + '_68_landmarks.txt'), model.keypoints)
    return _evaluate(options, realy_photos(options.data), 'REALY', options.neutral)


def _evaluate(options, photos, title, neutral):
    model = load_face_model(options.face_model)
    folder = options.results or reconstructions.make(options, _gather(photos, os.path.join(options.output, 'photos')))
    predictions = os.path.join(options.output, 'predictions')
    faces = face_lines(model.triangles)
    rows = [_export(photo, folder, predictions, (model, faces, neutral)) for photo in photos]
    report.write_table(options.output, rows)
    failed = sum(bool(row['reason']) for row in rows)
    _draw(options, rows, model)
    print(report.write_summary(options.output, '%s: meshes in %s' % (title, predictions),
                               [['images', 'written', 'failed'], [len(rows), len(rows) - failed, failed]], options))
    return 1 if failed else 0


def _draw(options, rows, model):
    """What can be seen without the truth: how far each mesh is from the mean face, and the meshes at both ends."""
    errors = np.array([row[_FROM_MEAN] for row in rows], np.float64)
    if not np.isfinite(errors).any():
        return
    report.draw_histogram(options.output, errors, 'mean distance from the mean face, mm')
    mean = numpy_decoder.shape_of(model, np.zeros(COEFF_DIM))
    for name, row in zip(_SHOWN, heat_maps.chosen_samples(rows, _FROM_MEAN).values()):
        shape = read_vertices(os.path.join(options.output, 'predictions', row['mesh'])) / MM_PER_DM
        stem, mesh = os.path.join(options.output, 'heat_maps', name), Mesh(MM_PER_DM * shape, model.triangles)
        heat_maps.draw_heat_map(stem, mesh, vertex_errors(shape, mean),
                                heat_maps.Scale('distance from the mean face, mm', 10.0),
                                heat_maps.title_of(name, row, _FROM_MEAN))


def _export(photo, folder, predictions, how):
    """Writes the files of one photo; its row."""
    model, faces, neutral = how
    row = {'name': photo.name, 'mesh': photo.stem + '.obj', _FROM_MEAN: np.nan, 'reason': ''}
    paths = reconstructions.candidates(folder, photo.name)
    if not paths:
        return dict(row, reason='no reconstruction')
    result = reconstructions.read(reconstructions.largest_face(paths))
    if len(result.face_shape) != len(model.meanshape):
        return dict(row, reason='expected %d vertices as the face model has, got %d' % (
            len(model.meanshape), len(result.face_shape)))
    shape = result.face_shape
    if neutral:
        shape = numpy_decoder.neutral_shape(model, result.coeff)
    stem = os.path.join(predictions, photo.stem)
    _save(stem + '.obj', shape, faces)
    with atomic_write(stem + '.npy') as temporary:
        np.save(temporary, (MM_PER_DM * shape[model.keypoints[list(NOW_LANDMARKS)]]).astype(np.float32))
    mean = numpy_decoder.shape_of(model, np.zeros(COEFF_DIM))
    return dict(row, **{_FROM_MEAN: float(vertex_errors(np.asarray(shape, np.float64), mean).mean())})


def _save(path, shape, faces):
    save_obj(path, (MM_PER_DM * shape).astype(np.float32), faces, np.full(shape.shape, _GREY, np.float32))


def _save_text(path, numbers):
    with atomic_write(path) as temporary:
        np.savetxt(temporary, numbers, '%d')


def _gather(photos, folder):
    """Copies of the photos in one folder, under the names of their results."""
    os.makedirs(folder, exist_ok=True)
    for photo in photos:
        goal = os.path.join(folder, photo.name + os.path.splitext(photo.image)[1].lower())
        if not os.path.exists(photo.image):
            continue  # its row will say that there is no reconstruction
        if not os.path.exists(goal):
            with atomic_write(goal) as temporary:
                shutil.copyfile(photo.image, temporary)
    return folder


def _first_folder(folder, names):
    return next((path for path in (os.path.normpath(os.path.join(folder, name)) for name in names)
                 if os.path.isdir(path)), folder)


def _images(folder):
    return list_images(folder) if os.path.isdir(folder) else []


def _lines(path):
    with open(path, encoding='utf-8') as stream:
        return [line for line in stream.read().split() if line]


def _without_ending(part):
    return part[:-1] + [os.path.splitext(part[-1])[0]]
