"""Conversion of the licensed Basel Face Model 2009 into `BFM_model_front.mat`.

Sources: Paysan et al. 2009 (shape and albedo), Guo et al. 2018 (expression basis), and the public index
files of the published program, all put into one folder by the user (BFM/README.md says where they come from).
"""
import os

import numpy as np

from Deep3DFaceReconstruction.conventions import EX_DIM, ID_DIM, LANDMARK_COUNT, TEX_DIM
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.system import assets, file_kinds
from Deep3DFaceReconstruction.system.mat_file import CheckedArrays, MatFile, save_mat

NAME = 'Basel Face Model 2009 (frontal)'
LICENCE = 'Basel Face Model licence: research only, not to be passed on'

BFM09_VERTICES = 53490
BFM09_COMPONENTS = 199
EXPRESSION_VERTICES = 53215
EXPRESSION_DIM = 79
MICROMETRES_PER_DM = 1e5
# The published program's crop of it.
FRONT_VERTICES = 35709
FRONT_TRIANGLES = 70789

SOURCES = ('01_MorphableModel.mat', 'Exp_Pca.bin', 'std_exp.txt', 'BFM_front_idx.mat', 'BFM_exp_idx.mat',
           'facemodel_info.mat')

_ROWS = 3 * BFM09_VERTICES
_BFM09_SHAPES = {'shapeMU': (_ROWS, 1), 'shapePC': (_ROWS, BFM09_COMPONENTS), 'shapeEV': (BFM09_COMPONENTS, 1),
                 'texMU': (_ROWS, 1), 'texPC': (_ROWS, BFM09_COMPONENTS), 'texEV': (BFM09_COMPONENTS, 1)}
# file: (key, shape, number of vertices to choose from)
_CHOICES = {'BFM_front_idx.mat': ('idx', (None, 1), EXPRESSION_VERTICES),
            'BFM_exp_idx.mat': ('trimIndex', (EXPRESSION_VERTICES, 1), BFM09_VERTICES)}
# The larger side of a face without ears and neck; other units are off by factors of ten.
_FACE_DM = (1.0, 3.0)
# Mean skin colour, 0-255; the same in 0-1 is far below.
_SKIN_COLOUR = (20.0, 255.0)
# Rounding when deviations were stored.
_FALLING_SLACK = 1.001


def sources_present(folder=assets.BFM_DIR):
    """Whether somebody has put the two licensed files there, so that a conversion is wanted."""
    return all(os.path.isfile(os.path.join(folder, name)) for name in SOURCES[:2])


def convert(out_path, folder=assets.BFM_DIR):
    """Writes the frontal-face model from the BFM09 files in `folder`.

    Args:
      out_path: the .mat file to write (to a temporary file, which is then renamed).
      folder: where the six files of SOURCES lie.
    Raises:
      FaceModelError: a file is missing, is another one than it should be, or holds values that cannot be right; names
        the file, what was expected and what it got.
      OSError: the folder of `out_path` cannot be written.
    """
    missing = [name for name in SOURCES if not os.path.isfile(os.path.join(folder, name))]
    if missing:
        raise FaceModelError('%s: expected the files that BFM09 is converted from (%s), got a folder without %s; '
                             'BFM/README.md says where they come from'
                             % (folder, ', '.join(SOURCES), ', '.join(missing)))
    in_expression, in_bfm = _vertex_choice(folder)
    # The small files first: what is wrong is told before the large ones are read.
    model = _topology(folder, len(in_bfm))
    model['exBase'] = _expression_basis(folder, in_expression)
    model.update(_shape_and_albedo(folder, in_bfm))
    model.update(name=NAME, licence=LICENCE)
    save_mat(out_path, model)


