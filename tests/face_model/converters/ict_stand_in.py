"""A small FaceXModel folder, made on the spot: a face-like grid of quads with the faults of the real one.

The lips are a millimetre apart, eyeballs lie behind the lids, vertices that belong to nothing behind the face area, and
there are more .obj files than vertex_indices.json lists.
"""
import json
import os

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from Deep3DFaceReconstruction.face_model.converters import ict_facekit
from Deep3DFaceReconstruction.photo.landmarks import flip_permutation

STEP = 0.04                 # dm between grid vertices
HALF, LOW, HIGH = 20, -24, 18
ROWS, COLUMNS = HIGH - LOW + 1, 2 * HALF + 1
GRID = ROWS * COLUMNS
BEYOND = 12                 # vertices that belong to neither the face area nor the eyes
SLIT = 0.01                 # dm between the lips
MOUTH_HALF, MOUTH_UP = 5, -10  # steps from the middle of the mouth to its corners; its height
NOSTRILS, DEPTH = ((-2, -3), (-2, -2), (2, -3), (2, -2)), 0.3  # steps right and up; dm
BALL = 200                  # vertices of an eyeball
EYE_CENTRES, EYE_RADIUS = np.array([[-0.32, 0.28, 0.08], [0.32, 0.28, 0.08]]), 0.12
IDENTITIES = 3
# Expressions of the real folder that its vertex_indices.json does not list.
UNLISTED = ('PupilDilate_L', 'PupilDilate_R', 'cheekRaiser_L', 'cheekRaiser_R')
# One more vertex in the face area that no face uses; the left eye of the subject comes first.
LAYOUT = ict_facekit.Layout(
    vertices=GRID + 1 + BEYOND + 2 * BALL, face_vertices=GRID + 1,
    face_quads=(ROWS - 1) * (COLUMNS - 1) - 4 * MOUTH_HALF, identities=IDENTITIES,
    eyes=((GRID + 1 + BEYOND, GRID + BEYOND + BALL), (GRID + 1 + BEYOND + BALL, GRID + BEYOND + 2 * BALL)))

NAMES = sorted(ict_facekit.EXPRESSIONS)  # the order of the expression components

# The left half of the 68 iBUG landmarks, from 0, as grid places (steps right of the middle, steps up).
_LEFT = {
    0: (-18, 6), 1: (-18, 2), 2: (-17, -3), 3: (-16, -8), 4: (-14, -12), 5: (-11, -16), 6: (-8, -19), 7: (-4, -21),
    8: (0, -22), 17: (-14, 10), 18: (-12, 11), 19: (-9, 12), 20: (-7, 11), 21: (-4, 10), 27: (0, 7), 28: (0, 4),
    29: (0, 2), 30: (0, -1), 31: (-3, -4), 32: (-2, -5), 33: (0, -5), 36: (-11, 7), 37: (-9, 8), 38: (-7, 8),
    39: (-5, 7), 40: (-7, 6), 41: (-9, 6), 48: (-6, -10), 49: (-4, -8), 50: (-2, -7), 51: (0, -7), 57: (0, -13),
    58: (-2, -13), 59: (-4, -12), 60: (-5, -10), 61: (-2, -9), 62: (0, -9), 66: (0, -11), 67: (-2, -11)}


def vertex(right, up):
    """The number of a grid vertex."""
    return (up - LOW) * COLUMNS + right + HALF


def landmarks():
    """[68] int, vertices of the grid."""
    place = np.zeros((68, 2), int)
    mirror = flip_permutation()
    for number, (right, up) in _LEFT.items():
        place[number] = right, up
        place[mirror[number]] = -right, up
    return vertex(place[:, 0], place[:, 1])


