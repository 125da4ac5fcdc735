"""How open a surface lies: a plain, a pit in it."""
import numpy as np

from Deep3DFaceReconstruction.face_model.converters import openness

STEP, SIZE = 0.01, 60


def _pit(depth, radius):
    """A plain [N,3] that faces +y, with a round pit of steep walls in its middle."""
    x, z = np.meshgrid(STEP * (np.arange(SIZE) - SIZE / 2), STEP * (np.arange(SIZE) - SIZE / 2))
    y = -depth * (np.hypot(x, z) < radius)
    index = np.arange(SIZE * SIZE).reshape(SIZE, SIZE)
    quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=2).reshape(-1, 4)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return np.stack([x, y, z], axis=2).reshape(-1, 3), triangles


def test_a_plain_is_open_and_a_pit_the_less_the_deeper_it_is():
    middle = SIZE // 2 * SIZE + SIZE // 2
    open_share = []
    for depth in (0.0, 0.06, 0.1, 0.15, 0.4):
        vertices, triangles = _pit(depth, 0.06)
        open_share.append(openness.openness(vertices, triangles, np.array([middle, 3 * SIZE + 3])))
    found, beside = np.transpose(open_share)
    assert found[0] == 1 and (np.diff(found) < -0.04).all() and found[-1] < 0.1
    assert beside.min() > 0.97
    # Seen from the bottom, light comes through a disk: its share of the cosine-weighted sky within 60 degrees.
    disk = np.sin(np.arctan(0.06 / np.array([0.06, 0.1, 0.15, 0.4]))) ** 2 / np.sin(np.pi / 3) ** 2
    np.testing.assert_allclose(found[1:], disk, atol=0.15)
