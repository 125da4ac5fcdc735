"""Google's GNM head -> a face model in the layout of BFM_model_front.mat.

Source: https://github.com/google/GNM (Apache-2.0), gnm/shape/data: the model `versions/v3_0/gnm_head.npz` and the list
of its 68 landmarks, `landmarks/head_sparse_68.txt`. The model is a quad mesh of a whole head in metres, y up, face
along +z, with components of unit deviation: identity by parts (head, eyes, teeth), expression by regions.
"""
import os
import zipfile
import zlib

import numpy as np

from Deep3DFaceReconstruction.conventions import EX_DIM, ID_DIM, LANDMARK_COUNT
from Deep3DFaceReconstruction.errors import FaceModelError, one_line
from Deep3DFaceReconstruction.face_model.converters import albedo_transfer, assembly, eyeballs, frame, ict_landmarks
from Deep3DFaceReconstruction.photo.landmarks import standard_five_points
from Deep3DFaceReconstruction.system import file_kinds
from Deep3DFaceReconstruction.system.mat_file import CheckedArrays, save_mat

NAME = 'GNM head (Google)'
LICENCE = 'Apache-2.0'
MODEL_FILE, LANDMARK_FILE = 'gnm_head.npz', 'head_sparse_68.txt'
# From the model's folder in the repository to the landmarks'.
_LANDMARKS_FROM_MODEL = os.path.join('..', '..', 'landmarks', LANDMARK_FILE)

# Names of vertex groups in the versions of the model: the outer skin, the white of the eyes.
_SKIN, _WHITES = ('skin',), ('scleras', 'sclera')
_INSIDE = 0.5  # a vertex belongs to a group from this weight on
_JAW = 17


def convert(path, out_path, albedo_source, landmark_file=None):
    """Writes the GNM head as a face model file.

    Shape: the quads of the skin, refined once by Catmull-Clark, in the program's frame and cropped to the face of the
    albedo's source, whose albedo it takes; spheres stand for the eyeballs (assembly). Identity and expression: the 80
    and 64 principal components, over the skin and the eyes, of the model's own, whose coefficients are independent
    and of unit deviation.

    Args:
      path: gnm_head.npz.
      out_path: the .mat file to write (to a temporary file, which is then renamed).
      albedo_source: dict in the layout of BFM_model_front.mat; see ict_facekit.convert.
      landmark_file: 68 rows `vertex weight vertex weight vertex weight`; None: head_sparse_68.txt beside the model or
        where the repository has it.
    Returns:
      The dict that was written.
    Raises:
      FaceModelError: a file is missing or wrong, or the landmarks cannot be true.
      OSError: out_path cannot be written.
    """
    head = _read(path)
    listed = landmark_file or _landmarks_beside(path)
    landmarks = _in_order(_read_landmarks(listed, head.template), head.template)
    source = albedo_transfer.albedo_source(albedo_source)
    try:
        model = assembly.assemble(_shapes(head, landmarks, listed), source)
    except ValueError as error:
        raise FaceModelError('%s: %s' % (path, error))
    model.update(name=NAME, licence=frame.licence(LICENCE, source))
    save_mat(out_path, model)
    return model


class _Head:
    """What is used of gnm_head.npz; attributes: template [V,3], quads [Q,4] of the skin, eyes (rows of the right eye's
    white, of the left one's), identity [I,V,3], expression [E,V,3]; metres."""

    def __init__(self, get, path):
        self.template = get.numbers('template_vertex_positions', (None, 3)).astype(np.float64)
        count = len(self.template)
        self.identity = get.numbers('vertex_identity_basis', (None, count, 3))
        self.expression = get.numbers('expression_basis', (None, count, 3))
        groups = get.numbers('vertex_groups', (None, count)) >= _INSIDE
        names = [str(name) for name in np.ravel(get.array('vertex_group_names'))]
        skin = _group(groups, names, _SKIN, path)
        quads = get.numbers('quads', (None, 4)).astype(np.int64)
        if quads.size and not 0 <= quads.min() <= quads.max() < count:
            raise get.wrong('quads', 'vertices from 0 to %d' % (count - 1), '%d to %d' % (quads.min(), quads.max()))
        self.quads = quads[skin[quads].all(axis=1)]
        whites = np.flatnonzero(_group(groups, names, _WHITES, path))
        right = self.template[whites, 0] < self.template[whites, 0].mean()  # the subject's right is at -x
        self.eyes = whites[right], whites[~right]


class _Arrays(CheckedArrays):
    def array(self, key):
        """An array of any kind."""
        if key not in self:
            self.numbers(key, ())  # says what is there instead
        return self._mat[key]


def _group(groups, names, wanted, path):
    """[V] bool, the vertices of the group with one of the wanted names."""
    for name in wanted:
        if name in names[:len(groups)]:
            return groups[names.index(name)]
    raise FaceModelError("%s: expected the vertex group '%s', got only: %s"
                         % (path, wanted[0], ', '.join(names) or 'none'))


