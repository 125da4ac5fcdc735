"""Albedo of random people, and smooth fields that fill up its basis."""
import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import eigsh

from tools.open_model.paint_layers import smooth_step

_MOUTH_DEPTH_COLOR = np.array([58.0, 22.0, 20.0])
_TEETH_COLOR = np.array([196.0, 182.0, 164.0])
_LASH_COLOR = np.array([38.0, 28.0, 24.0])
# Hair: black-brown, brown, auburn, blond, grey; their share of people.
_HAIR_COLORS = np.array([[34, 27, 24], [62, 45, 33], [92, 58, 38], [140, 112, 78], [140, 136, 132]], np.float64)
_HAIR_SHARES = np.array([0.42, 0.30, 0.08, 0.10, 0.10])
_BLOND = 3


def paint(layer, count, random):
    """Random people's albedo.

    Returns:
      [count,N,3] float32, RGB 0-255.
    """
    return paint_labelled(layer, count, random)[0]


def paint_labelled(layer, count, random):
    """(albedo [count,N,3] float32, RGB 0-255, of random people, list of count dicts: what each was painted with).

    The labels are `skins`, the share [S] of each of the layers' skins, lightness and redness of the tone, stubble and
    brows (0-1).
    """
    faces, labels = np.empty((count,) + layer.skins.shape[1:], np.float32), []
    for k in range(count):
        # How dark: continuous from the light skins to the dark ones.
        dark = random.beta(0.8, 1.4)
        face, label = _skin(layer, dark, random)
        label.update(_add_hair(face, layer, dark, random))
        faces[k] = np.choose(layer.part[:, None], _parts(face, layer, random))
        labels.append(label)
    return np.clip(faces, 0, 255), labels


def _skin(layer, dark, random):
    """([N,3] a few skins of each kind, mixed, with a tone, cheeks and lips of their own; labels)."""
    is_dark = layer.groups == 'african'
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
    return face, {'skins': share, 'lightness': tone[0], 'redness': tone[1]}


def _add_hair(face, layer, dark, random):
    """Paints stubble, brows and lashes on the skin, in place; returns the labels."""
    shares = _HAIR_SHARES * np.where(np.arange(len(_HAIR_SHARES)) == _BLOND, 1 - dark, 1)
    hair = _HAIR_COLORS[random.choice(len(_HAIR_SHARES), p=shares / shares.sum())] * np.exp(0.12 * random.randn())
    if dark > 0.3:
        hair = np.minimum(hair, _HAIR_COLORS[1])
    stubble = np.abs(random.randn()) * 0.28 if random.rand() < 0.3 else 0.0
    face += (layer.beard * min(stubble, 0.85))[:, None] * (0.55 * hair + 0.25 * face - face)
    style = random.dirichlet(np.full(len(layer.brows), 0.45)).dot(layer.brows)
    thickness = random.uniform(0.55, 1.25)
    density = np.clip(style * thickness, 0, 0.95)[:, None]
    face += density * (hair - face)
    lash = np.clip(layer.lashes * np.clip(0.62 + 0.25 * random.randn(), 0, 1), 0, 1)[:, None]
    face += lash * (_LASH_COLOR - face)
    return {'stubble': stubble, 'brows': thickness}


def _parts(face, layer, random):
    """The colours of skin, mouth, right eye, left eye and teeth, each [N,3]."""
    # Brown irises are the most common by far.
    brown = np.array([0.5 if 'brown' in name else 0.07 for name in layer.iris_names])
    iris = random.dirichlet(brown * 2).dot(layer.irises.reshape(len(brown), -1)).reshape(face.shape)
    eye = iris * np.exp(0.07 * random.randn())
    mouth = _MOUTH_DEPTH_COLOR * np.exp(0.2 * random.randn())
    # Lips go on inside the mouth, then fade into its dark.
    fade = smooth_step(layer.depth, 2.2, 0.2)[:, None]
    inner = fade * face + (1 - fade) * mouth
    teeth = _TEETH_COLOR * layer.teeth[:, None] * np.exp(0.10 * random.randn())
    return [face, inner, eye, eye, teeth]


def smooth_fields(quads, vertex_count, count, random):
    """Low-frequency fields to fill up the basis: eigenvectors of the graph Laplacian, coloured near grey.

    Returns:
      (fields [count,n] with unit mean square, colors [count,3] of unit length).
    """
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
