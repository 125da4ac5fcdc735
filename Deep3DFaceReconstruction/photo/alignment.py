"""Alignment: a photo and five landmarks -> the 224x224 crop that everything downstream works on.

Frames: as in `landmarks`. The standard points are in decimetres in the world frame (y-up).
"""
import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.conventions import ALIGN_SCALE, IMAGE_SIZE
from Deep3DFaceReconstruction.errors import LandmarkError
from Deep3DFaceReconstruction.photo.landmarks import to_y_up

# A photo may not have to be enlarged beyond this to bring its face to the standard size (pixels).
_MAX_RESIZED = 1 << 20
# Spread across the main direction of the five points over the spread along it; a full profile has 0.2.
_MIN_SPREAD = 0.02
# Pixels by which bicubic weights may reach beyond their support through rounding.
_MARGIN = 2


def POS(xp, x):
    """Scaled orthographic camera of five (or more) points, by linear least squares.

    Solves [X 1 0 0; 0 0 X 1] k = xp over all points; Bas et al. 2016, "Fitting a 3D Morphable Model to
    Edges", 3.1. The rotation in k is not made orthogonal: only scale and translation are used.

    Args:
      xp: [2, n] image points, y-up.
      x: [3, n] world points, n >= 4 and not in one plane.
    Returns:
      (t [2, 1] translation in pixels, s scale in pixels per dm), float64.
    Raises:
      LandmarkError: another shape, or numbers that are not finite.
    """
    xp, x = np.asarray(xp, np.float64), np.asarray(x, np.float64)
    count = xp.shape[1] if xp.ndim == 2 else 0
    if count < 4 or xp.shape != (2, count) or x.shape != (3, count):
        raise LandmarkError('POS: expected points [2, n] and [3, n] with n >= 4, got %s and %s'
                            % (list(xp.shape), list(x.shape)))
    if not (np.isfinite(xp).all() and np.isfinite(x).all()):
        raise LandmarkError('POS: expected finite points, got NaN or infinity')
    system = np.zeros((2 * count, 8))
    system[0::2, 0:3] = system[1::2, 4:7] = x.T
    system[0::2, 3] = system[1::2, 7] = 1.0
    k = np.linalg.lstsq(system, xp.T.reshape(-1), rcond=None)[0]
    s = (np.linalg.norm(k[0:3]) + np.linalg.norm(k[4:7])) / 2
    return np.array([[k[3]], [k[7]]]), s


def align_img(img, lm, lm3D):
    """Scales and crops a photo so that its face stands where the camera expects it.

    The crop's corner is rounded towards zero to a whole pixel, the landmarks are not: they may lie up to a
    pixel beside the image's content. This is the published behaviour, and networks were trained on it.

    Args:
      img: PIL image; what lies outside it becomes black.
      lm: [5, 2] landmarks, pixels of img, y-down.
      lm3D: [5, 3] the standard points (`landmarks.standard_five_points`), dm.
    Returns:
      (crop [1, 224, 224, 3] uint8 BGR, landmarks in the crop [5, 2] float64 y-down,
      trans_params [5] float64 = w0, h0, scale 102/s, t0, t1 as `to_crop` takes them).
    Raises:
      LandmarkError: points of another shape, not finite, all on one line or one spot, so close together that
        the photo would have to be enlarged beyond reason, or so far outside that the crop shows nothing.
    """
    lm = np.asarray(lm, np.float64)
    _check_points(lm, lm3D)
    w0, h0 = img.size
    t, s = POS(to_y_up(lm, h0).T, np.transpose(lm3D))
    t0, t1 = float(t[0, 0]), float(t[1, 0])
    w, h = w0 / s * ALIGN_SCALE, h0 / s * ALIGN_SCALE
    if not 1 <= min(w, h) <= max(w, h) <= _MAX_RESIZED:
        raise LandmarkError('expected five landmarks as far apart as those of a face, got a face of %.3g '
                            'pixels per decimetre in an image of %dx%d' % (s, w0, h0))
    w, h = int(w), int(h)
    left = w / 2 - IMAGE_SIZE / 2 + (t0 - w0 / 2) * ALIGN_SCALE / s
    top = h / 2 - IMAGE_SIZE / 2 + (h0 / 2 - t1) * ALIGN_SCALE / s
    if not (-IMAGE_SIZE < left < w and -IMAGE_SIZE < top < h):
        raise LandmarkError('expected the face inside the image, got landmarks around (%.0f, %.0f) in an '
                            'image of %dx%d' % (lm[:, 0].mean(), lm[:, 1].mean(), w0, h0))
    crop = _resize_and_crop(img.convert('RGB'), (w, h), int(left), int(top))
    trans_params = np.array([w0, h0, ALIGN_SCALE / s, t0, t1])
    return np.array(crop)[np.newaxis, :, :, ::-1], to_crop(lm, trans_params), trans_params


