"""The JSON that common face detectors write, as five points.

Understood: five or 68 points under a name such as landmarks, keypoints or kps, as a list of pairs or by the names of
the points (MTCNN, RetinaFace, InsightFace), and the outlines by name of the face_recognition package. Where one file
has several faces, nothing tells which is meant.
"""
import numpy as np

from Deep3DFaceReconstruction.conventions import LANDMARK_COUNT
from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo.landmarks import five_from_68

_POINT_NAMES = {
    'eyes': (('left_eye', 'lefteye', 'eye_left', 'le'), ('right_eye', 'righteye', 'eye_right', 're')),
    'nose': (('nose', 'nose_tip', 'nosetip', 'n'),),
    'mouth': (('mouth_left', 'left_mouth', 'left_mouth_corner', 'leftmouthcorner', 'mouthleft', 'lm', 'left_lip'),
              ('mouth_right', 'right_mouth', 'right_mouth_corner', 'rightmouthcorner', 'mouthright', 'rm',
               'right_lip')),
}
_OUTLINES = ('chin', 'left_eyebrow', 'right_eyebrow', 'nose_bridge', 'nose_tip', 'left_eye', 'right_eye', 'top_lip',
             'bottom_lip')
_DEPTH = 6


def points_in_json(path, content):
    """The five points of a detector's JSON.

    Args:
      path: names the file in errors.
      content: what json.loads gave.
    Returns:
      ([5, 2] float64, what it was taken for).
    Raises:
      LandmarkError: no points that are understood, or those of several faces.
    """
    found = list(_candidates(content, _DEPTH))
    if not found:
        raise LandmarkError('%s: expected JSON with 5 or 68 landmarks of a face, got none that is known' % path)
    faces = {tuple(np.round(points, 3).ravel()): (points, what) for points, what in found}
    # The same face may be there with 5 and with 68 points.
    distinct = [points for points, _ in faces.values()]
    size = max(np.ptp(points, axis=0).max() for points in distinct)
    if any(np.abs(points.mean(axis=0) - distinct[0].mean(axis=0)).max() > 0.3 * size for points in distinct):
        raise LandmarkError('%s: expected the landmarks of one face, got those of %d' % (path, len(distinct)))
    points, what = found[0]
    if not np.isfinite(points).all():
        raise LandmarkError('%s: expected finite landmarks, got %s' % (path, points.tolist()))
    return points, 'JSON, ' + what


def _candidates(content, depth):
    """Yields (five points, what they were) from anywhere in the content."""
    if depth == 0:
        return
    if isinstance(content, dict):
        named = _named(content)
        if named is not None:
            yield named
            return
        for value in content.values():
            yield from _candidates(value, depth - 1)
    elif isinstance(content, list):
        listed = _listed(content)
        if listed is not None:
            yield listed
            return
        for value in content:
            yield from _candidates(value, depth - 1)


def _listed(rows):
    """Five or 68 pairs (or triples, of which the third is depth or confidence) of numbers."""
    if len(rows) not in (5, LANDMARK_COUNT) or not all(_is_point(row) for row in rows):
        return None
    points = np.array([_xy(row) for row in rows], np.float64)
    if len(points) == LANDMARK_COUNT:
        return five_from_68(points), '68 points in the iBUG order'
    return points, 'five points'


def _named(content):
    """Five points by name, or outlines by name."""
    lower = {str(key).lower(): value for key, value in content.items()}
    if all(name in lower and isinstance(lower[name], list) for name in _OUTLINES):
        return _from_outlines(lower)
    parts = []
    for names in (_POINT_NAMES['eyes'], _POINT_NAMES['nose'], _POINT_NAMES['mouth']):
        for choices in names:
            value = next((lower[name] for name in choices if name in lower), None)
            if not _is_point(value):
                return None
            parts.append(_xy(value))
    return _sides_as_seen(np.array(parts, np.float64)), 'five named points'


def _from_outlines(lower):
    """face_recognition's dict: eyes of six points, clockwise from the corner; sides as seen or of the person."""
    def corners(name):
        outline = np.array([_xy(point) for point in lower[name]], np.float64)
        return (outline[0] + outline[3]) / 2 if len(outline) == 6 else outline.mean(axis=0)

    lips = np.array([_xy(point) for point in lower['top_lip']], np.float64)
    nose = np.array([_xy(point) for point in lower['nose_bridge']], np.float64)[-1]
    five = np.stack([corners('left_eye'), corners('right_eye'), nose, lips[0], lips[len(lips) // 2]])
    return _sides_as_seen(five), 'outlines by name'


def _sides_as_seen(five):
    """Left and right as seen in the image: some tools mean the person's own sides."""
    across, down = five[1] - five[0], five[3:5].mean(axis=0) - five[0:2].mean(axis=0)
    if across[0] * down[1] - across[1] * down[0] < 0:
        five = five[[1, 0, 2, 4, 3]]
    return five


def _is_point(value):
    if isinstance(value, dict):
        return {'x', 'y'} <= {str(key).lower() for key in value}
    return (isinstance(value, (list, tuple)) and len(value) in (2, 3)
            and all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in value))


def _xy(value):
    if isinstance(value, dict):
        lower = {str(key).lower(): number for key, number in value.items()}
        return [float(lower['x']), float(lower['y'])]
    return [float(value[0]), float(value[1])]
