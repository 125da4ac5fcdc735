"""What the converter mends of ICT-FaceKit, on the stand-in: open lips, bright nostrils, eyes that are holes."""
import os

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.conventions import COEFF_DIM
from Deep3DFaceReconstruction.face_model import eyes, named_shapes
from Deep3DFaceReconstruction.meshes.registration import sphere_fit
from tests.face_model.converters import ict_stand_in as stand_in
from tests.face_model.converters.ict_stand_in import StandIn, convert

TURN = np.array([0.3, 0, 0])  # of a look down, radians about x: +z goes to -y
WIDER = 0.1


@pytest.fixture(scope='module')
def mended(tmp_path_factory):
    """(model's arrays, FaceModel) of a stand-in of which identity000 opens the mouth and enlarges the eyes, jawOpen
    opens the mouth, and eyeLookDown turns both eyes; with bright nostrils."""
    files = StandIn()
    for name, size in (('identity000', 0.02), ('jawOpen', 0.2)):
        for row, side in ((stand_in.MOUTH_UP + 1, 1), (stand_in.MOUTH_UP - 1, -1)):
            for column in range(1 - stand_in.MOUTH_HALF, stand_in.MOUTH_HALF):
                files.moved[name][stand_in.vertex(column, row)] = files.scale * np.dot((0, side * size, 0),
                                                                                      files.rotation)
    ball = stand_in.EYE_RADIUS * stand_in.ball_points()
    turned = Rotation.from_rotvec(TURN).apply(ball) - ball
    for number, (first, last) in enumerate(stand_in.LAYOUT.eyes):
        files.moved['identity000'][first:last + 1] = files.scale * WIDER * ball.dot(files.rotation)
        for name in ('eyeLookDown_L', 'eyeLookDown_R')[number:number + 1]:
            files.moved[name][first:last + 1] = files.scale * turned.dot(files.rotation)
    files.dig_nostrils()
    root = files.write(tmp_path_factory.mktemp('ict'))
    model = convert(root, stand_in.albedo_model(eyes=True))
    return model, face_model.load_face_model(os.path.join(root, 'ict.mat'))


def _gaps(model, shape):
    marks = shape[model.keypoints]
    return marks[[61, 62, 63], 1] - marks[[67, 66, 65], 1]


def test_lips_meet_in_everybody_and_open_with_the_jaw(mended):
    _, model = mended
    assert -0.004 < _gaps(model, model.meanshape).min() and _gaps(model, model.meanshape).max() < 0
    assert np.abs(_gaps(model, model.id_base[:, 0].reshape(-1, 3))).max() < 2e-3
    opened = model.ex_base[:, stand_in.NAMES.index('jawOpen')].reshape(-1, 3)
    assert _gaps(model, opened).min() > 0.2 * 0.25 / 2


def test_nostrils_are_dark_and_nothing_else_is(mended):
    _, model = mended
    place = model.meanshape[:, :2]
    expected = np.stack([100 + 60 * place[:, 0], 120 + 50 * place[:, 1], 90 + 20 * place[:, 0]], axis=1)
    light = (model.meantex / expected).mean(axis=1)
    skin = (model.part == 0) & ~stand_in.in_lips(place)
    deep = skin & np.isin(np.arange(len(skin)), stand_in.in_model([stand_in.vertex(*step)
                                                                   for step in stand_in.NOSTRILS]))
    assert deep.sum() == 4 and light[deep].max() < 0.6
    middle = stand_in.STEP * np.array([[-2, -2.5], [2, -2.5]])
    away = skin & (np.linalg.norm(place[:, None] - middle, axis=2).min(axis=1) > 0.12)
    assert np.quantile(np.abs(light[away] - 1), 0.99) < 0.1
    assert not model.skinmask[deep].any()


