"""Glasses of our own making: two rims, a bridge, temples and lenses, on the mean head."""
from typing import NamedTuple

import numpy as np

_SIDES, _STEPS = 4, 28   # of a tube's cross-section, of a rim
_HINGE, _EAR = np.array([0.70, 0.05, -0.10]), np.array([0.80, 0.02, -0.85])


class Glasses(NamedTuple):
    """A mesh in the head's mean frame (dm): triangles from `lens_start` on are lenses."""

    vertices: np.ndarray   # [V,3]
    triangles: np.ndarray  # [F,3] int32
    lens: np.ndarray       # [V] bool


def make(random, eyes):
    """Random glasses.

    Args:
      random: RandomState.
      eyes: [2,3] dm, the middles of the eyes, the subject's right first.
    """
    width, height = random.uniform(0.24, 0.31), random.uniform(0.16, 0.26)
    power, droop = random.choice([2.0, 2.6, 3.5, 5.0]), random.uniform(-0.02, 0.05)
    thickness = random.uniform(0.010, 0.035)
    front = eyes[:, 2].mean() + random.uniform(0.22, 0.30)
    middle = [np.array([eye[0] * 1.04, eye[1] - droop, front]) for eye in eyes]
    rims = [_rim(center, width, height, power) for center in middle]
    pieces = [_tube(np.concatenate([rim, rim[:1]]), thickness) for rim in rims]
    inner = [rims[0][0], rims[1][_STEPS // 2]] if middle[0][0] < middle[1][0] else [rims[0][_STEPS // 2], rims[1][0]]
    bow = np.linspace(inner[0], inner[1], 6) + np.array([0, 1, 1]) * 0.05 * np.sin(np.linspace(0, np.pi, 6))[:, None]
    pieces.append(_tube(bow + [0, 0.04, 0], thickness))
    for center in middle:
        side = np.sign(center[0])
        hinge = np.array([side * (abs(center[0]) + width), center[1] + 0.4 * height, front - 0.03])
        ear = np.array([side * _EAR[0], center[1] + _EAR[1], _EAR[2]])
        pieces.append(_tube(np.linspace(hinge, ear, 8), thickness))
    frame_vertices, frame_triangles = _joined(pieces)
    lenses = [(np.concatenate([rim, center[None] + [0, 0, 0.02]]), _fan(len(rim))) for rim, center in zip(rims, middle)]
    lens_vertices, lens_triangles = _joined(lenses)
    vertices = np.concatenate([frame_vertices, lens_vertices])
    lens = np.arange(len(vertices)) >= len(frame_vertices)
    return Glasses(vertices, np.concatenate([frame_triangles, lens_triangles + len(frame_vertices)]).astype(np.int32),
                   lens)


def _rim(center, width, height, power):
    """[S,3]: a superellipse that starts towards +x and bends back at the sides."""
    angle = np.arange(_STEPS) * 2 * np.pi / _STEPS
    cos, sin = np.cos(angle), np.sin(angle)
    x = width * np.sign(cos) * np.abs(cos) ** (2 / power)
    y = height * np.sign(sin) * np.abs(sin) ** (2 / power)
    return np.stack([center[0] + x, center[1] + y, center[2] - 0.25 * (center[0] + x) ** 2], axis=1)


def _tube(path, radius):
    """(vertices, triangles) of a tube along a path [P,3]."""
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    side = np.cross(along, [0.1, 0.2, 1.0])
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    up = np.cross(side, along)
    turn = np.arange(_SIDES) * 2 * np.pi / _SIDES
    ring = radius * (np.cos(turn)[None, :, None] * side[:, None] + np.sin(turn)[None, :, None] * up[:, None])
    vertices = (path[:, None] + ring).reshape(-1, 3)
    row, column = np.meshgrid(np.arange(len(path) - 1), np.arange(_SIDES), indexing='ij')
    a, b = row * _SIDES + column, row * _SIDES + (column + 1) % _SIDES
    quads = np.stack([a, b, b + _SIDES, a + _SIDES], axis=-1).reshape(-1, 4)
    return vertices, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _fan(count):
    k = np.arange(count)
    return np.stack([k, (k + 1) % count, np.full(count, count)], axis=1)


def _joined(pieces):
    """(vertices, triangles) of several meshes as one."""
    starts = np.cumsum([0] + [len(vertices) for vertices, _ in pieces])
    return (np.concatenate([vertices for vertices, _ in pieces]),
            np.concatenate([triangles + start for (_, triangles), start in zip(pieces, starts)]))
