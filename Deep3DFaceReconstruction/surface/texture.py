"""A face's texture from its photo: taken where the photo shows the face well, filled up elsewhere."""
from typing import NamedTuple

import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.numpy_decoder import light_terms, sh_basis
from Deep3DFaceReconstruction.photo.camera import in_camera, world_rotation
from Deep3DFaceReconstruction.photo.skin import skinmask
from Deep3DFaceReconstruction.surface import texture_fill
from Deep3DFaceReconstruction.surface.rasterizer import mesh_window, rasterize, rasterize_texture, resized

KINDS = ('photo', 'albedo')

# A texel is taken from the photo where the cosine of the angle at which the camera sees it is larger than this; where
# the photo's colour is not that of skin, it may be hair or background beside the face: then a larger one.
MIN_COSINE_SKIN, MIN_COSINE_OTHER = 0.38, 0.68
# Seen this far behind the surface (dm), a texel is hidden. Depths that differ by more than EDGE within a pixel are an
# edge of the face; MARGIN on both sides of it is not trusted, as the fit may lie that far beside the photo.
HIDDEN_BEHIND, EDGE, MARGIN = 0.02, 0.06, 0.035
# Side in pixels of the image in which depth is compared, and in which skin is looked for.
_DEPTH_SIDE, _SKIN_SIDE = 1024, 256
# Light is divided out down to this much of the albedo; below, a photo holds next to nothing but noise.
_MIN_SHADING = 0.3
# Specks and pinholes up to this many texels of a 1024 texture are closed in what is taken from the photo.
_SPECK = 7

# The sides of a face are where its normal, before it is turned, has an x larger than SIDE, and further from its middle
# than SIDE_X (dm). There only even skin is taken: its tint (logarithms of red and blue over green) is at most
# TINT_SPREADS median deviations, or MIN_TINT, from the front's; its brightness (logarithm) varies less than MAX_UNEVEN
# over EVEN_BLUR texels of a 1024 texture.
_SIDE, _SIDE_X = 0.55, 0.35
_TINT_SPREADS, _MIN_TINT, _MAX_UNEVEN, _EVEN_BLUR, _FOREIGN_MARGIN = 4.0, 0.12, 0.16, 9.0, 25
# Light changes slowly over a face: shading is averaged over so many texels of a 1024 texture before it is divided out.
_SHADING_BLUR = 10.0


class LitMesh(NamedTuple):
    """A reconstructed face as its decoder gives it."""
    points: np.ndarray   # [N,3] dm
    normals: np.ndarray  # [N,3] unit, the frame of points
    albedo: np.ndarray   # [N,3] RGB 0-255
    shading: np.ndarray  # [N,3], colour = albedo * shading


class Texture(NamedTuple):
    """A texture of S x S texels, row 0 at v = 1."""
    image: np.ndarray  # [S,S,3] uint8 RGB; also between the charts, so that nothing bleeds in from there
    seen: np.ndarray   # [S,S] bool, taken from the photo
    face: np.ndarray   # [S,S] bool, belongs to a triangle


class View(NamedTuple):
    """What a photo shows of each of S x S texels, and what the model says of them."""
    colors: np.ndarray      # [S,S,3] float32 RGB 0-255, the photo's
    light: np.ndarray       # [S,S,3] float32, colour = albedo * light
    seen: np.ndarray        # [S,S] bool, where the photo shows the face well
    cosine: np.ndarray      # [S,S] float32 of the angle at which the camera sees it
    face: np.ndarray        # [S,S] bool, belongs to a triangle
    albedo: np.ndarray      # [S,S,3] float32, the model's
    mirror_uv: np.ndarray   # [S,S,2] float32, texture coordinates of the mirror image
    has_mirror: np.ndarray  # [S,S] bool


def shading(normals, camera, coeff):
    """[N,3] float32: what the albedo is multiplied with under the light of coefficients [257] or [1,257]; eq. 2.

    Args:
      normals: [N,3] unit, the frame of the mesh; camera: camera.Camera of the face, for its turn.
    """
    light = light_terms(np.ravel(coeff)[COEFF_SLICES['gamma']])
    turned = np.asarray(normals, np.float64).dot(world_rotation(camera).T)
    return sh_basis(turned).dot(light.T).astype(np.float32)


