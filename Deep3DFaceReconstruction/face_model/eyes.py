"""The eyes of a face model: eyeballs that turn, and lids that close over them.

An expression basis holds no gaze and only part of a blink. Both are offsets on top of a decoded shape: `offset` is
the one place where gaze and closed lids enter a mesh.

Gaze is two angles of each eye in the head's own frame, whatever the head does: yaw, positive towards +x (the
subject's left, the image's right), and pitch, positive upwards. The eye looks along
(sin yaw cos pitch, sin pitch, cos yaw cos pitch); straight ahead, +z, is (0, 0). Note that a positive angle about x
among the coefficients turns the head down.

Eyes are in the order right, left of the subject throughout.
"""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.errors import FaceModelError
from Deep3DFaceReconstruction.face_model.named_shapes import load_named_shapes
from Deep3DFaceReconstruction.face_model.open_model import EYE_PARTS
from Deep3DFaceReconstruction.meshes.registration import sphere_fit

SIDES = ('Right', 'Left')
# A dome that hangs on the lids turns as a whole up to this angle from its axis, and less and less towards its rim.
_WHOLE_UP_TO = np.radians(25)
# Nothing turns further: the iris would slide under the skin.
MAX_YAW, MAX_PITCH = np.radians(40), np.radians(30)
# Among the 68: points of an eye's upper lid and those of its lower lid below them.
_LIDS = np.array((((37, 41), (38, 40)), ((43, 47), (44, 46))))
# A wider eye than the mean face's needs more than the whole shape to close.
MAX_BLINK = 1.5
# Radius of an iris, dm: 11.8 mm across, nearly alike in all people.
_IRIS_RADIUS = 0.0588


class EyeState(NamedTuple):
    """What the eyes of a face do.

    Attributes:
      gaze: [2,2] yaw and pitch of each eye, radians; NaN where an eye is closed, hidden, or not looked for.
      blink: [2], the weight of the shape eyeBlink that closes each eye as the photo has it, on top of the expression;
        0 where the expression is enough.
    """

    gaze: np.ndarray
    blink: np.ndarray


def unknown_eyes():
    """The EyeState of a face of whose eyes nothing is known: they look straight ahead."""
    return EyeState(np.full([2, 2], np.nan), np.zeros(2))


