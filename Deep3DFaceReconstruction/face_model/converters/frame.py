"""Another face model's mesh, made ready: refined, and in the program's frame."""
import numpy as np

from Deep3DFaceReconstruction.meshes import registration, subdivision
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, standard_five_points


def refined(coarse, quads, landmarks):
    """One level of Catmull-Clark on all shapes at once.

    Args:
      coarse: [K,n,3].  quads: [Q,4] int, from 0.  landmarks: [68] int, vertices.
    Returns:
      (shapes [K,N,3], triangles [F,3], landmarks [68]); vertices that no face uses are gone.
    Raises:
      ValueError: no face around a landmark, or an edge with more than two faces.
    """
    fine, matrix = subdivision.catmull_clark(quads, coarse.shape[1])
    # A vertex that no face uses would have no normal.
    used, triangles = np.unique(subdivision.split_quads(fine), return_inverse=True)
    loose = np.setdiff1d(landmarks, used)
    if len(loose):
        raise ValueError('expected faces around every landmark vertex, got none around vertex %d' % loose[0])
    stacked = coarse.transpose(1, 0, 2).reshape(coarse.shape[1], -1)
    shapes = matrix[used].dot(stacked).reshape(len(used), len(coarse), 3).transpose(1, 0, 2)
    # Old vertices keep their order.
    return shapes, triangles.reshape(-1, 3), np.searchsorted(used, landmarks)


def framed(meshes, keypoints):
    """Shapes in the program's frame: dm, y up, face along +z.

    Args:
      meshes: list of [K,n,3] shapes of one model, the mean first, then displacements; the first is the one with the
        landmarks.
      keypoints: [68] int, vertices of the first.
    Returns:
      The list of shapes [K,n,3], so that the five points of the mean fit the standard ones in the least-squares sense.
    """
    scale, rotation, shift = registration.similarity(five_from_68(meshes[0][0, keypoints]), standard_five_points())
    result = [scale * shapes.dot(rotation) for shapes in meshes]
    for shapes in result:
        shapes[0] += shift
    return result


def facing_out(vertices, triangles, keypoints):
    """The triangles counter-clockwise as seen from outside: those at nose, eyes and mouth face along +z."""
    marked = np.zeros(len(vertices), bool)
    marked[keypoints[27:]] = True
    near = vertices[triangles[marked[triangles].any(axis=1)]]
    z = np.cross(near[:, 1] - near[:, 0], near[:, 2] - near[:, 0])[:, 2]
    return triangles if z.sum() > 0 else triangles[:, ::-1]


def licence(own, source):
    """The licence of a model whose shape has the licence `own` and whose albedo comes from an AlbedoSource."""
    if source.licence is None or source.licence == own:
        return own
    return '%s (shape); %s (albedo, from %s)' % (own, source.licence, source.name or 'another model')
