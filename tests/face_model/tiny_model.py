"""The smallest face model there can be."""
import numpy as np


def tiny_model():
    """A tetrahedron in the file's layout."""
    rng = np.random.RandomState(0)
    return {
        'meanshape': rng.randn(1, 12).astype(np.float32), 'meantex': np.full([1, 12], 120, np.float32),
        'idBase': rng.randn(12, 80).astype(np.float32), 'exBase': rng.randn(12, 64),
        'texBase': rng.randn(12, 80).astype(np.float32),
        'tri': np.array([[1, 2, 3], [1, 4, 2], [2, 4, 3], [3, 4, 1]], np.float32),
        'point_buf': np.array([[1, 2, 4, 5, 5, 5, 5, 5], [1, 2, 3, 5, 5, 5, 5, 5], [1, 3, 4, 5, 5, 5, 5, 5],
                               [2, 3, 4, 5, 5, 5, 5, 5]], np.float32),
        'frontmask2_idx': np.array([[4], [2], [1]], np.float32), 'tri_mask2': np.array([[1, 2, 3]], np.float32),
        'skinmask': np.array([[1, 0, 1, 1]], np.float32), 'keypoints': np.ones([1, 68], np.float32),
    }