def bake(photo, camera, mesh, atlas, size=1024, kind='photo'):
    """The texture of a face.

    What the photo does not show well comes from the other side of the face, re-lit, and where that is not known either
    from the model's albedo; both are made to fit in colour.

    Args:
      photo: [H,W,3] uint8 RGB.
      camera: camera.Camera of the photo.
      mesh: LitMesh.
      atlas: face_atlas.FaceAtlas.
      size: side in texels.
      kind: 'photo', with the photo's light on it, or 'albedo', with the light divided out.
    Returns:
      Texture.
    Raises:
      ValueError: an unknown kind, or a size below 16.
    """
    if kind not in KINDS:
        raise ValueError('texture: expected %s, got %s' % (' or '.join(KINDS), kind))
    view = observe(photo, camera, mesh, atlas, size)
    result = filled(view.colors / view.light, view.seen, view)
    if kind == 'photo':
        result = np.where(view.seen[:, :, None], view.colors, result * view.light)
    return finished(result, view.seen, view.face)


def observe(photo, camera, mesh, atlas, size=1024):
    """The View of a photo; arguments as of `bake`.

    Raises:
      ValueError: a size below 16.
    """
    if size < 16:
        raise ValueError('texture size: expected at least 16 texels, got %s' % size)
    values = np.concatenate([mesh.points, mesh.normals, mesh.albedo, mesh.shading], axis=1)[atlas.vertices]
    drawn = rasterize_texture(atlas.uv, np.concatenate([values, atlas.mirror_uv], axis=1), atlas.triangles, size)
    face = drawn.triangle_ids >= 0
    points, normals, albedo, light, mirror_uv = np.split(drawn.values, [3, 6, 9, 12], axis=2)
    light = _smooth_shading(light, face)
    colors, seen, cosine = _from_photo(photo, camera, mesh, atlas, _Texels(points, normals, face))
    has_mirror = face & atlas.has_mirror[np.maximum(drawn.triangle_ids, 0)]
    return View(colors, light, seen, cosine, face, albedo, mirror_uv, has_mirror)


def finished(values, seen, face):
    """The Texture of colours [S,S,3] that are known on the face [S,S]."""
    values = texture_fill.spread(np.ascontiguousarray(np.clip(values, 0, 255), np.float32), face, rounds=0)
    return Texture(np.rint(values).astype(np.uint8), seen, face)


