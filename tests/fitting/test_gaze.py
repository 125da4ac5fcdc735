"""Gaze and closed lids of rendered eyes whose truth is known exactly."""
import numpy as np
import pytest

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES
from Deep3DFaceReconstruction.face_decoder import Face3D
from Deep3DFaceReconstruction.face_model.eyes import EyeState, direction
from Deep3DFaceReconstruction.fitting import dense_points
from Deep3DFaceReconstruction.fitting.gaze import GazeFinder
from Deep3DFaceReconstruction.graph_function import GraphFunction
from Deep3DFaceReconstruction.numpy_decoder import project, rotation_matrix
from Deep3DFaceReconstruction.photo.crops import FaceCrop
from Deep3DFaceReconstruction.tf1 import tf
from tests.face_model.tiny_model import tiny_model

# The face mesh's numbers of a lid's points, in the order of the iris network: lower lid, upper lid.
_LIDS = ([33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173],
         [263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398])


@pytest.fixture(scope='module')
def finder(open_model):
    return GazeFinder(open_model)


@pytest.fixture(scope='module')
def draw(open_model):
    """Function of coefficients [257] and an offset [N,3]: the crop [224,224,3] uint8 BGR on grey."""
    def build():
        face3d = Face3D(open_model)
        coeff = tf.placeholder(tf.float32, [1, COEFF_DIM])
        offset = tf.placeholder(tf.float32, [1, len(open_model.meanshape), 3])
        geometry = face3d.Geometry_block(coeff, offset)
        return {'coeff': coeff, 'offset': offset}, face3d.Render_block(geometry.face_shape_t, geometry.face_color)[0]

    with GraphFunction(build) as render:
        def image(coeff, offset):
            rgba = render(coeff=coeff[None], offset=offset[None])[0]
            return np.rint(np.where(rgba[..., 3:] > 0, rgba[..., :3], 90)[:, :, ::-1]).astype(np.uint8)
        yield image


def face(yaw):
    coeff = np.zeros(COEFF_DIM, np.float32)
    coeff[:80] = 0.6 * np.random.RandomState(2).randn(80)
    coeff[COEFF_SLICES['angles']] = 0.05, yaw, 0.04
    return coeff


def seen_points(model, finder, coeff, state):
    """(irises [10,2], lids [2,16,2]) of a face, as the networks mark them; of irises the centres alone."""
    rotation, shift = rotation_matrix(coeff[224:227]), coeff[254:257]
    places = finder.eyes.places(coeff)
    pupils = places.centers + places.radii[:, None] * direction(np.nan_to_num(state.gaze))
    vertices, weights = dense_points.dense_places(model)
    rows = np.concatenate(_LIDS)
    points = dense_points.point_set(model, vertices[rows], weights[rows])
    lids = points.mean + points.base.dot(coeff[:144])
    blink = finder.eyes.offset(coeff, EyeState(np.full([2, 2], np.nan), state.blink))
    lids += np.einsum('kn,knc->kc', weights[rows], blink[vertices[rows]])
    return (np.repeat(project(pupils.dot(rotation) + shift), 5, axis=0),
            project(lids.dot(rotation) + shift).reshape(2, 16, 2))


@pytest.mark.parametrize('yaw', [0.0, 0.35])
@pytest.mark.parametrize('gaze', [(0.0, 0.0), (0.35, -0.1), (-0.3, 0.15)])
def test_gaze_is_found_within_five_degrees(open_model, finder, draw, yaw, gaze):
    coeff, state = face(yaw), EyeState(np.array([gaze, gaze]), np.zeros(2))
    irises, lids = seen_points(open_model, finder, coeff, state)
    found = finder.find(draw(coeff, finder.eyes.offset(coeff, state)), irises, lids, finder.seen(coeff))
    np.testing.assert_allclose(np.degrees(found.gaze), np.degrees(state.gaze), atol=5)
    assert not found.blink.any()


def test_closed_lids_close_the_mesh_and_have_no_gaze(open_model, finder, draw):
    coeff = face(0.1)
    shut = finder.eyes.places(coeff).openings / finder.eyes.blink_openings()
    state = EyeState(np.zeros([2, 2]), shut * [1, 0])  # the right eye winks
    irises, lids = seen_points(open_model, finder, coeff, state)
    found = finder.find(draw(coeff, finder.eyes.offset(coeff, state)), irises, lids, finder.seen(coeff))
    np.testing.assert_allclose(found.blink, state.blink, atol=1e-6)
    assert np.isnan(found.gaze[0]).all() and np.isfinite(found.gaze[1]).all()


def test_the_far_eye_of_a_profile_and_one_beyond_the_edge_are_not_known(open_model, finder, draw):
    straight = EyeState(np.zeros([2, 2]), np.zeros(2))
    for coeff, in_photo, known in ((face(1.0), (True, True), [True, False]), (face(0.0), (False, True), [False, True])):
        irises, lids = seen_points(open_model, finder, coeff, straight)
        image = draw(coeff, finder.eyes.offset(coeff, straight))
        found = finder.find(image, irises, lids, finder.seen(coeff), in_photo)
        assert np.isfinite(found.gaze).all(axis=1).tolist() == known


def test_an_eye_behind_a_dark_lens_is_not_known(open_model, finder, draw):
    coeff, straight = face(0.0), EyeState(np.zeros([2, 2]), np.zeros(2))
    irises, lids = seen_points(open_model, finder, coeff, straight)
    image = draw(coeff, finder.eyes.offset(coeff, straight))
    column, row = np.rint([irises[0, 0], 224 - irises[0, 1]]).astype(int)
    image[row - 16:row + 16, column - 22:column + 22] = 14
    found = finder.find(image, irises, lids, finder.seen(coeff))
    assert np.isnan(found.gaze[0]).all()
    np.testing.assert_allclose(np.degrees(found.gaze[1]), 0, atol=5)


def test_without_eyeballs_or_an_iris_network_nothing_is_known(finder):
    crop = FaceCrop('a', 'a.png', (224, 224), 1, np.zeros([224, 224, 3], np.uint8), np.zeros([224, 224], np.uint8),
                    np.zeros([5, 2]), None, None, np.array([224, 224, 1, 112, 112.0]))
    plain = GazeFinder(face_model.from_mat_dict(tiny_model()))
    irises, lids = np.zeros([10, 2]), np.zeros([2, 16, 2])
    for state in (finder.of(crop, np.zeros(257)), plain.of(crop._replace(irises=irises, lids=lids), np.zeros(257))):
        assert np.isnan(state.gaze).all() and not state.blink.any()
