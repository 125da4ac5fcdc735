"""The named shapes: anatomy of the open model's 52, what they cost, and the way to coefficients and back."""
import numpy as np
import pytest

from Deep3DFaceReconstruction import face_model
from Deep3DFaceReconstruction.conventions import CAMERA_DISTANCE, FOCAL
from Deep3DFaceReconstruction.errors import AssetError, FaceModelError, InputError
from Deep3DFaceReconstruction.face_model import arkit, named_shapes, open_model
from Deep3DFaceReconstruction.face_model.converters import ict_facekit
from Deep3DFaceReconstruction.face_model.named_shapes import ExpressionMap, NamedShapes
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.tf1 import tf
from mesh_renderer import rasterize_triangles
from tests.face_model.converters import ict_stand_in as stand_in

SKIN, MOUTH, RIGHT_EYE, LEFT_EYE, TEETH = range(5)
UPPER_LIP, LOWER_LIP = [61, 62, 63], [67, 66, 65]
EYES = {'Right': ([37, 38], [41, 40]), 'Left': ([43, 44], [47, 46])}
# Heights of landmarks, dm: those of lips that are rolled in lie behind the seam, where the lips press together.
LIP_SLACK, LID_SLACK = 0.025, 0.006
PAIRS = [('eyeBlink%s', 'eyeSquint%s'), ('eyeBlink%s', 'cheekSquint%s'), ('eyeBlink%s', 'eyeLookDown%s'),
         ('eyeBlink%s', 'mouthSmile%s'), ('eyeSquint%s', 'cheekSquint%s'), ('mouthRollUpper', 'mouthRollLower'),
         ('mouthShrugUpper', 'mouthShrugLower'), ('mouthSmileLeft', 'mouthSmileRight'), ('jawOpen', 'mouthClose'),
         ('mouthPressLeft', 'mouthPressRight'), ('mouthFunnel', 'mouthPucker'), ('mouthFrownLeft', 'mouthFrownRight')]


@pytest.fixture(scope='module')
def model():
    return face_model.load_face_model(assets.OPEN_MODEL)


@pytest.fixture(scope='module')
def part():
    return open_model.load_open_model()['part'].ravel().astype(int)


@pytest.fixture(scope='module')
def named(model):
    return named_shapes.load_named_shapes(model)


def _shape(model, named, *names):
    return model.meanshape + named.offset(named.weights({name: 1.0 for name in names}))


def _gaps(points, above, below):
    return points[above, 1] - points[below, 1]


def test_the_open_model_has_arkits_52_shapes_and_no_tongue(named, model):
    assert named.names == arkit.NAMES and len(set(arkit.NAMES)) == 52
    assert named.moves.shape == (52,) + model.meanshape.shape
    still = [name for name, move in zip(named.names, named.moves) if not move.any()]
    assert still == ['tongueOut']


def test_left_and_right_shapes_mirror_each_other(named, model):
    for left in (name for name in named.names if name.endswith('Left') and name[:-4] + 'Right' in named.names):
        one, other = (named.moves[named.names.index(name)] for name in (left, left[:-4] + 'Right'))
        one, other = (np.linalg.norm(move) for move in (one, other))
        assert one == pytest.approx(other, rel=0.05), left


def test_no_shape_alone_and_no_common_pair_crosses_lips_or_lids(named, model):
    keypoints = model.keypoints
    rest = model.meanshape[keypoints]
    combinations = [(name,) for name in named.names]
    combinations += sorted({(one.replace('%s', side), other.replace('%s', side))
                            for one, other in PAIRS for side in EYES})
    for names in combinations:
        points = _shape(model, named, *names)[keypoints]
        least = min(_gaps(rest, UPPER_LIP, LOWER_LIP).min(), 0)  # the landmarks may lie a little outside of the seam
        assert _gaps(points, UPPER_LIP, LOWER_LIP).min() > least - LIP_SLACK, names
        for above, below in EYES.values():
            assert _gaps(points, above, below).min() > -LID_SLACK, names


