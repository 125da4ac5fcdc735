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
from Deep3DFaceReconstruction.face_model.converters import (
    albedo_transfer,
    assembly,
    closed_lips,
    eyeballs,
    frame,
    ict_landmarks,
)
from Deep3DFaceReconstruction.meshes import obj
from Deep3DFaceReconstruction.photo.landmarks import standard_five_points
from Deep3DFaceReconstruction.system import file_kinds
from Deep3DFaceReconstruction.system.mat_file import save_mat

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
    eyes: tuple         # first and last vertex, from 0, of each eye's sclera


ICT_LAYOUT = Layout(vertices=26719, face_vertices=9409, face_quads=9230, identities=100,
                    eyes=((23021, 23790), (21451, 22220)))

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
    a whole so that its five points fit the standard ones; dm, y up, face along +z. The lips, 1 mm apart in the files,
    are closed in the mean and in every identity; the face is cropped to that of the albedo's source; spheres stand
    for the eyeballs (assembly). Identity: the first 80, already times their deviation. Expression: those of the list in
    vertex_indices.json, alphabetically, times WEIGHT_PER_DEVIATION: a coefficient c is the blendshape weight c / 4, so
    4 is the full shape. Negative numbers would go past the neutral face, which these one-sided shapes do not mean:
    exOneSided bounds them at 0. ICT-FaceKit has no albedo of this kind: mean and basis are carried over from another
    model (albedo_transfer).

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
      licence, part, exNames, the expressions' names in the order of the columns, exOneSided, and exEyeTurns (see
      assembly.assemble; of a weight of one).
    Raises:
      FaceModelError: a file is missing or wrong, or the landmarks cannot be true.
      OSError: out_path cannot be written.
    """
    folder = _model_folder(folder)
    identities, expressions = _files(folder, layout)
    neutral, quads = _read_neutral(os.path.join(folder, NEUTRAL + '.obj'), layout)
    landmarks, listed_in = ict_landmarks.find_landmarks(
        (folder, os.path.dirname(folder)), layout.face_vertices, landmark_file)
    names, parts = identities[:ID_DIM] + expressions, _parts(layout)
    coarse = _shapes(folder, names, neutral, parts, len(expressions))
    source = albedo_transfer.albedo_source(albedo_source)
    try:
        shapes = _framed(coarse, quads, landmarks, len(names) - len(expressions), listed_in)
        model = assembly.assemble(shapes, source)
    except ValueError as error:
        raise FaceModelError('%s: %s' % (os.path.join(folder, NEUTRAL + '.obj'), error))
    if 'exEyeTurns' in model:
        model['exEyeTurns'] /= WEIGHT_PER_DEVIATION
    model.update(name=NAME, licence=frame.licence(LICENCE, source), exNames=np.array(expressions),
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
    vertices = _read_vertices(path, layout.vertices)
    quads = obj.read_faces(path, layout.face_quads, corners=4)
    if quads.max() >= layout.face_vertices:
        raise FaceModelError('%s: expected the first %d faces on the first %d vertices, got vertex %d'
                             % (path, layout.face_quads, layout.face_vertices, quads.max()))
    return vertices, quads


def _read_vertices(path, count):
    vertices = obj.read_vertices(path)
    if len(vertices) != count:
        raise FaceModelError('%s: expected %d vertices, got %d' % (path, count, len(vertices)))
    return vertices


def _parts(layout):
    """Slices of the vertices that are used: the face area, the right eyeball, the left one."""
    return [slice(0, layout.face_vertices)] + [slice(first, last + 1) for first, last in layout.eyes]


def _shapes(folder, names, neutral, parts, expressions):
    """For each part the neutral face and what each file moves, [1+K,n,3], in the files' own unit; expressions, the last
    of the names, times WEIGHT_PER_DEVIATION. One file is in memory at a time."""
    results = [np.empty((1 + len(names), part.stop - part.start, 3)) for part in parts]
    for row, name in enumerate([None] + names):
        moved = neutral if name is None else _read_vertices(os.path.join(folder, name + '.obj'), len(neutral)) - neutral
        weight = WEIGHT_PER_DEVIATION if row > len(names) - expressions else 1.0
        for result, part in zip(results, parts):
            result[row] = weight * moved[part]
    return results


def _framed(coarse, quads, landmarks, identities, listed_in):
    """The assembly.Shapes: refined, in the program's frame, lips closed; checks landmarks and eyeballs there."""
    refined, triangles, keypoints = frame.refined(coarse[0], quads, landmarks)
    skin, *eyes = frame.framed([refined] + coarse[1:], keypoints)
    eyes.sort(key=lambda ball: ball[0, :, 0].mean())  # the right one of the subject is at -x
    ict_landmarks.check_landmarks(skin[0, keypoints], standard_five_points(), listed_in)
    eyeballs.check_places([ball[0] for ball in eyes], skin[0, keypoints], NEUTRAL + '.obj')
    closing, added = closed_lips.closing(skin[0], keypoints)
    skin[:1 + identities, :, 1] = closing.dot(skin[:1 + identities, :, 1].T).T
    skin[0, :, 1] += added
    return assembly.Shapes(skin, identities, frame.facing_out(skin[0], triangles, keypoints), keypoints, tuple(eyes))