def direction(gaze):
    """[...,3] unit vectors of angles [...,2]."""
    yaw, pitch = np.moveaxis(np.asarray(gaze, np.float64), -1, 0)
    return np.stack([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=-1)


def angles(vectors):
    """[...,2] yaw and pitch of vectors [...,3] that need not be unit."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float64), -1, 0)
    return np.stack([np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))], axis=-1)


def shown_gaze(gaze):
    """[2,2] the angles at which the eyeballs stand: an eye that is not known turns with the other, or is straight."""
    gaze = np.array(gaze, np.float64)
    known = np.isfinite(gaze).all(axis=1)
    gaze[~known] = gaze[known].mean(axis=0) if known.any() else 0.0
    return np.clip(gaze, (-MAX_YAW, -MAX_PITCH), (MAX_YAW, MAX_PITCH))


class Eyeball(NamedTuple):
    """The vertices of one eyeball.

    Attributes:
      vertices: [n] of the mesh.
      share: [n] 0-1, how much each of them turns with the gaze.
      front: [n] bool, those by which its sphere is fitted.
      radius: of the sphere in the mean face, dm.
    """

    vertices: np.ndarray
    share: np.ndarray
    front: np.ndarray
    radius: float

    def turn(self, shape, move):
        """[2] yaw and pitch by which a move [N,3] turns the foremost vertex of the eyeball of a shape [N,3]."""
        center, _ = sphere_fit(np.asarray(shape, np.float64)[self.vertices[self.front]])
        pupil = self.vertices[np.argmax(shape[self.vertices, 2])]
        return angles(shape[pupil] + move[pupil] - center) - angles(shape[pupil] - center)


class Places(NamedTuple):
    """Where the eyes of a face are while they look straight ahead; decoder's frame, dm.

    Attributes:
      balls: for each eye the vertices of its eyeball, [n,3].
      centers: [2,3] and radii: [2] of the eyeballs' spheres.
      openings: [2] height between the lids, negative where they cross.
    """

    balls: tuple
    centers: np.ndarray
    radii: np.ndarray
    openings: np.ndarray


class Eyes:
    """The two eyes of a face model; see `eyes_of`.

    Attributes:
      eyeballs: an Eyeball of each eye.
      iris_angle: radians between the gaze and the rim of the iris, seen from an eyeball's centre.
    """

    def __init__(self, model, eyeballs):
        self._model = model
        self.eyeballs = eyeballs
        self.iris_angle = float(np.arcsin(_IRIS_RADIUS / np.mean([ball.radius for ball in eyeballs])))
        vertices = np.concatenate([ball.vertices for ball in eyeballs] + [model.keypoints[_LIDS].ravel()])
        rows = (3 * vertices[:, np.newaxis] + np.arange(3)).ravel()
        self._mean = model.meanshape[vertices] - numpy_decoder.mean_offset(model)
        self._base = np.concatenate([model.id_base[rows], model.ex_base[rows]], axis=1)
        self._blinks, self._reaches = None, {}

    def places(self, coeff):
        """The Places of coefficients [257]."""
        shape = self._mean + self._base.dot(np.asarray(coeff, np.float32)[:self._base.shape[1]]).reshape(-1, 3)
        first, second = (len(ball.vertices) for ball in self.eyeballs)
        balls = shape[:first], shape[first:first + second]
        spheres = [sphere_fit(places[ball.front]) for places, ball in zip(balls, self.eyeballs)]
        lids = shape[first + second:, 1].reshape(_LIDS.shape)
        return Places(balls, np.stack([center for center, _ in spheres]), np.array([radius for _, radius in spheres]),
                      (lids[..., 0] - lids[..., 1]).mean(axis=1))

    def offset(self, coeff, state):
        """[N,3] float32 dm that an EyeState adds to the shape of coefficients [257]."""
        result = np.zeros(self._model.meanshape.shape, np.float32)
        places = self.places(coeff)
        for ball, where, center, gaze in zip(self.eyeballs, places.balls, places.centers, shown_gaze(state.gaze)):
            if gaze.any():
                result[ball.vertices] = _turned(where - center, gaze, ball.share) - (where - center)
        for side in np.flatnonzero(state.blink):
            result += np.float32(state.blink[side]) * self.blinks[side]
        return result

    @property
    def blinks(self):
        """[2,N,3] float32 dm, the shape eyeBlink of each eye at weight 1; zero where the model has no such shape."""
        if self._blinks is None:
            self._blinks = _blinks(self._model)
        return self._blinks

    def blink_openings(self):
        """[2] dm, by how much a weight of 1 brings the lids of each eye together."""
        return -np.array([self.opened_by(move)[side] for side, move in enumerate(self.blinks)])

    def opened_by(self, move):
        """[2] dm, by how much a move [N,3] of the vertices parts the lids of each eye."""
        heights = move[self._model.keypoints[_LIDS], 1]
        return (heights[..., 0] - heights[..., 1]).mean(axis=1)

    def look_weights(self, named, state):
        """{name: weight 0-1} of ARKit's eight eyeLook shapes at which an EyeState's eyeballs stand.

        A shape's own turn of the pupil is what a weight of 1 stands for.

        Args:
          named: the named_shapes.NamedShapes of the model.
          state: EyeState.
        """
        result = {}
        for side, (ball, gaze) in enumerate(zip(self.eyeballs, shown_gaze(state.gaze))):
            inwards = gaze[0] * (1, -1)[side]  # the right eye looks inwards to +x
            ways = (('In', inwards, 0), ('Out', -inwards, 0), ('Up', gaze[1], 1), ('Down', -gaze[1], 1))
            for way, amount, axis in ways:
                name = 'eyeLook%s%s' % (way, SIDES[side])
                if name in named.names:
                    reach = self._reach(ball, named, name)[axis]
                    result[name] = float(np.clip(amount / abs(reach), 0, 1)) if reach else 0.0
        return result

    def _reach(self, ball, named, name):
        """[2] by how much a shape at weight 1 turns an eyeball."""
        if name not in self._reaches:
            self._reaches[name] = ball.turn(self._model.meanshape, named.moves[named.names.index(name)])
        return self._reaches[name]


def eyes_of(model):
    """The Eyes of a face model; None where it has no eyeballs, as the Basel Face Model."""
    if not all((model.part == number).any() for number in EYE_PARTS):
        return None
    return Eyes(model, tuple(_eyeball(model, number) for number in EYE_PARTS))


def _eyeball(model, number):
    mine = model.part == number
    vertices = np.flatnonzero(mine)
    places = model.meanshape[vertices].astype(np.float64)
    front = places[:, 2] > np.median(places[:, 2])
    center, radius = sphere_fit(places[front])
    away = places - center
    angle = np.arccos(np.clip(away[:, 2] / np.linalg.norm(away, axis=1), -1, 1))
    touching = mine[model.triangles]
    if not (touching.any(axis=1) & ~touching.all(axis=1)).any():  # a whole ball, loose in its socket
        return Eyeball(vertices, np.ones(len(vertices)), front, radius)
    share = np.clip((angle.max() - angle) / (angle.max() - _WHOLE_UP_TO), 0, 1)
    return Eyeball(vertices, share, front, radius)


def _turned(away, gaze, share):
    """Vectors [n,3] from an eyeball's centre after the shortest turn from +z to the gaze, each by its share."""
    target = direction(gaze)
    axis = np.array([-target[1], target[0], 0.0])
    axis /= np.linalg.norm(axis)
    angle = np.arccos(np.clip(target[2], -1, 1)) * share[:, np.newaxis]
    along = away.dot(axis)[:, np.newaxis] * axis
    return along + np.cos(angle) * (away - along) + np.sin(angle) * np.cross(axis, away)


def _blinks(model):
    moves = np.zeros((2,) + model.meanshape.shape, np.float32)
    try:
        named = load_named_shapes(model)
    except FaceModelError:
        return moves
    for side, name in enumerate(SIDES):
        if 'eyeBlink' + name in named.names:
            moves[side] = named.moves[named.names.index('eyeBlink' + name)]
    return moves
