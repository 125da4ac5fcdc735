"""Frames of a face model with one-sided expressions, as ICT-FaceKit has it: no coefficient falls below its bound."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.conventions import EX_DIM
from Deep3DFaceReconstruction.face_model import load_face_model, open_model
from Deep3DFaceReconstruction.face_model.converters import ict_facekit
from Deep3DFaceReconstruction.motion import frame_fit
from Deep3DFaceReconstruction.motion.dlib_reader import DlibReader
from Deep3DFaceReconstruction.motion.frame_fit import EXPRESSION
from Deep3DFaceReconstruction.numpy_decoder import project
from tests.face_model.converters import shaped_faces
from tests.face_model.converters.real_face import real_face

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def points(tmp_path_factory):
    """The frame_fit.ModelPoints of the stand-in."""
    folder, face = tmp_path_factory.mktemp('ict'), real_face(with_names=True)
    path = str(folder / 'ict.mat')
    ict_facekit.convert(shaped_faces.write_ict(face, str(folder)), path, open_model.load_open_model(),
                        layout=shaped_faces.ict_layout(face))
    return DlibReader().on_model(load_face_model(path))


def _clip(points, count=6):
    """Landmarks [68,2] with an error of a pixel, and the states that made them, each with a few expressions."""
    random, term = np.random.RandomState(4), frame_fit.LandmarkTerm(points, points.noise)
    states = np.concatenate([0.15 * random.randn(count, 3), 0.1 * random.randn(count, 3),
                             random.rand(count, EX_DIM) * (random.rand(count, EX_DIM) < 0.1)], axis=1)
    goals = [project(term.shape(points.mean, state)[1]) + random.randn(68, 2) for state in states]
    return states, goals


def test_frames_and_what_they_share_stay_within_the_bounds(points):
    states, goals = _clip(points)
    assert (points.lower >= 0).sum() > 40
    bounded, free = (frame_fit.FrameFit(some) for some in (points, points._replace(lower=None)))
    found, loose = ([fit.fit(points.mean, goal).state for goal in goals] for fit in (bounded, free))
    assert min(state[EXPRESSION].min() for state in loose) < -0.05
    assert all((state[EXPRESSION] >= points.lower).all() for state in found)
    errors = [np.abs(np.array(some)[:, EXPRESSION] - states[:, EXPRESSION]).mean() for some in (found, loose)]
    assert errors[0] < errors[1]
    _, joint = frame_fit.joint_identity(bounded.landmarks, goals, found, np.zeros(80))
    assert all((state[EXPRESSION] >= points.lower).all() for state in joint)


def test_what_a_smoother_swings_below_is_raised(points):
    swung = np.linspace(-1, 1, EX_DIM)
    np.testing.assert_array_equal(frame_fit.LandmarkTerm(points, points.noise).within(swung),
                                  np.maximum(swung, points.lower))
