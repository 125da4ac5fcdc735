"""Colours of a head and of what it wears: skin, scalp, beard, eyes, cloth."""
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction.conventions import LUMA
from Deep3DFaceReconstruction.dataset.scenes import labels, wardrobe
from Deep3DFaceReconstruction.meshes.registration import sphere_fit

_STUBBLE, _BEARD_THICK, _CLOTH_THICK = 0.45, 0.05, 0.045
_GRAIN = 0.012            # of the albedo: unevenness of skin
_HAIR_GRAIN = 0.10
_LASH_OPACITY = 0.55
_EYE_GLOSS, _CLOTH_GLOSS, _HAIR_GLOSS, _LENS_GLOSS = 6.0, 0.1, 0.5, 3.0
_TONGUE = np.array([168.0, 84, 80])
_RIGID = 0.35             # dm: accessories that keep their shape move with the head's vertices this near


class Piece(NamedTuple):
    """Something worn, placed and coloured; opacity None means that it is drawn as opaque."""

    placed: np.ndarray
    normals: np.ndarray
    colour: np.ndarray
    opacity: object
    triangles: np.ndarray
    part: int
    gloss: float
    sky: float
    shadow: object


class Painter:
    """Paints heads.

    Args:
      head: heads.head_model.Head.  mean: [N,3] its mean vertices.
    """

    def __init__(self, head, mean):
        self._head = head
        x, y, z = mean.T.astype(np.float64)
        hairline = 0.70 - 0.16 * np.clip(np.abs(x) / 0.66, 0, 1) ** 2.5 - 0.3 * np.clip(-0.12 - z, 0, 1)
        outside = np.ones(len(mean))
        outside[head.part > 0] = 0
        # Behind the ears the scalp reaches down to the nape.
        behind = np.clip((-0.62 - z) / 0.12, 0, 1) * np.clip((y + 0.45) / 0.12, 0, 1)
        self.scalp = np.float32(np.maximum(np.clip((y - hairline) / 0.22 + 0.4, 0, 1), behind) * outside)
        self._mean = mean
        tilted = y + 1.33 - 0.42 * np.clip(-0.3 - z, 0, 1.2)
        v_cut = 0.9 * np.clip(0.33 - np.abs(x), 0, 1) * (z > -0.7)
        self._cloth = {'bare': np.zeros(len(mean), np.float32), 'top': _below(tilted, -0.35),
                       'crew': _below(tilted, 0.04), 'v': _below(tilted + v_cut, 0.04), 'turtle': _below(tilted, 0.36)}
        self._eyes = [_Eye(mean, np.flatnonzero(head.part == number)) for number in (2, 3)]
        # The beard ends above the middle of the neck and in front of the ears.
        self._grown = np.float32(head.beard * outside * np.clip((y + 0.95) / 0.2, 0, 1)
                                 * np.clip((z + 0.62) / 0.15, 0, 1))

    def thickness(self, outfit):
        """[N] float32 dm: how far beard and cloth stand out from the skin."""
        return (_CLOTH_THICK * self._cloth[outfit.neckline]
                + np.float32(_BEARD_THICK * max(outfit.beard - _STUBBLE, 0)) * self._grown)

    def albedo(self, tex, outfit):
        """[N,3] float32 RGB 0-255 of texture coefficients [80] and an Outfit."""
        random = np.random.default_rng(outfit.grain)
        skin = np.clip(self._head.albedo(tex), 4, 252)
        grain = random.standard_normal(len(skin), np.float32)[:, np.newaxis]
        skin *= 1 + np.float32(_GRAIN) * grain
        hair = np.float32(outfit.hair_colour) * (1 + np.float32(_HAIR_GRAIN * 1.5) * grain)
        for eye in self._eyes:
            skin[eye.rows] = skin[eye.rows[eye.looking(outfit.gaze)]]
        if outfit.scalp > 0:
            skin += (np.float32(outfit.scalp) * self.scalp)[:, np.newaxis] * (hair - skin)
        if outfit.beard > 0:
            dense = np.clip(outfit.beard * self._grown * (1 + 0.35 * grain[:, 0]), 0, 0.95)
            skin += dense[:, np.newaxis] * (0.85 * hair - skin)
        cloth = self._cloth[outfit.neckline][:, np.newaxis]
        if outfit.neckline not in ('bare', 'top'):
            waves = 1 + np.float32(0.12) * np.sin(self._mean[:, 1:2] * np.float32(60 if outfit.mirrored else 0))
            skin += cloth * (np.float32(outfit.cloth) * waves * (1 + np.float32(0.04) * grain) - skin)
        return skin

    def gloss(self, outfit):
        """[N] float32: how glossy the head's vertices are, against skin."""
        gloss = np.ones(len(self._mean), np.float32)
        gloss[self._head.part > 1] = _EYE_GLOSS
        gloss *= 1 - np.float32(0.7) * np.maximum(self.scalp * np.float32(outfit.scalp),
                                                 self._grown * np.float32(outfit.beard))
        return gloss + self._cloth[outfit.neckline] * (np.float32(_CLOTH_GLOSS) - gloss)

    def dressed(self, kind, garment, moved, outfit, body):
        """The Piece of a Garment on a head whose coarse vertices are `moved` [n,3] from the mean's."""
        volume = outfit.volume if kind == 'hair' else 1.0
        if kind == 'hair' and outfit.hat is not None:
            volume = 0.94
        points = wardrobe.worn(garment, moved, volume)
        colour, opacity, part, gloss = garment.colour, None, labels.CLOTHES, _CLOTH_GLOSS
        if kind in ('hair', 'lashes'):
            tone = outfit.hair_colour if kind == 'hair' else np.minimum(outfit.hair_colour * 0.5, 45)
            colour = garment.colour / np.float32(150) * np.float32(tone)
            opacity = garment.opacity if kind == 'hair' else garment.opacity * np.float32(_LASH_OPACITY)
            part, gloss = labels.HAIR, _HAIR_GLOSS * (kind == 'hair')
        elif kind == 'hat':
            colour, part = _tinted(garment.colour, outfit.hat_colour), labels.HAT
        elif kind == 'tongue':
            colour, part = garment.colour * 0 + np.float32(_TONGUE), 6
        elif outfit.mirrored:
            colour = _tinted(garment.colour, outfit.cloth)
        share = self._share(points)
        placed = body.move(points, share)
        sky = {'lashes': 0.8, 'tongue': 0.35}.get(kind, 0.9)
        return Piece(placed, _unit(garment.normals.dot(body.turn)), colour, opacity, garment.triangles, part, gloss,
                     sky, garment.shadow)

    def spectacles(self, made, wearing, moved, outfit, body):
        """Pieces of glasses: the frame, opaque, and the lenses, where they are not quite clear."""
        shift = wearing.binding(made.vertices).dot(moved)
        shift = shift + 0.75 * (shift.mean(axis=0) - shift)  # they hardly bend
        points = (made.vertices + shift).astype(np.float32)
        placed = body.move(points, np.zeros(len(points), np.float32))
        pieces = []
        for lens, colour in ((False, outfit.frame), (True, outfit.lens[:3])):
            mine = made.lens[made.triangles[:, 0]] == lens
            opacity = np.full(len(points), outfit.lens[3], np.float32) if lens else None
            if lens and outfit.lens[3] < 0.02:
                continue
            normals = np.broadcast_to(body.turn[2], points.shape).astype(np.float32)
            pieces.append(Piece(placed, normals, np.broadcast_to(np.float32(colour), points.shape), opacity,
                                made.triangles[mine], labels.GLASSES, _LENS_GLOSS, 0.9, None))
        return pieces

    def _share(self, points):
        y = points[:, 1] - 0.25 * np.clip(-0.4 - points[:, 2], 0, 1.2)
        share = np.clip((-0.72 - y) / 0.73, 0, 1)
        return np.float32(share * share * (3 - 2 * share))


class _Eye:
    """The vertices of an eyeball, and which of them is seen where the eye has turned."""

    def __init__(self, mean, rows):
        self.rows = rows
        points = mean[rows].astype(np.float64)
        away = points - sphere_fit(points)[0]
        self._away = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
        self._tree = cKDTree(self._away)

    def looking(self, gaze):
        """[R] places in `rows`: the vertex whose colour each has under a gaze (right, up; radians)."""
        right, up = gaze
        cos, sin = np.cos(right), np.sin(right)
        x, y, z = self._away.T
        x, z = cos * x - sin * z, sin * x + cos * z
        cos, sin = np.cos(up), np.sin(up)
        y, z = cos * y - sin * z, sin * y + cos * z
        return self._tree.query(np.stack([x, y, z], axis=1))[1]


def _below(height, line):
    return np.float32(np.clip((line - height) / 0.03, 0, 1))


def _tinted(colour, tone):
    """A texture's brightness in another colour."""
    light = colour.dot(np.float32(LUMA))[:, np.newaxis]
    return light / np.maximum(light.mean(), 20) * np.float32(tone)


def _unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
