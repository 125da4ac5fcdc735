"""Whether five points that somebody gives can be those of the face in the photo.

Three looks: at the points alone, at the crop that they lead to, and, where that shows no face, at the faces of the
whole photo. What is surely wrong is refused, with what it looks like; what nothing confirms is doubtful.
"""
import itertools

import numpy as np

from Deep3DFaceReconstruction.conventions import ALIGN_SCALE, IMAGE_SIZE
from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo.alignment import POS
from Deep3DFaceReconstruction.photo.landmarks import FIVE_NAMES, face_tilt, five_from_68, standard_five_points, to_y_up

# Distance of two right and left points across the face over that from eyes to mouth: 0.9 and 0.75 of a frontal face,
# about 0 in profile. What is this far on the wrong side is not a profile.
_WRONG_SIDE = -0.3
# Beyond this tilt (degrees), left and right "as seen" may mean the image or the face.
_UPSIDE_DOWN = 135.0
# Mean distances of five points, in pixels of the crop: of the same face as a detector finds it; of surely the same.
_AGREE, _MATCH = 22.0, 12.0
# Points beside a face may be those of another face, which was not found: only an exact copy is surely its own.
_EXACT = 4.0
_SHIFTED = 'points shifted'
# Where alignment puts a face: the middle of the crop, about this wide (pixels of the crop).
_FACE_WIDTH = 144.0
_CENTER = IMAGE_SIZE / 2


def check_five_points(image, five_points, finder, crop=None):
    """Compares given points with what is found in the photo.

    Args:
      image: PIL image, mode RGB.
      five_points: [5, 2], pixels of the image, y-down.
      finder: face_finder.FaceFinder.
      crop: (bgr [224,224,3] uint8, five points in it [5, 2] y-down) that the points lead to; None where they lead to
        none.
    Returns:
      tuple of str: why the points are doubtful; empty where a face confirms them.
    Raises:
      LandmarkError: they are surely wrong; says what they look like.
    """
    points = np.asarray(five_points, np.float64)
    if np.abs(points).max() <= 1.5:
        raise LandmarkError('expected pixels, got %s: coordinates between 0 and 1?' % _text(points))
    mirrored = _mirrored(points)
    if mirrored is None and crop is not None and _confirms(*crop, finder):
        return ()
    rgb = np.asarray(image)
    faces = [face.five_points for face in finder.detect(rgb)]
    if mirrored is None and any(_distance(points, face) < _AGREE for face in faces):
        return ()
    for face in faces:
        for guess, moved in _guesses(points, face, image.size):
            if _distance(moved, face) < (_EXACT if guess.startswith(_SHIFTED) and _is_far(points, face) else _MATCH):
                raise LandmarkError('expected the five points of the face around %s, got points around %s: %s' % (
                    _place(face), _place(points), guess))
    return _unconfirmed(points, mirrored, faces)


def _unconfirmed(points, mirrored, faces):
    """What to say of points that nothing confirms and nothing explains."""
    if mirrored is not None and abs(face_tilt(points)) < _UPSIDE_DOWN:
        raise LandmarkError('expected a face that is not mirrored, got %s: %s' % (_text(points), mirrored))
    if mirrored is not None:
        return ('the five points are those of a face that is upside down and mirrored',)
    if faces:
        return ('no face is found at the five points around %s, but at %s' % (
            _place(points), ' and '.join(_place(face) for face in faces[:3])),)
    return ('no detector finds a face at the five points',)


def _confirms(crop_bgr, lm_5p, finder):
    """Whether a detector finds the face in the crop, about where alignment puts it, with these five points.

    Raises:
      LandmarkError: they are its points, but in another order.
    """
    rgb = np.ascontiguousarray(crop_bgr[..., ::-1])
    faces = [face for face in finder.detect(rgb, all_sizes=False) if _is_central(face.box)]
    if not faces:
        return False
    found = [faces[0].five_points]
    if not finder.uses_mesh:
        # Once from the detector's rectangle, once from where alignment puts faces: profiles need the one or the other.
        found.append(five_from_68(finder.crop_landmarks68(rgb, lm_5p)))
    distance = min(_mean_distance(lm_5p, five) for five in found)
    if distance > _MATCH:
        order = min(itertools.permutations(range(5)), key=lambda order: _mean_distance(lm_5p[list(order)], found[0]))
        if _mean_distance(lm_5p[list(order)], found[0]) < _MATCH / 2:
            raise LandmarkError('expected %s in this order, got: %s' % (
                ', '.join(FIVE_NAMES), ', '.join(FIVE_NAMES[order.index(i)] for i in range(5))))
    return distance < _AGREE


