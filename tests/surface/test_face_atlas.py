"""The atlas of face models: no flips, no overlaps, little stretch, the other side of the face; BFM09's topology too."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.surface import face_atlas
from Deep3DFaceReconstruction.surface.rasterizer import rasterize_texture


def areas(uv, triangles):
    a, b, c = (uv[triangles[:, k]].astype(float) for k in range(3))
    return ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2


def check(model, atlas):
    np.testing.assert_array_equal(atlas.vertices[atlas.triangles], model.triangles)
    assert 0 < atlas.uv.min() and atlas.uv.max() < 1
    area = areas(atlas.uv, atlas.triangles)
    assert area.min() > 0
    # Were a triangle on another one, the texels that they cover would be fewer than their areas say.
    covered = (rasterize_texture(atlas.uv, atlas.uv, atlas.triangles, 2048).triangle_ids >= 0).mean()
    assert covered == pytest.approx(area.sum(), rel=2e-3)
    corners = model.meanshape[model.triangles].astype(float)
    surface = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    skin = atlas.charts == 0
    ratio = area[skin] / surface[skin] / (area[skin].sum() / surface[skin].sum())
    assert np.percentile(ratio, 1) > 0.3 and np.percentile(ratio, 99) < 2


def test_open_model(open_model, open_atlas):
    check(open_model, open_atlas)
    assert np.bincount(open_atlas.charts).argmax() == 0 and open_atlas.charts.max() == 5  # mouth, eyes, teeth


def test_mirror(open_model, open_atlas):
    """Landmarks that are each other's mirror images; what lies in the middle is its own."""
    numbers = (36, 48, 31, 4), (45, 54, 35, 12), (30, 33, 8)
    left, right, middle = (open_model.keypoints[list(part)] for part in numbers)
    place = {vertex: uv for vertex, uv in zip(open_atlas.vertices[::-1], open_atlas.uv[::-1])}
    mirror = {vertex: uv for vertex, uv in zip(open_atlas.vertices[::-1], open_atlas.mirror_uv[::-1])}
    for a, b in list(zip(left, right)) + [(vertex, vertex) for vertex in middle]:
        np.testing.assert_allclose(mirror[a], place[b], atol=4e-3)
        np.testing.assert_allclose(mirror[b], place[a], atol=4e-3)
    assert open_atlas.has_mirror[open_atlas.charts == 0].mean() > 0.98


def test_cache_is_beside_the_model(open_model, open_atlas, tmp_path, monkeypatch):
    source = tmp_path / 'model.mat'
    source.write_bytes(b'x')
    model = open_model._replace(path=str(source))
    monkeypatch.setattr(face_atlas, 'build', lambda model: open_atlas)
    face_atlas.face_atlas(model)
    assert (tmp_path / 'model.atlas.cache.npy').exists()
    monkeypatch.setattr(face_atlas, 'build', None)
    for ours, theirs in zip(face_atlas.face_atlas(model), open_atlas):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_bfm09_topology(test_model):
    atlas = face_atlas.build(test_model)
    check(test_model, atlas)
    assert atlas.charts.max() == 0 and len(atlas.uv) == len(test_model.meanshape)  # one chart, no cut
