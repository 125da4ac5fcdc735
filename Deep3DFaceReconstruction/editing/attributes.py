"""A face with other attributes: older, heavier, another nose."""
import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.editing.expression import clamp_notes
from Deep3DFaceReconstruction.editing.rendering.redraw import moved_faces, put_into
from Deep3DFaceReconstruction.editing.rendering.surroundings import smooth_step
from Deep3DFaceReconstruction.editing.subject import expression_offset
from Deep3DFaceReconstruction.face_model.attributes import load_attributes
from Deep3DFaceReconstruction.numpy_decoder import neutral_shape

# Standard deviations of the population; further away the directions, which are straight, say nothing.
MOST = 4.0
# The albedo is too coarse for wrinkles. The photo's own relief of the skin, what differs from the average over this
# share of the face's size, grows by this much (logarithm) for each step of this attribute.
_RELIEF_OF, _RELIEF_PER_STEP = 'age', 0.17
_RELIEF, _NOISE, _DARKEST = 0.04, 0.003, 8.0
# So near the outline, as a share of the size, what a photo shows may be no skin.
_RIM = 0.06


def with_attributes(subject, model, values):
    """A Subject's face with some attributes more or less than it has; expression, pose and light stay.

    Args:
      subject: subject.Subject.  model: face_model.FaceModel, the open one.
      values: {name: standard deviations of the population to add}, clamped to -MOST-MOST; names of load_attributes.
    Returns:
      (coeff [257], shape [N,3], notes).
    Raises:
      FaceModelError: another model.
    """
    known = load_attributes(model)
    notes = clamp_notes(values, -MOST, MOST)
    coeff = subject.coeff.copy()
    for name, value in values.items():
        place, amount = known.names.index(name), np.clip(value, -MOST, MOST)
        coeff[COEFF_SLICES['id']] += amount * known.id[place]
        coeff[COEFF_SLICES['tex']] += amount * known.tex[place]
    return coeff, neutral_shape(model, coeff) + expression_offset(subject, model), notes


def with_relief(editor, target, edited, values):
    """The photo [H,W,3] uint8 of an Edited face with more or less relief of the skin, as its age asks for.

    Args:
      editor: editor.Editor.  target: subject.Subject.  edited: (coeff, shape, image) of the face.
      values: as of with_attributes.
    """
    coeff, shape, image = edited
    step = np.clip(values.get(_RELIEF_OF, 0.0), -MOST, MOST)
    if not step:
        return image
    look = editor.look(target, coeff, shape)
    motion = moved_faces(look, look, editor.surface, editor.model.skinmask[:, np.newaxis])
    weight = motion.values[:, :, 0] * motion.face
    size = np.sqrt(motion.face.sum())
    inside = cv2.distanceTransform(np.uint8(motion.face), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    weight = np.minimum(cv2.GaussianBlur(weight, (0, 0), max(0.01 * size, 0.5)), weight)
    weight = np.float32(weight * smooth_step(inside / (_RIM * size) - 0.5))
    part = image[motion.window.slices].astype(np.float32)
    logs = np.log(np.maximum(part, _DARKEST)).mean(axis=2)
    average = (cv2.GaussianBlur(logs * weight, (0, 0), _RELIEF * size)
               / np.maximum(cv2.GaussianBlur(weight, (0, 0), _RELIEF * size), 1e-3))
    relief = (cv2.GaussianBlur(logs, (0, 0), max(_NOISE * size, 0.4)) - average) * weight
    gain = np.exp(_RELIEF_PER_STEP * step) - 1
    return put_into(image, part * np.exp(gain * relief)[:, :, np.newaxis], motion)
