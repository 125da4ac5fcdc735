"""What faces are painted from, at the mesh's vertices: de-lit skins, irises, brows, and masks of the features."""
from typing import NamedTuple

import numpy as np
from scipy.interpolate import LinearNDInterpolator
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction.conventions import LUMA
from tools.open_model import coarse_mesh

# Ratios of red to green and of green to blue beyond which a painted skin is drawn back.
_MOST_RED, _MOST_YELLOW = 1.65, 1.45
_IRIS_TEMPER = 0.45  # how far the painted irises' colours are drawn towards a warm grey
_MOST_SHADE = 0.35   # of the logarithm of luminance: the most light that is divided out


class Layers(NamedTuple):
    """What faces are painted from, at the N vertices; weights are 0-1."""

    skins: np.ndarray       # [S,N,3], without light
    groups: np.ndarray      # [S], ethnicity
    skin_names: list        # [S], such as young_asian_male/file
    brows: np.ndarray       # [B,N], opacity
    irises: np.ndarray      # [I,N,3], at the eyes' vertices
    iris_names: list        # [I]
    lashes: np.ndarray      # [N], weight, as what follows
    lips: np.ndarray
    beard: np.ndarray
    cheeks: np.ndarray
    under_eye: np.ndarray
    teeth: np.ndarray
    depth: np.ndarray       # [N], ring inside mouth and sockets
    part: np.ndarray        # [N]


def sample(texture, uv):
    """Bilinear colours [N,C] of a texture [H,W,C] at uv [N,2] (v up)."""
    height, width = texture.shape[:2]
    place = [(1 - uv[:, 1]) * height - 0.5, uv[:, 0] * width - 0.5]
    return np.stack([map_coordinates(texture[:, :, c], place, order=1, mode='nearest')
                     for c in range(texture.shape[2])], axis=1)


def _brow_opacity(proxy, texture, base, positions, facing):
    """[N] opacity of a painted eyebrow, projected along z from its proxy mesh onto the face."""
    corner = np.stack([proxy.quads.ravel(), proxy.quad_uvs.ravel()], axis=1)
    place, uv = proxy.fit(base)[corner[:, 0], :2], proxy.uvs[corner[:, 1]]
    opacity = np.zeros(len(positions))
    for side in (-1, 1):
        mine = place[:, 0] * side > 0
        lookup = LinearNDInterpolator(place[mine], uv[mine])
        near = np.flatnonzero(facing & (positions[:, 0] * side > 0))
        found = lookup(positions[near, :2])
        inside = ~np.isnan(found[:, 0])
        opacity[near[inside]] = sample(texture[:, :, 3:], found[inside])[:, 0] / 255
    return opacity


def smooth_step(value, low, high):
    """0 at `low`, 1 at `high`, smooth between; `low` may be the larger."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _harmonics(normals):
    x, y, z = normals.T
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, x * z, 3 * z * z - 1, x * x - y * y], axis=1)


def mirror_vertices(positions):
    """[N] the vertex nearest to each vertex's mirror image (x to -x)."""
    return cKDTree(positions).query(positions * [-1, 1, 1])[1]


def delight(skins, normals, plain):
    """Divide out the low-frequency light painted into skins.

    Each skin's log luminance over the `plain` vertices (even skin, no brows or lips) is fitted with nine
    spherical harmonics of the normal; the fit, less its mean, is divided out everywhere.
    """
    basis = _harmonics(normals)
    result = np.empty_like(skins)
    for k, skin in enumerate(skins):
        luminance = np.log(np.maximum(skin.dot(LUMA), 1))
        weights = np.linalg.lstsq(basis[plain], luminance[plain], rcond=None)[0]
        shade = basis.dot(weights)
        shade -= shade[plain].mean()
        result[k] = skin * np.exp(-np.clip(shade, -_MOST_SHADE, _MOST_SHADE))[:, None]
    return result


