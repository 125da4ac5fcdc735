"""ICT-FaceKit (USC Institute for Creative Technologies) -> a face model in the layout of BFM_model_front.mat.

Source: Li et al., 'Learning Formation of Physically-Based Face Attributes', CVPR 2020; the folder `FaceXModel/` of
https://github.com/ICT-VGL/ICT-FaceKit (MIT): one quad mesh as .obj files, a neutral face, 100 identities and named
expressions, each the whole mesh with that component at weight one. Of the 57 expressions, 53 are in the list
`expressions` of its vertex_indices.json; PupilDilate_* and cheekRaiser_* are not, and are left out.
"""
import glob
import json
import logging
import os
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import EX_DIM, ID_DIM
from Deep3DFaceReconstruction.errors import FaceModelError, one_line
from Deep3DFaceReconstruction.face_model.converters import albedo_transfer, ict_landmarks
from Deep3DFaceReconstruction.meshes import obj, registration, subdivision
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, standard_five_points
from Deep3DFaceReconstruction.system import file_kinds
from Deep3DFaceReconstruction.system.mat_file import basis_columns, save_mat

NAME = 'ICT-FaceKit (USC ICT)'
LICENCE = 'MIT'
NEUTRAL = 'generic_neutral_mesh'
FOLDER_NAME = 'FaceXModel'


class Layout(NamedTuple):
    """Sizes of the files."""
    vertices: int       # of every .obj file
    face_vertices: int  # the first so many are the face area's
    face_quads: int     # likewise the faces
    identities: int     # identity000.obj and on


ICT_LAYOUT = Layout(vertices=26719, face_vertices=9409, face_quads=9230, identities=100)

# A blendshape's weight runs from 0 to 1, a coefficient is a number of standard deviations. A quarter: the full shape
# lies at four deviations, so that the losses and priors made for deviations keep a fit inside what the shapes mean.
WEIGHT_PER_DEVIATION = 0.25

_BOTH_SIDES = ('browDown', 'browInnerUp', 'browOuterUp', 'cheekPuff', 'cheekSquint', 'eyeBlink', 'eyeLookDown',
               'eyeLookIn', 'eyeLookOut', 'eyeLookUp', 'eyeSquint', 'eyeWide', 'mouthDimple', 'mouthFrown',
               'mouthLowerDown', 'mouthPress', 'mouthSmile', 'mouthStretch', 'mouthUpperUp', 'noseSneer')
_WHOLE = ('jawForward', 'jawLeft', 'jawOpen', 'jawRight', 'mouthClose', 'mouthFunnel', 'mouthLeft', 'mouthPucker',
          'mouthRight', 'mouthRollLower', 'mouthRollUpper', 'mouthShrugLower', 'mouthShrugUpper')
# What vertex_indices.json lists, for a folder without that file.
EXPRESSIONS = tuple(sorted([name + side for name in _BOTH_SIDES for side in ('_L', '_R')] + list(_WHOLE)))

INDICES, _LIST = 'vertex_indices.json', 'expressions'
_NAMED_IN_A_LINE = 5
_LOG = logging.getLogger(__name__)


