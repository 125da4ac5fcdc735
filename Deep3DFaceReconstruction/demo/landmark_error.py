"""How far a mesh's landmarks are from those of the photo."""
import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import IMAGE_SIZE
from Deep3DFaceReconstruction.photo.landmarks import JAW, five_from_68, to_y_up


def landmark_distances(crop, landmarks, shown):
    """Distances in pixels of the crop, of the landmarks that the photo shows.

    An inner landmark is compared with the mesh's of its number. The jaw is a line: detectors put its points anywhere
    along it, and on the outline of a turned head. Each of its points is compared with the nearer of the mesh's outline
    in the image and the line through the mesh's jaw landmarks.

    Args:
      crop: photo.crops.FaceCrop.
      landmarks: [68,2] of the mesh, pixels, y-up.
      shown: [224,224] bool, where the image shows the mesh.
    Returns:
      [n]: as many of the 68 as the photo shows, or the five points where no others are known.
    """
    if crop.lm_68p is None:
        return np.linalg.norm(to_y_up(five_from_68(landmarks)) - crop.lm_5p, axis=1)
    distances = np.linalg.norm(landmarks - crop.lm_68p, axis=1)
    distances[JAW] = _from_lines(to_y_up(crop.lm_68p[JAW]), to_y_up(landmarks[JAW]), shown)
    return distances[crop.lm_inside]


def _from_lines(points, jaw, shown):
    """[n] pixels from points [n,2] (y-down) to the nearer of a line through points [17,2] and the outline of a mask."""
    lines = np.full((IMAGE_SIZE, IMAGE_SIZE), 255, np.uint8)
    outline, _ = cv2.findContours(shown.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[-2:]
    cv2.drawContours(lines, outline, -1, 0)
    cv2.polylines(lines, [np.rint(jaw).astype(np.int32)], False, 0)
    if lines.all():  # neither lies in the crop
        return np.linalg.norm(points - jaw, axis=1)
    field = cv2.distanceTransform(lines, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    nearest = np.clip(points, 0, IMAGE_SIZE - 1)
    column, row = nearest.T.astype(np.float32)[:, np.newaxis]
    return cv2.remap(field, column, row, cv2.INTER_LINEAR)[0] + np.linalg.norm(points - nearest, axis=1)