def grid_positions():
    """[GRID,3] dm: a face with a nose, in the program's frame."""
    y, x = np.meshgrid(STEP * np.arange(LOW, HIGH + 1), STEP * np.arange(-HALF, HALF + 1), indexing='ij')
    z = 0.25 - 0.6 * x ** 2 - 0.1 * y ** 2 + 0.3 * np.exp(-x ** 2 / 0.02 - (y + 0.04) ** 2 / 0.06)
    lips = slice(HALF - MOUTH_HALF + 1, HALF + MOUTH_HALF)
    for row, side in ((MOUTH_UP + 1, 1), (MOUTH_UP - 1, -1)):
        y[row - LOW, lips] = STEP * MOUTH_UP + side * SLIT / 2
    return np.stack([x, y, z], axis=2).reshape(-1, 3)


def grid_quads():
    """[Q,4] int, counter-clockwise as seen from +z; none between the lips."""
    index = np.arange(GRID).reshape(ROWS, COLUMNS)
    quads = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=2)
    kept = np.ones(quads.shape[:2], bool)
    kept[MOUTH_UP - 1 - LOW:MOUTH_UP + 1 - LOW, HALF - MOUTH_HALF:HALF + MOUTH_HALF] = False
    return quads[kept]


def in_model(vertices):
    """The numbers that grid vertices have in a converted model: those that no face uses are gone."""
    return np.searchsorted(np.unique(grid_quads()), vertices)


def ball_points(count=BALL):
    """[count,3] unit vectors, evenly over the sphere."""
    steps = np.arange(count) + 0.5
    height, turn = 1 - 2 * steps / count, np.pi * (1 + np.sqrt(5)) * steps
    radius = np.sqrt(1 - height ** 2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), height], axis=1)


class StandIn:
    """What the folder's files hold, to be changed before it is written.

    Attributes: neutral [V,3]; quads [Q,4]; moved {name: [V,3] displacement}; readme text; listed: names in
    vertex_indices.json; scale, rotation [3,3], shift: from the program's frame to the files'.
    """

    def __init__(self, scale=10.0, pitch=0.1, shift=(3.0, -20.0, 5.0)):
        self.scale, self.shift = scale, np.array(shift)
        self.rotation = Rotation.from_euler('x', pitch).as_matrix()
        random = np.random.RandomState(5)
        balls = EYE_CENTRES[::-1, np.newaxis] + EYE_RADIUS * ball_points()
        self.neutral = self.to_files(np.concatenate([grid_positions(), random.randn(1 + BEYOND, 3),
                                                     balls.reshape(-1, 3)]))
        self.quads = np.concatenate([grid_quads(), [[GRID + 1, GRID + 2, GRID + 3, GRID + 4]]])
        self.moved = {}
        for name in ['identity%03d' % k for k in range(IDENTITIES)] + list(ict_facekit.EXPRESSIONS + UNLISTED):
            self.moved[name] = np.zeros(self.neutral.shape)
            self.moved[name][GRID:GRID + 1 + BEYOND] = random.randn(1 + BEYOND, 3)  # must have no effect
        self.listed = list(ict_facekit.EXPRESSIONS)
        self.readme = 'Some 3 words.\n\nThe 68 landmarks:\n```\n[%s]\n```\n26719 vertices, 1 2 3\n' % (
            ',\n '.join(map(str, landmarks())))

    def dig_nostrils(self):
        """Two pits beside the tip of the nose, as deep as the real ones after refinement."""
        self.neutral[[vertex(*step) for step in NOSTRILS]] += self.scale * np.dot([0, 0, -DEPTH], self.rotation)

    def to_files(self, points):
        return self.scale * points.dot(self.rotation) + self.shift

    def write(self, root):
        """Writes ROOT/FaceXModel/*.obj and ROOT/README.md; returns the root as text."""
        folder = os.path.join(str(root), 'FaceXModel')
        os.makedirs(folder, exist_ok=True)
        self.write_obj(os.path.join(folder, 'generic_neutral_mesh.obj'), self.neutral)
        for name, moved in self.moved.items():
            self.write_obj(os.path.join(folder, name + '.obj'), self.neutral + moved)
        with open(os.path.join(folder, 'vertex_indices.json'), 'w') as stream:
            json.dump({'faces': [0, 9229], 'expressions': self.listed}, stream)
        with open(os.path.join(str(root), 'README.md'), 'w') as stream:
            stream.write(self.readme)
        return str(root)

    def write_obj(self, path, vertices):
        corners = ((self.quads.ravel() + 1)[:, None] + [0, 0, 0]) * [1, 0, 0] + [0, 1, 1]
        with open(path, 'w') as stream:
            stream.write('# a stand-in\ng face\n')
            stream.write(('v %.9f %.9f %.9f\n' * len(vertices)) % tuple(vertices.ravel()))
            stream.write('vt 0.25 0.75\nvn 0 0 1\n')
            stream.write(('f %d/%d/%d %d/%d/%d %d/%d/%d %d/%d/%d\n' * len(self.quads)) % tuple(corners.ravel()))


