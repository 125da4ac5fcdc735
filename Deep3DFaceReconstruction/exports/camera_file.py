"""NAME_camera.json: how the face's mesh comes to the pixels of the crop and of the photo."""
import json

from Deep3DFaceReconstruction.conventions import FAR_CLIP, NEAR_CLIP
from Deep3DFaceReconstruction.exports.maps import depth_range
from Deep3DFaceReconstruction.photo.alignment import crop_to_photo
from Deep3DFaceReconstruction.photo.camera import (
    crop_camera,
    opengl_projection,
    opengl_view,
    photo_camera,
    pose_degrees,
)
from Deep3DFaceReconstruction.system.files import atomic_write

METRES_PER_UNIT = 0.1


def camera_document(coeff, trans_params, shape, image):
    """What the file says, as a dict for JSON.

    Args:
      coeff: [257]; trans_params: [5]; shape: [N,3] face_shape, dm; image: the photo's file name.
    """
    crop, photo = crop_camera(coeff), photo_camera(coeff, trans_params)
    yaw, pitch, roll = pose_degrees(photo)
    scale, offset = crop_to_photo(trans_params)
    nearest, step = depth_range(photo, shape)
    return {
        'image': image,
        'mesh': 'face_shape of NAME.mat; NAME_mesh.obj, NAME.obj and NAME.ply',
        'unit': 'decimetre', 'metres_per_unit': METRES_PER_UNIT,
        'pixels': 'OpenCV: u right, v down, the centre of the first pixel at (0, 0); pixel ~ K (R x + t)',
        'photo': _camera(photo), 'crop': _camera(crop),
        'pose_degrees': {'yaw': yaw, 'pitch': pitch, 'roll': roll, 'convention': (
            'R = Rz(roll) Ry(yaw) Rx(pitch) for column vectors, x right, y up, z to the viewer; all 0: the face looks '
            'into the camera; positive yaw: to its left (right in the image), positive pitch: down, positive roll: '
            'towards its right shoulder')},
        'crop_to_photo': {'rule': 'photo = scale * crop + offset, pixels as above', 'scale': scale.tolist(),
                          'offset': offset.tolist(), 'trans_params': [float(value) for value in trans_params]},
        'depth_image': {'rule': 'depth = nearest + step * (value - 1) in mesh units along the optical axis, 0: no face',
                        'nearest': nearest, 'step': step}}


def _camera(camera):
    return {'width': camera.size[0], 'height': camera.size[1], 'K': camera.K.tolist(), 'R': camera.R.tolist(),
            't': camera.t.tolist(), 'distortion': [0.0] * 5, 'opengl_view': opengl_view(camera).tolist(),
            'opengl_projection': opengl_projection(camera).tolist(), 'near': NEAR_CLIP, 'far': FAR_CLIP}


def write_camera(path, coeff, trans_params, shape, image):
    """Writes camera_document as JSON to a temporary file that is then renamed.

    Raises:
      OSError: the folder cannot be written. ValueError: a number is not finite.
    """
    text = json.dumps(camera_document(coeff, trans_params, shape, image), indent=1, allow_nan=False)
    with atomic_write(path) as temporary, open(temporary, 'w', encoding='utf-8') as stream:
        stream.write(text + '\n')
