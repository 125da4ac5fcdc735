"""The differentiable face decoder: 257 coefficients -> mesh, colours, landmarks, image.

Deng et al. 2019, sections 2 and 3. Row vectors throughout: a vertex is a row and is multiplied by matrices
from the right. Frames and units: see conventions.py.
"""
from typing import NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import (
    AMBIENT_OFFSET,
    CAMERA_DISTANCE,
    CENTER,
    CHANNELS,
    COEFF_DIM,
    COEFF_SLICES,
    FAR_CLIP,
    FOCAL,
    FOV_Y_DEGREES,
    IMAGE_SIZE,
    NEAR_CLIP,
    SH_TERMS,
    WHITE_LIGHT_COEFF_DIM,
)
from Deep3DFaceReconstruction.numpy_decoder import mean_offset
from Deep3DFaceReconstruction.tf1 import tf
from mesh_renderer import camera_utils, geometry, harmonics, rasterize_triangles, shading


class Coefficients(NamedTuple):
    """The parts of a coefficient vector."""
    id_coeff: tf.Tensor     # [B,80]
    ex_coeff: tf.Tensor     # [B,64]
    tex_coeff: tf.Tensor    # [B,80]
    angles: tf.Tensor       # [B,3] radians, about x, y, z
    gamma: tf.Tensor        # [B,27]: nine terms of red, nine of green, nine of blue
    translation: tf.Tensor  # [B,3] dm


class Geometry(NamedTuple):
    """A decoded mesh before it is rendered."""
    coefficients: Coefficients
    face_shape: tf.Tensor    # [B,N,3] dm, the model's own frame
    face_shape_t: tf.Tensor  # [B,N,3] dm, after the rigid transform
    face_norm_r: tf.Tensor   # [B,N,3] unit normals, after the rotation
    face_texture: tf.Tensor  # [B,N,3] albedo, RGB 0-255
    face_color: tf.Tensor    # [B,N,3] albedo under the light, RGB, not clipped
    landmark_p: tf.Tensor    # [B,68,2] pixels, y up


class Reconstruction(NamedTuple):
    """Everything that the decoder computes: a Geometry, then what Render_block returns."""
    coefficients: Coefficients
    face_shape: tf.Tensor
    face_shape_t: tf.Tensor
    face_norm_r: tf.Tensor
    face_texture: tf.Tensor
    face_color: tf.Tensor
    landmark_p: tf.Tensor
    render_imgs: tf.Tensor    # training: [B,H,W,3] BGR, not clipped; else [B,H,W,4] RGBA, colour 0-255, alpha 0 or 1
    img_mask: tf.Tensor       # [B,H,W,1] float32 0 or 1: where the mesh is
    img_mask_crop: tf.Tensor  # [B,H,W,1] likewise: the photometric region, rendered alone


