"""Conversion of the licensed Basel Face Model 2009 into `BFM_model_front.mat`.

Sources: Paysan et al. 2009 (shape and albedo), Guo et al. 2018 (expression basis), and the public index
files of the published program, all put into BFM/ by the user (BFM/README.md says where they come from).
"""
import os

import numpy as np
from scipy.io import loadmat, savemat

from Deep3DFaceReconstruction import assets
from Deep3DFaceReconstruction.conventions import EX_DIM, ID_DIM, TEX_DIM
from Deep3DFaceReconstruction.files import written_aside

BFM09_VERTICES = 53490
EXPRESSION_VERTICES = 53215
EXPRESSION_DIM = 79
MICROMETRES_PER_DM = 1e5

SOURCES = ('01_MorphableModel.mat', 'Exp_Pca.bin', 'std_exp.txt', 'BFM_front_idx.mat', 'BFM_exp_idx.mat',
           'facemodel_info.mat')


class Bfm09Error(assets.AssetError):
    """The BFM09 files are incomplete or not what they should be."""


def sources_present(folder=assets.BFM_DIR):
    """Whether somebody has put the two licensed files there, so that a conversion is wanted."""
    return all(os.path.isfile(os.path.join(folder, name)) for name in SOURCES[:2])


def convert(out_path, folder=assets.BFM_DIR):
    """Writes the frontal-face model from the BFM09 files in `folder`.

    Args:
      out_path: the .mat file to write; written aside, then renamed.
      folder: where the six files of SOURCES lie.
    Raises:
      Bfm09Error: a file is missing or has a wrong size; names it.
    """
    missing = [name for name in SOURCES if not os.path.isfile(os.path.join(folder, name))]
    if missing:
        raise Bfm09Error('%s: expected the files that convert BFM09 (%s), missing: %s; BFM/README.md says where '
                         'they come from' % (folder, ', '.join(SOURCES), ', '.join(missing)))
    bfm = _load(folder, '01_MorphableModel.mat', {
        'shapeMU': (3 * BFM09_VERTICES, 1), 'shapePC': (3 * BFM09_VERTICES, 199), 'shapeEV': (199, 1),
        'texMU': (3 * BFM09_VERTICES, 1), 'texPC': (3 * BFM09_VERTICES, 199), 'texEV': (199, 1)})
    front = _load(folder, 'BFM_front_idx.mat', {'idx': (None, 1)})['idx'].astype(np.int64).ravel() - 1  # from 1 to 0
    trim = _load(folder, 'BFM_exp_idx.mat', {'trimIndex': (EXPRESSION_VERTICES, 1)})
    trim = trim['trimIndex'].astype(np.int64).ravel() - 1  # from 1 to 0
    info = _load(folder, 'facemodel_info.mat', {
        'tri': (None, 3), 'point_buf': (len(front), 8), 'tri_mask2': (None, 3), 'frontmask2_idx': (None, 1),
        'skinmask': (1, len(front)), 'keypoints': (1, 68)})
    ex_base = _expression_basis(folder)

    in_bfm = trim[front]  # the frontal vertices among BFM09's 53,490
    # EV are standard deviations, not variances.
    id_base = bfm['shapePC'][:, :ID_DIM] * bfm['shapeEV'].ravel()[:ID_DIM] / MICROMETRES_PER_DM
    tex_base = bfm['texPC'][:, :TEX_DIM] * bfm['texEV'].ravel()[:TEX_DIM]
    # The mean of the expression set is left out, as in the published model: beta = 0 is BFM09's own mean.
    meanshape = _vertices(bfm['shapeMU'], in_bfm) / MICROMETRES_PER_DM
    model = {
        'meanshape': meanshape.reshape(1, -1).astype(np.float32),
        'meantex': _vertices(bfm['texMU'], in_bfm).reshape(1, -1).astype(np.float32),
        'idBase': _vertices(id_base, in_bfm).astype(np.float32),
        'exBase': (_vertices(ex_base[:, :EX_DIM], front) / MICROMETRES_PER_DM).astype(np.float64),
        'texBase': _vertices(tex_base, in_bfm).astype(np.float32),
    }
    for key in ('tri', 'point_buf', 'tri_mask2', 'keypoints', 'frontmask2_idx', 'skinmask'):
        model[key] = info[key].astype(np.float32)
    with written_aside(out_path) as aside:
        savemat(aside, model)


def _vertices(rows, chosen):
    """The chosen vertices of [3M,K] rows with xyz interleaved, as [3N,K]."""
    return rows.reshape(-1, 3, rows.shape[1])[chosen].reshape(-1, rows.shape[1])


def _load(folder, name, shapes):
    path = os.path.join(folder, name)
    try:
        mat = loadmat(path)
    except Exception as error:  # loadmat raises a different type for every way in which a file can be bad.
        raise Bfm09Error('%s: expected a MATLAB file, but it cannot be read: %s' % (path, error))
    for key, shape in shapes.items():
        came = mat[key].shape if key in mat else None
        if came is None or len(came) != len(shape) or any(w not in (None, g) for w, g in zip(shape, came)):
            raise Bfm09Error("%s: expected '%s' of shape %s, came %s" % (
                path, key, [n or 'any' for n in shape], 'nothing' if came is None else list(came)))
    return mat


def _expression_basis(folder):
    """The expression basis [3M,79] float64, micrometres per standard deviation."""
    path = os.path.join(folder, 'Exp_Pca.bin')
    size = 3 * EXPRESSION_VERTICES
    expected = 4 + 4 * size * (1 + EXPRESSION_DIM)
    if os.path.getsize(path) != expected:
        raise Bfm09Error('%s: expected %d bytes (int32, then float32 [80,%d]), came %d' % (
            path, expected, size, os.path.getsize(path)))
    with open(path, 'rb') as stream:
        dimension = int(np.fromfile(stream, np.int32, 1)[0])
        if dimension != EXPRESSION_DIM:
            raise Bfm09Error('%s: expected dimension %d, came %d' % (path, EXPRESSION_DIM, dimension))
        stream.seek(4 * size, os.SEEK_CUR)  # the mean
        basis = np.fromfile(stream, np.float32, size * EXPRESSION_DIM).reshape(EXPRESSION_DIM, size)
    deviations = np.loadtxt(os.path.join(folder, 'std_exp.txt')).ravel()
    if deviations.shape != (EXPRESSION_DIM,):
        raise Bfm09Error('%s: expected %d standard deviations, came %d' % (
            os.path.join(folder, 'std_exp.txt'), EXPRESSION_DIM, deviations.size))
    return basis.T.astype(np.float64) * deviations