def albedo_model(stretch=1.0, width=HALF, eyes=False):
    """A face model of the grid itself, as a dict in the .mat layout: albedo is a linear field of the grid place.

    Args:
      stretch: how much longer the face is below the eyes than the stand-in.
      width: steps right and left of the middle that it reaches.
      eyes: with eyeballs, whose red is 10 at the pupil and 250 behind.
    """
    positions = grid_positions()
    place = positions[:, :2].copy()
    positions[:, 1] = np.where(positions[:, 1] < 0.2, 0.2 + stretch * (positions[:, 1] - 0.2), positions[:, 1])
    quads = grid_quads()
    quads = quads[(np.abs(place[quads][:, :, 0]) < STEP * (width + 0.5)).all(axis=1)]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    colors = np.stack([100 + 60 * place[:, 0], 120 + 50 * place[:, 1], 90 + 20 * place[:, 0]], axis=1)
    lips = in_lips(place)
    colors[lips] = [250, 0, 0]
    base = np.zeros((GRID, 3, 80))
    base[:, 1, 4] = place[:, 0]
    base[:, 2, 79] = place[:, 1]
    inside = (np.abs(place[:, 0]) < 0.6) & (place[:, 1] > -0.8) & (place[:, 1] < 0.6)
    front = np.flatnonzero(inside)
    model = {'meanshape': positions, 'meantex': colors, 'texBase': base, 'tri': triangles,
             'skinmask': inside & ~lips, 'part': np.zeros(GRID)}
    if eyes:
        _add_eyes(model)
    model['texBase'] = model['texBase'].reshape(-1, 80)
    model['tri'] = model['tri'] + 1
    for key in ('meanshape', 'meantex', 'skinmask', 'part'):
        model[key] = model[key].reshape(1, -1).astype(np.float64)
    model.update(keypoints=landmarks()[None] + 1, frontmask2_idx=front[:, None] + 1)
    return model


def _add_eyes(model):
    points = ball_points()
    hull = ConvexHull(points).simplices
    corners = points[hull]
    inwards = (np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) * corners[:, 0]).sum(axis=1) < 0
    hull[inwards] = hull[inwards, ::-1]
    red = np.interp(points[:, 2], [-1, 1], [250, 10])
    for number, centre in zip((2, 3), EYE_CENTRES):
        added = {'meanshape': centre + 1.1 * EYE_RADIUS * points, 'texBase': np.zeros((BALL, 3, 80)),
                 'meantex': np.stack([red, red * 0 + 90, red * 0 + 80], axis=1),
                 'tri': hull + len(model['part']), 'skinmask': np.zeros(BALL), 'part': np.full(BALL, number)}
        for key, values in added.items():
            model[key] = np.concatenate([model[key], values])


def in_lips(place):
    """[n] bool: inside the box that lies around the lips, dm in the stand-in's frame."""
    return (np.abs(place[:, 0]) < 0.26) & (place[:, 1] < -0.26) & (place[:, 1] > -0.54)


def convert(root, source=None, **options):
    """Converts a written folder, to ict.mat in it; returns the model's arrays."""
    return ict_facekit.convert(root, os.path.join(root, 'ict.mat'), source or albedo_model(),
                               **dict({'layout': LAYOUT}, **options))
