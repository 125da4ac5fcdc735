"""Depth, normals, PNCC, regions and what is drawn on the photo: pixel by pixel against the mesh."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.exports import maps, photo_images
from Deep3DFaceReconstruction.photo.camera import in_camera, project
from Deep3DFaceReconstruction.surface.rasterizer import Window, rasterize
from Deep3DFaceReconstruction.surface.regions import EYES, LIPS, NOSE, SKIN


@pytest.fixture(scope='module')
def drawn(camera, decoded, normals, open_model, face_regions):
    return maps.draw_maps(camera, decoded['face_shape'], normals, open_model, face_regions)


@pytest.fixture(scope='module')
def whole(camera, decoded, normals, open_model):
    """Model coordinates, normals and the mean face's coordinates at each pixel."""
    values = np.concatenate([decoded['face_shape'], normals, open_model.meanshape], axis=1)
    return rasterize(camera, decoded['face_shape'], values, open_model.triangles)


def nearly_all_close(found, expected, tolerance):
    """But for pixels whose centre lies on an edge, which may show either triangle when drawn in another window."""
    assert (np.abs(found - expected) > tolerance).mean() < 2e-3


def test_all_show_the_same_pixels(drawn, whole, camera):
    seen = whole.triangle_ids >= 0
    for name in maps.MAP_NAMES:
        assert drawn[name].shape[:2] == camera.size[::-1]
        shown = drawn[name].reshape(drawn[name].shape[:2] + (-1,)).any(axis=2)
        assert (shown == seen).mean() == 1 if name != 'pncc' else (shown <= seen).all()


def test_depth(drawn, whole, camera, decoded):
    nearest, step = maps.depth_range(camera, decoded['face_shape'])
    value = drawn['depth']
    seen = value > 0
    expected = in_camera(camera, whole.values[seen][:, :3])[:, 2]
    nearly_all_close(nearest + step * (value[seen].astype(float) - 1), expected, 0.51 * step + 2e-4)
    assert step < 1e-4  # a hundredth of a millimetre


def test_depth_preview(drawn):
    preview = maps.depth_preview(drawn['depth'])
    seen = drawn['depth'] > 0
    assert (preview[~seen] == 0).all() and preview[seen].any(axis=1).all()
    near, far = drawn['depth'] == drawn['depth'][seen].min(), drawn['depth'] == drawn['depth'].max()
    assert (preview[near][:, 0] > preview[near][:, 2]).all() and (preview[far][:, 2] >= preview[far][:, 0]).all()


def test_normals(drawn, whole, camera):
    seen = whole.triangle_ids >= 0
    shown = (drawn['normals'][seen].astype(float) - 128) / 127
    expected = whole.values[seen][:, 3:6].dot(camera.R.T) * [1, -1, -1]
    expected /= np.maximum(np.linalg.norm(expected, axis=1, keepdims=True), 1e-6)
    nearly_all_close(shown, expected, 0.01)
    assert shown[:, 2].mean() > 0.5  # they look at the camera


def test_pncc(drawn, whole, open_model):
    seen = whole.triangle_ids >= 0
    low, span = open_model.meanshape.min(axis=0), np.ptp(open_model.meanshape, axis=0)
    nearly_all_close(drawn['pncc'][seen] / 255.0 * span + low, whole.values[seen][:, 6:], 0.005)


def test_segmentation(drawn, camera, decoded, open_model):
    pixels, _ = project(camera, decoded['face_shape'][open_model.keypoints])
    middles = {EYES: pixels[36:42].mean(axis=0), NOSE: pixels[30], SKIN: (pixels[8] + pixels[57]) / 2,
               LIPS: (pixels[57] + pixels[66]) / 2}
    for region, pixel in middles.items():
        column, row = np.rint(pixel).astype(int)
        assert drawn['segmentation'][row, column] == region


def test_some_of_them(camera, decoded, normals, open_model, face_regions, drawn):
    found = maps.draw_maps(camera, decoded['face_shape'], normals, open_model, face_regions, ['depth'])
    assert list(found) == ['depth']
    np.testing.assert_array_equal(found['depth'], drawn['depth'])