def _temper(skins, plain):
    """Draw painted skins that are redder or yellower than skins are back to the edge, keeping their luminance."""
    result = skins.copy()
    for k, skin in enumerate(skins.astype(np.float64)):
        red, green, blue = skin[plain].mean(axis=0)
        factor = np.array([min(1.0, _MOST_RED * green / red), 1.0, max(1.0, green / (_MOST_YELLOW * blue))])
        factor *= skin[plain].mean(axis=0).dot(LUMA) / (skin[plain].mean(axis=0) * factor).dot(LUMA)
        result[k] = skin * factor
    return result


class Surface(NamedTuple):
    """The N vertices that are painted."""

    uv: np.ndarray             # [N,2]
    part: np.ndarray           # [N]
    depth: np.ndarray          # [N]
    lid_ring: np.ndarray       # [N]
    raw_positions: np.ndarray  # [N,3], in MakeHuman's frame
    positions: np.ndarray      # [N,3], in the model's frame, as what follows
    normals: np.ndarray        # [N,3]
    landmarks: np.ndarray      # [68]


def layers(human, base, surface):
    """Samples and masks everything that faces are painted from.

    Args:
      human: source.MakeHuman.
      base: [19158,3] the mean adult (the brows ride on it).
      surface: Surface.
    Returns:
      Layers.
    """
    uv, part, depth, lid_ring, raw_positions, positions, normals, landmarks = surface
    skin = part == coarse_mesh.SKIN
    marks = positions[landmarks]
    facing = skin & (normals[:, 2] > 0.1) & (depth == 0)
    brows = np.stack([_brow_opacity(proxy, texture, base, raw_positions, facing)
                      for proxy, texture in human.eyebrows()])
    brows = 0.5 * (brows + brows[:, mirror_vertices(positions)])
    lips = _lip_mask(skin & (depth == 0), positions, marks)

    near_eye = np.minimum(*[np.linalg.norm((positions - marks[eye].mean(axis=0)) * [1, 1.25, 1], axis=1)
                            for eye in (slice(36, 42), slice(42, 48))])
    plain = skin & (depth == 0) & (lips < 0.05) & (brows.max(axis=0) < 0.05) & (near_eye > 0.22)
    skins = human.skins()
    painted = delight(np.stack([sample(texture, uv) for texture in skins.values()]), normals, plain)
    painted = _without_hairline(_temper(painted, plain), positions, plain)

    irises = human.irises()
    eyes = np.stack([sample(texture, uv) for texture in irises.values()])
    eyes += _IRIS_TEMPER * (eyes.dot(LUMA)[:, :, None] * np.array([1.12, 1.0, 0.86]) - eyes)

    # Teeth darken towards the corners of the mouth, where little light reaches them.
    teeth = 0.35 + 0.65 * smooth_step(np.abs(positions[:, 0]), 0.24, 0.08)
    return Layers(skins=painted, groups=np.array([name.split('_')[1] for name in skins]),
                  skin_names=list(skins), brows=brows, irises=eyes, iris_names=list(irises),
                  lashes=_lashes(positions, marks, landmarks, lid_ring, skin), lips=lips,
                  beard=_beard(positions, marks) * (1 - lips) * skin,
                  cheeks=_cheeks(positions, marks) * (1 - lips) * skin, under_eye=_under_eye(positions, marks) * skin,
                  teeth=teeth, depth=depth, part=part)


def _beard(positions, marks):
    """[N] 0-1: a full beard: under the nose, around the mouth, down to the chin and up the jaw."""
    x, y = np.abs(positions[:, 0]), positions[:, 1]
    mouth = marks[[48, 54], 1].mean()
    around = smooth_step(y, marks[33, 1] + 0.03, marks[33, 1] - 0.08) * smooth_step(
        y - 1.15 * np.maximum(x - 0.24, 0), mouth + 0.25, mouth - 0.12)
    return np.maximum(around, smooth_step(x, 0.50, 0.66) * smooth_step(y, marks[27, 1], mouth))