class Face3D:
    """The decoder on one face model, as graph operations.

    The model's arrays become constants of the graph that is current when the blocks are called. The blocks
    have the published names and can be used one by one; Reconstruction_Block composes them.

    Args:
      model: a face_model.FaceModel.
      image_size: side of the rendered square in pixels. The camera's view stays that of the 224-pixel crop,
        so a larger size shows the same image in more detail.
    """

    def __init__(self, model, image_size=IMAGE_SIZE):
        self.model = model
        self.image_size = image_size
        self._mean_offset = mean_offset(model).astype(np.float32)
        self._constants = {}

    def Reconstruction_Block(self, coeff, is_train=False):
        """Everything from a coefficient vector.

        Args:
          coeff: [B,257] or, white light, [B,239] float32.
          is_train: what Render_block gives.
        Returns:
          A Reconstruction.
        """
        geometry = self.Geometry_block(coeff)
        rendered = self.Render_block(geometry.face_shape_t, geometry.face_color, is_train)
        return Reconstruction(*(geometry + rendered))

    def Geometry_block(self, coeff, offset=None):
        """Everything but the image: a Geometry.

        Args:
          coeff: [B,257] or [B,239].
          offset: [B,N,3] dm, what the shape has beyond the model's bases (face_model.eyes), or None.
        """
        parts = self.Split_coeff(coeff)
        face_shape = self.Shape_formation_block(parts.id_coeff, parts.ex_coeff)
        if offset is not None:
            face_shape = face_shape + offset
        face_texture = self.Texture_formation_block(parts.tex_coeff)
        rotation = self.Compute_rotation_matrix(parts.angles)
        face_norm_r = geometry.transform_points(self.Compute_norm(face_shape), rotation,
                                                tf.zeros_like(parts.translation))
        face_shape_t = self.Rigid_transform_block(face_shape, rotation, parts.translation)
        face_color = self.Illumination_block(face_texture, face_norm_r, parts.gamma)
        landmark_p = self.Projection_block(self.Compute_landmark(face_shape_t))
        return Geometry(parts, face_shape, face_shape_t, face_norm_r, face_texture, face_color, landmark_p)

    def Split_coeff(self, coeff):
        """Coefficients of a [B,257] tensor; [B,239] is the white-light variant, whose nine terms serve each channel.

        Raises:
          ValueError: the last axis has another size.
        """
        width = coeff.shape.as_list()[-1]
        if width == WHITE_LIGHT_COEFF_DIM:
            start = COEFF_SLICES['gamma'].start
            white = coeff[:, start:start + SH_TERMS]
            coeff = tf.concat([coeff[:, :start]] + CHANNELS * [white] + [coeff[:, start + SH_TERMS:]], axis=1)
        elif width != COEFF_DIM:
            raise ValueError('coeff: expected %d values in the last axis (or %d for white light), got %s' % (
                COEFF_DIM, WHITE_LIGHT_COEFF_DIM, width))
        return Coefficients(*[coeff[:, COEFF_SLICES[name]] for name in (
            'id', 'ex', 'tex', 'angles', 'gamma', 'translation')])

    def Shape_formation_block(self, id_coeff, ex_coeff):
        """S = mean + B_id alpha + B_exp beta (eq. 1), about the mean vertex: [B,N,3] dm."""
        id_base = self._constant('id_base', lambda: self.model.id_base)
        ex_base = self._constant('ex_base', lambda: self.model.ex_base)
        mean = self._constant('meanshape', lambda: (self.model.meanshape - self._mean_offset).ravel())
        # Summed in the published order: the last bit decides which of two slivers a pixel sees.
        nothing = tf.zeros([self.model.meanshape.size])
        shape = (geometry.blend_shapes(nothing, id_base, id_coeff) + geometry.blend_shapes(nothing, ex_base, ex_coeff)
                 + mean)
        return tf.reshape(shape, [-1, len(self.model.meanshape), 3])

    def Texture_formation_block(self, tex_coeff):
        """T = mean + B_t delta (eq. 1): albedo [B,N,3], RGB 0-255."""
        base = self._constant('tex_base', lambda: self.model.tex_base)
        mean = self._constant('meantex', lambda: self.model.meantex.ravel())
        return tf.reshape(geometry.blend_shapes(mean, base, tex_coeff), [-1, len(self.model.meantex), 3])

    def Compute_norm(self, face_shape):
        """Unit vertex normals [B,N,3] of face_shape [B,N,3]: the normalised sum of the unit normals of the
        faces around each vertex. A vertex whose faces are all degenerate gets a zero normal.
        """
        point_buf = self._constant('point_buf', lambda: self.model.point_buf)
        triangles = self._constant('triangles', lambda: self.model.triangles)
        return geometry.vertex_normals(face_shape, triangles, point_buf)

    def Compute_rotation_matrix(self, angles):
        """[B,3,3] from angles [B,3] (radians about x, y, z): the transpose of Rz Ry Rx, for row vectors."""
        cos, sin = tf.unstack(tf.cos(angles), axis=1), tf.unstack(tf.sin(angles), axis=1)
        one, zero = tf.ones_like(cos[0]), tf.zeros_like(cos[0])

        def matrix(*entries):
            return tf.reshape(tf.stack(entries, axis=1), [-1, 3, 3])

        about_x = matrix(one, zero, zero, zero, cos[0], -sin[0], zero, sin[0], cos[0])
        about_y = matrix(cos[1], zero, sin[1], zero, one, zero, -sin[1], zero, cos[1])
        about_z = matrix(cos[2], -sin[2], zero, sin[2], cos[2], zero, zero, zero, one)
        return tf.transpose(tf.matmul(tf.matmul(about_z, about_y), about_x), [0, 2, 1])

    def Rigid_transform_block(self, face_shape, rotation, translation):
        """face_shape [B,N,3] times rotation [B,3,3] plus translation [B,3] (dm): [B,N,3]."""
        return geometry.transform_points(face_shape, rotation, translation)

    def Projection_block(self, points):
        """Pinhole projection of points [B,K,3] (dm) to pixels of the 224-pixel crop: [B,K,2], y up."""
        depth = CAMERA_DISTANCE - points[:, :, 2:]
        return FOCAL * points[:, :, :2] / depth + CENTER

    def Illumination_block(self, face_texture, norm_r, gamma):
        """Albedo [B,N,3] under spherical-harmonics light (eq. 2; Ramamoorthi & Hanrahan 2001): [B,N,3], not clipped.

        Args:
          face_texture: [B,N,3], RGB 0-255.
          norm_r: [B,N,3], rotated unit normals.
          gamma: [B,27], nine terms for each of red, green, blue; AMBIENT_OFFSET is added to each first term.
        """
        gamma = tf.reshape(gamma, [-1, CHANNELS, SH_TERMS])
        ambient = np.zeros([1, 1, SH_TERMS], np.float32)
        ambient[0, 0, 0] = AMBIENT_OFFSET
        return shading.shade(face_texture, norm_r, gamma + ambient)

    def Render_block(self, face_shape_t, face_color, is_train=False):
        """Rasterizes the mesh as the crop's camera sees it.

        Args:
          face_shape_t: [B,N,3] dm.
          face_color: [B,N,3] RGB.
          is_train: True: BGR, colours not clipped. False: RGBA, clipped.
        Returns:
          (render_imgs, img_mask, img_mask_crop) as in Reconstruction; row 0 at the top.
        """
        rendered = rasterize_triangles.render_attributes(
            self.clip_space(face_shape_t), face_color, self.model.triangles, self.image_size, self.image_size,
            region_triangles=self.model.region_triangles, top_down=True)
        if is_train:
            return tf.reverse(rendered.image, axis=[3]), rendered.mask, rendered.region_mask
        colour = tf.clip_by_value(rendered.image, 0.0, 255.0)
        return tf.concat([colour, rendered.mask], axis=3), rendered.mask, rendered.region_mask

    def Compute_landmark(self, face_shape_t):
        """The 68 key vertices [B,68,3] of the transformed shape [B,N,3]."""
        return tf.gather(face_shape_t, self._constant('keypoints', lambda: self.model.keypoints), axis=1)

    def clip_space(self, points):
        """[B,N,3] dm -> [B,N,4] clip-space xyzw of the crop's camera."""
        matrix = self._constant('camera', camera_matrix)
        count = tf.shape(points)[0]
        linear = tf.tile(tf.transpose(matrix[:, :, :3], [0, 2, 1]), [count, 1, 1])
        return geometry.transform_points(points, linear, tf.tile(matrix[:, :, 3], [count, 1]))

    def _constant(self, name, make):
        """A constant of the current graph, made once per graph."""
        key = (tf.get_default_graph(), name)
        if key not in self._constants:
            with tf.init_scope():
                self._constants[key] = tf.convert_to_tensor(make(), name='face_model/' + name)
        return self._constants[key]


def camera_matrix():
    """[1,4,4] world to clip space, for column vectors: the crop's camera as mesh_renderer takes it."""
    camera = [tf.constant([v], tf.float32) for v in ([0., 0., CAMERA_DISTANCE], [0., 0., 0.], [0., 1., 0.])]
    view = camera_utils.look_at(*camera)
    projection = camera_utils.perspective(tf.constant([1.0]), tf.constant([FOV_Y_DEGREES]),
                                          tf.constant([NEAR_CLIP]), tf.constant([FAR_CLIP]))
    return tf.matmul(projection, view)


def sh_basis(normals):
    """The nine spherical-harmonics terms [...,9] at unit normals [...,3], in the published order and signs."""
    x, y, z = tf.unstack(normals, axis=-1)
    polynomials = tf.stack(harmonics.polynomials(x, y, z, tf.ones_like(x)), axis=-1)
    return polynomials * tf.constant(harmonics.CONSTANTS, normals.dtype)