def _is_central(box):
    left, top, right, bottom = box
    width, center = max(right - left, bottom - top), np.array([left + right, top + bottom]) / 2
    return 0.6 < width / _FACE_WIDTH < 1.6 and np.abs(center - _CENTER).max() < 0.25 * _FACE_WIDTH


def _mirrored(points):
    """What is exchanged where points lie on the wrong side of each other, in words; else None."""
    down = points[3:5].mean(axis=0) - points[0:2].mean(axis=0)
    length = max(float(down @ down), 1e-12)
    eyes, mouth = (float(across[0] * down[1] - across[1] * down[0]) / length
                   for across in (points[1] - points[0], points[4] - points[3]))
    if eyes < _WRONG_SIDE and mouth < _WRONG_SIDE:
        return 'left and right exchanged, or x and y?'
    if eyes < _WRONG_SIDE:
        return 'left and right eye exchanged?'
    return 'left and right mouth corner exchanged?' if mouth < _WRONG_SIDE else None


def _guesses(points, face, size):
    """What may have gone wrong with the points of a face: (words, the points put right)."""
    w, h = size
    x, y = points[:, 0], points[:, 1]
    yield 'left and right exchanged?', points[[1, 0, 2, 4, 3]]
    yield 'left and right eye exchanged?', points[[1, 0, 2, 3, 4]]
    yield 'left and right mouth corner exchanged?', points[[0, 1, 2, 4, 3]]
    yield 'mouth before eyes?', points[[3, 4, 2, 0, 1]]
    yield 'mouth before eyes, and left and right exchanged?', points[[4, 3, 2, 1, 0]]
    yield 'x and y exchanged?', points[:, ::-1]
    yield 'y counted from the bottom?', np.stack([x, h - 1 - y], axis=1)
    yield 'x counted from the right?', np.stack([w - 1 - x, y], axis=1)
    yield 'points of the mirrored photo?', np.stack([w - 1 - x, y], axis=1)[[1, 0, 2, 4, 3]]
    yield 'points of the photo before it was turned upright?', np.stack([w - 1 - y, x], axis=1)
    yield 'points of the photo before it was turned upright?', np.stack([y, h - 1 - x], axis=1)
    yield 'points of the photo before it was turned upright?', np.stack([w - 1 - x, h - 1 - y], axis=1)
    yield 'coordinates in per cent?', points * [w / 100.0, h / 100.0]
    factor = float((points * face).sum() / max((points * points).sum(), 1e-12))
    if abs(np.log(max(factor, 1e-12))) > 0.1:
        yield '%s scale?' % {'0.5': 'twice the', '2.0': 'half'}.get('%.1f' % factor, '%.2f of the' % (1 / factor)), (
            points * factor)
    yield _SHIFTED + ' by %.0f, %.0f?' % tuple((points - face).mean(axis=0)), (
        points + (face - points).mean(axis=0))


def _distance(points, face):
    """Mean distance of points from those of a face, in pixels of the crop that the face would have."""
    _, scale = POS(to_y_up(face, 0).T, standard_five_points().T)
    return _mean_distance(points, face) * ALIGN_SCALE / max(scale, 1e-6)


def _mean_distance(one, other):
    return float(np.linalg.norm(one - other, axis=1).mean())


def _is_far(points, face):
    """Whether points lie so far from a face that a second face could be there."""
    shift = np.linalg.norm((points - face).mean(axis=0))
    return _distance(face + [shift, 0], face) > _FACE_WIDTH


def _place(points):
    return '(%.0f, %.0f)' % tuple(points.mean(axis=0))


def _text(points):
    return ' '.join('(%.4g, %.4g)' % tuple(point) for point in points)