def test_eyeballs_lie_behind_the_lids_and_have_the_colours_of_the_source(mended):
    arrays, model = mended
    for number, centre in zip((2, 3), stand_in.EYE_CENTRES):
        ball = np.flatnonzero(model.part == number)
        found, radius = sphere_fit(model.meanshape[ball])
        np.testing.assert_allclose(found, centre, atol=0.04)
        away = model.meanshape[ball] - found
        np.testing.assert_allclose(np.linalg.norm(away, axis=1), radius, atol=1e-4)
        assert radius == pytest.approx(stand_in.EYE_RADIUS, rel=0.05)
        # The source's balls are a tenth larger; near the line of sight the same distance from it has the same colour.
        across = np.linalg.norm(away[:, :2], axis=1)
        seen = (away[:, 2] > 0) & (across < 0.08)
        depth = np.sqrt(1 - (across[seen] / (1.1 * stand_in.EYE_RADIUS)) ** 2)
        np.testing.assert_allclose(model.meantex[ball[seen], 0], np.interp(depth, [-1, 1], [250, 10]), atol=6)
        assert not model.skinmask[ball].any()
    region = model.part[model.region_triangles]
    assert (np.ptp(region, axis=1) == 0).all() and set(region[:, 0]) == {0, 2, 3}
    centre, radius = sphere_fit(model.meanshape[model.part == 2])
    facing = model.meanshape[model.region_triangles[region[:, 0] == 2]] - centre
    assert facing[..., 2].min() > 0.49 * radius
    corners = model.meanshape[model.triangles[(model.part[model.triangles] == 2).all(axis=1)]] - centre
    assert ((np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) * corners[:, 0]).sum(axis=1)
            > 0).all()
    assert arrays['part'].shape == (1, len(model.meanshape))


def test_eyeballs_grow_with_identity_and_turn_with_the_gaze_alone(mended):
    arrays, model = mended
    balls = eyes.eyes_of(model)
    ball = balls.eyeballs[0]
    centre, radius = sphere_fit(model.meanshape[ball.vertices])
    grown = model.meanshape[ball.vertices] + model.id_base[:, 0].reshape(-1, 3)[ball.vertices]
    assert sphere_fit(grown)[1] == pytest.approx((1 + WIDER) * radius, rel=1e-3)
    np.testing.assert_allclose(sphere_fit(grown)[0], centre, atol=1e-3)
    assert not model.ex_base.reshape(len(model.part), 3, -1)[model.part > 0].any()

    state = eyes.EyeState(np.array([[0.2, -0.1], [0.2, -0.1]]), np.zeros(2))
    shape = model.meanshape + balls.offset(np.zeros(COEFF_DIM), state)
    moved, before = shape[ball.vertices] - centre, model.meanshape[ball.vertices] - centre
    pupil = before[:, 2].argmax()
    np.testing.assert_allclose(eyes.angles(moved[pupil]) - eyes.angles(before[pupil]), [0.2, -0.1], atol=0.02)


def test_looks_turn_the_eyeballs_as_the_files_do(mended):
    arrays, model = mended
    assert arrays['exEyeTurns'].shape == (len(stand_in.NAMES), 6)
    named = named_shapes.load_named_shapes(model)
    right, left = eyes.eyes_of(model).eyeballs
    for name, ball, other in (('eyeLookDownLeft', left, right), ('eyeLookDownRight', right, left)):
        move = named.moves[named.names.index(name)]
        np.testing.assert_allclose(ball.turn(model.meanshape, move), [0, -np.linalg.norm(TURN)], atol=0.01)
        assert np.abs(move[other.vertices]).max() < 1e-4


def test_eyeballs_elsewhere_are_refused(tmp_path):
    files = StandIn()
    first, last = stand_in.LAYOUT.eyes[0]
    files.neutral[first:last + 1] += files.scale * np.dot([0, 0.3, 0], files.rotation)
    with pytest.raises(face_model.FaceModelError, match=r'generic_neutral_mesh.obj: expected the left eyeball behind '
                                                        r'its lids, got its centre -?0.0\d, 0.\d\d, -0.\d\d dm away'):
        convert(files.write(tmp_path), stand_in.albedo_model(eyes=True))
