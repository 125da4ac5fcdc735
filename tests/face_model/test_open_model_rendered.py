"""Faces of the open model as the renderer shows them: eyeballs behind their lids, no holes, landmarks in place."""
import numpy as np
import pytest
import scipy.ndimage

from Deep3DFaceReconstruction.conventions import COEFF_DIM, COEFF_SLICES, FOCAL
from Deep3DFaceReconstruction.system import assets
from tests.face_model.open_shape import LEFT_EYE, RIGHT_EYE, SKIN, lip_gap, shape_of


class _Renderer:
    """coeff [B,257] -> pictures, and which triangles they show."""

    def __init__(self, model):
        from Deep3DFaceReconstruction.face_decoder import Face3D
        from Deep3DFaceReconstruction.tf1 import tf
        from mesh_renderer import rasterize_triangles
        with tf.Graph().as_default() as graph:
            self._coeff = tf.placeholder(tf.float32, [None, COEFF_DIM])
            face = Face3D(model, 448)
            geometry = face.Geometry_block(self._coeff)
            self._image = face.Render_block(geometry.face_shape_t, geometry.face_color)[0]
            depth = 10 - geometry.face_shape_t[:, :, 2:]
            pixel = FOCAL / 112.0 * geometry.face_shape_t[:, :, :2]
            clip = tf.concat([pixel, depth * (1 - 2 / depth), depth], axis=2)
            self._ids = rasterize_triangles.rasterize_triangles(clip, model.triangles, 448, 448)[1]
            self._session = tf.Session(graph=graph, config=tf.ConfigProto(intra_op_parallelism_threads=2))

    def __call__(self, coeff):
        """RGBA [B,448,448,4]."""
        return self._session.run(self._image, {self._coeff: coeff})

    def visible_triangles(self, coeff):
        """Sorted numbers of the triangles that some pixel shows (0 among them, for the background)."""
        return np.unique(self._session.run(self._ids, {self._coeff: coeff}))

    def close(self):
        self._session.close()


@pytest.fixture(scope='module')
def render(open_face):
    renderer = _Renderer(open_face)
    yield renderer
    renderer.close()


def _coefficients(count, **parts):
    coeff = np.zeros((count, COEFF_DIM), np.float32)
    for name, value in parts.items():
        coeff[:, COEFF_SLICES[name]] = value
    return coeff


def _eyeball(shape):
    """Centre and radius of the sphere through the front of an eye's dome [n,3]."""
    front = shape[shape[:, 2] > np.median(shape[:, 2])]
    system = np.concatenate([2 * front, np.ones((len(front), 1))], axis=1)
    solution = np.linalg.lstsq(system, (front ** 2).sum(axis=1), rcond=None)[0]
    return solution[:3], np.sqrt(solution[3] + (solution[:3] ** 2).sum())


def test_lids_stay_in_front_of_the_eyeballs_and_neutral_lips_closed(open_face, open_part, render):
    """On faces drawn from the model, coefficients within two deviations: what is visible of the mean's lids."""
    mean = shape_of(open_face)
    visible = np.zeros(len(mean), bool)
    visible[open_face.triangles[render.visible_triangles(_coefficients(1))]] = True
    visible &= open_part == SKIN
    lids = {}
    for eye in (RIGHT_EYE, LEFT_EYE):
        center, radius = _eyeball(mean[open_part == eye])
        lids[eye] = visible & (np.linalg.norm(mean - center, axis=1) < 1.5 * radius)
        assert lids[eye].sum() > 300
    random = np.random.RandomState(5)
    for _ in range(40):
        alpha, beta = (np.clip(random.randn(size), -2, 2) for size in (80, 64))
        neutral, moved = shape_of(open_face, alpha), shape_of(open_face, alpha, beta)
        assert np.abs(lip_gap(neutral[open_face.keypoints])).max() < 0.045
        assert lip_gap(moved[open_face.keypoints]).min() > -0.15, 'the lips cross'
        for shape in (neutral, moved):
            for eye in (RIGHT_EYE, LEFT_EYE):
                center, radius = _eyeball(shape[open_part == eye])
                assert np.linalg.norm(shape[lids[eye]] - center, axis=1).min() > radius, 'an eye pokes out'


def test_no_background_shines_through(render):
    random = np.random.RandomState(3)
    coeff = _coefficients(6, id=np.clip(random.randn(6, 80), -2, 2), ex=np.clip(random.randn(6, 64), -2, 2))
    coeff[:, COEFF_SLICES['angles'].start + 1] = np.radians([0, 0, 40, -40, 20, -20])
    for picture in render(coeff):
        mask = picture[:, :, 3] > 0
        holes = scipy.ndimage.binary_fill_holes(mask) & ~mask
        assert mask.sum() > 40000 and holes.sum() <= 3


@pytest.mark.slow
def test_dlib_sees_the_landmarks_where_they_are(open_face, render):
    """dlib's predictor on the rendered mean face. Its jaw line is the outline in the image, ours lies on the head."""
    dlib = pytest.importorskip('dlib')
    predictor = dlib.shape_predictor(assets.dlib_model('shape_predictor_68_face_landmarks.dat'))
    # Light from the front and a little from above.
    gamma = np.tile([0.1, -0.1, 0.24, 0, 0, 0, 0, 0, 0], 3)
    picture = render(_coefficients(1, gamma=gamma))[0]
    image = np.where(picture[:, :, 3:] > 0, picture[:, :, :3], 128).astype(np.uint8)
    boxes = dlib.get_frontal_face_detector()(image, 1)
    assert len(boxes) == 1, 'no face, or more than one'
    seen = np.array([(p.x, p.y) for p in predictor(image, boxes[0]).parts()]) / 2.0
    landmarks = shape_of(open_face)[open_face.keypoints]
    pixels = FOCAL * landmarks[:, :2] / (10 - landmarks[:, 2:]) + 112
    distance = np.linalg.norm(seen - np.stack([pixels[:, 0], 223 - pixels[:, 1]], axis=1), axis=1)
    assert distance[27:].mean() < 1.8
    # The brow points are where the published ones are, not where this face's brows are painted.
    assert distance[17:27].mean() < 6.0