def _read(path):
    try:
        with np.load(path, allow_pickle=False) as archive:
            return _Head(_Arrays({key: archive[key] for key in archive.files}, path, FaceModelError, 'the GNM head'),
                         path)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError) as error:
        got = (file_kinds.what_is(path, wanted=file_kinds.ZIP) if os.path.isfile(path) else None) or one_line(error)
        raise FaceModelError('%s: expected %s of GNM, got: %s' % (path, MODEL_FILE, got))


def _landmarks_beside(path):
    folder = os.path.dirname(os.path.abspath(path))
    for place in (LANDMARK_FILE, _LANDMARKS_FROM_MODEL):
        candidate = os.path.normpath(os.path.join(folder, place))
        if os.path.isfile(candidate):
            return candidate
    raise FaceModelError('%s: expected the list of its 68 landmarks, %s, beside it or in %s; give it with --landmarks'
                         % (path, LANDMARK_FILE, os.path.normpath(os.path.join(folder, _LANDMARKS_FROM_MODEL, '..'))))


def _read_landmarks(path, template):
    """[68] int: the vertex nearest to each landmark of a list of barycentric coordinates; no vertex twice."""
    expected = "%s: expected %d rows 'vertex weight vertex weight vertex weight'" % (path, LANDMARK_COUNT)
    try:
        rows = np.loadtxt(path, ndmin=2)
    except (OSError, ValueError) as error:
        raise FaceModelError('%s, got: %s' % (expected, one_line(error)))
    if rows.shape != (LANDMARK_COUNT, 6):
        raise FaceModelError('%s, got %d rows of %d numbers' % ((expected,) + rows.shape))
    corners, weights = rows[:, 0::2], rows[:, 1::2]
    wrong = (corners < 0) | (corners >= len(template)) | (corners != np.floor(corners))
    if wrong.any():
        raise FaceModelError('%s of a mesh of %d vertices, got vertex %g' % (expected, len(template),
                                                                             corners[wrong][0]))
    corners = corners.astype(np.int64)
    places = (template[corners] * weights[:, :, None]).sum(axis=1)
    chosen = []
    for place, three in zip(places, corners):
        near = sorted(set(three) - set(chosen), key=lambda vertex: ((template[vertex] - place) ** 2).sum())
        if not near:
            raise FaceModelError('%s, got three landmarks on one vertex, %d' % (expected, three[0]))
        chosen.append(near[0])
    return np.array(chosen)


def _in_order(landmarks, template):
    """The list with its jaw line from the right ear over the chin to the left one: GNM's own has four out of order."""
    places = template[landmarks]
    away = places[:_JAW, :2] - places[27:36, :2].mean(axis=0)
    along = np.argsort(np.arctan2(away[:, 0], -away[:, 1]), kind='stable')
    return np.concatenate([landmarks[along], landmarks[_JAW:]])


def _shapes(head, landmarks, listed_in):
    used = np.unique(head.quads)
    lost = np.setdiff1d(landmarks, used)
    if len(lost):
        raise FaceModelError('%s: expected landmarks on the skin, got vertex %d' % (listed_in, lost[0]))
    rows = np.concatenate((used,) + head.eyes)
    moves = [_principal(basis[:, rows], count) for basis, count in ((head.identity, ID_DIM), (head.expression, EX_DIM))]
    values = np.concatenate([head.template[None, rows]] + moves)
    skin, right, left = np.split(values, np.cumsum([len(used), len(head.eyes[0])]), axis=1)
    skin, triangles, keypoints = frame.refined(skin, np.searchsorted(used, head.quads),
                                               np.searchsorted(used, landmarks))
    skin, right, left = frame.framed([skin, right, left], keypoints)
    ict_landmarks.check_landmarks(skin[0, keypoints], standard_five_points(), listed_in)
    eyeballs.check_places((right[0], left[0]), skin[0, keypoints], MODEL_FILE)
    return assembly.Shapes(skin, len(moves[0]), frame.facing_out(skin[0], triangles, keypoints), keypoints,
                           (right, left))


def _principal(basis, count):
    """[count,n,3] float64: the principal components of independent ones [K,n,3] of unit deviation, largest first."""
    flat = basis.reshape(len(basis), -1).astype(np.float64)
    values, vectors = np.linalg.eigh(flat.dot(flat.T))
    chosen = np.argsort(-values, kind='stable')[:count]
    chosen = chosen[values[chosen] > 1e-9 * values.max()] if values.max() > 0 else chosen[:0]
    vectors = vectors[:, chosen]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(chosen))])
    return (vectors * signs).T.dot(flat).reshape((len(chosen),) + basis.shape[1:])
