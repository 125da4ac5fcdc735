"""Images for people: crop | reconstruction over the crop | shaded geometry | the mesh at -45 and +45 degrees."""
import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.numpy_decoder import rotation_matrix
from Deep3DFaceReconstruction.system.files import PNG_COMPRESSION, atomic_write
from Deep3DFaceReconstruction.tf1 import tf

PANELS = 5
SIDE_YAWS_DEGREES = (-45.0, 45.0)
BACKGROUND = 255.0

# Matte grey under one lamp, up and to the right of the camera.
CLAY = 205.0
LAMP = np.array([0.35, 0.45, 0.82], np.float32)
CLAY_AMBIENT = 0.22


def picture_strip(face3d, geometry, crops_bgr):
    """The five panels as graph operations.

    Args:
      face3d: a face_decoder.Face3D.
      geometry: its Geometry of [B,257] coefficients.
      crops_bgr: [B,224,224,3] float32, 0-255.
    Returns:
      (strip, recon, region): strip [B,224,5*224,3] uint8 RGB; recon [B,224,224,4] and region [B,224,224,1] float32,
      the image and the photometric region as Render_block returns them.
    """
    recon, mask, region = face3d.Render_block(geometry.face_shape_t, geometry.face_color)
    crop = tf.reverse(crops_bgr, axis=[3])
    panels = [crop, over(recon, mask, crop), panel(face3d, geometry.face_shape_t, clay_shading(geometry.face_norm_r))]
    for yaw in SIDE_YAWS_DEGREES:
        panels.append(panel(face3d, turned(geometry.face_shape, yaw), geometry.face_color))
    strip = tf.concat(panels, axis=2)
    return tf.cast(tf.clip_by_value(tf.round(strip), 0.0, 255.0), tf.uint8), recon, region


def comparison(images, reconstruction):
    """What TensorBoard shows: the input beside the face rendered over it.

    Args:
      images: [B,224,224,3] BGR, 0-255.
      reconstruction: a face_decoder.Reconstruction of training.
    Returns:
      [B,224,448,3] uint8 RGB.
    """
    overlay = over(reconstruction.render_imgs, reconstruction.img_mask, images)
    pair = tf.concat([images, overlay], axis=2)
    return tf.cast(tf.clip_by_value(pair, 0.0, 255.0), tf.uint8)[..., ::-1]


def panel(face3d, shape, colors):
    """[B,H,W,3] RGB, 0-255: a mesh [B,N,3] (dm) with colours [B,N,3] (RGB) over BACKGROUND."""
    rgba, mask, _ = face3d.Render_block(shape, colors)
    return over(rgba, mask, BACKGROUND)


def clay_shading(normals):
    """Colours [B,N,3] of matte grey clay with unit normals [B,N,3]."""
    lambert = tf.maximum(tf.tensordot(normals, LAMP / np.linalg.norm(LAMP), axes=[[2], [0]]), 0.0)
    return CLAY * (CLAY_AMBIENT + (1 - CLAY_AMBIENT) * tf.stack([lambert] * 3, axis=2))


def over(rendered, mask, background):
    """[B,H,W,3]: the rendered colours [B,H,W,3 or 4] where mask [B,H,W,1] is 1, else the background."""
    return rendered[..., :3] * mask + background * (1.0 - mask)


def turned(face_shape, degrees):
    """face_shape [B,N,3] about its vertical axis; a positive angle turns the face to its left, the image's right."""
    rotation = rotation_matrix(np.radians([0.0, degrees, 0.0]))
    return tf.tensordot(face_shape, rotation.astype(np.float32), axes=[[2], [0]])


def save_png(path, pixels):
    """Writes [H,W,3] uint8 RGB as a PNG; written to a temporary file, then renamed."""
    with atomic_write(path) as temporary:
        Image.fromarray(pixels).save(temporary, format='PNG', compress_level=PNG_COMPRESSION)