def check_source(path):
    """Checks one of the six files by itself, without reading its large arrays.

    Args:
      path: the file; its name, one of SOURCES, says which it is.
    Returns:
      what it holds, in words.
    Raises:
      FaceModelError: see convert.
      ValueError: another name.
    """
    folder, name = os.path.split(path)
    if name == '01_MorphableModel.mat':
        return _check_morphable_model(folder, name)
    if name == 'Exp_Pca.bin':
        _check_expression_file(path)
        return f'{EXPRESSION_VERTICES:,} vertices, {EXPRESSION_DIM} components'
    if name == 'std_exp.txt':
        return '%d standard deviations' % len(_expression_deviations(path))
    if name in _CHOICES:
        return f'{len(_chosen_vertices(folder, name)):,} vertices'
    if name == 'facemodel_info.mat':
        # How many vertices it is for is seen from the mask.
        count = _arrays(folder, name).numbers('skinmask', (1, None)).size
        triangles = len(_topology(folder, count)['tri'])
        return f'{count:,} vertices, {triangles:,} triangles'
    raise ValueError('%s: expected one of %s' % (path, ', '.join(SOURCES)))


def _check_morphable_model(folder, name):
    get = _arrays(folder, name)
    shapes = MatFile(os.path.join(folder, name), FaceModelError, _what(name)).shapes
    for key, shape in _BFM09_SHAPES.items():
        if shapes.get(key) != shape:
            raise get.wrong(key, 'numbers of shape %s' % list(shape),
                            'none of that name' if key not in shapes else 'shape %s' % list(shapes[key]))
    for key in ('shapeEV', 'texEV'):
        _falling(get, key)
    return f'{BFM09_VERTICES:,} vertices, {BFM09_COMPONENTS} components'


def _what(name):
    return "the Basel Face Model 2009's %s" % name


def _arrays(folder, name):
    path = os.path.join(folder, name)
    return CheckedArrays(MatFile(path, FaceModelError, _what(name)), path, FaceModelError, _what(name))


def _vertex_choice(folder):
    """The frontal vertices' numbers, from 0, among the 53,215 of the expressions and the 53,490 of BFM09."""
    front, trim = (_chosen_vertices(folder, name) for name in _CHOICES)
    return front, trim[front]


def _chosen_vertices(folder, name):
    key, shape, limit = _CHOICES[name]
    get = _arrays(folder, name)
    chosen = get.indices(key, shape, limit).ravel()
    if len(np.unique(chosen)) != len(chosen):
        raise get.wrong(key, 'every vertex once', '%d twice' % (len(chosen) - len(np.unique(chosen))))
    return chosen


def _topology(folder, count):
    """The public part of the model: triangles, masks, landmarks, in the file's layout (from 1, float32)."""
    get = _arrays(folder, 'facemodel_info.mat')
    skinmask = get.floats('skinmask', (1, count))
    if not np.isin(skinmask, (0, 1)).all():
        raise get.wrong('skinmask', '0 or 1', '%g to %g' % (skinmask.min(), skinmask.max()))
    triangles = get.indices('tri', (None, 3), count)
    region = get.indices('frontmask2_idx', (None, 1), count)
    indices = {
        'tri': triangles, 'frontmask2_idx': region,
        'point_buf': get.indices('point_buf', (count, 8), len(triangles) + 1),
        'tri_mask2': get.indices('tri_mask2', (None, 3), len(region)),
        'keypoints': get.indices('keypoints', (1, LANDMARK_COUNT), count)}
    model = {key: (value + 1).astype(np.float32) for key, value in indices.items()}  # from 0 to 1
    model['skinmask'] = skinmask
    return model