def convert(folder, out_path, albedo_source, landmark_file=None, layout=ICT_LAYOUT):
    """Writes ICT-FaceKit as a face model file.

    Shape: the face area, refined once by Catmull-Clark (bases by the same matrix), then moved, turned and scaled as
    a whole so that its five points fit the standard ones; dm, y up, face along +z. Identity: the first 80, already
    times their deviation. Expression: those of the list in vertex_indices.json, alphabetically, times
    WEIGHT_PER_DEVIATION: a coefficient c is the blendshape weight c / 4, so 4 is the full shape. Negative numbers would
    go past the neutral face, which these one-sided shapes do not mean: exOneSided bounds them at 0. ICT-FaceKit has no
    albedo of this kind: mean and basis are carried over from another model (albedo_transfer).

    Args:
      folder: FaceXModel, or the folder that holds it.
      out_path: the .mat file to write (to a temporary file, which is then renamed).
      albedo_source: dict in the layout of BFM_model_front.mat, such as open_model.load_open_model returns; its
        `part`, `name` and `licence` are used where present.
      landmark_file: a text file with the 68 landmark vertices, from 0; None: from the README beside the folder where
        it lists them, else the built-in list. Whatever the source, the list is checked on the mesh.
      layout: sizes of the files.
    Returns:
      The dict that was written: the keys of BFM_model_front.mat (exBase padded with zeros to 64 columns), name,
      licence, exNames, the expressions' names in the order of the columns, and exOneSided.
    Raises:
      FaceModelError: a file is missing or wrong, or the landmarks cannot be true.
      OSError: out_path cannot be written.
    """
    folder = _model_folder(folder)
    identities, expressions = _files(folder, layout)
    neutral, quads = _read_neutral(os.path.join(folder, NEUTRAL + '.obj'), layout)
    landmarks, listed_in = ict_landmarks.find_landmarks(
        (folder, os.path.dirname(folder)), layout.face_vertices, landmark_file)
    coarse = np.concatenate([neutral[None, :layout.face_vertices],
                             _displacements(folder, identities[:ID_DIM], neutral, layout),
                             WEIGHT_PER_DEVIATION * _displacements(folder, expressions, neutral, layout)])
    try:
        shapes, triangles, keypoints = _refined(coarse, quads, landmarks)
        point_buf = subdivision.vertex_face_table(triangles, shapes.shape[1])
    except ValueError as error:
        raise FaceModelError('%s: %s' % (os.path.join(folder, NEUTRAL + '.obj'), error))
    shapes = _framed(shapes, keypoints, listed_in)
    triangles = _facing_out(shapes[0], triangles, keypoints)

    source = albedo_transfer.albedo_source(albedo_source)
    albedo = albedo_transfer.carry_over(source, shapes[0], triangles, keypoints)
    model = _mat_dict(shapes, min(ID_DIM, len(identities)), (triangles, point_buf), keypoints, albedo)
    model.update(name=NAME, licence=_licence(source), exNames=np.array(expressions),
                 exOneSided=np.ones([1, len(expressions)], np.float32))
    save_mat(out_path, model)
    return model


def _model_folder(folder):
    for candidate in (folder, os.path.join(folder, FOLDER_NAME)):
        if os.path.isfile(os.path.join(candidate, NEUTRAL + '.obj')):
            return os.path.abspath(candidate)
    raise FaceModelError('%s: expected the folder %s of ICT-FaceKit, or the folder that holds it, got a folder '
                         'without %s.obj' % (folder, FOLDER_NAME, NEUTRAL))


def _some(names):
    more = len(names) - _NAMED_IN_A_LINE
    return ', '.join(names[:_NAMED_IN_A_LINE]) + (' and %d more' % more if more > 0 else '')


def _files(folder, layout):
    """The names, without .obj, of the identities and of the expressions, in the order of their columns."""
    present = {os.path.basename(path)[:-len('.obj')] for path in glob.glob(os.path.join(glob.escape(folder), '*.obj'))}
    identities = ['identity%03d' % number for number in range(layout.identities)]
    missing = [name + '.obj' for name in identities if name not in present]
    if missing:
        raise FaceModelError('%s: expected %d identities, got a folder without %s'
                             % (folder, layout.identities, _some(missing)))
    listed = _listed_expressions(os.path.join(folder, INDICES))
    expressions = sorted(present.intersection(listed))
    if not 1 <= len(expressions) <= EX_DIM:
        raise FaceModelError('%s: expected the .obj files of 1 to %d expressions, got %d: %s'
                             % (folder, EX_DIM, len(expressions), _some(expressions) or 'none'))
    lacking = sorted(set(listed) - present)
    if lacking:
        _LOG.warning('%s: %d of %d expressions; no .obj file of %s', folder, len(expressions), len(listed),
                     _some(lacking))
    return identities, expressions


def _listed_expressions(path):
    """The names that vertex_indices.json lists; EXPRESSIONS where there is no such file."""
    if not os.path.lexists(path):
        return EXPRESSIONS
    expected = "%s: expected JSON with the list '%s' of names, " % (path, _LIST)
    try:
        with open(path, encoding='utf-8') as stream:
            content = json.load(stream)
    except OSError as error:
        raise FaceModelError(expected + 'got: ' + one_line(error))
    except ValueError:
        raise FaceModelError(expected + file_kinds.got(path, 'got one that cannot be read'))
    names = content.get(_LIST) if isinstance(content, dict) else None
    if not names or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FaceModelError(expected + 'got none')
    return tuple(names)


