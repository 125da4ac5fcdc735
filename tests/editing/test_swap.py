"""The face of one photo in another: whose is what, and what stays."""
import cv2
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.editing.commands import COMMANDS
from Deep3DFaceReconstruction.editing.options import EditOptions, parse_edit
from Deep3DFaceReconstruction.editing.rendering.mark import marked
from Deep3DFaceReconstruction.numpy_decoder import neutral_shape, shape_of
from Deep3DFaceReconstruction.photo.camera import photo_camera, project
from Deep3DFaceReconstruction.surface.rasterizer import rasterize
from Deep3DFaceReconstruction.surface.texture import shading


def swap(editor, source, target, visible_mark=False):
    options = EditOptions('swap', 'made.png', source='other.png', visible_mark=visible_mark)
    return COMMANDS['swap'](editor, target, options, source)


def drawn(editor, subject, coeff, name):
    """The Subject of coefficients, drawn over the photo of another."""
    from Deep3DFaceReconstruction.meshes.normals import vertex_normals
    from Deep3DFaceReconstruction.numpy_decoder import albedo_of
    shape, camera = shape_of(editor.model, coeff), photo_camera(coeff, subject.crop.trans_params)
    colours = albedo_of(editor.model, coeff) * shading(vertex_normals(shape, editor.model.triangles), camera, coeff)
    face = rasterize(camera, shape, colours, editor.model.triangles)
    photo = np.where(face.triangle_ids[:, :, np.newaxis] >= 0, np.clip(np.rint(face.values), 0, 255), 90)
    return subject._replace(name=name, photo=np.uint8(photo), coeff=coeff, shape=shape,
                            crop=subject.crop._replace(image_path=name))


@pytest.fixture(scope='module')
def pair(editor, subject):
    """(source, target): two people, the target with an open mouth and a turned head."""
    random = np.random.RandomState(4)
    coeffs = np.zeros([2, 257])
    coeffs[:, COEFF_SLICES['id']] = random.randn(2, 80)
    coeffs[:, COEFF_SLICES['tex']] = 0.7 * random.randn(2, 80)
    coeffs[1, COEFF_SLICES['ex']] = 0.8 * random.randn(64)
    coeffs[1, COEFF_SLICES['angles']] = 0.05, 0.15, 0.0
    return tuple(drawn(editor, subject, coeff, name) for coeff, name in zip(coeffs, ('source', 'target')))


def test_identity_and_skin_are_the_sources_the_rest_is_the_targets(editor, pair):
    source, target = pair
    result = swap(editor, source, target, visible_mark=True)
    assert result.image[570:, 400:].max() > 230 > target.photo[570:, 400:].max()
    for name, whose in (('id', source), ('tex', source), ('ex', target), ('angles', target), ('gamma', target),
                        ('translation', target)):
        np.testing.assert_array_equal(result.coeff[COEFF_SLICES[name]], whose.coeff[COEFF_SLICES[name]])
    np.testing.assert_allclose(result.shape - neutral_shape(editor.model, result.coeff),
                               target.shape - neutral_shape(editor.model, target.coeff), atol=1e-9)


@pytest.mark.slow
def test_a_mark_on_the_sources_cheek_comes_along_and_the_tint_is_the_targets(editor, pair):
    source, target = pair
    vertex = np.argmin(np.linalg.norm(editor.model.meanshape - editor.model.meanshape[editor.model.keypoints[[3, 31]]]
                                      .mean(axis=0), axis=1))

    def place(subject, coeff, shape):
        camera = photo_camera(coeff, subject.crop.trans_params)
        return tuple(np.rint(project(camera, shape[vertex:vertex + 1])[0][0]).astype(int))

    spotted = source.photo.copy()
    cv2.circle(spotted, place(source, source.coeff, source.shape), 4, (30, 20, 20), -1)
    plain, result = (swap(editor, source._replace(photo=photo), target) for photo in (source.photo, spotted))
    column, row = place(target, result.coeff, result.shape)
    darker = plain.image.astype(int) - result.image
    assert darker[row, column].min() > 25 and np.abs(darker[row - 40, column]).max() < 12
    shift = plain.image[row - 20:row + 20, column - 15:column + 15].mean(axis=(0, 1)) - target.photo[
        row - 20:row + 20, column - 15:column + 15].mean(axis=(0, 1))
    assert np.abs(shift).max() < 12


def test_ones_own_face_changes_little_and_what_is_around_not_at_all(editor, pair):
    _, target = pair
    result = swap(editor, target, target)
    difference = np.abs(result.image.astype(int) - target.photo)
    face = rasterize(photo_camera(target.coeff, target.crop.trans_params), target.shape, target.shape,
                     editor.model.triangles).triangle_ids >= 0
    assert difference[face].mean() < 6 and not difference[~face].any()


def test_the_visible_mark_is_there_unless_it_is_not_wanted(editor, pair):
    _, target = pair
    visible = marked(target.photo, 'face swapped')
    rows, columns = np.nonzero((target.photo != visible).any(axis=2))
    assert rows.min() > 560 and columns.min() > 300 and visible[570:, 400:].max() > 230
    assert marked(np.zeros([10, 10, 3], np.uint8), 'face swapped').shape == (10, 10, 3)
    assert parse_edit(['swap', 'a', 'b']).visible_mark
    assert not parse_edit(['swap', 'a', 'b', '--no_visible_mark']).visible_mark
