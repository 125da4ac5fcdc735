"""Refines a frame on its pixels: the person's own colours, at vertices all over the face, must be where they were.

Lucas & Kanade 1981 on the face model: residuals are the frame's brightness at projected vertices minus the person's
albedo under the frame's light (nine spherical-harmonics terms, by linear least squares); the brightness gradient gives
their derivative by pose and expression. Vertices that look elsewhere or are covered lose their weight.
"""
from typing import NamedTuple

import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import (
    AMBIENT_OFFSET,
    CAMERA_DISTANCE,
    CENTER,
    EX_DIM,
    FOCAL,
    IMAGE_SIZE,
    SH_TERMS,
)
from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.motion.frame_fit import ANGLES, EXPRESSION, TRANSLATION, moved_jacobian
from Deep3DFaceReconstruction.numpy_decoder import (
    light_terms,
    mean_offset,
    project,
    project_derivative,
    rotation_matrix,
    sh_basis,
)
from Deep3DFaceReconstruction.tf1 import tf
from mesh_renderer import rasterize_triangles

VERTICES = 1500
SEED = 5
# Grey levels by which a fitted brightness is off; that many neighbouring vertices share one error.
BRIGHTNESS_ERROR, ALIKE = 5.0, 6.0
# Landmarks count for less where the pixels have their say.
LANDMARK_TRUST = 0.3
LIGHT_RIDGE = 0.02
_FACING = 0.25         # cosine between normal and view below which a vertex is not looked at
_BLUR = 1.2            # pixels of the crop
_MARGIN = 48           # pixels of the crop around it that are looked at


class Appearance(NamedTuple):
    """What a person looks like at the chosen vertices: neutral [V,3] dm, normals [V,3], albedo [V,3] RGB 0-255."""

    neutral: np.ndarray
    normals: np.ndarray
    albedo: np.ndarray


class View:
    """A frame at the scale of the crop, around the face: brightness, its gradient, colours."""

    def __init__(self, rgb, camera, center):
        """Args: rgb: [H,W,3] uint8; camera: CropCamera; center: [2] of the face, crop pixels, y up."""
        size = IMAGE_SIZE + 2 * _MARGIN
        # The window's corner in crop pixels, y down.
        self._corner = np.rint([center[0], IMAGE_SIZE - center[1]]) - size / 2
        scale, shift = 1.0 / camera.scale, self._corner / camera.scale + [camera.left, camera.top]
        to_frame = np.array([[scale, 0, shift[0] + 0.5 * scale - 0.5], [0, scale, shift[1] + 0.5 * scale - 0.5]])
        source = rgb
        if scale > 1.5:  # more than half as many pixels again as are needed: average first
            factor = 1.0 / scale
            source = cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            ratio = np.array([source.shape[1] / rgb.shape[1], source.shape[0] / rgb.shape[0]])
            to_frame = (to_frame + [[0, 0, 0.5], [0, 0, 0.5]]) * ratio[:, None] - [[0, 0, 0.5], [0, 0, 0.5]]
        window = cv2.warpAffine(source, to_frame, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                                borderMode=cv2.BORDER_REPLICATE)
        self._colors = cv2.GaussianBlur(window, (0, 0), _BLUR).astype(np.float32)
        brightness = self._colors.mean(axis=2)
        self._layers = np.dstack([brightness, cv2.Sobel(brightness, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8.0),
                                  cv2.Sobel(brightness, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8.0)])

    def _sampled(self, layers, pixels):
        x = (pixels[:, 0] - self._corner[0] - 0.5).astype(np.float32)[None]
        y = (IMAGE_SIZE - pixels[:, 1] - self._corner[1] - 0.5).astype(np.float32)[None]
        return cv2.remap(layers, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0].astype(np.float64)

    def brightness(self, pixels):
        """(brightness [V], its derivative by x and y-up [V,2]) at crop pixels [V,2], y up."""
        layers = self._sampled(self._layers, pixels)
        return layers[:, 0], layers[:, 1:] * [1, -1]

    def colors(self, pixels):
        """[V,3] RGB at crop pixels [V,2], y up."""
        return self._sampled(self._colors, pixels)