def _smooth_shading(light, face):
    """Without the fine folds of the fit, which are seldom where the photo's are."""
    size = (max(len(face) // 4, 1),) * 2
    blur = _SHADING_BLUR * size[0] / 1024.0
    weight = cv2.GaussianBlur(cv2.resize(face.astype(np.float32), size, interpolation=cv2.INTER_AREA), (0, 0), blur)
    smooth = cv2.GaussianBlur(cv2.resize(light, size, interpolation=cv2.INTER_AREA), (0, 0), blur)
    smooth /= np.maximum(weight, 1e-3)[:, :, None]
    return np.maximum(cv2.resize(smooth, face.shape, interpolation=cv2.INTER_LINEAR), _MIN_SHADING)


def filled(values, seen, view):
    """[S,S,3] albedo: `values` where seen, else from the other side of the face, else from the model.

    Args:
      values: [S,S,3] float32.  seen: [S,S] bool.
      view: a View of the face, for its albedo and its mirror image.
    """
    if not seen.any():
        return view.albedo
    other, usable = texture_fill.mirrored(values, seen, view.mirror_uv, view.has_mirror)
    known = seen | usable
    values = texture_fill.continued(values, seen, other, usable)
    return texture_fill.continued(values, known, view.albedo, view.face)


class _Texels(NamedTuple):
    """What each of S x S texels is of a face."""
    points: np.ndarray   # [S,S,3] dm
    normals: np.ndarray  # [S,S,3]
    face: np.ndarray     # [S,S] bool


def _from_photo(photo, camera, mesh, atlas, texels):
    """(colours [S,S,3] float32 of the photo, [S,S] bool where they are the face's, [S,S] cosines of the view)."""
    points, normals, face = texels
    window = mesh_window(camera, mesh.points, margin=4)
    shape = face.shape
    if window.is_empty:
        return np.zeros(shape + (3,), np.float32), np.zeros(shape, bool), np.zeros(shape, np.float32)
    placed = in_camera(camera, points[face]).astype(np.float32)
    depth = placed[:, 2]
    pixels = placed.dot(camera.K.T.astype(np.float32))
    pixels = pixels[:, :2] / pixels[:, 2:]
    facing = normals[face].dot(camera.R.T.astype(np.float32))
    cosine = -(facing * placed).sum(axis=1) / (np.linalg.norm(facing, axis=1) * np.linalg.norm(placed, axis=1) + 1e-9)
    inside = ((pixels >= 0) & (pixels <= np.array(camera.size) - 1)).all(axis=1)

    sharp = _sampled(photo, window, pixels, _reduction(window, shape[0]))
    skin = _skin(photo, window, pixels)
    clear = _clear(camera, mesh, atlas, depth, pixels)
    trusted = inside & clear & (cosine > MIN_COSINE_OTHER + (MIN_COSINE_SKIN - MIN_COSINE_OTHER) * skin)
    colors, seen = np.zeros(shape + (3,), np.float32), np.zeros(shape, bool)
    colors[face] = sharp
    seen[face] = trusted
    seen &= ~_foreign_sides(colors, (np.abs(normals[:, :, 0]) > _SIDE) & (np.abs(points[:, :, 0]) > _SIDE_X), seen)
    usable = np.zeros(shape, bool)
    usable[face] = inside & (cosine > 0.2) & clear
    cosines = np.zeros(shape, np.float32)
    cosines[face] = cosine
    return colors, _cleaned(seen) & usable, cosines


def _foreign_sides(colors, sides, seen):
    """[S,S] bool: on the sides [S,S] of the face, what is not the even skin of this face: an ear, hair, background.

    A fit that is too wide or turned too far has these under the cheeks, where a photo shows nothing but skin.
    """
    shape = seen.shape
    every = max(len(colors) // 512, 1)  # of so many texels one will do
    colors, sides, seen = colors[::every, ::every], sides[::every, ::every], seen[::every, ::every]
    texel = len(colors) / 1024.0
    front = seen & ~sides
    if not front.any():
        return np.zeros(shape, bool)
    logs = np.log(np.maximum(colors, 4.0))
    weight = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), _EVEN_BLUR * texel)

    def averaged(values):
        blurred = cv2.GaussianBlur(values * seen, (0, 0), _EVEN_BLUR * texel)
        return blurred / np.maximum(weight, 1e-3)

    tints = [averaged(logs[:, :, k] - logs[:, :, 1]) for k in (0, 2)]
    middles = [np.median(tint[front]) for tint in tints]
    spreads = [max(_TINT_SPREADS * np.median(np.abs(tint[front] - middle)), _MIN_TINT)
               for tint, middle in zip(tints, middles)]
    tinted = sum(((tint - middle) / spread) ** 2 for tint, middle, spread in zip(tints, middles, spreads)) > 1
    grey = logs[:, :, 1]
    uneven = averaged(grey ** 2) - averaged(grey) ** 2 > _MAX_UNEVEN ** 2
    foreign = (sides & seen & (tinted | uneven)).astype(np.uint8)
    side = max(int(round(_FOREIGN_MARGIN * texel)), 1)
    foreign = cv2.dilate(foreign, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) * sides.astype(np.uint8)
    foreign |= _cut_off(seen & (foreign == 0), front)
    return cv2.resize(foreign, shape[::-1], interpolation=cv2.INTER_NEAREST) > 0


def _cut_off(seen, front):
    """[S,S] uint8: pieces of `seen` that do not reach the front."""
    labels = cv2.connectedComponents(seen.astype(np.uint8), connectivity=4)[1]
    reaches = np.zeros(labels.max() + 1, np.uint8)
    reaches[np.unique(labels[front & seen])] = 1
    return (1 - reaches)[labels] * seen.astype(np.uint8)


def _reduction(window, size):
    """By how much the photo is made smaller before it is sampled, so that no pixel is passed over."""
    return max(max(window.right - window.left, window.bottom - window.top) / (0.9 * size), 1.0)


def _sampled(photo, window, pixels, reduction):
    """[n,3] float32: the photo at pixels [n,2]."""
    part = photo[window.slices]
    width, height = max(int(part.shape[1] / reduction), 1), max(int(part.shape[0] / reduction), 1)
    if reduction > 1:
        part = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    scale = np.float32([part.shape[1] / (window.right - window.left), part.shape[0] / (window.bottom - window.top)])
    at = (pixels - np.float32([window.left, window.top]) + np.float32(0.5)) * scale - np.float32(0.5)
    return _remapped(part, at, cv2.INTER_CUBIC)


def _remapped(image, at, how):
    """Values of an image at points [n,2], (column, row); cv2.remap wants both below 32768 in either direction."""
    count = len(at)
    width = 4096
    padded = np.zeros([-(-count // width) * width, 2], np.float32)
    padded[:count] = at
    grid = padded.reshape(-1, width, 2)
    values = cv2.remap(np.ascontiguousarray(image), grid, None, how, borderMode=cv2.BORDER_REPLICATE)
    return values.reshape((len(padded),) + image.shape[2:])[:count].astype(np.float32)


def _skin(photo, window, pixels):
    """[n] float32, 0-1: how surely the photo shows skin around a pixel."""
    part = photo[window.slices]
    scale = min(1.0, _SKIN_SIDE / max(part.shape[:2]))
    size = tuple(max(int(round(length * scale)), 1) for length in part.shape[1::-1])
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    skin = cv2.blur(skinmask(np.ascontiguousarray(small[:, :, ::-1]))[:, :, 0], (3, 3))
    scale = np.float32([size[0] / part.shape[1], size[1] / part.shape[0]])
    at = (pixels - np.float32([window.left, window.top]) + np.float32(0.5)) * scale - np.float32(0.5)
    return _remapped(skin, at, cv2.INTER_LINEAR) / np.float32(255)


def _clear(camera, mesh, atlas, depth, pixels):
    """[n] bool: nothing stands in front, and no edge of the face is near."""
    longest = max(np.ptp(mesh_window(camera, mesh.points), axis=0).max(), 1)
    small = resized(camera, _DEPTH_SIDE / longest if longest > _DEPTH_SIDE else 1.0)
    window = mesh_window(small, mesh.points, margin=4)
    triangles = atlas.vertices[atlas.triangles]
    drawn = rasterize(small, mesh.points, in_camera(small, mesh.points)[:, 2:], triangles, window)
    surface = drawn.values[:, :, 0]
    surface[drawn.triangle_ids < 0] = 1e3
    pixel = float(np.median(depth)) / small.K[0, 0]  # dm
    around = np.ones([3, 3], np.uint8)
    far, near = cv2.dilate(surface, around), cv2.erode(surface, around)
    edge = (far - near > max(EDGE, 8 * pixel)).astype(np.uint8)
    radius = int(round(MARGIN / pixel))
    if radius > 0:
        edge = cv2.dilate(edge, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2))
    factor = small.K[0, 0] / camera.K[0, 0]
    at = (pixels + np.float32(0.5)) * np.float32(factor) - np.float32(0.5) - np.float32([window.left, window.top])
    hidden_from = _remapped(far, at, cv2.INTER_NEAREST)
    return (depth <= hidden_from + HIDDEN_BEHIND) & (_remapped(edge, at, cv2.INTER_NEAREST) == 0)


def _cleaned(seen):
    """Without specks and pinholes."""
    side = max(int(round(_SPECK * len(seen) / 1024.0)), 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.morphologyEx(cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_OPEN, disc), cv2.MORPH_CLOSE, disc) > 0
