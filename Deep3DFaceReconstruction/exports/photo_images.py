"""The reconstruction drawn on its photo: the mesh in place, the 68 landmarks, the pose."""
from typing import NamedTuple

import cv2
import numpy as np

from Deep3DFaceReconstruction.photo.camera import Camera, in_camera, project
from Deep3DFaceReconstruction.surface.rasterizer import mesh_window, rasterize, tiles, visible_points

_SHIFT = 4  # fractional bits of cv2's coordinates
_VISIBLE, _OUTLINE = (60, 235, 110), (10, 30, 15)
_AXES = ((235, 60, 60), (60, 200, 70), (70, 120, 255))
_BOX, _BOX_FRONT = (235, 235, 235), (255, 214, 64)
# Corners of a box as signs; edges as pairs of corners.
_CORNERS = np.array([(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)])
_EDGES = [(0, 1), (2, 3), (0, 2), (1, 3), (0, 4), (1, 5), (2, 6), (3, 7), (4, 5), (6, 7), (4, 6), (5, 7)]


class ColoredMesh(NamedTuple):
    """A mesh and the camera that its photo was taken with."""
    camera: Camera
    points: np.ndarray     # [N,3] dm
    colors: np.ndarray     # [N,3] RGB 0-255
    triangles: np.ndarray  # [F,3] int


def overlay(photo, meshes, alpha=1.0):
    """The photo with every mesh drawn in place, near ones over far ones, tile by tile.

    Args:
      photo: [H,W,3] uint8 RGB.
      meshes: list of ColoredMesh whose cameras have the photo's size.
      alpha: 0 (the photo alone) to 1 (the mesh alone where it is).
    Returns:
      [H,W,3] uint8 RGB.
    Raises:
      ValueError: alpha outside 0-1, or a camera of another size.
    """
    if not 0 <= alpha <= 1:
        raise ValueError('alpha: expected 0 to 1, got %s' % alpha)
    image = photo.copy()
    for mesh in sorted(meshes, key=lambda mesh: -np.median(in_camera(mesh.camera, mesh.points)[:, 2])):
        _check_size(photo, mesh.camera)
        colors = np.clip(mesh.colors, 0, 255)
        for tile in tiles(mesh_window(mesh.camera, mesh.points)):
            drawn = rasterize(mesh.camera, mesh.points, colors, mesh.triangles, tile)
            seen = drawn.triangle_ids >= 0
            under, over = photo[tile.slices][seen], drawn.values[seen]
            image[tile.slices][seen] = np.rint(under + (over - under) * np.float32(alpha))
    return image


def draw_landmarks(photo, pixels, visible):
    """The photo with 68 landmarks: dots where the face shows them, rings where it hides them.

    Args:
      photo: [H,W,3] uint8 RGB.
      pixels: [68,2], as camera.project gives them; visible: [68] bool.
    Returns:
      [H,W,3] uint8 RGB.
    """
    image = np.ascontiguousarray(photo).copy()
    radius = max(0.011 * np.linalg.norm(np.ptp(pixels, axis=0)), 1.5)
    thickness = max(int(round(radius / 2.5)), 1)
    for pixel, shown in zip(pixels, visible):
        if not _is_near(pixel, photo):
            continue
        center, size = _fixed(pixel), int(round(radius * (1 << _SHIFT)))
        if shown:
            cv2.circle(image, center, size + (thickness << (_SHIFT - 1)), _OUTLINE, -1, cv2.LINE_AA, _SHIFT)
            cv2.circle(image, center, size, _VISIBLE, -1, cv2.LINE_AA, _SHIFT)
        else:
            cv2.circle(image, center, size, _OUTLINE, thickness + 2, cv2.LINE_AA, _SHIFT)
            cv2.circle(image, center, size, _VISIBLE, thickness, cv2.LINE_AA, _SHIFT)
    return image


def landmark_visibility(camera, points, triangles, keypoints):
    """[68] bool: which key vertices the camera sees, those at the mesh's outline included."""
    return visible_points(camera, points, triangles, points[keypoints], behind=0.05)


def draw_pose(photo, camera, points):
    """The photo with a box around the mesh, its front yellow, and the head's axes: x red, y green, z (its view) blue.

    Args:
      photo: [H,W,3] uint8 RGB; camera: camera.Camera of the photo; points: [N,3] mesh points, dm.
    Returns:
      [H,W,3] uint8 RGB.
    """
    _check_size(photo, camera)
    image = np.ascontiguousarray(photo).copy()
    low, high = points.min(axis=0), points.max(axis=0)
    corners, depth = project(camera, low + _CORNERS * (high - low))
    if (depth <= 0).any():
        return image
    thickness = max(int(round(0.008 * np.linalg.norm(np.ptp(corners, axis=0)))), 1)
    for a, b in sorted(_EDGES, key=lambda edge: -depth[list(edge)].mean()):
        _line(image, corners[a], corners[b], _BOX_FRONT if min(a, b) >= 4 else _BOX, thickness)
    origin = (low + high) / 2
    origin[2] = high[2]
    length = 0.6 * np.ptp(points, axis=0).min()
    ends, depth = project(camera, origin + np.concatenate([np.zeros([1, 3]), np.eye(3)]) * length)
    for k in sorted(range(3), key=lambda k: -depth[1 + k]):
        _line(image, ends[0], ends[1 + k], _AXES[k], 2 * thickness)
    return image


def _check_size(photo, camera):
    if tuple(camera.size) != (photo.shape[1], photo.shape[0]):
        raise ValueError('photo: expected %d x %d pixels as its camera has, got %d x %d' % (
            tuple(camera.size) + (photo.shape[1], photo.shape[0])))


def _is_near(pixel, photo):
    """Whether a point is in the photo or not far from it: cv2 counts in 32 bits."""
    height, width = photo.shape[:2]
    return -width < pixel[0] < 2 * width and -height < pixel[1] < 2 * height


def _fixed(pixel):
    return tuple(int(round(value * (1 << _SHIFT))) for value in pixel)


def _line(image, start, end, color, thickness):
    if _is_near(start, image) and _is_near(end, image):
        cv2.line(image, _fixed(start), _fixed(end), _OUTLINE, thickness + 2, cv2.LINE_AA, _SHIFT)
        cv2.line(image, _fixed(start), _fixed(end), color, thickness, cv2.LINE_AA, _SHIFT)
