"""A head that turns takes ears, hair and neck along; shoulders and background stay."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import COEFF_SLICES
from Deep3DFaceReconstruction.editing import expression
from Deep3DFaceReconstruction.editing.commands import COMMANDS
from Deep3DFaceReconstruction.editing.options import EditOptions
from Deep3DFaceReconstruction.editing.rendering.head_motion import head_motion
from Deep3DFaceReconstruction.photo.camera import project
from Deep3DFaceReconstruction.surface.rasterizer import Window

ALL = Window(0, 0, 600, 600)


@pytest.fixture(scope='module')
def turn(editor, subject):
    """Function of degrees about x, y, z -> (before, after, HeadMotion)."""
    def turn(*degrees):
        coeff = expression.turned(subject.coeff, subject.coeff[COEFF_SLICES['angles']] + np.radians(degrees))
        before, after = (editor.look(subject, each, with_head=True).placed for each in (subject.coeff, coeff))
        return before, after, head_motion(before, after, editor.head.triangles, ALL)
    return turn


def test_a_head_that_does_not_turn_does_not_move(turn, subject):
    before, after, motion = turn(0, 0, 0)
    np.testing.assert_array_equal(before.head, after.head)
    assert np.abs(motion.motion).max() < 1e-3 and motion.known.mean() > 0.5


def test_what_the_photo_shows_moves_with_the_surface(turn):
    """At the places of vertices above the neck, the motion leads back to where they were; both ways of yaw."""
    for yaw in (-25, 25):
        before, after, motion = turn(0, yaw, 0)
        rigid = before.head[:, 1] > before.points[:, 1].min()
        old, new = (project(placed.camera, placed.head[rigid])[0] for placed in (before, after))
        column, row = np.rint(new).astype(int).T
        inside = ((new > 2) & (new < 597)).all(axis=1)
        column, row, old, new = column[inside], row[inside], old[inside], new[inside]
        known = motion.known[row, column] & motion.is_head[row, column]
        error = np.linalg.norm(motion.motion[row, column] - (old - new), axis=1)
        # A vertex may be behind another part of the head; the nearest ones agree with what is drawn.
        assert known.sum() > 500 and np.percentile(error[known], 25) < 1.5
        assert np.abs(old - new)[known][:, 0].max() > 20


def test_shoulders_and_background_stay(turn, editor, subject):
    before, _, motion = turn(0, 30, 0)
    low = before.head[:, 1] < before.points[:, 1].min() - 0.6
    pixels = np.rint(project(before.camera, before.head[low])[0]).astype(int)
    pixels = pixels[((pixels >= 0) & (pixels < 600)).all(axis=1)]
    drawn = motion.motion[pixels[:, 1], pixels[:, 0]]
    assert len(pixels) > 50 and np.abs(drawn[motion.known[pixels[:, 1], pixels[:, 0]]]).mean() < 1
    assert motion.known[0, ::599].all() and not motion.motion[0, ::599].any()


def test_both_sides_of_a_far_turn_are_filled_alike(editor, subject):
    """What a turn to either side reveals has the colours of skin, not of the patterned background."""
    skin = subject.photo[280:300, 280:320].astype(float).mean(axis=(0, 1))
    for yaw in (-30.0, 30.0):
        result = COMMANDS['pose'](editor, subject, EditOptions('pose', 'made.png', yaw=yaw), None)
        look = editor.look(subject, result.coeff)
        places = project(look.placed.camera, look.placed.points[editor.model.keypoints[[2, 14]]])[0]
        near = places[0 if yaw > 0 else 1]
        inwards = np.rint(near + 0.25 * (places.mean(axis=0) - near)).astype(int)
        found = result.image[inwards[1] - 4:inwards[1] + 4, inwards[0] - 4:inwards[0] + 4].reshape(-1, 3)
        assert found.std(axis=0).max() < 25 and np.abs(found.mean(axis=0) - skin).max() < 70