def _shape_and_albedo(folder, in_bfm):
    """Means and bases of the vertices `in_bfm`; shape in dm, albedo 0-255."""
    get = _arrays(folder, '01_MorphableModel.mat')
    rows = _rows(in_bfm)
    means, deviations = {}, {}
    for kind in ('shape', 'tex'):
        means[kind] = get.numbers(kind + 'MU', _BFM09_SHAPES[kind + 'MU'])[rows]
        # Standard deviations, not variances.
        deviations[kind] = _falling(get, kind + 'EV')
    meanshape = means['shape'] / MICROMETRES_PER_DM
    extent = np.ptp(meanshape.reshape(-1, 3), axis=0).max()
    if not _FACE_DM[0] <= extent <= _FACE_DM[1]:
        raise get.wrong('shapeMU', 'micrometres of a face %g to %g dm large' % _FACE_DM, 'one of %.3g dm' % extent)
    colour = means['tex'].mean()
    if not _SKIN_COLOUR[0] <= colour <= _SKIN_COLOUR[1] or means['tex'].min() < 0:
        raise get.wrong('texMU', 'colours from 0 to 255', 'numbers around %.3g' % colour)

    def basis(kind, count):
        # Multiplied in the file's own precision, as the published program does.
        components = get.numbers(kind + 'PC', _BFM09_SHAPES[kind + 'PC'])[:, :count][rows]
        return components * deviations[kind][:count]

    return {
        # The mean of the expression set is left out, as in the published model: beta = 0 is BFM09's own mean.
        'meanshape': meanshape.reshape(1, -1).astype(np.float32),
        'meantex': means['tex'].reshape(1, -1).astype(np.float32),
        'idBase': (basis('shape', ID_DIM) / MICROMETRES_PER_DM).astype(np.float32),
        'texBase': basis('tex', TEX_DIM).astype(np.float32)}


def _rows(vertices):
    """The rows of the vertices where xyz is interleaved."""
    return (3 * vertices[:, np.newaxis] + np.arange(3)).ravel()


def _falling(get, key):
    values = get.numbers(key, _BFM09_SHAPES[key]).ravel()
    if values.min() <= 0:
        raise get.wrong(key, 'standard deviations above 0', '%g' % values.min())
    rises = np.flatnonzero(values[1:] > values[:-1] * _FALLING_SLACK)
    if len(rises):
        raise get.wrong(key, 'falling standard deviations', '%g after %g' % (values[rises[0] + 1], values[rises[0]]))
    return values


def _expression_basis(folder, in_expression):
    """The expression basis [3N,64] float64 of the chosen vertices, dm per standard deviation."""
    path = os.path.join(folder, 'Exp_Pca.bin')
    size = 3 * EXPRESSION_VERTICES
    _check_expression_file(path)
    deviations = _expression_deviations(os.path.join(folder, 'std_exp.txt'))
    with open(path, 'rb') as stream:
        stream.seek(4 + 4 * size)  # the dimension and the mean
        components = np.fromfile(stream, np.float32, size * EX_DIM).reshape(EX_DIM, size)
    if not np.isfinite(components).all():
        raise FaceModelError('%s: expected finite numbers, got NaN or infinity' % path)
    chosen = components[:, _rows(in_expression)].T.astype(np.float64)
    return chosen * deviations[:EX_DIM] / MICROMETRES_PER_DM


def _check_expression_file(path):
    size = 3 * EXPRESSION_VERTICES
    expected = 4 + 4 * size * (1 + EXPRESSION_DIM)
    if os.path.getsize(path) != expected:
        got = file_kinds.what_is(path)
        raise FaceModelError('%s: expected %d bytes (int32, then float32 [80,%d]), got %d%s' % (
            path, expected, size, os.path.getsize(path), ': ' + got if got else ''))
    dimension = int(np.fromfile(path, np.int32, 1)[0])
    if dimension != EXPRESSION_DIM:
        raise FaceModelError('%s: expected dimension %d, got %d' % (path, EXPRESSION_DIM, dimension))


def _expression_deviations(path):
    try:
        deviations = np.loadtxt(path, ndmin=1).ravel()
    except (OSError, ValueError, IndexError):
        raise FaceModelError('%s: expected %d standard deviations, got %s' % (
            path, EXPRESSION_DIM, file_kinds.what_is(path) or 'something else'))
    if deviations.shape != (EXPRESSION_DIM,):
        raise FaceModelError('%s: expected %d standard deviations, got %d' % (path, EXPRESSION_DIM, deviations.size))
    # The public file's do not fall from each one to the next, so falling is not asked for.
    if not (np.isfinite(deviations).all() and deviations.min() > 0):
        raise FaceModelError('%s: expected standard deviations above 0, got %g' % (path, deviations.min()))
    return deviations
