"""Phong-shaded images of triangle meshes.

Shading is per pixel, on interpolated normals, positions and colours. Colours have no fixed range; light
intensities multiply them.
"""
from mesh_renderer import camera_utils, checks, rasterize_triangles
from mesh_renderer.tf1 import tf

# What pixels outside the mesh show for every attribute: a colour that no surface has.
_BACKGROUND = -1.0


def mesh_renderer(vertices, triangles, normals, diffuse_colors, camera_position, camera_lookat, camera_up,
                  light_positions, light_intensities, image_width, image_height, specular_colors=None,
                  shininess_coefficients=None, ambient_color=None, fov_y=40.0, near_clip=0.01,
                  far_clip=10.0):
    """Renders a batch of meshes under point lights.

    Args:
        vertices: [B,V,3] float32, world frame (right-handed, Y up).
        triangles: [T,3] int32, indices into V.
        normals: [B,V,3] float32, outward, of any length.
        diffuse_colors: [B,V,3] float32, RGB >= 0. A pixel whose three interpolated channels are all below 0
            is taken for background.
        camera_position, camera_lookat, camera_up: [B,3] or [3], world frame.
        light_positions: [B,L,3], world frame.
        light_intensities: [B,L,3], RGB.
        image_width, image_height: pixels, Python integers from 1 to 32767.
        specular_colors: [B,V,3] RGB, or None for a surface without highlights.
        shininess_coefficients: the Phong exponent: a number, [B], or [B,V] float32. Needed with
            specular_colors.
        ambient_color: [B,3] RGB, multiplies diffuse_colors; None for no ambient light.
        fov_y: the full vertical angle of view, degrees: a number or [B].
        near_clip, far_clip: distances of the clipping planes: a number or [B].

    Returns:
        [B,H,W,4] float32 RGBA, row 0 at the top; 0 with alpha 0 in the background. The gradient flows to
        vertices, normals, colours, lights and camera (see rasterize_triangles for what it leaves out).

    Raises:
        ValueError, TypeError: a wrong shape or type.
    """
    vertices = checks.float_input(vertices, 'vertices', 3, 3)
    batch = vertices.shape.as_list()[0]
    batch = tf.shape(vertices)[0] if batch is None else batch
    image_width, image_height = [checks.image_size(size, name) for size, name in (
        (image_width, 'image_width'), (image_height, 'image_height'))]
    light_positions, light_intensities = _lights(light_positions, light_intensities, batch)
    if ambient_color is not None:
        ambient_color = checks.float_input(ambient_color, 'ambient_color', 2, 3)
        checks.require_batch(ambient_color, batch, 'ambient_color')
    camera_position = checks.per_image(camera_position, 'camera_position', batch, 3)
    view = camera_utils.look_at(camera_position, checks.per_image(camera_lookat, 'camera_lookat', batch, 3),
                                checks.per_image(camera_up, 'camera_up', batch, 3))
    projection = camera_utils.perspective(
        tf.fill([batch], tf.constant(image_width / image_height, tf.float32)), checks.per_image(fov_y, 'fov_y', batch),
        checks.per_image(near_clip, 'near_clip', batch), checks.per_image(far_clip, 'far_clip', batch))
    surface = _Surface(vertices, normals, diffuse_colors, specular_colors, shininess_coefficients, batch)
    pixels = rasterize_triangles.rasterize(
        vertices, surface.attributes, triangles, tf.matmul(projection, view), image_width, image_height,
        [_BACKGROUND] * surface.width)
    return surface.shaded(pixels, camera_position=camera_position, light_positions=light_positions,
                          light_intensities=light_intensities, ambient_color=ambient_color)


def _lights(positions, intensities, batch):
    """Both as [B,L,3] tensors, L and B alike or 1."""
    positions = checks.float_input(positions, 'light_positions', 3, 3)
    intensities = checks.float_input(intensities, 'light_intensities', 3, 3)
    checks.require_batch(positions, batch, 'light_positions')
    checks.require_batch(intensities, batch, 'light_intensities')
    counts = [tensor.shape.as_list()[1] for tensor in (positions, intensities)]
    if None not in counts and 1 not in counts and counts[0] != counts[1]:
        raise ValueError('light_intensities: expected one colour for each of %d lights, got shape %s' % (
            counts[0], intensities.shape.as_list()))
    return positions, intensities


