"""The texture coordinates of a face model, computed once and cached, and what is on the other side of the face."""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.face_model import cache
from Deep3DFaceReconstruction.meshes.atlas import build_atlas
from Deep3DFaceReconstruction.meshes.closest_surface import closest_points

# One more whenever the same model gives other coordinates than before, so that caches are made anew.
ATLAS_VERSION = 2
CACHE_KIND = 'atlas'

# Mirrored corners of a triangle further apart on the texture than this many times its own size, and this much, belong
# to different places: the mirror image of the triangle is not one triangle.
_MAX_GROWTH, _MAX_SPREAD = 3.0, 0.01


class FaceAtlas(NamedTuple):
    """An Atlas whose triangles know their mirror images.

    Attributes:
      uv: [M,2] float32 in (0, 1), v up.
      triangles: [F,3] int32, indices into uv; the order and the corners of the model's triangles.
      vertices: [M] int32, the model's vertex of each.
      charts: [F] int32, the chart of each triangle; 0 is the face.
      mirror_uv: [M,2] float32, the texture coordinates of the mirror image of each in the mean face.
      has_mirror: [F] bool, the mirror images of the triangle's corners lie together.
    """

    uv: np.ndarray
    triangles: np.ndarray
    vertices: np.ndarray
    charts: np.ndarray
    mirror_uv: np.ndarray
    has_mirror: np.ndarray


def face_atlas(model):
    """The FaceAtlas of a face_model.FaceModel, from the cache beside the model's file where there is one."""
    return FaceAtlas(**cache.cached(model.path, ATLAS_VERSION, FaceAtlas._fields, lambda: build(model)._asdict(),
                                    CACHE_KIND))


def build(model):
    """Flattens the mean face: one chart for each part of the model, without overlaps, flips or a cut through the skin.

    The open model's own texture coordinates are not taken: they belong to four images, overlap where those are laid
    on one, and have triangles that are turned over around the eyelids and inside the mouth.
    """
    positions = model.meanshape.astype(np.float64)
    labels = model.part[model.triangles].min(axis=1)
    atlas = build_atlas(positions, model.triangles, labels)
    mirror_uv, has_mirror = _mirrored(positions, model.triangles, atlas)
    return FaceAtlas(*(atlas + (mirror_uv, has_mirror)))


def _mirrored(positions, triangles, atlas):
    center = (positions[:, 0].min() + positions[:, 0].max()) / 2
    mirrored = positions * [-1, 1, 1] + [2 * center, 0, 0]
    closest = closest_points(mirrored, positions, triangles)
    corners = atlas.uv[atlas.triangles[closest.triangle]].astype(np.float64)
    uv = (corners * closest.weights[:, :, None]).sum(axis=1)[atlas.vertices].astype(np.float32)
    chart = atlas.charts[closest.triangle][atlas.vertices]
    own, other = _spread(atlas.uv[atlas.triangles]), _spread(uv[atlas.triangles])
    together = (np.ptp(chart[atlas.triangles], axis=1) == 0) & (other < np.maximum(_MAX_GROWTH * own, _MAX_SPREAD))
    return uv, together


def _spread(corners):
    """[F]: the longest side of triangles [F,3,2]."""
    return np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)


