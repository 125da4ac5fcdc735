"""The whole head of a reconstructed person: the open model's face with ears, neck and scalp, and its texture."""
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.exports.glb import atlas_mesh, write_glb
from Deep3DFaceReconstruction.face_model import cache
from Deep3DFaceReconstruction.heads import head_model
from Deep3DFaceReconstruction.meshes import subdivision
from Deep3DFaceReconstruction.meshes.normals import vertex_normals
from Deep3DFaceReconstruction.meshes.textured_obj import TexturedMesh, face_corner_lines, write_obj
from Deep3DFaceReconstruction.surface import face_atlas, texture
from Deep3DFaceReconstruction.surface.rasterizer import rasterize_texture
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.png import encode_png

SUFFIX = '_head'
# One more whenever the same files give other texture coordinates than before.
_ATLAS_VERSION = 1
# The mean head is cut off below the neck (dm): lower at the front than at the back.
_CUT, _CUT_SLOPE = -1.42, 0.28
_RIM_ROUNDS = 6         # in which the cut is evened out
# The light fitted to the face says little of the back of the head: beyond this distance from the face (dm) it is the
# face's average.
_LIGHT_REACH, _LEAST_SHADING = 0.5, 0.35
# The face's colours within BAND of its rim, by the model's, are carried outwards and fade into their median within
# RATIO_REACH; at most MOST_FACTOR from that, as hair may hang into the rim. Within BLEND both textures mix.
_BAND, _RATIO_REACH, _MOST_FACTOR, _BLEND, _NEIGHBOURS = 0.12, 0.7, 1.5, 0.10, 60


class HeadMesh(NamedTuple):
    """A head cut off below the neck; N vertices of `head` that are used, in the order of `rows`.

    Attributes:
      head: heads.head_model.Head.
      rows: [N] of the head's vertices; evened: sparse [N,N], evens out the cut.
      from_face: [N] float32 dm, distance from the face in the mean, 0 on it.
      inside: [N] float32 dm, distance from what is around the face, 0 there.
      triangles: [F,3] int32; atlas: surface.face_atlas.FaceAtlas of them.
      corner_lines: of an .obj file, see textured_obj.face_corner_lines.
    """

    head: head_model.Head
    rows: np.ndarray
    evened: object
    from_face: np.ndarray
    inside: np.ndarray
    triangles: np.ndarray
    atlas: face_atlas.FaceAtlas
    corner_lines: bytes


def head_mesh(model):
    """The HeadMesh of the open face model, its atlas from the cache where there is one.

    Raises:
      FaceModelError: another model than the open one, or the head's file is missing or broken.
    """
    head = head_model.load_head(model)
    mean = head.refined(head.mean)
    height = mean[:, 1] - _CUT_SLOPE * np.clip(-mean[:, 2] - 0.2, 0, 1.2)
    triangles = head.triangles[(height > _CUT)[head.triangles].all(axis=1)]
    rows, local = np.unique(triangles, return_inverse=True)
    triangles = local.reshape(-1, 3).astype(np.int32)
    evened = subdivision.rim_smoothing(triangles, len(rows), _RIM_ROUNDS)
    is_face = np.zeros(len(mean), bool)
    is_face[head.face_rows] = True
    from_face = cKDTree(mean[is_face]).query(mean[rows])[0].astype(np.float32)
    # The rim of the face: what lies inside mouth and eyes is not around it.
    around = ~is_face & (head.part == 0) & (cKDTree(mean[is_face]).query(mean)[0] > 0)
    inside = cKDTree(mean[around]).query(mean[rows])[0].astype(np.float32)

    def build():
        return face_atlas.build(model._replace(meanshape=evened.dot(mean[rows]).astype(np.float32), triangles=triangles,
                                               part=head.part[rows]))._asdict()

    atlas = cache.cached(assets.OPEN_HEAD, _ATLAS_VERSION, face_atlas.FaceAtlas._fields, build, face_atlas.CACHE_KIND)
    atlas = face_atlas.FaceAtlas(**atlas)
    return HeadMesh(head, rows, evened, from_face, inside, triangles, atlas,
                    face_corner_lines(triangles, atlas.triangles))


def shape_of(mesh, coeff, face_shape):
    """[N,3] float64 dm: the vertices of a HeadMesh around a face's own.

    Args:
      coeff: [257].
      face_shape: [M,3] dm, all vertices of the decoded face, about its mean vertex; eyes may have turned, lids closed.
    """
    head = mesh.head
    shape = head.refined(head.coarse(coeff)).astype(np.float64)
    shape[head.face_rows] = face_shape[head.model_rows]
    return mesh.evened.dot(shape[mesh.rows])


