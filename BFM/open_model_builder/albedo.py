"""Albedo of random people at the mesh's vertices: skins, lips, brows, lashes, irises, mouth; and its basis."""
import collections

import numpy as np
from scipy.interpolate import LinearNDInterpolator
from scipy.ndimage import map_coordinates

_LUMA = np.array([0.299, 0.587, 0.114])
_MOUTH_DEPTH_COLOR = np.array([58.0, 22.0, 20.0])
_TEETH_COLOR = np.array([196.0, 182.0, 164.0])
_LASH_COLOR = np.array([38.0, 28.0, 24.0])
# Hair: black-brown, brown, auburn, blond, grey; their share of people.
_MOST_RED, _MOST_YELLOW = 1.65, 1.45
_IRIS_TEMPER = 0.45  # how far the painted irises' colours are drawn towards grey
_HAIR_COLORS = np.array([[34, 27, 24], [62, 45, 33], [92, 58, 38], [140, 112, 78], [140, 136, 132]], np.float64)
_HAIR_SHARES = np.array([0.42, 0.30, 0.08, 0.10, 0.10])

Layers = collections.namedtuple('Layers', 'skins groups brows irises iris_names lashes lips beard cheeks under_eye '
                                          'teeth depth part')
Layers.__doc__ = """What faces are painted from, at the N vertices.

skins [S,N,3] de-lit; groups [S] ethnicity; brows [B,N] opacity; irises [I,N,3] (eye vertices); lashes, lips,
beard, cheeks, under_eye, teeth [N] weights 0-1; depth [N] ring inside mouth and sockets; part [N]."""


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


def _smooth_step(value, low, high):
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _harmonics(normals):
    x, y, z = normals.T
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, x * z, 3 * z * z - 1, x * x - y * y], axis=1)


def mirror_vertices(positions):
    """[N] the vertex nearest to each vertex's mirror image (x to -x)."""
    from scipy.spatial import cKDTree
    return cKDTree(positions).query(positions * [-1, 1, 1])[1]


def delight(skins, normals, plain):
    """Divide out the low-frequency light painted into skins.

    Each skin's log luminance over the `plain` vertices (even skin, no brows or lips) is fitted with nine
    spherical harmonics of the normal; the fit, less its mean, is divided out everywhere.
    """
    basis = _harmonics(normals)
    result = np.empty_like(skins)
    for k, skin in enumerate(skins):
        luminance = np.log(np.maximum(skin.dot(_LUMA), 1))
        weights = np.linalg.lstsq(basis[plain], luminance[plain], rcond=None)[0]
        shade = basis.dot(weights)
        shade -= shade[plain].mean()
        result[k] = skin * np.exp(-np.clip(shade, -0.35, 0.35))[:, None]
    return result


def _temper(skins, plain):
    """Bring painted skins whose hue no skin has back to the edge of what skins have.

    Channel ratios of measured skin reach about 1.75 (red to green) and 1.45 (green to blue).
    """
    result = skins.copy()
    for k, skin in enumerate(skins.astype(np.float64)):
        red, green, blue = skin[plain].mean(axis=0)
        factor = np.array([min(1.0, _MOST_RED * green / red), 1.0, max(1.0, green / (_MOST_YELLOW * blue))])
        factor *= skin[plain].mean(axis=0).dot(_LUMA) / (skin[plain].mean(axis=0) * factor).dot(_LUMA)
        result[k] = skin * factor
    return result