def _cheeks(positions, marks):
    """[N] 0-1: where cheeks redden."""
    away = [positions[:, :2] - [side * 0.40, marks[30, 1] - 0.02] for side in (-1, 1)]
    return np.max([np.exp(-(offset ** 2).sum(axis=1) / (2 * 0.15 ** 2)) for offset in away], axis=0)


def _under_eye(positions, marks):
    """[N] 0-1: where the skin under the eyes darkens."""
    lids = marks[[39, 40, 41, 36]].mean(axis=0), marks[[42, 47, 46, 45]].mean(axis=0)
    away = [(positions - lid + [0, 0.07, 0]) * [1, 2.2, 1] for lid in lids]
    return np.max([np.exp(-(offset ** 2).sum(axis=1) / (2 * 0.11 ** 2)) for offset in away], axis=0)


def _lip_mask(skin, positions, marks):
    """[N] 0-1: inside the outer lip contour (landmarks 49-60), with a soft edge."""
    contour = marks[48:60, :2]
    contour = np.concatenate([contour, contour[:1]])
    # A closed curve through the twelve landmarks, sampled finely.
    fine = np.concatenate([contour[k] + np.linspace(0, 1, 12, endpoint=False)[:, None] * (contour[k + 1] - contour[k])
                           for k in range(12)])
    inside = _inside(positions[:, :2], fine)
    distance = np.sqrt(((positions[:, None, :2] - fine[None, ::3]) ** 2).sum(axis=2)).min(axis=1)
    signed = np.where(inside, distance, -distance)
    return smooth_step(signed, -0.012, 0.012) * skin * (positions[:, 2] > marks[48, 2] - 0.15)


def _inside(points, polygon):
    """[N] bool: points [N,2] inside a closed polygon [P,2], by counting crossings of a ray along +x."""
    x, y = points.T
    inside = np.zeros(len(points), bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0)):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    return inside


def _without_hairline(painted, positions, plain):
    """Replace painted scalp hair at the top and the temples by a smooth continuation of the skin."""
    y, z = positions[:, 1], positions[:, 2]
    hair = np.maximum(smooth_step(y + 0.35 * np.clip(-z, 0, 1), 0.62, 0.80),
                      smooth_step(-z + 0.5 * (y - 0.3), 0.22, 0.38) * (y > -0.35))
    good = plain & (hair < 0.02)
    terms = np.stack([np.ones(len(y)), np.abs(positions[:, 0]), positions[:, 1]], axis=1)
    result = painted.copy()
    for k, skin in enumerate(painted):
        upper = good & (y > 0.2)
        fit = np.linalg.lstsq(terms[upper], skin[upper], rcond=None)[0]
        smooth = np.clip(terms.dot(fit), skin[upper].min(axis=0), skin[upper].max(axis=0))
        result[k] = skin + hair[:, None] * (smooth - skin)
    return result


def _lashes(positions, marks, landmarks, lid_ring, skin):
    """[N] 0-1: the margin of the upper lid, between the corners of the eye.

    `lid_ring` [N] counts the rings of the lid from the socket outwards, so that the line follows the lid also
    where a closing lid unrolls its inner side.
    """
    weight = np.zeros(len(positions))
    for upper in ((36, 37, 38, 39), (45, 44, 43, 42)):
        edge = lid_ring[landmarks[list(upper[1:3])]].mean()
        outer, inner = marks[upper[0]], marks[upper[3]]
        along = (positions - inner).dot(outer - inner) / ((outer - inner) ** 2).sum()
        above = positions[:, 1] - (inner[1] + along * (outer[1] - inner[1]))
        near = np.linalg.norm(positions - marks[list(upper)].mean(axis=0), axis=1) < 0.2
        line = smooth_step(np.abs(lid_ring - edge), 0.85, 0.25)
        weight = np.maximum(weight, line * near * smooth_step(above, -0.002, 0.012)
                            * smooth_step(along, -0.02, 0.15) * smooth_step(along, 1.10, 0.98))
    return weight * skin