def _read_neutral(path, layout):
    """([V,3] vertices, [Q,4] quads of the face area)."""
    vertices = _read_vertices(path, layout)
    quads = obj.read_faces(path, layout.face_quads, corners=4)
    if quads.max() >= layout.face_vertices:
        raise FaceModelError('%s: expected the first %d faces on the first %d vertices, got vertex %d'
                             % (path, layout.face_quads, layout.face_vertices, quads.max()))
    return vertices, quads


def _read_vertices(path, layout):
    vertices = obj.read_vertices(path)
    if len(vertices) != layout.vertices:
        raise FaceModelError('%s: expected %d vertices, got %d' % (path, layout.vertices, len(vertices)))
    return vertices


def _displacements(folder, names, neutral, layout):
    """[K,face_vertices,3] what each file moves, in its own unit; one file in memory at a time."""
    result = np.empty((len(names), layout.face_vertices, 3))
    for row, name in enumerate(names):
        path = os.path.join(folder, name + '.obj')
        result[row] = (_read_vertices(path, layout) - neutral)[:layout.face_vertices]
    return result


def _refined(coarse, quads, landmarks):
    """One level of Catmull-Clark on all shapes at once: ([K,N,3], triangles [F,3], landmarks [68])."""
    fine, matrix = subdivision.catmull_clark(quads, coarse.shape[1])
    # A vertex that no face uses would have no normal.
    used, triangles = np.unique(subdivision.split_quads(fine), return_inverse=True)
    loose = np.setdiff1d(landmarks, used)
    if len(loose):
        raise ValueError('expected faces around every landmark vertex, got none around vertex %d' % loose[0])
    stacked = coarse.transpose(1, 0, 2).reshape(coarse.shape[1], -1)
    shapes = matrix[used].dot(stacked).reshape(len(used), len(coarse), 3).transpose(1, 0, 2)
    # Old vertices keep their numbers.
    return shapes, triangles.reshape(-1, 3), np.searchsorted(used, landmarks)


def _framed(shapes, keypoints, listed_in):
    """The shapes (mean first, then displacements) in the program's frame; checks the landmarks there."""
    standard = standard_five_points()
    scale, rotation, shift = registration.similarity(five_from_68(shapes[0, keypoints]), standard)
    framed = scale * shapes.dot(rotation)
    framed[0] += shift
    ict_landmarks.check_landmarks(framed[0, keypoints], standard, listed_in)
    return framed


def _facing_out(vertices, triangles, keypoints):
    """The triangles counter-clockwise as seen from outside: those at nose, eyes and mouth face along +z."""
    marked = np.zeros(len(vertices), bool)
    marked[keypoints[27:]] = True
    near = vertices[triangles[marked[triangles].any(axis=1)]]
    z = np.cross(near[:, 1] - near[:, 0], near[:, 2] - near[:, 0])[:, 2]
    return triangles if z.sum() > 0 else triangles[:, ::-1]


def _licence(source):
    if source.licence is None or source.licence == LICENCE:
        return LICENCE
    return '%s (shape); %s (albedo, from %s)' % (LICENCE, source.licence, source.name or 'another model')


def _mat_dict(shapes, identities, topology, keypoints, albedo):
    """The layout of BFM_model_front.mat; indices start from 1."""
    triangles, point_buf = topology
    front, region = np.unique(triangles[albedo.front], return_inverse=True)
    model = {
        'meanshape': shapes[0].reshape(1, -1),
        'idBase': basis_columns(shapes[1:1 + identities], ID_DIM),
        'exBase': basis_columns(shapes[1 + identities:], EX_DIM),
        'meantex': albedo.meantex.reshape(1, -1),
        'texBase': albedo.tex_base,
        'tri': triangles + 1,
        'point_buf': point_buf + 1,
        'frontmask2_idx': front[:, None] + 1,
        'tri_mask2': region.reshape(-1, 3) + 1,
        'skinmask': albedo.skin[None],
        'keypoints': keypoints[None] + 1,
    }
    return {key: np.ascontiguousarray(value, np.float64 if key == 'exBase' else np.float32)
            for key, value in model.items()}