def layers(human, base, uv, part, depth, lid_ring, raw_positions, positions, normals, landmarks):
    """Sample and mask everything that faces are painted from.

    Args:
      human: source.MakeHuman.  base: [19158,3] the mean adult (the brows ride on it).
      uv [N,2], part [N], depth [N], lid_ring [N]: of the full mesh's vertices.
      raw_positions [N,3]: in MakeHuman's frame; positions, normals [N,3], landmarks [68]: in the model's.
    """
    skin = part == 0
    x, y, z = positions.T
    marks = positions[landmarks]
    skins = human.skins()
    groups = np.array([name.split('_')[1] for name in skins])
    painted = np.stack([sample(texture, uv) for texture in skins.values()])
    irises = human.irises()
    eyes = np.stack([sample(texture, uv) for texture in irises.values()])
    eyes += _IRIS_TEMPER * (eyes.dot(_LUMA)[:, :, None] * np.array([1.12, 1.0, 0.86]) - eyes)

    facing = skin & (normals[:, 2] > 0.1) & (depth == 0)
    brows = np.stack([_brow_opacity(proxy, texture, base, raw_positions, facing)
                      for proxy, texture in human.eyebrows()])
    mirror = mirror_vertices(positions)
    brows = np.maximum(0.5 * (brows + brows[:, mirror]), 0)

    lips = _lip_mask(painted, skin & (depth == 0), positions, marks)
    near_eye = np.minimum(*[np.linalg.norm((positions - marks[list(part_)].mean(axis=0)) * [1, 1.25, 1], axis=1)
                            for part_ in (range(36, 42), range(42, 48))])
    plain = skin & (depth == 0) & (lips < 0.05) & (brows.max(axis=0) < 0.05) & (near_eye > 0.22) & (y < 0.75)
    painted = _temper(delight(painted, normals, plain), plain)
    painted = _without_hairline(painted, positions, plain)

    mouth_y = marks[[48, 54], 1].mean()
    # A full beard: under the nose, around the mouth, down to the chin and up the jaw.
    beard = _smooth_step(y, marks[33, 1] + 0.03, marks[33, 1] - 0.08) * _smooth_step(
        y - 1.15 * np.maximum(np.abs(x) - 0.24, 0), mouth_y + 0.25, mouth_y - 0.12)
    sides = _smooth_step(np.abs(x), 0.50, 0.66) * _smooth_step(y, marks[27, 1], mouth_y)
    beard = np.maximum(beard, sides) * (1 - lips) * skin
    cheek_center = [np.array([s * 0.40, marks[30, 1] - 0.02]) for s in (-1, 1)]
    cheeks = np.max([np.exp(-((positions[:, :2] - c) ** 2).sum(axis=1) / (2 * 0.15 ** 2)) for c in cheek_center],
                    axis=0) * skin * (1 - lips)
    lower_lid = [marks[[39, 40, 41, 36]].mean(axis=0), marks[[42, 47, 46, 45]].mean(axis=0)]
    under_eye = np.max([np.exp(-(((positions - c - [0, -0.07, 0]) * [1, 2.2, 1]) ** 2).sum(axis=1)
                               / (2 * 0.11 ** 2)) for c in lower_lid], axis=0) * skin
    lashes = _lashes(positions, marks, landmarks, lid_ring, skin)
    # Teeth darken towards the corners of the mouth, where little light reaches them.
    teeth = 0.35 + 0.65 * _smooth_step(np.abs(x), 0.24, 0.08)
    return Layers(painted, groups, brows, eyes, list(irises), lashes, lips, beard, cheeks, under_eye, teeth,
                  depth, part)


def _lip_mask(painted, skin, positions, marks):
    """[N] 0-1: inside the outer lip contour (landmarks 49-60), with a soft edge."""
    contour = marks[48:60, :2]
    contour = np.concatenate([contour, contour[:1]])
    # A closed curve through the twelve landmarks, sampled finely.
    fine = np.concatenate([contour[k] + np.linspace(0, 1, 12, endpoint=False)[:, None] * (contour[k + 1] - contour[k])
                           for k in range(12)])
    inside = _inside(positions[:, :2], fine)
    distance = np.sqrt(((positions[:, None, :2] - fine[None, ::3]) ** 2).sum(axis=2)).min(axis=1)
    signed = np.where(inside, distance, -distance)
    return _smooth_step(signed, -0.012, 0.012) * skin * (positions[:, 2] > marks[48, 2] - 0.15)


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
    hair = np.maximum(_smooth_step(y + 0.35 * np.clip(-z, 0, 1), 0.62, 0.80),
                      _smooth_step(-z + 0.5 * (y - 0.3), 0.22, 0.38) * (y > -0.35))
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
        line = _smooth_step(np.abs(lid_ring - edge), 0.85, 0.25)
        weight = np.maximum(weight, line * near * _smooth_step(above, -0.002, 0.012)
                            * _smooth_step(along, -0.02, 0.15) * _smooth_step(along, 1.10, 0.98))
    return weight * skin


