"""Brings a fitted mesh onto the lips and lids that the photo shows, which a fit misses by a few pixels."""
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.meshes.registration import smooth_warp
from Deep3DFaceReconstruction.photo.camera import in_camera, lm_68p_to_photo, photo_camera, project
from Deep3DFaceReconstruction.photo.landmarks import to_y_up

# Of the 68 landmarks: eyes and mouth. dlib's predictor finds them to a pixel or two of the crop in frontal views alone.
_FEATURES = slice(36, 68)
_MAX_TURN = 35.0
# Landmarks further from the mesh's than this (mean, pixels of the crop) are another face's, or wrong.
_MAX_APART = 8.0
# Slack of the warp, dm: how far it falls short of single landmarks; and the reach of the correction around them.
_SLACK, _REACH = 0.1, 0.3


def registration_offset(model, subject, finder):
    """[N,3] float64, dm: what brings each vertex of a Subject's shape to where the photo shows it; depth is kept.

    Zero where there are no landmarks to trust: without dlib, beyond 35 degrees of yaw, or where the two disagree.

    Args:
      model: face_model.FaceModel.  subject: subject.Subject.  finder: face_finder.FaceFinder.
    """
    nothing = np.zeros_like(subject.shape)
    if not finder.checks_with_dlib or abs(np.degrees(subject.coeff[COEFF_SLICES['angles']][1])) > _MAX_TURN:
        return nothing
    crop = subject.crop
    found = to_y_up(finder.crop_landmarks68(np.ascontiguousarray(crop.bgr[:, :, ::-1]), crop.lm_5p))[_FEATURES]
    camera = photo_camera(subject.coeff, crop.trans_params)
    anchors = subject.shape[model.keypoints[_FEATURES]]
    pixels, depth = project(camera, anchors)
    shift = lm_68p_to_photo(found, crop.trans_params) - pixels
    if np.linalg.norm(shift, axis=1).mean() * crop.trans_params[2] > _MAX_APART:
        return nothing
    moved = shift / [camera.K[0, 0], camera.K[1, 1]] * depth[:, np.newaxis]
    goal = in_camera(camera, anchors) + np.concatenate([moved, np.zeros([len(moved), 1])], axis=1)
    goal = (goal - camera.t).dot(camera.R)
    warp = smooth_warp(anchors, goal, np.full(len(anchors), _SLACK))
    # The spline goes on to the affine map far from the landmarks; the correction ends there.
    distance = np.sqrt(((subject.shape[:, np.newaxis] - anchors) ** 2).sum(axis=2).min(axis=1))
    return (warp(subject.shape) - subject.shape) * np.exp(-0.5 * (distance / _REACH) ** 2)[:, np.newaxis]
