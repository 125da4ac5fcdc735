"""The head as a layer: what is behind it stays, what it uncovers is continued, its outline is the photo's."""
import cv2
import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.editing import expression
from Deep3DFaceReconstruction.editing.rendering.head_layer import person_matte
from Deep3DFaceReconstruction.editing.rendering.reflection import reflected
from Deep3DFaceReconstruction.surface.rasterizer import rasterize

SIDE = 240
ROWS, COLUMNS = np.indices([SIDE, SIDE]).astype(np.float32)


def test_reflection_continues_stripes_and_leaves_the_known_alone():
    stripes = np.repeat(np.float32(100 + 50 * np.sin(ROWS / 4))[:, :, np.newaxis], 3, axis=2)
    unknown = np.abs(COLUMNS - 120) < 30
    hidden = np.where(unknown[:, :, np.newaxis], np.float32(0), stripes)
    result = reflected(hidden, unknown, 50.0)
    np.testing.assert_array_equal(result[~unknown], stripes[~unknown])
    assert np.abs(result - stripes)[:, 92:148].mean() < 3
    np.testing.assert_array_equal(reflected(stripes, unknown & False, 50.0), stripes)


def test_reflection_takes_nothing_from_the_margin():
    """Strands of hair around the head are not mirrored into the background."""
    unknown = np.hypot(ROWS - 120, COLUMNS - 120) < 40
    image = np.full([SIDE, SIDE, 1], 200, np.float32)
    image[(np.hypot(ROWS - 120, COLUMNS - 120) < 45)] = 20
    assert reflected(image, unknown, 30.0, 10.0)[unknown].min() > 190
    assert reflected(image, unknown, 30.0)[unknown].min() < 60


def test_the_matte_follows_the_photos_outline_beyond_the_model():
    """Hair that stands off from the model's head belongs to the person, the background does not."""
    random = np.random.RandomState(0)
    photo = np.uint8([60, 110, 160] + random.randint(-15, 15, [SIDE, SIDE, 3]))
    hair = np.hypot(ROWS - 100, COLUMNS - 120) < 72
    body = (np.hypot(ROWS - 110, COLUMNS - 120) < 55) | ((ROWS > 140) & (np.abs(COLUMNS - 120) < 30))
    face = np.hypot(ROWS - 120, COLUMNS - 120) < 45
    photo[hair] = [70, 45, 25] + random.randint(-15, 15, [hair.sum(), 3])
    photo[body & (ROWS > 110)] = [200, 150, 130]
    matte = person_matte(photo, body, face)
    person = hair | body
    inside = cv2.erode(np.uint8(person), np.ones([9, 9])) > 0
    outside = cv2.dilate(np.uint8(person), np.ones([17, 17])) == 0
    assert matte[inside].mean() > 0.97 and matte[outside].mean() < 0.02


def test_the_background_of_a_turned_head_is_the_photos(editor, subject):
    """Stripes behind a head that is tilted stay straight: nothing changes but the head and what was behind it."""
    placed = editor.look(subject, with_head=True).placed
    face, head = (rasterize(placed.camera, points, points, triangles).triangle_ids[:, :, np.newaxis] >= 0
                  for points, triangles in ((placed.points, editor.model.triangles),
                                            (placed.head, editor.head.triangles)))
    stripes = np.broadcast_to(np.uint8(150 + 40 * np.sin(np.arange(600) / 9.0))[:, np.newaxis], [600, 600, 3])
    photo = np.where(face, subject.photo, np.where(head, np.uint8([50, 20, 10]), stripes))
    coeff = expression.turned(subject.coeff, subject.coeff[COEFF_SLICES['angles']] + np.radians([0, 0, 15]))
    image, motion = editor.redraw(subject._replace(photo=photo), coeff)
    changed = (image != photo).any(axis=2)[motion.window.slices]
    head = motion.face | motion.old_face | motion.head.is_head | motion.head.was_head
    assert changed[motion.face].mean() > 0.9
    assert not changed[cv2.dilate(np.uint8(head), np.ones([61, 61])) == 0].any()
