"""What each command changes, and above all what it leaves alone."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.editing import commands, expression
from Deep3DFaceReconstruction.editing.commands import COMMANDS
from Deep3DFaceReconstruction.editing.editor import Editor
from Deep3DFaceReconstruction.editing.options import EditOptions
from Deep3DFaceReconstruction.face_model.named_shapes import load_named_shapes
from Deep3DFaceReconstruction.photo.camera import photo_camera, project
from tests.editing.conftest import NoDlib


def edited(editor, subject, command, source=None, **options):
    return COMMANDS[command](editor, subject, EditOptions(command, 'made.png', **options), source)


def changed(subject, image):
    """[K,2] (column, row) of the pixels that differ from the photo."""
    assert image.shape == subject.photo.shape and image.dtype == np.uint8
    return np.stack(np.nonzero((image != subject.photo).any(axis=2))[::-1], axis=1)


@pytest.mark.parametrize('command, options', [
    ('relight', {}), ('pose', {}), ('makeup', {'lips': (200, 0, 0), 'strength': 0.0})])
def test_an_edit_that_asks_for_nothing_leaves_the_photo_bit_equal(editor, subject, command, options):
    assert not len(changed(subject, edited(editor, subject, command, **options).image))


def test_transfer_from_oneself_is_the_identity(editor, subject):
    result = edited(editor, subject, 'transfer', source=subject, pose=True)
    np.testing.assert_allclose(result.shape, subject.shape, atol=1e-6)
    np.testing.assert_array_equal(result.coeff, subject.coeff)
    assert not len(changed(subject, result.image))


def test_relight_with_the_photos_own_light_is_the_identity(editor, subject):
    numbers = ','.join(repr(float(value)) for value in subject.coeff[COEFF_SLICES['gamma']])
    for result in (edited(editor, subject, 'relight', light=numbers),
                   edited(editor, subject, 'relight', source=subject, light='photo.jpg'),
                   edited(editor, subject, 'relight', turn=360.0)):
        np.testing.assert_allclose(result.coeff, subject.coeff, atol=1e-6)
        assert not len(changed(subject, result.image))


def test_the_light_comes_from_where_it_is_said_to(editor, subject):
    """On the face, the left half is brighter under the lamp on the left, and both are lit alike by turns."""
    pixels = np.rint(project(photo_camera(subject.coeff, subject.crop.trans_params), subject.shape)[0]).astype(int)
    front = editor.model.meanshape[:, 2] > np.median(editor.model.meanshape[:, 2])
    halves = [pixels[front & side] for side in (pixels[:, 0] < 285, pixels[:, 0] > 315)]
    means = {}
    for light in ('left', 'right'):
        image = edited(editor, subject, 'relight', light=light).image.astype(float)
        means[light] = [image[half[:, 1], half[:, 0]].mean() for half in halves]
    assert means['left'][0] > means['right'][0] + 5 and means['right'][1] > means['left'][1] + 5


def test_express_moves_the_mesh_by_the_named_shape(editor, subject):
    named = load_named_shapes(editor.model)
    jaw = named.names.index('jawOpen')
    closed, _, _ = expression.with_shapes(subject, editor.model, {'jawOpen': 0.0})
    shapes = [expression.with_shapes(subject, editor.model, {'jawOpen': weight})[1] for weight in (0.0, 0.25)]
    others = expression.ExpressionMap(editor.model, named).weights(subject.coeff[COEFF_SLICES['ex']])[0]
    low, high = others.copy(), others.copy()
    low[jaw], high[jaw] = 0.0, 0.25
    np.testing.assert_allclose(shapes[1] - shapes[0], named.offset(high) - named.offset(low), atol=1e-9)
    assert np.array_equal(closed[:80], subject.coeff[:80]) and np.array_equal(closed[144:], subject.coeff[144:])


def test_one_sided_expressions_stay_on_their_side(editor, subject):
    lower = editor.model.ex_lower
    calm = subject._replace(coeff=subject.coeff.copy())
    calm.coeff[COEFF_SLICES['ex']] = np.maximum(calm.coeff[COEFF_SLICES['ex']], lower)
    for values in ({'jawOpen': 0.0, 'mouthSmileLeft': 1.0}, {'eyeBlinkLeft': 1.0, 'browInnerUp': 0.0}):
        coeff, _, _ = expression.with_shapes(calm, editor.model, values)
        assert (coeff[COEFF_SLICES['ex']] >= lower).all()


def test_lids_that_the_photo_shows_closed_are_not_closed_twice(editor, subject):
    closed = subject._replace(blink=np.array([1.0, 0.0]))
    _, same, _ = expression.with_shapes(closed, editor.model, {'eyeBlinkRight': 1.0})
    np.testing.assert_allclose(same, subject.shape, atol=1e-6)
    assert np.abs(expression.with_shapes(closed, editor.model, {'eyeBlinkLeft': 1.0})[1] - subject.shape).max() > 0.02


def test_far_from_the_face_nothing_changes(editor, subject):
    pixels = project(photo_camera(subject.coeff, subject.crop.trans_params), subject.shape)[0]
    middle, size = pixels.mean(axis=0), np.ptp(pixels, axis=0).max()
    edits = ('express', {'set': {'jawOpen': 0.8}}), ('pose', {'yaw': 8.0}), ('relight', {'light': 'top'})
    for command, options in edits:
        away = np.abs(changed(subject, edited(editor, subject, command, **options).image) - middle).max(axis=1)
        assert len(away) and away.max() < 1.75 * size, command


def test_weights_and_turns_are_clamped_with_a_note(editor, subject):
    assert expression.clamp_notes({'jawOpen': 1.5, 'browInnerUp': 1.0}, 0, 1) == ('jawOpen=1.5 is clamped to 1',)
    far = edited(editor, subject, 'pose', pitch=-25.0, yaw=45.0, roll=20.0)
    assert far.notes == ('pitch=-25 is clamped to -20', 'yaw=45 is clamped to 30')
    turn = far.coeff[COEFF_SLICES['angles']] - subject.coeff[COEFF_SLICES['angles']]
    np.testing.assert_allclose(np.degrees(turn), [-20, 30, 20], atol=1e-9)


def test_a_model_without_a_head_turns_less(editor, subject):
    bare = Editor(editor.model._replace(name='another'), NoDlib())
    result = edited(bare, subject, 'pose', yaw=45.0)
    assert result.notes == ('yaw=45 is clamped to 10',) and len(changed(subject, result.image))


def test_a_turned_head_turns_about_the_pivot(subject):
    from Deep3DFaceReconstruction.numpy_decoder import rotation_matrix
    coeff = expression.turned(subject.coeff, [0.3, -0.2, 0.1])
    places = [expression.PIVOT.dot(rotation_matrix(c[COEFF_SLICES['angles']])) + c[COEFF_SLICES['translation']]
              for c in (subject.coeff, coeff)]
    np.testing.assert_allclose(places[0], places[1], atol=1e-12)


def test_angles_turn_the_way_the_options_say(editor, subject):
    """Yaw moves the nose to the right of the jaw, pitch moves it down, roll lowers the image's left eye."""
    def landmarks(**options):
        coeff = edited(editor, subject, 'pose', **options).coeff
        return project(photo_camera(coeff, subject.crop.trans_params), subject.shape[editor.model.keypoints])[0]

    still, yaw, pitch, roll = (landmarks(**{name: 5.0} if name else {}) for name in ('', 'yaw', 'pitch', 'roll'))
    nose = [points[30] - points[[0, 16]].mean(axis=0) for points in (still, yaw, pitch)]
    assert nose[1][0] > nose[0][0] + 3 and nose[2][1] > nose[0][1] + 3
    assert (roll[36] - roll[45])[1] > (still[36] - still[45])[1] + 3