def bake(mesh, shape, face, photo, camera, options):
    """[S,S,3] uint8 RGB: the face's texture, continued over the head.

    Args:
      shape: [N,3], see shape_of; others as of `write`.
    """
    coeff, atlas, size = np.ravel(face.coeff), mesh.atlas, options.texture_size
    normals = vertex_normals(shape, mesh.triangles)
    albedo = np.clip(mesh.head.albedo(coeff[COEFF_SLICES['tex']])[mesh.rows], 0, 255)
    shading = texture.shading(normals, camera, coeff)
    on_face = (mesh.from_face == 0)[mesh.triangles].all(axis=1)
    of_face = atlas._replace(triangles=atlas.triangles[on_face], charts=atlas.charts[on_face],
                             has_mirror=atlas.has_mirror[on_face])
    lit = texture.LitMesh(shape, normals, albedo, shading)
    baked = texture.bake(photo, camera, lit, of_face, size, options.texture)
    far = _smooth_step(mesh.from_face / _LIGHT_REACH)[:, np.newaxis]
    shading = shading + far * (np.median(shading[mesh.from_face == 0], axis=0) - shading)
    # Around the face the mean albedo: a fit's coefficients know nothing of what it has not seen.
    plain = mesh.head.meantex[mesh.rows]
    if options.texture == 'photo':
        plain = plain * np.maximum(shading, _LEAST_SHADING)
    around = plain * _carried(mesh, plain, _colour_at(baked.image, atlas, len(shape)), shape)
    drawn = rasterize_texture(atlas.uv, np.concatenate([around, mesh.inside[:, np.newaxis]], axis=1)[atlas.vertices],
                              atlas.triangles, size)
    share = _smooth_step(drawn.values[:, :, 3:] / _BLEND) * baked.face[:, :, np.newaxis]
    colours = drawn.values[:, :, :3] + share * (baked.image - drawn.values[:, :, :3])
    return texture.finished(colours, baked.seen, drawn.triangle_ids >= 0).image


def _smooth_step(value):
    value = np.clip(value, 0, 1)
    return value * value * (3 - 2 * value)


def _colour_at(image, atlas, count):
    """[count,3] float64: an image's colours at the vertices."""
    size = len(image)
    column, row = np.int64(atlas.uv[:, 0] * size), np.int64((1 - atlas.uv[:, 1]) * size)
    colours = np.zeros((count, 3))
    colours[atlas.vertices] = image[np.clip(row, 0, size - 1), np.clip(column, 0, size - 1)]
    return colours


def _carried(mesh, plain, colours, shape):
    """[N,3] factors of the plain colours that carry the face's colours near its rim over the head."""
    skin = np.flatnonzero((mesh.from_face == 0) & (mesh.head.part[mesh.rows] == 0))
    ratio = colours[skin] / np.maximum(plain[skin], 4)
    middle = np.median(ratio, axis=0)
    band = mesh.inside[skin] < _BAND
    distance, near = cKDTree(shape[skin[band]]).query(shape, k=_NEIGHBOURS)
    weight = 1 / (distance + 0.1) ** 2
    local = np.clip(ratio[band], middle / _MOST_FACTOR, middle * _MOST_FACTOR)[near]
    local = (local * weight[:, :, np.newaxis]).sum(axis=1) / weight.sum(axis=1)[:, np.newaxis]
    return local + _smooth_step(mesh.from_face / _RATIO_REACH)[:, np.newaxis] * (middle - local)


def write(stem, mesh, face, photo, camera, options):
    """Writes STEM_head.glb, .obj, .mtl and _texture.png.

    Args:
      mesh: HeadMesh.
      face: outputs.Face; photo: [H,W,3] uint8 RGB; camera: photo.camera.Camera of the face.
      options: outputs.OutputOptions, of which texture and texture_size are used.
    Returns:
      names of the files.
    Raises:
      OSError: the folder cannot be written.
    """
    atlas = mesh.atlas
    shape = shape_of(mesh, np.ravel(face.coeff), face.shape)
    normals = vertex_normals(shape, mesh.triangles)
    png = encode_png(bake(mesh, shape, face, photo, camera, options))
    lit = options.texture == 'albedo'
    write_glb(stem + SUFFIX + '.glb', atlas_mesh(atlas, shape, normals, png, lit=lit), face.name)
    textured = TexturedMesh(shape, normals, mesh.triangles, atlas.uv, atlas.triangles)
    return [face.name + SUFFIX + '.glb'] + write_obj(stem + SUFFIX + '.obj', textured, png, mesh.corner_lines)