def test_a_blink_closes_the_eye_and_hides_the_eyeball(named, model, part):
    shapes = np.stack([model.meanshape] + [_shape(model, named, 'eyeBlink' + side) for side in ('Left', 'Right')])
    seen = part[model.triangles[:, 0]][_visible_triangles(model, shapes)]
    for row, side, eye in ((1, 'Left', LEFT_EYE), (2, 'Right', RIGHT_EYE)):
        gap, open_gap = (_gaps(shape[model.keypoints], *EYES[side]) for shape in (shapes[row], shapes[0]))
        assert (np.abs(gap) < 0.1 * open_gap).all()
        assert (seen[0] == eye).sum() > 300 and (seen[row] == eye).sum() < 0.01 * (seen[0] == eye).sum()


def _visible_triangles(model, shapes):
    """[S,448,448] the triangle that each pixel shows, 0 also where none is, of shapes [S,N,3] seen from the front."""
    with tf.Graph().as_default(), tf.Session() as session:
        depth = CAMERA_DISTANCE - shapes[:, :, 2:]
        clip = np.concatenate([FOCAL / 112.0 * shapes[:, :, :2], depth - 2, depth], axis=2)
        return session.run(rasterize_triangles.rasterize_triangles(
            tf.constant(clip, tf.float32), model.triangles, 448, 448)[1])


def test_the_lower_teeth_follow_the_jaw_and_the_upper_do_not(named, model, part):
    move = named.moves[named.names.index('jawOpen')][part == TEETH]
    height = model.meanshape[part == TEETH][:, 1]
    assert np.abs(move[height > -0.29]).max() == 0
    assert move[height < -0.44][:, 1].max() < -0.08 and move[height < -0.44][:, 1].min() < -0.25


@pytest.mark.parametrize('name, axis, sign', [('eyeLookUpLeft', 1, 1), ('eyeLookDownLeft', 1, -1),
                                              ('eyeLookInLeft', 0, -1), ('eyeLookOutLeft', 0, 1)])
def test_the_eyeball_turns_with_the_gaze(named, model, part, name, axis, sign):
    ball = model.meanshape[part == LEFT_EYE]
    move = named.moves[named.names.index(name)][part == LEFT_EYE]
    foremost = ball[:, 2].argmax()
    assert sign * move[foremost, axis] > 0.02
    assert np.abs(named.moves[named.names.index(name)][part == RIGHT_EYE]).max() < 1e-6


def test_weights_are_checked_and_clamped(named):
    weights = named.weights({'jawOpen': 0.3, 'mouthClose': 0.8, 'browInnerUp': 2.0, 'cheekPuff': -1})
    assert [weights[named.names.index(name)] for name in ('jawOpen', 'mouthClose', 'browInnerUp', 'cheekPuff')] == [
        0.3, 0.3, 1.0, 0.0]
    with pytest.raises(InputError, match=r'--set: expected the name of a shape, such as browDownLeft.*got jawopen'):
        named.weights({'jawopen': 1}, '--set')
    with pytest.raises(InputError, match='expected a number from 0 to 1 for jawOpen, got nan'):
        named.weights({'jawOpen': float('nan')})


def test_a_pair_adds_its_correction_at_the_product_of_its_weights(named):
    one, other = named.pairs[0]
    weights = np.zeros(len(named.names))
    weights[[one, other]] = 0.5, 0.8
    expected = 0.5 * named.moves[one] + 0.8 * named.moves[other] + 0.4 * named.corrections[0]
    np.testing.assert_allclose(named.offset(weights), expected, atol=1e-6)


# ---- coefficients and weights

def _toy(random, count=40):
    """A model and shapes of `count` vertices whose expression basis spans the shapes exactly."""
    names = ('jawOpen', 'mouthClose', 'mouthPucker', 'tongueOut')
    moves = random.randn(4, count, 3)
    moves[3] = 0
    base = np.zeros((3 * count, 64), np.float32)
    base[:, :3] = np.einsum('ij,jn->ni', random.randn(3, 3), moves[:3].reshape(3, -1))

    class Model:
        ex_base = base
        ex_lower = np.full(64, -np.inf, np.float32)
    return Model, NamedShapes(names, moves.astype(np.float32), np.zeros((0, 2), int), np.zeros((0, count, 3)))


