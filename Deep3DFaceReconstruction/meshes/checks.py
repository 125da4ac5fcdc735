"""What every writer of a mesh checks first."""
import numpy as np


def check_mesh(vertices, triangles, **per_vertex):
    """Checks what every writer of a mesh needs.

    Args:
      vertices: [N,3]; triangles: [F,3] int; per_vertex: more arrays with N rows.
    Raises:
      ValueError: names the array, what was expected and what it is.
    """
    for name, array in [('vertices', vertices)] + sorted(per_vertex.items()):
        if np.ndim(array) != 2 or len(array) != len(vertices):
            raise ValueError('%s: expected one row for each of %d vertices, got shape %s' % (
                name, len(vertices), list(np.shape(array))))
        if not np.isfinite(array).all():
            raise ValueError('%s: expected finite numbers, got NaN or infinity' % name)
    if np.shape(vertices)[1] != 3:
        raise ValueError('vertices: expected [N,3], got %s' % list(np.shape(vertices)))
    check_triangles(triangles, len(vertices))


def check_triangles(triangles, count, name='triangles'):
    """Raises ValueError unless triangles [F,3] are indices from 0 below count."""
    triangles = np.asarray(triangles)
    if triangles.ndim != 2 or triangles.shape[1] != 3 or triangles.dtype.kind not in 'iu':
        raise ValueError('%s: expected whole numbers [F,3], got %s of shape %s' % (
            name, triangles.dtype, list(triangles.shape)))
    if triangles.size and (triangles.min() < 0 or triangles.max() >= count):
        raise ValueError('%s: expected indices from 0 to %d, got %d to %d' % (
            name, count - 1, triangles.min(), triangles.max()))
