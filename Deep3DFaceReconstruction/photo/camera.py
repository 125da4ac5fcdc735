"""The camera of a face, for its crop and for the whole photo: as OpenCV, OpenGL and people write it.

Pixels here are OpenCV's: (u, v), u to the right, v down, the CENTRE of the first pixel at (0, 0). The renderer's
principal point (112, 112) counts from the crop's edge, so it stands at (111.5, 111.5) here. The published landmarks
`lm_68p` are neither: (u + 0.5, 223.5 - v), y-up (`lm_68p_to_pixels`).
"""
from typing import NamedTuple, Tuple

import numpy as np

from Deep3DFaceReconstruction.conventions import (
    CAMERA_DISTANCE,
    CENTER,
    COEFF_SLICES,
    FAR_CLIP,
    FOCAL,
    IMAGE_SIZE,
    NEAR_CLIP,
)
from Deep3DFaceReconstruction.numpy_decoder import rotation_matrix
from Deep3DFaceReconstruction.photo.alignment import crop_to_photo

# World axes (x right, y up, z to the viewer) to those of an OpenCV camera (x right, y down, z away from the viewer).
_FLIP = np.diag([1.0, -1.0, -1.0])


class Camera(NamedTuple):
    """A pinhole camera without distortion: pixel ~ K (R x + t), for column vectors x in mesh units (decimetres).

    Attributes:
      K: [3,3] float64, pixels.
      R: [3,3] float64, a rotation: the mesh's frame to the camera's (x right, y down, z forward).
      t: [3] float64, decimetres.
      size: (width, height) of the image in pixels.
    """

    K: np.ndarray
    R: np.ndarray
    t: np.ndarray
    size: Tuple[int, int]


def crop_camera(coeff):
    """The camera of the 224-pixel crop, for `face_shape` of coefficients [257] (or [1,257])."""
    coeff = np.asarray(coeff, np.float64).ravel()
    rotation = rotation_matrix(coeff[COEFF_SLICES['angles']]).T  # for column vectors
    center = CENTER - 0.5
    intrinsic = np.array([[FOCAL, 0, center], [0, FOCAL, center], [0, 0, 1]])
    translation = _FLIP.dot(coeff[COEFF_SLICES['translation']]) + [0, 0, CAMERA_DISTANCE]
    return Camera(intrinsic, _FLIP.dot(rotation), translation, (IMAGE_SIZE, IMAGE_SIZE))


def photo_camera(coeff, trans_params):
    """The camera of the whole, upright photo.

    Args:
      coeff: [257] or [1,257].
      trans_params: [5], how the crop was taken from the photo (`alignment.align_img`).
    """
    crop = crop_camera(coeff)
    scale, offset = crop_to_photo(trans_params)
    to_photo = np.array([[scale[0], 0, offset[0]], [0, scale[1], offset[1]], [0, 0, 1]])
    return Camera(to_photo.dot(crop.K), crop.R, crop.t, (int(trans_params[0]), int(trans_params[1])))


def in_camera(camera, points):
    """[N,3] float64: mesh points [N,3] in the camera's frame (x right, y down, z forward), decimetres."""
    return np.asarray(points, np.float64).dot(camera.R.T) + camera.t


def project(camera, points):
    """(pixels [N,2], depth [N] in decimetres) of mesh points [N,3]."""
    placed = in_camera(camera, points)
    depth = placed[:, 2]
    homogeneous = placed.dot(camera.K.T)
    return homogeneous[:, :2] / homogeneous[:, 2:], depth


def lm_68p_to_pixels(lm_68p):
    """[...,2] pixels of the crop, y down, of `lm_68p` or lm_bin landmarks, which are y-up and half a pixel off."""
    lm_68p = np.asarray(lm_68p, np.float64)
    return np.stack([lm_68p[..., 0] - 0.5, IMAGE_SIZE - 0.5 - lm_68p[..., 1]], axis=-1)


def lm_68p_to_photo(lm_68p, trans_params):
    """[...,2] pixels of the photo, y down, of `lm_68p`, which are y-up pixels of the crop."""
    scale, offset = crop_to_photo(trans_params)
    return lm_68p_to_pixels(lm_68p) * scale + offset


def opengl_view(camera):
    """[4,4] view matrix for column vectors: the mesh's frame to OpenGL's eye (x right, y up, looking along -z)."""
    view = np.eye(4)
    view[:3, :3] = _FLIP.dot(camera.R)
    view[:3, 3] = _FLIP.dot(camera.t)
    return view


def opengl_projection(camera, near=NEAR_CLIP, far=FAR_CLIP):
    """[4,4] projection matrix for column vectors, to clip space with y up; depths in decimetres.

    The viewport is the whole image: OpenGL's pixel centres lie at halves, its lower left corner at clip (-1, -1).
    """
    width, height = camera.size
    K = camera.K
    projection = np.zeros([4, 4])
    projection[0] = 2 * K[0, 0] / width, 0, 1 - 2 * (K[0, 2] + 0.5) / width, 0
    projection[1] = 0, 2 * K[1, 1] / height, 2 * (K[1, 2] + 0.5) / height - 1, 0
    projection[2] = 0, 0, -(far + near) / (far - near), -2 * far * near / (far - near)
    projection[3, 2] = -1
    return projection


def world_rotation(camera):
    """[3,3] for column vectors: the head's turn in the world's frame (x right, y up, z to the viewer)."""
    return _FLIP.dot(camera.R)


def pose_degrees(camera):
    """(yaw, pitch, roll) in degrees: the head's turn in the world's frame, R = Rz(roll) Ry(yaw) Rx(pitch).

    All 0: it looks into the camera. Positive yaw: to its left (the image's right); positive pitch: down; positive
    roll: the head tilts to its right shoulder (the image's left).
    """
    rotation = world_rotation(camera)
    yaw = np.arcsin(np.clip(-rotation[2, 0], -1, 1))
    pitch = np.arctan2(rotation[2, 1], rotation[2, 2])
    roll = np.arctan2(rotation[1, 0], rotation[0, 0])
    return tuple(float(np.degrees(angle)) for angle in (yaw, pitch, roll))