def _check_points(lm, lm3D):
    if lm.shape != (5, 2) or np.shape(lm3D) != (5, 3):
        raise LandmarkError('expected landmarks [5, 2] and standard points [5, 3], got %s and %s'
                            % (list(lm.shape), list(np.shape(lm3D))))
    if not np.isfinite(lm).all():
        raise LandmarkError('expected finite landmarks, got %s' % lm.tolist())
    spread = np.linalg.svd(lm - lm.mean(axis=0), compute_uv=False)
    if spread[0] < 1e-6 or spread[1] < _MIN_SPREAD * spread[0]:
        raise LandmarkError('expected five landmarks that span a face, got points on one %s: %s'
                            % ('spot' if spread[0] < 1e-6 else 'line', lm.round(1).tolist()))


def _resize_and_crop(img, size, left, top):
    """The crop of the bicubically resized image, without ever making the whole resized image.

    The resized image is Pillow's: columns first, then rows, rounded to 8 bits in between. Each pass is made
    alone on what the crop needs of it, so memory is O(width of the resized image * rows under the crop), not
    its area. Equal to the last bit to `img.resize(size, BICUBIC).crop(...)` of Pillow up to 9.5, which the
    figures come from; later versions may start with the rows of tall images. `resize(box=...)` would be
    shorter, but its box is single precision and its image is different.
    """
    (w0, h0), (w, h) = img.size, size
    x0, x1 = max(left, 0), min(left + IMAGE_SIZE, w)
    y0, y1 = max(top, 0), min(top + IMAGE_SIZE, h)
    ratio = h0 / h
    reach = 2.0 * max(ratio, 1.0) + _MARGIN
    row0, row1 = max(int(y0 * ratio - reach), 0), min(int(y1 * ratio + reach) + 1, h0)
    band = img.crop((0, row0, w0, row1)).resize((w, row1 - row0), Image.BICUBIC)
    # The rows keep their places in a strip of full height, as the second pass counts from its top.
    strip = Image.new('RGB', (x1 - x0, h0))
    strip.paste(band.crop((x0, 0, x1, row1 - row0)), (0, row0))
    part = strip.resize((x1 - x0, h), Image.BICUBIC).crop((0, y0, x1 - x0, y1))
    crop = Image.new('RGB', (IMAGE_SIZE, IMAGE_SIZE))
    crop.paste(part, (x0 - left, y0 - top))
    return crop


def to_crop(points, trans_params):
    """Photo pixels to crop pixels, both y-down, for any number of points: the formula of `align_img`.

    `to_y_up(to_crop(...))` is what the decoder's projected landmarks compare with.

    Args:
      points: [..., 2] in the photo, y-down.
      trans_params: [5] as `align_img` returns it.
    Returns:
      [..., 2] float64.
    """
    h0, scale, translation, origin = _crop_transform(trans_params)
    return to_y_up((to_y_up(points, h0) - translation) * scale - origin)


def from_crop(points, trans_params):
    """Crop pixels to photo pixels, both y-down; the inverse of `to_crop`."""
    h0, scale, translation, origin = _crop_transform(trans_params)
    return to_y_up((to_y_up(points) + origin) / scale + translation, h0)


def crop_to_photo(trans_params):
    """Where the crop's pixels lie in the photo: photo = scale * crop + offset.

    Exactly what `align_img` did with the image, its rounding to whole pixels included, where `from_crop` says where
    landmarks went. Both ends count from the centre of the first pixel, y-down.

    Args:
      trans_params: [5] as `align_img` returns it.
    Returns:
      (scale [2], offset [2]) float64.
    """
    w0, h0, rescale, t0, t1 = (float(value) for value in trans_params)
    s = ALIGN_SCALE / rescale
    size = np.array([int(w0 / s * ALIGN_SCALE), int(h0 / s * ALIGN_SCALE)])
    shift = np.array([t0 - w0 / 2, h0 / 2 - t1]) * ALIGN_SCALE / s
    corner = np.trunc(size / 2 - IMAGE_SIZE / 2 + shift)
    scale = np.array([w0, h0]) / size
    # Resizing keeps edges in place, not pixel centres.
    return scale, (corner + 0.5) * scale - 0.5


def _crop_transform(trans_params):
    w0, h0, rescale, t0, t1 = (float(value) for value in trans_params)
    s = ALIGN_SCALE / rescale
    w, h = int(w0 / s * ALIGN_SCALE), int(h0 / s * ALIGN_SCALE)
    translation = np.array([t0 - w0 / 2, t1 - h0 / 2])
    origin = np.array([w / 2 - IMAGE_SIZE / 2, h / 2 - IMAGE_SIZE / 2])
    return h0, rescale, translation, origin
