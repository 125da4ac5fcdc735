"""The 68 iBUG landmarks of the open model: the places of its surface that are closest to the published ones."""
import numpy as np
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction.meshes import registration
from Deep3DFaceReconstruction.photo.landmarks import INNER, flip_permutation
from tools.open_model import coarse_mesh, layout

# The landmarks of the published mean face (`lm` of similarity_Lm3D_all.mat), dm, world frame.
STANDARD = np.array([
    (-0.7315, 0.2183, -0.5904), (-0.7120, 0.0206, -0.5662), (-0.6734, -0.1596, -0.5486),
    (-0.6349, -0.3221, -0.5109), (-0.5798, -0.4963, -0.4198), (-0.4815, -0.6357, -0.2588),
    (-0.3652, -0.7191, -0.0618), (-0.2165, -0.7867, 0.1236), (0.0027, -0.8249, 0.1967),
    (0.2224, -0.7847, 0.1239), (0.3708, -0.7197, -0.0614), (0.4865, -0.6381, -0.2582),
    (0.5841, -0.5003, -0.4188), (0.6392, -0.3271, -0.5100), (0.6759, -0.1633, -0.5488),
    (0.7112, 0.0179, -0.5675), (0.7299, 0.2178, -0.5888), (-0.5713, 0.4349, 0.0363),
    (-0.4887, 0.4984, 0.1565), (-0.3830, 0.5197, 0.2400), (-0.2815, 0.5109, 0.2910),
    (-0.1898, 0.4859, 0.3152), (0.1878, 0.4882, 0.3146), (0.2800, 0.5139, 0.2895),
    (0.3820, 0.5232, 0.2377), (0.4894, 0.5016, 0.1550), (0.5721, 0.4365, 0.0350),
    (0.0018, 0.2962, 0.3458), (0.0022, 0.1757, 0.4359), (0.0033, 0.0564, 0.5292),
    (0.0033, -0.0462, 0.5524), (-0.1183, -0.1380, 0.3289), (-0.0676, -0.1475, 0.3748),
    (0.0015, -0.1604, 0.3956), (0.0700, -0.1474, 0.3746), (0.1201, -0.1374, 0.3285),
    (-0.4310, 0.2920, 0.1040), (-0.3673, 0.3317, 0.1870), (-0.2765, 0.3327, 0.1892),
    (-0.1920, 0.2888, 0.1635), (-0.2685, 0.2671, 0.1853), (-0.3632, 0.2623, 0.1621),
    (0.1879, 0.2887, 0.1602), (0.2728, 0.3337, 0.1850), (0.3659, 0.3317, 0.1845),
    (0.4317, 0.2907, 0.1034), (0.3625, 0.2636, 0.1613), (0.2664, 0.2673, 0.1833),
    (-0.2522, -0.3813, 0.2241), (-0.1627, -0.3215, 0.3363), (-0.0558, -0.2827, 0.3966),
    (0.0013, -0.2947, 0.4022), (0.0581, -0.2828, 0.3967), (0.1651, -0.3212, 0.3356),
    (0.2485, -0.3813, 0.2224), (0.1597, -0.4186, 0.3167), (0.0832, -0.4459, 0.3598),
    (0.0017, -0.4507, 0.3696), (-0.0798, -0.4457, 0.3608), (-0.1554, -0.4187, 0.3176),
    (-0.2270, -0.3755, 0.2311), (-0.0731, -0.3502, 0.3435), (0.0004, -0.3491, 0.3619),
    (0.0740, -0.3508, 0.3436), (0.2321, -0.3763, 0.2279), (0.0727, -0.3663, 0.3438),
    (0.0008, -0.3694, 0.3526), (-0.0708, -0.3656, 0.3433),
])
# The lips' inner landmarks, and where the lips meet as texture coordinate of MakeHuman's skins: u grows downwards.
_UPPER_LIP, _LOWER_LIP, _LIPS_MEET = (61, 62, 63), (65, 66, 67), 0.9090
_ROUNDS = 20


def find(positions, uv, part, depth, start):
    """The skin vertex nearest to each of the published landmarks.

    These are brought onto the mean face by the similarity of the 51 inner landmarks, in turns with looking for the
    nearest vertices.

    Args:
      positions: [N,3] mean face, dm.  uv: [N,2] texture coordinates.  part: [N], index into open_model.PARTS.
      depth: [N], 0 outside of mouth and sockets.  start: [68] vertices of about the right places.
    Returns:
      [68] vertices, mirror images of each other as far as the mesh is.
    """
    flip = flip_permutation()
    goal = 0.5 * (STANDARD + STANDARD[flip] * [-1, 1, 1])
    allowed = _allowed(uv, (part == coarse_mesh.SKIN) & (depth == 0))
    vertices = np.asarray(start)
    for _ in range(_ROUNDS):
        scale, rotation, shift = registration.similarity(goal[INNER], positions[vertices[INNER]])
        moved = scale * goal.dot(rotation) + shift
        found = np.empty_like(vertices)
        for rows, candidates in allowed:
            found[rows] = candidates[cKDTree(positions[candidates]).query(moved[rows])[1]]
        if (found == vertices).all():
            break
        vertices = found
    return vertices


def _allowed(uv, skin):
    """[(landmarks, vertices that they may be), ...]: the lips' inner edges keep to their own lip."""
    lips = list(_UPPER_LIP) + list(_LOWER_LIP)
    others = [k for k in range(len(STANDARD)) if k not in lips]
    return [(others, np.flatnonzero(skin)),
            (list(_UPPER_LIP), np.flatnonzero(skin & (uv[:, 0] < _LIPS_MEET))),
            (list(_LOWER_LIP), np.flatnonzero(skin & (uv[:, 0] > _LIPS_MEET)))]


def features(uv, part):
    """[68] skin vertices at the face's own features: lids, lips, brows as they are painted."""
    return layout.landmark_vertices(uv, part, layout.LANDMARK_UV)