def paint(layer, count, random):
    """Random people's albedo.

    Returns:
      [count,N,3] float32, RGB 0-255.
    """
    is_dark = layer.groups == 'african'
    faces = np.empty((count,) + layer.skins.shape[1:], np.float32)
    for k in range(count):
        # How dark: continuous from the light skins to the dark ones; then a few skins of each kind, mixed.
        dark = random.beta(0.8, 1.4)
        share = np.zeros(len(layer.skins))
        for mine, amount in ((is_dark, dark), (~is_dark, 1 - dark)):
            share[mine] = amount * random.dirichlet(np.full(mine.sum(), 0.5))
        face = np.tensordot(share, layer.skins, axes=1)

        # Tone: lightness, redness, yellowness, in logarithms.
        tone = random.randn(3) * [0.09, 0.02, 0.035]
        face = face * np.exp(tone[0] + tone[1] * np.array([1, -0.7, -0.5]) + tone[2] * np.array([0.1, 0.1, -1.0]))
        face *= np.exp(layer.cheeks[:, None] * (0.01 + 0.022 * random.randn()) * np.array([1.0, -1.0, -0.8]))
        face *= np.exp(layer.under_eye[:, None] * (-0.03 + 0.05 * random.randn()))
        face *= np.exp(layer.lips[:, None] * (np.array([0.10, -0.55, -0.35]) * 0.16 * random.randn()
                                              + 0.06 * random.randn()))

        shares = _HAIR_SHARES * np.where(np.arange(5) == 3, 1 - dark, 1)
        hair = _HAIR_COLORS[random.choice(5, p=shares / shares.sum())] * np.exp(0.12 * random.randn())
        if dark > 0.3:
            hair = np.minimum(hair, _HAIR_COLORS[1])
        stubble = np.abs(random.randn()) * 0.28 if random.rand() < 0.3 else 0.0
        face += (layer.beard * min(stubble, 0.85))[:, None] * (0.55 * hair + 0.25 * face - face)
        style = random.dirichlet(np.full(len(layer.brows), 0.45)).dot(layer.brows)
        density = np.clip(style * random.uniform(0.55, 1.25), 0, 0.95)[:, None]
        face += density * (hair - face)
        lash = np.clip(layer.lashes * np.clip(0.62 + 0.25 * random.randn(), 0, 1), 0, 1)[:, None]
        face += lash * (_LASH_COLOR - face)

        # Brown irises are the most common by far.
        brown = np.array([0.5 if 'brown' in name else 0.07 for name in layer.iris_names])
        iris = random.dirichlet(brown * 2).dot(layer.irises.reshape(len(brown), -1)).reshape(face.shape)
        eye = iris * np.exp(0.07 * random.randn())
        mouth = _MOUTH_DEPTH_COLOR * np.exp(0.2 * random.randn())
        # Lips go on inside the mouth, then fade into its dark.
        fade = _smooth_step(layer.depth, 2.2, 0.2)[:, None]
        inner = fade * face + (1 - fade) * mouth
        teeth = _TEETH_COLOR * layer.teeth[:, None] * np.exp(0.10 * random.randn())
        faces[k] = np.choose(layer.part[:, None], [face, inner, eye, eye, teeth])
    return np.clip(faces, 0, 255)


def smooth_fields(quads, vertex_count, count, random):
    """Low-frequency fields to fill up the basis: eigenvectors of the graph Laplacian, coloured near grey.

    Returns:
      (fields [count,n] with unit mean square, colors [count,3] of unit length).
    """
    import scipy.sparse as sp
    from scipy.sparse.linalg import eigsh
    links = sp.coo_matrix((np.ones(quads.size), (quads.ravel(), np.roll(quads, 1, axis=1).ravel())),
                          (vertex_count, vertex_count))
    links = ((links + links.T) > 0).astype(np.float64)
    laplacian = sp.diags(np.asarray(links.sum(axis=1)).ravel()) - links
    start = np.ones(vertex_count) + 0.01 * random.randn(vertex_count)
    values, vectors = eigsh(laplacian.tocsc(), k=count + 1, sigma=-0.01, v0=start)
    vectors = vectors[:, np.argsort(values)][:, 1:].T
    vectors *= np.sign(vectors[np.arange(count), np.abs(vectors).argmax(axis=1)])[:, None]
    colors = np.ones(3) + 0.35 * random.randn(count, 3)
    return (vectors / np.sqrt((vectors ** 2).mean(axis=1, keepdims=True)),
            colors / np.linalg.norm(colors, axis=1, keepdims=True))