class TestOnThePhoto:
    @pytest.fixture
    def mesh(self, camera, decoded, open_model):
        return photo_images.ColoredMesh(camera, decoded['face_shape'], decoded['face_color'], open_model.triangles)

    @pytest.mark.parametrize('alpha', [0.0, 0.3, 1.0])
    def test_overlay(self, photo, mesh, whole, alpha):
        found = photo_images.overlay(photo, [mesh], alpha)
        seen = whole.triangle_ids >= 0
        np.testing.assert_array_equal(found[~seen], photo[~seen])
        colors = rasterize(mesh.camera, mesh.points, np.clip(mesh.colors, 0, 255), mesh.triangles).values
        nearly_all_close(found[seen], (alpha * colors + (1 - alpha) * photo)[seen], 0.51)

    def test_the_nearer_face_is_on_top(self, photo, mesh):
        near = mesh._replace(camera=mesh.camera._replace(t=mesh.camera.t - [0, 0, 1]),
                             colors=np.full_like(mesh.colors, 9))
        found = photo_images.overlay(photo, [near, mesh])
        np.testing.assert_array_equal(found, photo_images.overlay(photo, [mesh, near]))
        np.testing.assert_array_equal(found[240, 250], [9, 9, 9])

    def test_a_face_across_the_edge_and_one_outside(self, photo, mesh):
        for shift, change in ((-240, True), (-4000, False)):
            moved = mesh._replace(camera=mesh.camera._replace(K=mesh.camera.K + [[0, 0, shift], [0, 0, 0], [0, 0, 0]]))
            found = photo_images.overlay(photo, [moved])
            assert (found != photo).any() == change and found.shape == photo.shape

    def test_memory_is_that_of_the_photo(self, mesh, monkeypatch):
        """A face over all of a photo of 4000 x 3000 is drawn in pieces of a tile."""
        largest = []
        original = photo_images.rasterize

        def watched(camera, points, values, triangles, window):
            largest.append((window.right - window.left) * (window.bottom - window.top))
            return original(camera, points, values, triangles, window)

        monkeypatch.setattr(photo_images, 'rasterize', watched)
        from Deep3DFaceReconstruction.surface.rasterizer import resized
        camera = resized(mesh.camera, 8.0)
        photo = np.zeros([camera.size[1], camera.size[0], 3], np.uint8)
        found = photo_images.overlay(photo, [mesh._replace(camera=camera)])
        assert max(largest) <= 1024 ** 2 and len(largest) > 3
        column, row = np.rint(project(camera, mesh.points[:1])[0][0]).astype(int)
        assert found[row, column].any()

    def test_wrong_alpha_and_size(self, photo, mesh):
        with pytest.raises(ValueError) as caught:
            photo_images.overlay(photo, [mesh], 1.5)
        assert 'alpha: expected 0 to 1, got 1.5' in str(caught.value)
        with pytest.raises(ValueError) as caught:
            photo_images.overlay(photo[1:], [mesh])
        assert 'photo: expected 500 x 460 pixels as its camera has, got 500 x 459' in str(caught.value)

    def test_landmarks_are_dots_or_rings(self, photo):
        black = np.zeros_like(photo)
        pixels = np.stack(np.meshgrid(np.arange(60, 60 + 17 * 20, 20), np.arange(60, 60 + 4 * 40, 40)), axis=2)
        pixels = pixels.reshape(-1, 2).astype(float)
        visible = np.arange(68) % 2 == 0
        found = photo_images.draw_landmarks(black, pixels, visible)
        middle = found[pixels[:, 1].astype(int), pixels[:, 0].astype(int)]
        assert (middle[visible][:, 1] > 200).all() and (middle[~visible] == 0).all()
        away = photo_images.draw_landmarks(black, pixels + 1e6, visible)
        assert not away.any()

    def test_hidden_landmarks(self, decoded, open_model, camera):
        """The face looks to its right: its own right side, at smaller x, is turned away."""
        seen = photo_images.landmark_visibility(camera, decoded['face_shape'], open_model.triangles,
                                                open_model.keypoints)
        assert not seen[:2].any() and seen[27:31].all() and seen[12:17].all()

    def test_pose(self, photo, camera, decoded):
        black = np.zeros_like(photo)
        found = photo_images.draw_pose(black, camera, decoded['face_shape'])
        origin = (decoded['face_shape'].min(axis=0) + decoded['face_shape'].max(axis=0)) / 2
        origin[2] = decoded['face_shape'][:, 2].max()
        for axis, color in enumerate(((235, 60, 60), (60, 200, 70), (70, 120, 255))):
            point = origin + 0.3 * np.eye(3)[axis]
            column, row = np.rint(project(camera, point[None])[0][0]).astype(int)
            near = found[row - 4:row + 5, column - 4:column + 5].reshape(-1, 3)
            assert (np.abs(near.astype(int) - color).max(axis=1) < 30).any()


def test_window_slices():
    image = np.arange(20).reshape(4, 5)
    np.testing.assert_array_equal(image[Window(1, 2, 4, 4).slices], image[2:4, 1:4])
