"""Draws a reconstructed face over its frame: rendered in a window around it, then brought to the frame's pixels."""
import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import CAMERA_DISTANCE, CENTER, EX_DIM, FOCAL, GAMMA_DIM, IMAGE_SIZE
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.face_model.eyes import eyes_of
from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.motion.following import LIGHT, STATE, coefficients_of, eye_state
from Deep3DFaceReconstruction.motion.frame_fit import ANGLES, EXPRESSION, TRANSLATION
from Deep3DFaceReconstruction.motion.photometric import face_center
from Deep3DFaceReconstruction.pictures import clay_shading
from Deep3DFaceReconstruction.tf1 import tf
from mesh_renderer import geometry, rasterize_triangles

STYLES = ('face', 'clay', 'points')
WINDOWS = (160, 256, 384, 512, 768)   # pixels of the side at which a window is rendered
_HALF = 1.2 * CENTER                  # pixels of the crop, half of a window's side
_NEAR = 2.0                           # clip-space z is depth less this


class Overlay:
    """Draws faces of one model; a window size's graph is built when it is first needed."""

    def __init__(self, model, style='face'):
        """Args: model: a FaceModel; style: one of STYLES."""
        self._model, self._style = model, style
        self._windows, self._eyes = {}, eyes_of(model)

    def draw(self, rgb, person, row, camera):
        """Draws one face on a frame, in place.

        Args:
          rgb: [H,W,3] uint8, may be written.
          person: people.Person.
          row: [103] float64, see motion.following.
          camera: frame_fit.CropCamera.
        """
        state, gamma = row[STATE], row[LIGHT]
        center = face_center(state)
        wanted = 2 * _HALF / camera.scale
        size = next((window for window in WINDOWS if window >= wanted), WINDOWS[-1])
        rgba = self._rendered(size, self._with_eyes(person, row), state, gamma, center)
        # From pixels of the window to pixels of the frame.
        scale = wanted / size
        corner = np.array([center[0] - _HALF, IMAGE_SIZE - center[1] - _HALF]) / camera.scale
        corner += [camera.left, camera.top]
        low = np.clip(np.floor(corner).astype(int), 0, rgb.shape[1::-1])
        high = np.clip(np.ceil(corner + wanted).astype(int), 0, rgb.shape[1::-1])
        if (high <= low).any():
            return
        matrix = np.array([[scale, 0, corner[0] - low[0] + 0.5 * scale - 0.5],
                           [0, scale, corner[1] - low[1] + 0.5 * scale - 0.5]])
        if scale < 0.67:
            rgba = cv2.blur(rgba, (int(round(1 / scale)),) * 2)
        drawn = cv2.warpAffine(rgba, matrix, tuple(int(v) for v in high - low), flags=cv2.INTER_LINEAR)
        part = rgb[low[1]:high[1], low[0]:high[0]]
        part[...] = np.clip(drawn[..., :3] + part * (1 - drawn[..., 3:]) + 0.5, 0, 255)

    def draw_points(self, rgb, points):
        """Draws landmarks [K,2] on a frame, in place."""
        radius = max(1, int(round(rgb.shape[0] / 400.0)))
        for x, y in np.rint(points).astype(int):
            cv2.circle(rgb, (int(x), int(y)), radius, (80, 255, 120), -1, cv2.LINE_AA)

    def _with_eyes(self, person, row):
        """The person with the gaze and the lids of a row."""
        eyes = eye_state(row)
        if self._eyes is None or not (np.nan_to_num(eyes.gaze).any() or eyes.blink.any()):
            return person
        return person._replace(shape=person.shape + self._eyes.offset(coefficients_of(person, row[STATE]), eyes))

    def _rendered(self, size, person, state, gamma, center):
        """[size,size,4] float32, colours times opacity, opacity 0-1."""
        if size not in self._windows:
            self._windows[size] = GraphFunction(lambda: self._build(size), tf.ConfigProto(
                intra_op_parallelism_threads=2, inter_op_parallelism_threads=1))
        return self._windows[size].fetch(
            'rgba', shape=person.shape[None], albedo=person.albedo[None], ex=state[None, EXPRESSION],
            angles=state[None, ANGLES], translation=state[None, TRANSLATION], gamma=gamma[None], center=center)[0]

    def _build(self, size):
        model, face = self._model, Face3D(self._model)
        count = len(model.meanshape)
        inputs = {name: tf.placeholder(tf.float32, dimensions) for name, dimensions in (
            ('shape', [1, count, 3]), ('albedo', [1, count, 3]), ('ex', [1, EX_DIM]), ('angles', [1, 3]),
            ('translation', [1, 3]), ('gamma', [1, GAMMA_DIM]), ('center', [2]))}
        moves = geometry.blend_shapes(tf.zeros([3 * count]), tf.constant(model.ex_base), inputs['ex'])
        shape = inputs['shape'] + tf.reshape(moves, [1, count, 3])
        rotation = face.Compute_rotation_matrix(inputs['angles'])
        normals = geometry.transform_points(face.Compute_norm(shape), rotation, tf.zeros([1, 3]))
        placed = face.Rigid_transform_block(shape, rotation, inputs['translation'])
        colors = clay_shading(normals) if self._style == 'clay' else face.Illumination_block(
            inputs['albedo'], normals, inputs['gamma'])
        depth = CAMERA_DISTANCE - placed[:, :, 2:]
        clip = tf.concat([(FOCAL * placed[:, :, :2] + (CENTER - inputs['center']) * depth) / _HALF,
                          depth - _NEAR, depth], axis=2)
        seen = rasterize_triangles.render_attributes(clip, tf.clip_by_value(colors, 0.0, 255.0), model.triangles, size,
                                                     size, top_down=True)
        return inputs, {'rgba': tf.concat([seen.image * seen.mask, seen.mask], axis=3)}
