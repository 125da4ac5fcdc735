"""Textures: what the photo shows is kept, the rest continues it; faces at the edge or outside; background left out."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.exports.photo_images import ColoredMesh, overlay
from Deep3DFaceReconstruction.meshes.normals import vertex_normals
from Deep3DFaceReconstruction.photo.camera import crop_camera, photo_camera, project
from Deep3DFaceReconstruction.surface import texture, texture_fill
from Deep3DFaceReconstruction.surface.rasterizer import rasterize_texture

TRANS_PARAMS = np.array([500, 460, 0.55, 250.0, 240.0])  # a crop of 407 photo pixels
SIZE = 256


@pytest.fixture(scope='module')
def mesh(decoded, open_model):
    normals = vertex_normals(decoded['face_shape'], open_model.triangles)
    shading = texture.shading(normals, crop_camera(decoded['coeff']), decoded['coeff'])
    return texture.LitMesh(decoded['face_shape'], normals, decoded['face_texture'], shading)


@pytest.fixture(scope='module')
def camera(decoded):
    return photo_camera(decoded['coeff'], TRANS_PARAMS)


@pytest.fixture(scope='module')
def photo(decoded, open_model, camera):
    """The face before blue."""
    background = np.tile(np.uint8([40, 60, 200]), (camera.size[1], camera.size[0], 1))
    mesh = ColoredMesh(camera, decoded['face_shape'], decoded['face_color'], open_model.triangles)
    return overlay(background, [mesh])


@pytest.fixture(scope='module')
def baked(photo, camera, mesh, open_atlas):
    return texture.bake(photo, camera, mesh, open_atlas, SIZE)


def bilinear(image, pixels):
    low = np.floor(pixels).astype(int)
    share = pixels - low
    total = 0
    for down in (0, 1):
        for right in (0, 1):
            weight = np.abs(1 - right - share[:, 0]) * np.abs(1 - down - share[:, 1])
            total = total + weight[:, None] * image[low[:, 1] + down, low[:, 0] + right]
    return total


def test_shading_is_the_decoders(mesh, decoded):
    np.testing.assert_allclose(mesh.albedo * mesh.shading, decoded['face_color'], atol=0.05)


def test_where_seen_it_is_the_photo(baked, photo, camera, mesh, open_atlas):
    points = rasterize_texture(open_atlas.uv, mesh.points[open_atlas.vertices], open_atlas.triangles, SIZE).values
    pixels, _ = project(camera, points[baked.seen])
    difference = np.abs(bilinear(photo.astype(float), pixels) - baked.image[baked.seen])
    assert baked.seen[baked.face].mean() > 0.25
    assert np.percentile(difference, 99) < 3 and np.median(difference) < 1


def test_where_hidden_it_is_near_the_truth_and_never_the_background(baked, decoded, open_atlas):
    truth = rasterize_texture(open_atlas.uv, decoded['face_color'][open_atlas.vertices], open_atlas.triangles, SIZE)
    skin = baked.face & (open_atlas.charts[np.maximum(truth.triangle_ids, 0)] == 0)
    difference = np.abs(np.clip(truth.values, 0, 255) - baked.image)[skin & ~baked.seen]
    assert np.median(difference) < 6 and np.percentile(difference, 95) < 40
    blue = baked.image[skin].astype(int)
    assert (blue[:, 2] > blue[:, 0] + 30).mean() < 0.002


def test_no_seam_between_seen_and_filled(baked, decoded, open_atlas):
    """Steps across the border are no larger than those of the true texture there."""
    truth = rasterize_texture(open_atlas.uv, decoded['face_color'][open_atlas.vertices], open_atlas.triangles, SIZE)
    skin = baked.face & (open_atlas.charts[np.maximum(truth.triangle_ids, 0)] == 0)
    border = skin[:, 1:] & skin[:, :-1] & (baked.seen[:, 1:] != baked.seen[:, :-1])
    ours, theirs = (np.abs(np.diff(np.float64(image), axis=1))[border] for image in (baked.image, truth.values))
    assert np.median(ours) < 2 * np.median(theirs) + 2


def test_albedo_has_no_light(photo, camera, mesh, open_atlas):
    found = texture.bake(photo, camera, mesh, open_atlas, SIZE, kind='albedo')
    truth = rasterize_texture(open_atlas.uv, mesh.albedo[open_atlas.vertices], open_atlas.triangles, SIZE)
    skin = found.face & (open_atlas.charts[np.maximum(truth.triangle_ids, 0)] == 0)
    assert np.median(np.abs(np.clip(truth.values, 0, 255) - found.image)[skin]) < 6


def test_a_face_outside_the_photo_is_the_models(camera, mesh, open_atlas, decoded):
    away = camera._replace(K=camera.K + [[0, 0, 5000], [0, 0, 0], [0, 0, 0]])
    found = texture.bake(np.zeros([camera.size[1], camera.size[0], 3], np.uint8), away, mesh, open_atlas, SIZE)
    truth = rasterize_texture(open_atlas.uv, decoded['face_color'][open_atlas.vertices], open_atlas.triangles, SIZE)
    assert not found.seen.any()
    assert np.median(np.abs(np.clip(truth.values, 0, 255) - found.image)[found.face]) < 6


@pytest.mark.parametrize('cut', [0.5, 0.02])
def test_a_face_across_the_photos_edge(photo, camera, mesh, open_atlas, cut):
    """Half of it, or a photo one or two pixels high."""
    height = max(int(camera.size[1] * cut), 1) if cut > 0.1 else 1
    part = np.ascontiguousarray(photo[:height])
    found = texture.bake(part, camera._replace(size=(camera.size[0], height)), mesh, open_atlas, SIZE)
    skin = found.image[found.face].astype(int)
    assert (skin[:, 2] > skin[:, 0] + 30).mean() < 0.01


@pytest.mark.parametrize('size, kind, message', [(8, 'photo', 'expected at least 16 texels, got 8'),
                                                 (64, 'paint', 'expected photo or albedo, got paint')])
def test_wrong_options(photo, camera, mesh, open_atlas, size, kind, message):
    with pytest.raises(ValueError) as caught:
        texture.bake(photo, camera, mesh, open_atlas, size, kind)
    assert message in str(caught.value)


class TestFill:
    @pytest.fixture(scope='class')
    def ramp(self):
        column, row = np.meshgrid(np.arange(90), np.arange(70))
        return np.stack([column, row, 0 * row + 5], axis=2).astype(np.float32)

    def test_known_values_stay_to_the_bit(self, ramp):
        known = np.random.RandomState(0).rand(70, 90) < 0.1
        filled = texture_fill.spread(ramp, known)
        np.testing.assert_array_equal(filled[known], ramp[known])
        assert np.abs(filled - ramp).max() < 12 and filled[..., 2].min() == pytest.approx(5, abs=1e-4)

    def test_the_source_is_corrected_by_what_is_known(self, ramp):
        """A source that is 30 too bright everywhere becomes the truth."""
        known = np.zeros([70, 90], bool)
        known[:, :40] = True
        found = texture_fill.continued(ramp, known, ramp + 30, np.ones([70, 90], bool))
        np.testing.assert_array_equal(found[known], ramp[known])
        np.testing.assert_allclose(found, ramp, atol=0.01)

    def test_mirrored(self, ramp):
        size = 64
        values = np.ascontiguousarray(ramp[:size, :size])
        column, row = np.meshgrid((np.arange(size) + 0.5) / size, 1 - (np.arange(size) + 0.5) / size)
        uv = np.stack([1 - column, row], axis=2).astype(np.float32)
        known = np.zeros([size, size], bool)
        known[:, :20] = True
        other, usable = texture_fill.mirrored(values, known, uv, np.ones([size, size], bool))
        np.testing.assert_allclose(other, values[:, ::-1], atol=0.01)
        np.testing.assert_array_equal(usable, known[:, ::-1])