class _Surface:
    """What the rasterizer interpolates over the triangles, and how the interpolated values are read.

    Attributes:
        attributes: [B,V,width] normal 0:3, position 3:6, diffuse colour 6:9, specular colour 9:12, shininess 12.
        width: 9, or 12 with highlights, or 13 with a shininess per vertex.
    """

    def __init__(self, vertices, normals, diffuse_colors, specular_colors, shininess, batch):
        parts = [('normals', normals), ('vertices', vertices), ('diffuse_colors', diffuse_colors)]
        self._shininess = None
        if specular_colors is not None:
            if shininess is None:
                raise ValueError('shininess_coefficients: expected a value beside specular_colors, got None')
            parts.append(('specular_colors', specular_colors))
            shininess = checks.float_tensor(shininess, 'shininess_coefficients')
        elif shininess is not None:
            raise ValueError('shininess_coefficients: expected None without specular_colors, got a value')
        tensors = []
        for name, value in parts:
            tensors.append(checks.float_input(value, name, 3, 3))
            checks.require_same_vertices(tensors[-1], vertices, name, 'vertices')
        self.width = 3 * len(tensors)
        if shininess is not None and shininess.shape.ndims == 2:
            checks.require_same_vertices(shininess, vertices, 'shininess_coefficients', 'vertices')
            tensors.append(shininess[:, :, tf.newaxis])
            self.width += 1
        elif shininess is not None:
            self._shininess = checks.per_image(shininess, 'shininess_coefficients', batch)
        self.attributes = tf.concat(tensors, axis=2)

    def shaded(self, pixels, camera_position, **light):
        """[B,H,W,4] RGBA of interpolated attributes [B,H,W,width]; light: arguments of phong_shader."""
        colors = pixels[..., 6:9]
        covered = tf.cast(tf.reduce_any(colors >= 0.0, axis=3), tf.float32)
        if self.width > 9:
            light.update(camera_position=camera_position, specular_colors=pixels[..., 9:12],
                         shininess_coefficients=pixels[..., 12] if self._shininess is None else self._shininess)
        return phong_shader(normals=tf.nn.l2_normalize(pixels[..., 0:3], axis=3), alphas=covered,
                            pixel_positions=pixels[..., 3:6], diffuse_colors=colors, **light)


def phong_shader(normals, alphas, pixel_positions, light_positions, light_intensities, diffuse_colors=None,
                 camera_position=None, specular_colors=None, shininess_coefficients=None,
                 ambient_color=None):
    """Phong's reflection model at every pixel.

    Args:
        normals: [B,H,W,3] float32, unit, world frame.
        alphas: [B,H,W] float32, 1 on the surface, 0 in the background.
        pixel_positions: [B,H,W,3], world frame.
        light_positions, light_intensities: [B,L,3], world frame and RGB.
        diffuse_colors: [B,H,W,3] RGB; white if None.
        camera_position: [B,3], world frame; needed with specular_colors.
        specular_colors: [B,H,W,3] RGB, or None.
        shininess_coefficients: the exponent, [B] or [B,H,W]; needed with specular_colors.
        ambient_color: [B,3] RGB, or None.

    Returns:
        [B,H,W,4] RGBA, with the rows reversed: what comes from the rasterizer with row 0 at the bottom
        leaves with row 0 at the top. RGB is 0 where alpha is.
    """
    if diffuse_colors is None:
        diffuse_colors = tf.ones_like(normals)
    if specular_colors is not None and (camera_position is None or shininess_coefficients is None):
        raise ValueError('camera_position, shininess_coefficients: expected values beside specular_colors, '
                         'got None')
    # One more axis than the images, for the lights: [B,L,H,W,3].
    normals = normals[:, tf.newaxis]
    intensities = light_intensities[:, :, tf.newaxis, tf.newaxis]
    to_lights = tf.nn.l2_normalize(light_positions[:, :, tf.newaxis, tf.newaxis]
                                   - pixel_positions[:, tf.newaxis], axis=4)
    facing = tf.clip_by_value(tf.reduce_sum(normals * to_lights, axis=4, keepdims=True), 0.0, 1.0)

    colors = diffuse_colors * tf.reduce_sum(facing * intensities, axis=1)
    if ambient_color is not None:
        colors += ambient_color[:, tf.newaxis, tf.newaxis] * diffuse_colors
    if specular_colors is not None:
        colors += specular_colors * tf.reduce_sum(
            intensities * _highlights(normals, to_lights, facing, pixel_positions, camera_position,
                                      shininess_coefficients), axis=1)
    alphas = alphas[..., tf.newaxis]
    # Not a product: what is left of a background pixel's colour may be NaN or infinite.
    inside = alphas > 0.5
    colors = tf.where_v2(inside, colors, tf.zeros_like(colors))
    return tf.reverse(tf.concat([colors, alphas], axis=3), axis=[1])


def _highlights(normals, to_lights, facing, pixel_positions, camera_position, shininess):
    """(cosine between mirrored light and camera) ** shininess, [B,L,H,W,1]; 0 on the side without light.

    The cosines of each image are scaled to a Euclidean norm of 1 over all its pixels, background included,
    as in the published renderer: highlights are therefore faint, and fainter in larger images.
    """
    mirrored = tf.nn.l2_normalize(2.0 * facing * normals - to_lights, axis=4)
    to_camera = tf.nn.l2_normalize(camera_position[:, tf.newaxis, tf.newaxis] - pixel_positions, axis=3)
    cosines = tf.reduce_sum(to_camera[:, tf.newaxis] * mirrored, axis=4, keepdims=True)
    cosines = tf.clip_by_value(tf.nn.l2_normalize(cosines, axis=[2, 3]), 0.0, 1.0)
    cosines = tf.where_v2(tf.equal(facing, 0.0), tf.zeros_like(cosines), cosines)
    if shininess.shape.ndims == 1:
        shininess = shininess[:, tf.newaxis, tf.newaxis]
    return tf.pow(cosines, shininess[:, tf.newaxis, :, :, tf.newaxis])


def tone_mapper(image, gamma):
    """Gamma correction, scaled so that the brightest channel of each image is 255.

    Args:
        image: [B,H,W,C] float32, >= 0, linear.
        gamma: the exponent, a number.

    Returns:
        [B,H,W,C] float32 in [0, 255].
    """
    corrected = tf.pow(image, gamma)
    brightest = tf.reduce_max(corrected, axis=[1, 2, 3], keepdims=True)
    return tf.clip_by_value(255.0 * corrected / brightest, 0.0, 255.0)
