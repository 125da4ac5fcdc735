"""The open model's colours: eyes, brows, lips, a range of skins, no light in them; and the regions of the skin."""
import numpy as np

from tests.face_model.open_shape import LEFT_EYE, MOUTH, RIGHT_EYE, SKIN, TEETH, face_normals, rim_edges, shape_of


def test_albedo_has_eyes_brows_lips_and_a_range_of_skins(open_arrays, open_face, open_part):
    albedo = open_face.meantex
    luma = albedo.dot([0.299, 0.587, 0.114])
    skin = open_face.skinmask > 0
    landmarks = shape_of(open_face)[open_face.keypoints]
    shape = shape_of(open_face)
    assert albedo.min() >= 0 and albedo.max() <= 255
    skin_mean = albedo[skin].mean(axis=0)
    assert skin_mean[0] > skin_mean[1] > skin_mean[2]

    def around(point, radius=0.03):
        return (np.linalg.norm((shape - point)[:, :2], axis=1) < radius) & (shape[:, 2] > point[2] - 0.1)

    for brow in (landmarks[18:21].mean(axis=0), landmarks[23:26].mean(axis=0)):
        near = around(brow - [0, 0.03, 0], 0.05) & (open_part == SKIN)
        assert luma[near].min() < 0.7 * luma[skin].mean()
    for eye in (RIGHT_EYE, LEFT_EYE):
        mine = luma[open_part == eye]
        assert np.percentile(mine, 90) > luma[skin].mean() > 2 * np.percentile(mine, 1)
    lips = around(landmarks[[57, 66]].mean(axis=0)) & (open_part == SKIN) & ~skin
    redness = albedo[:, 0] / albedo[:, 1]
    assert redness[lips].mean() > 1.1 * redness[skin].mean()
    assert luma[open_part == TEETH].max() > luma[skin].mean() > 2 * luma[(open_part == MOUTH)].min()

    first = open_face.tex_base[:, 0].reshape(-1, 3)
    light, dark = (np.clip(albedo + sign * 2 * first, 0, 255)[skin].mean(axis=0).dot([0.299, 0.587, 0.114])
                   for sign in (1, -1))
    light, dark = max(light, dark), min(light, dark)
    assert light > 190 and dark < 75


def test_albedo_carries_no_directed_light(open_face):
    """Of the skin's luminance, what first-order harmonics of the normal explain is a few grey levels."""
    skin = open_face.skinmask > 0
    normals = np.zeros_like(open_face.meanshape, dtype=np.float64)
    faces = face_normals(shape_of(open_face), open_face.triangles)
    for k in range(3):
        np.add.at(normals, open_face.triangles[:, k], faces)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    luma = open_face.meantex.dot([0.299, 0.587, 0.114])
    system = np.concatenate([np.ones((skin.sum(), 1)), normals[skin]], axis=1)
    weights = np.linalg.lstsq(system, luma[skin], rcond=None)[0]
    assert abs(weights[1]) < 3, 'light from the side'
    assert np.linalg.norm(weights[1:]) < 0.15 * weights[0]


def test_regions_leave_out_what_is_not_skin(open_arrays, open_face, open_part):
    skin = open_face.skinmask > 0
    assert (open_part[skin] == SKIN).all() and 0.4 < skin.mean() < 0.9
    # The lips' outlines, where the standard has them, lie here and there on the skin beside.
    assert not skin[open_face.keypoints[list(range(36, 48)) + list(range(60, 68))]].any()
    region = np.unique(open_face.region_triangles)
    assert not np.isin(open_part[region], (MOUTH, TEETH)).any()
    assert set(open_part[region]) == {SKIN, RIGHT_EYE, LEFT_EYE}
    rim = np.unique(rim_edges(open_face.triangles)[1])
    assert not np.isin(rim[open_part[rim] == SKIN], region).any()
    assert 0.6 < len(open_face.region_triangles) / len(open_face.triangles) < 0.9


def test_uv_points_into_the_textures(open_arrays, open_face):
    uv = open_arrays['uv']
    assert uv.min() > 0 and uv.max() < 1
    landmarks = uv[open_face.keypoints]
    assert np.ptp(landmarks[:, 0]) > 0.1 and np.ptp(landmarks[:, 1]) > 0.1
