"""The visible part of an eyeball: a dome that closes a socket, and its place in the eye textures."""
import numpy as np

from Deep3DFaceReconstruction.meshes.registration import sphere_fit
from tools.open_model.coarse_mesh import LEFT_EYE, RIGHT_EYE

# Angles from the gaze axis of the dome's rings, outside in; the last one bounds the dome's square grid.
DOME_ANGLES = (66.0, 46.0)
# Where the two eyeballs lie in the eye textures, and the iris there: centres and radius, as UV (v up).
_EYE_UV = {RIGHT_EYE: (149.5 / 512, 1 - 363.0 / 512), LEFT_EYE: (361.5 / 512, 1 - 152.5 / 512)}
_IRIS_UV_RADIUS = 59.0 / 512
IRIS_ANGLE = 22.0


class _Grid:
    """A k x k quad grid whose boundary is a given loop of 4k vertices."""

    def __init__(self, loop, first_new):
        side = len(loop) // 4
        if side * 4 != len(loop):
            raise ValueError('expected a loop of a multiple of four vertices, got %d' % len(loop))
        index = np.full((side + 1, side + 1), -1)
        index[0, :side] = loop[:side]
        index[:side, side] = loop[side:2 * side]
        index[side, side:0:-1] = loop[2 * side:3 * side]
        index[side:0:-1, 0] = loop[3 * side:]
        inside = index < 0
        index[inside] = first_new + np.arange(inside.sum())
        self.index, self.new = index, index[inside]
        self.quads = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]],
                              axis=2).reshape(-1, 4)

    def spread(self, boundary_values):
        """Harmonic values of the new vertices: each is the mean of its four neighbours."""
        side = self.index.shape[0] - 1
        number = -np.ones(self.index.shape, int)
        number[1:side, 1:side] = np.arange((side - 1) ** 2).reshape(side - 1, side - 1)
        rows = number[1:side, 1:side].ravel()
        system = np.eye(len(rows))
        right = np.zeros((len(rows), boundary_values.shape[1]))
        known = dict(zip(np.concatenate([self.index[0, :side], self.index[:side, side],
                                         self.index[side, side:0:-1], self.index[side:0:-1, 0]]),
                         boundary_values))
        for shift in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            near = np.roll(number, shift, axis=(0, 1))[1:side, 1:side].ravel()
            vertex = np.roll(self.index, shift, axis=(0, 1))[1:side, 1:side].ravel()
            free = near >= 0
            system[rows[free], near[free]] -= 0.25
            right[rows[~free]] += 0.25 * np.stack([known[v] for v in vertex[~free]])
        return np.linalg.solve(system, right)


def dome(loop, vertices, helper, first_new):
    """The eyeball's dome inside a socket loop.

    Returns:
      (quads [q,4]; of the new vertices, angles from the gaze axis [v,2], radians times direction; points [v,3]).
    """
    center, radius = sphere_fit(vertices[helper])
    ring_direction = vertices[loop, :2] - vertices[loop, :2].mean(axis=0)
    around = np.arctan2(ring_direction[:, 1], ring_direction[:, 0])
    count = len(loop)
    quads, plane, outer, next_new = [], [], loop, first_new
    for angle in DOME_ANGLES:
        inner = next_new + np.arange(count)
        quads.append(np.stack([np.roll(outer, -1), outer, inner, np.roll(inner, -1)], axis=1))
        plane.append(np.radians(angle) * np.stack([np.cos(around), np.sin(around)], axis=1))
        outer, next_new = inner, next_new + count
    # The grid's corners lie on the diagonals, as far as the loop allows.
    corner = np.abs(np.angle(np.exp(1j * (around - np.radians(135))))).argmin()
    grid = _Grid(np.roll(outer, -corner), next_new)
    quads.append(grid.quads[:, ::-1])
    plane.append(grid.spread(np.roll(plane[-1], -corner, axis=0)))
    plane = np.concatenate(plane)
    theta = np.linalg.norm(plane, axis=1)
    sine = np.sin(theta) / np.maximum(theta, 1e-12)
    points = center + radius * np.stack([sine * plane[:, 0], sine * plane[:, 1], np.cos(theta)], axis=1)
    return np.concatenate(quads), plane, points


def dome_uv(plane, part):
    """Texture coordinates in the eye textures for an eye's angles from the gaze [v,2] (radians times direction)."""
    theta = np.linalg.norm(plane, axis=1, keepdims=True)
    reach = np.sin(theta) / np.sin(np.radians(IRIS_ANGLE)) * _IRIS_UV_RADIUS
    return np.asarray(_EYE_UV[part]) + reach * plane / np.maximum(theta, 1e-12)