def test_weights_come_back_from_the_coefficients_that_they_make():
    model, named = _toy(np.random.RandomState(0))
    to = ExpressionMap(model, named)
    true = np.array([[0.8, 0.5, 0.0, 0.0], [0.3, 0.0, 0.9, 0.0], [0.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(to.weights(to.coefficients(true)), true, atol=0.05)
    assert to.weights(to.coefficients(true))[2].max() == 0


def test_coefficients_stay_above_the_bound_of_the_model():
    model, named = _toy(np.random.RandomState(0))
    weights = np.random.RandomState(1).rand(20, 4)
    free = ExpressionMap(model, named).coefficients(weights)
    model.ex_lower = np.where(np.arange(64) < 2, 0, -np.inf)
    bounded = ExpressionMap(model, named).coefficients(weights)
    assert free[:, :2].min() < 0
    np.testing.assert_array_equal(bounded, np.maximum(free, model.ex_lower))


def test_closing_the_mouth_never_exceeds_opening_the_jaw():
    random = np.random.RandomState(1)
    model, named = _toy(random)
    weights = ExpressionMap(model, named).weights(random.randn(50, 64))
    assert (weights[:, 1] <= weights[:, 0] + 1e-9).all()
    assert weights.min() >= 0 and weights.max() <= 1


def test_weights_are_the_minimum_of_the_stated_cost(named, model):
    """Karush-Kuhn-Tucker: no descent direction is left among the allowed ones."""
    coefficients = np.random.RandomState(2).randn(4, 64)
    moves = named.moves.reshape(52, -1).astype(np.float64)
    gram = moves.dot(moves.T)
    closing, opening = named.names.index('mouthClose'), named.names.index('jawOpen')
    for row, weights in zip(coefficients, ExpressionMap(model, named).weights(coefficients)):
        gradient = gram.dot(weights) - moves.dot(model.ex_base.astype(np.float64).dot(row))
        gradient += named_shapes.SPARSITY * np.diag(gram)
        both = gram[closing, closing] + 2 * gram[closing, opening] + gram[opening, opening]
        gradient[closing] += gradient[opening] + named_shapes.SPARSITY * (both - gram[opening, opening]
                                                                          - gram[closing, closing])
        slope = gradient / np.where(np.diag(gram) > 0, np.diag(gram), 1)
        full, none = weights > 1 - 1e-6, weights < 1e-6
        assert (slope[~full] > -1e-3).all() and (slope[full] < 1e-3).all()
        used = ~full & ~none & (np.arange(52) != opening)
        assert np.abs(slope[used]).max() < 1e-3
        assert 0 < used.sum() < 30


def test_loading_the_model_does_not_read_the_named_shapes(tmp_path):
    with np.load(assets.OPEN_MODEL) as archive:
        kept = {key: archive[key] for key in archive.files if not key.startswith('named')}
    path = str(tmp_path / 'old.npz')
    np.savez(path, **kept)
    model = face_model.load_face_model(path)
    with pytest.raises(AssetError, match=r'old\.npz: expected the open face model, got a file without named, named_'):
        named_shapes.load_named_shapes(model)


def test_ict_facekits_names_are_mapped_to_arkits(tmp_path):
    files = stand_in.StandIn()
    for name in ('browInnerUp_L', 'browInnerUp_R', 'eyeBlink_L', 'jawOpen'):
        files.moved[name][stand_in.vertex(len(name), 5)] = files.scale * np.array([0, 0.1, 0]).dot(files.rotation)
    path = str(tmp_path / 'ict.mat')
    ict_facekit.convert(files.write(tmp_path), path, stand_in.albedo_model(), layout=stand_in.LAYOUT)
    model = face_model.load_face_model(path)
    named = named_shapes.load_named_shapes(model)
    assert named.names == tuple(name for name in arkit.NAMES if name != 'tongueOut')
    own = sorted(ict_facekit.EXPRESSIONS)
    for name, sources in (('browInnerUp', ['browInnerUp_L', 'browInnerUp_R']), ('eyeBlinkLeft', ['eyeBlink_L'])):
        expected = 4 * sum(model.ex_base[:, own.index(source)] for source in sources)
        np.testing.assert_allclose(named.moves[named.names.index(name)].ravel(), expected, atol=1e-6)
    weights = ExpressionMap(model, named).weights(np.eye(64)[own.index('eyeBlink_L')] * 2.0)[0]
    assert weights[named.names.index('eyeBlinkLeft')] == pytest.approx(0.5, abs=0.03)


def test_a_model_without_names_says_so(tmp_path):
    path = str(tmp_path / 'plain.mat')
    open_model.write_open_model_front(path)
    with pytest.raises(FaceModelError, match=r'plain\.mat: expected a face model with named shapes .* got one without'):
        named_shapes.load_named_shapes(face_model.load_face_model(path))
