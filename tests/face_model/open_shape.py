"""What the tests of the open model measure on its surface."""
import numpy as np

SKIN, MOUTH, RIGHT_EYE, LEFT_EYE, TEETH = range(5)  # the values of the model's `part`


def shape_of(model, alpha=None, beta=None):
    """[N,3] about the mean vertex."""
    shape = model.meanshape.astype(np.float64)
    for base, value in ((model.id_base, alpha), (model.ex_base, beta)):
        if value is not None:
            shape = shape + base.dot(value.astype(np.float32)).reshape(-1, 3)
    return shape - model.meanshape.mean(axis=0)


def face_normals(shape, triangles):
    a, b, c = (shape[triangles[:, k]] for k in range(3))
    normals = np.cross(a - b, b - c)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def lip_gap(landmarks):
    """[3] height of the upper lip's inner landmarks above the lower lip's."""
    return landmarks[[61, 62, 63], 1] - landmarks[[67, 66, 65], 1]


def eye_opening(landmarks):
    """[2] right, left: height of the upper lid's landmarks above the lower lid's."""
    return np.array([landmarks[[37, 38], 1].mean() - landmarks[[40, 41], 1].mean(),
                     landmarks[[43, 44], 1].mean() - landmarks[[46, 47], 1].mean()])


def rim_edges(triangles):
    ends = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    edges, count = np.unique(ends, axis=0, return_counts=True)
    assert count.max() == 2, 'an edge with %d faces' % count.max()
    return edges, edges[count == 1]
