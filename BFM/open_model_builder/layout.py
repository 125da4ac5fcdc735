"""Frame, crop, landmarks and regions of the mean face."""
import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

# The published standard positions (dm) of the five points: the eyes are the means of landmarks 37, 40 and
# 43, 46; then nose 31, mouth corners 49 and 55.
_STANDARD = {
    31: (0.0032535, -0.0461793, 0.5524424), 37: (-0.4309752, 0.2919658, 0.1040332),
    40: (-0.1919980, 0.2887558, 0.1635258), 43: (0.1878507, 0.2887361, 0.1601802),
    46: (0.4317471, 0.2907046, 0.1034104), 49: (-0.2521693, -0.3813392, 0.2240573),
    55: (0.2484662, -0.3812813, 0.2223577),
}

# The 68 iBUG landmarks as texture coordinates of MakeHuman's skins: where dlib's predictor places them on the
# rendered mean face, averaged with its mirror image; jaw, lid and lip landmarks then snapped to the face's
# outline, the lid margins and the lips' edges.
LANDMARK_UV = np.array([
    (0.8293, 0.3679), (0.8476, 0.3707), (0.8671, 0.3715), (0.8893, 0.3736),
    (0.9111, 0.3863), (0.9267, 0.4104), (0.9430, 0.4362), (0.9534, 0.4633),
    (0.9545, 0.4832), (0.9534, 0.5031), (0.9430, 0.5301), (0.9267, 0.5559),
    (0.9111, 0.5800), (0.8893, 0.5928), (0.8671, 0.5949), (0.8476, 0.5956),
    (0.8293, 0.5984), (0.8271, 0.4191), (0.8211, 0.4356), (0.8200, 0.4494),
    (0.8231, 0.4614), (0.8278, 0.4732), (0.8278, 0.4931), (0.8231, 0.5049),
    (0.8200, 0.5169), (0.8211, 0.5307), (0.8271, 0.5472), (0.8359, 0.4832),
    (0.8485, 0.4832), (0.8602, 0.4832), (0.8706, 0.4832), (0.8798, 0.4713),
    (0.8820, 0.4773), (0.8827, 0.4832), (0.8820, 0.4890), (0.8798, 0.4950),
    (0.0134, 0.5928), (0.0343, 0.6297), (0.0750, 0.6118), (0.0687, 0.5803),
    (0.0584, 0.5547), (0.0195, 0.5574), (0.0943, 0.5803), (0.0880, 0.6118),
    (0.1287, 0.6297), (0.1496, 0.5928), (0.1435, 0.5574), (0.1046, 0.5547),
    (0.9095, 0.4671), (0.8983, 0.4716), (0.8959, 0.4788), (0.8978, 0.4832),
    (0.8958, 0.4875), (0.8976, 0.4948), (0.9099, 0.4993), (0.9206, 0.4947),
    (0.9244, 0.4870), (0.9242, 0.4832), (0.9244, 0.4794), (0.9206, 0.4716),
    (0.9103, 0.4697), (0.9067, 0.4795), (0.9066, 0.4832), (0.9067, 0.4866),
    (0.9105, 0.4969), (0.9116, 0.4867), (0.9116, 0.4830), (0.9114, 0.4797),
])


def five_points(landmarks):
    """[5,3]: left eye, right eye, nose tip, left and right mouth corner (as seen) of [68,3] landmarks."""
    return np.stack([landmarks[[36, 39]].mean(axis=0), landmarks[[42, 45]].mean(axis=0),
                     landmarks[30], landmarks[48], landmarks[54]])


def standard_five_points():
    """[5,3] the published standard positions, dm, made mirror-symmetric (they are to within 0.005)."""
    landmarks = np.zeros((68, 3))
    for number, place in _STANDARD.items():
        landmarks[number - 1] = place
    points = five_points(landmarks)
    return 0.5 * (points + points[[1, 0, 2, 4, 3]] * [-1, 1, 1])


def similarity(points, goal):
    """(scale, rotation [3,3], shift [3]) with goal ~ scale * points.dot(rotation) + shift; Umeyama 1991."""
    moved, target = points - points.mean(axis=0), goal - goal.mean(axis=0)
    left, values, right = np.linalg.svd(moved.T.dot(target))
    flip = np.array([1, 1, np.sign(np.linalg.det(left.dot(right)))])
    rotation = (left * flip).dot(right)
    scale = (values * flip).sum() / (moved ** 2).sum()
    return scale, rotation, goal.mean(axis=0) - scale * points.mean(axis=0).dot(rotation)


def landmark_vertices(uv, part, landmark_uv):
    """[68] the skin vertex nearest to each landmark's texture coordinates."""
    skin = np.flatnonzero(part == 0)
    return skin[cKDTree(uv[skin]).query(landmark_uv)[1]]


def crop(centers):
    """[q] bool: the fine quads, by their centres [q,3] in the model's frame (dm), that the face keeps.

    In front of the ears; below the hairline, which falls from the top of the forehead to the temples; above
    the neck, with the underside of the chin.
    """
    x, y, z = centers.T
    hairline = 0.90 - 0.42 * np.clip((0.15 - z) / 0.55, 0, 1) ** 1.5
    neck = -0.80 + 0.42 * np.clip((0.05 - z) / 0.5, 0, 1)
    return (z > -0.50) & (y < hairline) & (y > neck)


def largest_piece(quads, wanted):
    """[q] bool: the largest connected piece of the wanted quads."""
    chosen = np.flatnonzero(wanted)
    count = quads.max() + 1
    near = quads[chosen]
    links = sp.coo_matrix((np.ones(near.size), (near.ravel(), np.roll(near, 1, axis=1).ravel())), (count, count))
    label = csgraph.connected_components(links, directed=False)[1][near[:, 0]]
    result = np.zeros(len(quads), bool)
    result[chosen[label == np.bincount(label).argmax()]] = True
    return result


def regions(layers, full, positions, landmarks):
    """The skin region of the reflectance loss and the smaller photometric region.

    Args:
      layers: albedo.Layers.  full: build.FullMesh.  positions: [N,3] mean, dm.  landmarks: [68].
    Returns:
      (skin [N] bool, front [N] bool).
    """
    x, y, z = positions.T
    marks = positions[landmarks]
    outside = (full.part == 0) & (full.depth == 0)
    nostril = np.min([np.linalg.norm((positions - marks[k]) * [1, 1, 0.7], axis=1) for k in (31, 32, 34, 35)], axis=0)
    near_eye = np.minimum(*[np.linalg.norm((positions - marks[eye].mean(axis=0)) * [0.75, 1.25, 0.5], axis=1)
                            for eye in (slice(36, 42), slice(42, 48))])
    skin = (outside & (layers.brows.mean(axis=0) < 0.03) & (layers.lips < 0.02) & (layers.lashes < 0.05)
            & (nostril > 0.06) & (near_eye > 0.115))
    front = (full.part != 1) & (y < 0.72) & (z > -0.33) & (y > -0.80 + 0.6 * np.clip(np.abs(x) - 0.2, 0, 1))
    return skin, front
