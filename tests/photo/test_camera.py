"""The camera of a face: it meets the decoder's landmarks and its rendered pixels, in the crop and in the photo."""
import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.photo import alignment, camera
from Deep3DFaceReconstruction.photo.landmarks import standard_five_points, to_y_up

PHOTO = (613, 507)


@pytest.fixture(scope='module')
def ramp():
    """A photo whose red is its column and whose green is its row, each times 0.4."""
    column, row = np.meshgrid(np.arange(PHOTO[0]), np.arange(PHOTO[1]))
    return Image.fromarray(np.uint8(np.rint(np.stack([0.4 * column, 0.4 * row, 0 * row], axis=2))))


@pytest.fixture(scope='module', params=[(300.3, 250.6, 1.31), (60.2, 444.9, 0.77), (555.5, 40.1, 2.3)])
def aligned(request, ramp):
    """(crop [224,224,3] RGB, trans_params) of a face of another size and place; two of them reach over the edge."""
    x, y, scale = request.param
    points = standard_five_points()
    five = np.stack([x + 90 * scale * points[:, 0], y - 90 * scale * points[:, 1]], axis=1)
    crop, _, trans_params = alignment.align_img(ramp, five, points)
    return crop[0, :, :, ::-1].astype(float), trans_params


def test_crop_to_photo_is_what_alignment_does(aligned):
    crop, trans_params = aligned
    scale, offset = alignment.crop_to_photo(trans_params)
    column, row = np.meshgrid(np.arange(224), np.arange(224))
    x, y = scale[0] * column + offset[0], scale[1] * row + offset[1]
    inside = (x > 12) & (x < PHOTO[0] - 12) & (y > 12) & (y < PHOTO[1] - 12)
    assert inside.sum() > 2000
    # Rounded to 8 bits, twice; on average over many pixels the map is exact to a hundredth of a pixel.
    for channel, expected in ((0, x), (1, y)):
        difference = crop[..., channel][inside] / 0.4 - expected[inside]
        assert abs(difference.mean()) < 0.05 and np.abs(difference).max() < 4


def test_crop_to_photo_is_near_from_crop(aligned):
    """The published formula of landmarks leaves out the rounding to whole pixels: at most two pixels of the crop."""
    scale, offset = alignment.crop_to_photo(aligned[1])
    points = np.array([[0, 0], [112, 112], [223, 30.5]])
    assert np.abs(alignment.from_crop(points, aligned[1]) - (scale * points + offset)).max() < 2 * scale.max()


def test_crop_camera_meets_landmarks(decoded, open_model):
    pixels, _ = camera.project(camera.crop_camera(decoded['coeff']), decoded['face_shape'][open_model.keypoints])
    np.testing.assert_allclose(pixels, camera.lm_68p_to_pixels(decoded['landmark_p']), atol=1e-3)
    # And as docs/conventions.md writes it.
    np.testing.assert_allclose(to_y_up(decoded['landmark_p']), pixels + [0.5, -0.5], atol=1e-3)


def test_crop_camera_meets_the_rendered_pixels(decoded):
    """The point that a pixel shows is projected to this pixel, to a hundredth."""
    shown = decoded['img_mask'][..., 0] > 0
    row, column = np.nonzero(shown)
    points = decoded['points'][shown][:, ::-1]  # rendered as BGR
    pixels, _ = camera.project(camera.crop_camera(decoded['coeff']), points)
    assert np.abs(pixels - np.stack([column, row], axis=1)).max() < 0.01


def test_photo_camera_is_the_crop_camera_on_the_photo(decoded, open_model, aligned):
    _, trans_params = aligned
    crop, photo = camera.crop_camera(decoded['coeff']), camera.photo_camera(decoded['coeff'], trans_params)
    scale, offset = alignment.crop_to_photo(trans_params)
    pixels, depth = camera.project(photo, decoded['face_shape'])
    in_crop, crop_depth = camera.project(crop, decoded['face_shape'])
    np.testing.assert_allclose(pixels, scale * in_crop + offset, atol=1e-9)
    np.testing.assert_array_equal(depth, crop_depth)
    assert photo.size == PHOTO
    np.testing.assert_allclose(camera.lm_68p_to_photo(decoded['landmark_p'], trans_params),
                               pixels[open_model.keypoints], atol=1e-2)


def test_opengl_matrices_give_the_same_pixels(decoded, aligned):
    photo = camera.photo_camera(decoded['coeff'], aligned[1])
    points = decoded['face_shape']
    pixels, depth = camera.project(photo, points)
    eye = np.concatenate([points, np.ones([len(points), 1])], axis=1).dot(camera.opengl_view(photo).T)
    np.testing.assert_allclose(-eye[:, 2], depth, atol=1e-9)
    clip = eye.dot(camera.opengl_projection(photo).T)
    device = clip[:, :3] / clip[:, 3:]
    np.testing.assert_allclose((device[:, 0] + 1) / 2 * PHOTO[0] - 0.5, pixels[:, 0], atol=1e-6)
    np.testing.assert_allclose((1 - device[:, 1]) / 2 * PHOTO[1] - 0.5, pixels[:, 1], atol=1e-6)
    ends = np.array([[0, 0, -0.5, 1], [0, 0, -20, 1]]).dot(camera.opengl_projection(photo, 0.5, 20).T)
    np.testing.assert_allclose(ends[:, 2] / ends[:, 3], [-1, 1], atol=1e-12)


@pytest.mark.parametrize('axis, sign', [(0, 'pitch'), (1, 'yaw'), (2, 'roll')])
def test_pose_of_one_angle(axis, sign):
    coeff = np.zeros(257)
    coeff[224 + axis] = np.radians(20)
    pose = dict(zip(('yaw', 'pitch', 'roll'), camera.pose_degrees(camera.crop_camera(coeff))))
    expected = dict.fromkeys(('yaw', 'pitch', 'roll'), 0.0)
    expected[sign] = 20.0
    assert pose == pytest.approx(expected, abs=1e-9)


def test_signs_of_the_pose():
    """Positive yaw: the tip of the nose moves to the image's right; pitch: down; roll: the top goes to the left."""
    def moved(axis, point):
        coeff = np.zeros(257)
        before = camera.project(camera.crop_camera(coeff), [point])[0][0]
        coeff[224 + axis] = 0.2
        return camera.project(camera.crop_camera(coeff), [point])[0][0] - before
    assert moved(1, [0, 0, 0.5])[0] > 5 and moved(0, [0, 0, 0.5])[1] > 5 and moved(2, [0, 0.5, 0])[0] < -5


def test_rotation_is_a_rotation(decoded):
    rotation = camera.crop_camera(decoded['coeff']).R
    np.testing.assert_allclose(rotation.dot(rotation.T), np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    world = decoded['face_shape'].dot(camera.world_rotation(camera.crop_camera(decoded['coeff'])).T)
    np.testing.assert_allclose(world + decoded['coeff'][254:], decoded['face_shape_t'], atol=1e-5)