def test_lipstick_colours_the_lips_alone(editor, subject):
    pixels = project(photo_camera(subject.coeff, subject.crop.trans_params),
                     subject.shape[editor.model.keypoints])[0]
    mouth = pixels[48:68]
    result = edited(editor, subject, 'makeup', lips=(0, 0, 255)).image
    places = changed(subject, result)
    margin = 0.3 * np.ptp(mouth[:, 0])
    assert len(places) > 100
    assert (places > mouth.min(axis=0) - margin).all() and (places < mouth.max(axis=0) + margin).all()
    lower = np.rint(pixels[[57, 66]].mean(axis=0)).astype(int)
    assert result[lower[1], lower[0]].argmax() == 2


def test_the_texture_shows_the_edited_photo(editor, subject):
    result = edited(editor, subject, 'makeup', lips=(0, 0, 255))
    textures = [editor.texture(image, editor.look(subject)).astype(int) for image in (subject.photo, result.image)]
    bluer = (textures[1] - textures[0])[..., 2] > 20
    assert 0.0005 < bluer.mean() < 0.05


def test_a_grey_photo_stays_grey(editor, subject):
    grey = np.repeat(subject.photo.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    bgr = np.ascontiguousarray(grey[188:412, 188:412, ::-1])
    photo = subject._replace(photo=grey, name='grey', crop=subject.crop._replace(bgr=bgr))
    image = edited(editor, photo, 'express', set={'jawOpen': 0.6}).image
    assert len(changed(photo, image)) and not np.ptp(image.astype(int), axis=2).any()


def test_a_side_view_turns_little_to_the_front(editor, subject):
    side = subject._replace(coeff=expression.turned(subject.coeff, np.radians([0, -50, 0])))
    coeff, notes = commands.turned(editor, side.coeff, [0, 25, 0])
    assert notes == ('yaw=25 is clamped to 10',) and not commands.turned(editor, side.coeff, [0, -25, 0])[1]
    np.testing.assert_allclose(np.degrees(coeff[COEFF_SLICES['angles']]), [0, -40, 0], atol=1e-9)