class PhotometricTerm:
    """The chosen vertices of a face model, and the residuals of one frame at them."""

    def __init__(self, model):
        """Args: model: a FaceModel."""
        region = np.intersect1d(np.unique(model.region_triangles), _visible(model))
        chosen = np.sort(np.random.RandomState(SEED).permutation(region)[:VERTICES])
        rows = (3 * chosen[:, None] + np.arange(3)).ravel()
        self.vertices = chosen
        self._mean = model.meanshape[chosen] - mean_offset(model)
        self._identity = model.id_base[rows].astype(np.float64)
        self._expression = model.ex_base[rows].astype(np.float64).reshape(len(chosen), 3, EX_DIM)
        self._faces = model.triangles[np.minimum(model.point_buf[chosen], len(model.triangles) - 1)]
        self._face_there = model.point_buf[chosen] < len(model.triangles)

    def appearance(self, shape, identity, albedo):
        """Appearance of a person, from the whole neutral mesh [N,3], identity [80], whole albedo [N,3]."""
        corner = shape[self._faces]
        normals = np.cross(corner[:, :, 1] - corner[:, :, 0], corner[:, :, 2] - corner[:, :, 0])
        normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-12)
        normals = (normals * self._face_there[:, :, None]).sum(axis=1)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        neutral = self._mean + self._identity.dot(identity).reshape(-1, 3)
        return Appearance(neutral, normals, albedo[self.vertices])

    def placed(self, person, state):
        """(points [V,3] in the model's frame, moved [V,3], turned normals [V,3], whether each is looked at [V])."""
        rotation = rotation_matrix(state[ANGLES])
        points = person.neutral + self._expression.dot(state[EXPRESSION])
        normals = person.normals.dot(rotation)
        return points, points.dot(rotation) + state[TRANSLATION], normals, normals[:, 2] > _FACING

    def light(self, person, state, view):
        """gamma [27] that best explains the frame, red, green and blue."""
        _, moved, normals, seen = self.placed(person, state)
        colors = view.colors(project(moved))
        basis = sh_basis(normals)
        return np.concatenate([_light(basis[seen], person.albedo[seen, channel], colors[seen, channel])
                               for channel in range(3)])

    def delit(self, person, state, view):
        """(albedo [V,3] that a view shows, how much to trust each vertex [V,1]): its colours without the light."""
        _, moved, normals, seen = self.placed(person, state)
        colors, basis = view.colors(project(moved)), sh_basis(normals)
        shade = np.maximum(basis.dot(light_terms(self.light(person, state, view)).T), 0.15)
        lit = (colors.max(axis=1) < 250) & (colors.max(axis=1) > 15)
        return colors / shade, (seen * lit * np.clip(normals[:, 2], 0, 1))[:, None]

    def normal(self, person, state, view):
        """(J^T J [70,70], J^T r [70]) of the brightness residuals."""
        points, moved, normals, seen = self.placed(person, state)
        points, moved, normals = points[seen], moved[seen], normals[seen]
        brightness, slope = view.brightness(project(moved))
        albedo, basis = person.albedo[seen].mean(axis=1), sh_basis(normals)
        light = _light(basis, albedo, brightness)
        light[0] += AMBIENT_OFFSET
        residual = brightness - albedo * basis.dot(light)
        weight = 1.0 / (1.0 + (residual / (2 * BRIGHTNESS_ERROR)) ** 2) ** 2 / (BRIGHTNESS_ERROR ** 2 * ALIKE)
        way = np.einsum('vp,vpc->vc', slope, project_derivative(moved))  # brightness per dm of the vertex
        jacobian = np.matmul(way[:, None], moved_jacobian(points, state[ANGLES], self._expression[seen]))[:, 0]
        weighted = jacobian * weight[:, None]
        return weighted.T.dot(jacobian), weighted.T.dot(residual)


def _visible(model):
    """The vertices of the mean face that are seen from the front: not what lids or lips cover."""
    shape = model.meanshape - mean_offset(model)
    depth = CAMERA_DISTANCE - shape[:, 2:]
    clip = np.concatenate([FOCAL / CENTER * shape[:, :2], depth - 2, depth], axis=1).astype(np.float32)

    def build():
        vertices = tf.placeholder(tf.float32, clip.shape)
        seen = rasterize_triangles.rasterize_triangles(vertices, model.triangles, 4 * IMAGE_SIZE, 4 * IMAGE_SIZE)
        return {'clip': vertices}, {'ids': seen.triangle_ids, 'covered': seen.barycentric_coordinates}
    with GraphFunction(build) as render:
        seen = render(clip=clip)
    return np.unique(model.triangles[np.unique(seen['ids'][seen['covered'].sum(axis=-1) > 0.5])])


def _light(basis, albedo, colors):
    """The nine terms [9], without the ambient offset, by ridge regression."""
    if len(albedo) < 10 * SH_TERMS:
        return np.zeros(SH_TERMS)
    prior = np.zeros(SH_TERMS)
    prior[0] = AMBIENT_OFFSET
    design = basis * (albedo / 255.0)[:, None]
    normal = design.T.dot(design) / len(albedo) + LIGHT_RIDGE * np.eye(SH_TERMS)
    return np.linalg.solve(normal, design.T.dot(colors / 255.0 - design.dot(prior)) / len(albedo))


def face_center(state):
    """[2] crop pixels, y up: where the model's origin is seen."""
    return project(state[TRANSLATION][None])[0] if np.isfinite(state).all() else np.array([CENTER, CENTER])
