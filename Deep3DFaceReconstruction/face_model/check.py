"""Is a face model what it should be? Facts that a wrong unit, axis, order or index would change, and an image."""
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from Deep3DFaceReconstruction.conventions import COEFF_DIM, IMAGE_SIZE, LANDMARK_COUNT
from Deep3DFaceReconstruction.numpy_decoder import mean_offset
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, standard_five_points, to_y_up


class Fact(NamedTuple):
    """One thing that can be said of a face model, in words."""
    what: str
    got: str
    expected: str
    ok: bool


_SIZE = 448
_DOT, _DOT_COLOUR = 2.5, (30, 90, 255)
# Components that are taken for the scale of a basis.
_FIRST = 10


def facts(model):
    """What can be said of the arrays alone.

    Args:
      model: face_model.FaceModel.
    Returns:
      list of Fact.
    """
    return _places(model) + _surface(model) + _regions(model) + _bases(model)


def _places(model):
    """Size, frame and landmarks: what a wrong unit or axis changes."""
    five = five_from_68(model.meanshape[model.keypoints].astype(np.float64))
    standard = standard_five_points()
    offset = (five - standard).mean(axis=0)
    beside = np.linalg.norm(five - offset - standard, axis=1).max()
    centre = np.abs(offset - mean_offset(model))
    extent = np.ptp(model.meanshape, axis=0)
    return [
        _fact('size of the mean face, dm', '%.2f x %.2f x %.2f' % tuple(extent), 'the largest 1 to 3',
              1 <= extent.max() <= 3),
        _fact('five points: farthest from the standard ones, dm', '%.3f' % beside, 'at most 0.1', beside <= 0.1),
        _fact('mean vertex: x, y from where the standard points have it, dm', '%.3f, %.3f' % tuple(centre[:2]),
              'at most 0.2', centre[:2].max() <= 0.2)]


def _surface(model):
    """Triangles and colour: what a wrong order of indices or channels changes."""
    corners = model.meanshape[model.triangles].astype(np.float64)
    toward = np.cross(corners[:, 0] - corners[:, 1], corners[:, 1] - corners[:, 2])[:, 2]
    area = np.abs(toward)
    facing = area[toward > 0].sum() / max(area.sum(), 1e-30)
    edge = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max()
    colour = model.meantex.mean(axis=0)
    return [
        _fact('surface that faces the camera', '%.0f %%' % (100 * facing), 'over 80 %', facing > 0.8),
        _fact('longest edge of a triangle, dm', '%.3f' % edge, 'at most 0.3', edge <= 0.3),
        _fact('mean albedo, RGB', '%.0f, %.0f, %.0f' % tuple(colour), '20 to 250, red above blue',
              20 <= colour.min() and colour.max() <= 250 and colour[0] > colour[2])]


def _regions(model):
    """Landmarks, regions and vertices: what an index off by one changes."""
    different = len(np.unique(model.keypoints))
    skin = model.skinmask.mean()
    region = len(model.region_triangles) / max(len(model.triangles), 1)
    loose = int((model.point_buf == len(model.triangles)).all(axis=1).sum())
    return [
        _fact('different landmark vertices', '%d' % different, str(LANDMARK_COUNT), different == LANDMARK_COUNT),
        _fact('skin region, of the vertices', '%.0f %%' % (100 * skin), '10 to 100 %', 0.1 <= skin),
        _fact('photometric region, of the triangles', '%.0f %%' % (100 * region), '10 to 100 %', 0.1 <= region),
        _fact('vertices without triangles', '%d' % loose, '0', loose == 0)]


def _bases(model):
    """What a deviation does: what a basis without its deviations, or in another unit, changes."""
    result = []
    for what, base, dim, unit, low, high in (
            ('identity', model.id_base, model.id_dim, 'dm', 1e-4, 1.0),
            ('expression', model.ex_base, model.ex_dim, 'dm', 1e-4, 1.0),
            ('albedo', model.tex_base, model.tex_dim, 'levels', 0.05, 255.0)):
        first = base[:, :min(dim, _FIRST)]
        largest = np.sqrt(np.square(first).reshape(-1, 3, first.shape[1]).sum(axis=1).max()) if dim else 0.0
        result.append(_fact('%s: most that a deviation of the first components does, %s' % (what, unit),
                            '%.3g' % largest, '%g to %g' % (low, high), not dim or low <= largest <= high))
    return result


def _fact(what, got, expected, ok):
    return Fact(what, got, expected, bool(ok))


def decode_mean(model):
    """Decodes zero coefficients under soft light and draws them.

    Args:
      model: face_model.FaceModel.
    Returns:
      (list of Fact, image [448,4*448,3] uint8 RGB: the albedo with the 68 landmarks, without them, shaded geometry,
      turned by 45 degrees).
    """
    # TensorFlow takes seconds to load.
    from Deep3DFaceReconstruction import pictures
    from Deep3DFaceReconstruction.face_decoder import Face3D
    from Deep3DFaceReconstruction.tf1 import tf

    with tf.Graph().as_default(), tf.Session() as session:
        face3d = Face3D(model, image_size=_SIZE)
        geometry = face3d.Geometry_block(tf.zeros([1, COEFF_DIM]))
        clay = pictures.clay_shading(geometry.face_norm_r)
        panels, masks = [], []
        for shape, colour in ((geometry.face_shape_t, geometry.face_texture), (geometry.face_shape_t, clay),
                              (pictures.turned(geometry.face_shape, pictures.SIDE_YAWS_DEGREES[1]), clay)):
            rgba, mask, _ = face3d.Render_block(shape, colour)
            panels.append(tf.cast(pictures.over(rgba, mask, pictures.BACKGROUND)[0], tf.uint8))
            masks.append(mask)
        panels, mask, shape, normals, landmarks = session.run(
            (panels, masks[0], geometry.face_shape, geometry.face_norm_r, geometry.landmark_p[0]))
    centred = model.meanshape - mean_offset(model)
    error = np.abs(shape[0] - centred).max()
    upright = np.abs(np.linalg.norm(normals[0], axis=1) - 1).max()
    covered = mask.mean()
    inside = ((landmarks >= 0) & (landmarks < IMAGE_SIZE)).all(axis=1).sum()
    decoded = [
        _fact('decoded mean, off the stored one by, dm', '%.1e' % error, 'at most 1e-5', error <= 1e-5),
        _fact('normals, off length 1 by', '%.1e' % upright, 'at most 1e-3', upright <= 1e-3),
        _fact('part of the crop that the face covers', '%.0f %%' % (100 * covered), '20 to 80 %',
              0.2 <= covered <= 0.8),
        _fact('landmarks inside the crop', '%d' % inside, str(LANDMARK_COUNT),
              inside == LANDMARK_COUNT),
    ]
    return decoded, np.concatenate([_with_dots(panels[0], landmarks)] + panels, axis=1)


def _with_dots(panel, landmarks):
    """A copy with a dot on each of the 68 points, which are in pixels of the crop, y up."""
    image = Image.fromarray(panel)
    draw = ImageDraw.Draw(image)
    scale = panel.shape[0] / IMAGE_SIZE
    for x, y in (to_y_up(landmarks) + 0.5) * scale:
        draw.ellipse([x - _DOT, y - _DOT, x + _DOT, y + _DOT], fill=_DOT_COLOUR)
    return np.asarray(image)
