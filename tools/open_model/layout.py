"""Frame, crop, landmarks and regions of the mean face."""
import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction.photo import landmarks
from tools.open_model import coarse_mesh

# The 68 iBUG landmarks as texture coordinates of MakeHuman's skins: where dlib's predictor places them on the
# rendered mean face, averaged with its mirror image; jaw, lid and lip landmarks then snapped to the face's
# outline, the lid margins and the lips' edges.
LANDMARK_UV = np.array([
    (0.8293, 0.3679), (0.8503, 0.3742), (0.8692, 0.3747), (0.8893, 0.3736),
    (0.9111, 0.3863), (0.9286, 0.4083), (0.9430, 0.4321), (0.9550, 0.4628),
    (0.9570, 0.4832), (0.9550, 0.5036), (0.9430, 0.5342), (0.9286, 0.5580),
    (0.9111, 0.5800), (0.8893, 0.5928), (0.8692, 0.5916), (0.8503, 0.5921),
    (0.8293, 0.5984), (0.8295, 0.4168), (0.8217, 0.4337), (0.8204, 0.4475),
    (0.8220, 0.4605), (0.8282, 0.4721), (0.8282, 0.4942), (0.8220, 0.5059),
    (0.8204, 0.5188), (0.8217, 0.5326), (0.8295, 0.5496), (0.8350, 0.4832),
    (0.8485, 0.4832), (0.8612, 0.4832), (0.8706, 0.4832), (0.8795, 0.4711),
    (0.8823, 0.4775), (0.8835, 0.4832), (0.8823, 0.4889), (0.8795, 0.4952),
    (0.8378, 0.4402), (0.8348, 0.4466), (0.8357, 0.4545), (0.8402, 0.4584),
    (0.8415, 0.4524), (0.8413, 0.4458), (0.8401, 0.5080), (0.8357, 0.5118),
    (0.8348, 0.5197), (0.8378, 0.5261), (0.8412, 0.5205), (0.8413, 0.5139),
    (0.9086, 0.4625), (0.8985, 0.4717), (0.8967, 0.4789), (0.8981, 0.4832),
    (0.8968, 0.4875), (0.8979, 0.4947), (0.9087, 0.5038), (0.9214, 0.4965),
    (0.9247, 0.4885), (0.9250, 0.4832), (0.9247, 0.4778), (0.9214, 0.4698),
    (0.9111, 0.4662), (0.9048, 0.4800), (0.9050, 0.4832), (0.9047, 0.4864),
    (0.9113, 0.5002), (0.9132, 0.4872), (0.9132, 0.4831), (0.9133, 0.4791),
])


def standard_five_points():
    """[5,3] the published standard positions, dm, made mirror-symmetric (they are to within 0.005)."""
    points = landmarks.standard_five_points()
    return 0.5 * (points + points[[1, 0, 2, 4, 3]] * [-1, 1, 1])


def landmark_vertices(uv, part, landmark_uv):
    """[68] the skin vertex nearest to each landmark's texture coordinates."""
    skin = np.flatnonzero(part == coarse_mesh.SKIN)
    return skin[cKDTree(uv[skin]).query(landmark_uv)[1]]


def crop(centers):
    """[t] bool: the fine triangles, by their centres [t,3] in the model's frame (dm), that the face keeps.

    In front of the ears; below a line across the forehead, where no hair grows, that falls to the temples; above
    the neck, with some of the underside of the chin.
    """
    x, y, z = centers.T
    hairline = 0.665 - 0.16 * np.clip(np.abs(x) / 0.66, 0, 1) ** 2.5 - 0.3 * np.clip(-0.12 - z, 0, 1)
    neck = -0.82 + 0.38 * np.clip((0.02 - z) / 0.5, 0, 1)
    return (z > -0.51) & (y < hairline) & (y > neck)


def crop_head(centers):
    """[t] bool: the fine triangles of the whole head, cut off across the neck."""
    return centers[:, 1] > -1.45 + 0.25 * np.clip(-centers[:, 2], 0, 1)


def largest_piece(faces, wanted):
    """[f] bool: the largest connected piece of the wanted faces [f,k]."""
    chosen = np.flatnonzero(wanted)
    count = faces.max() + 1
    near = faces[chosen]
    links = sp.coo_matrix((np.ones(near.size), (near.ravel(), np.roll(near, 1, axis=1).ravel())), (count, count))
    label = csgraph.connected_components(links, directed=False)[1][near[:, 0]]
    result = np.zeros(len(faces), bool)
    result[chosen[label == np.bincount(label).argmax()]] = True
    return result


def without_ears(triangles, kept, rounds=6):
    """[t] bool: the kept triangles less those that hang on by one edge, which would fold when the rim is evened."""
    kept = kept.copy()
    ends = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2), axis=2)
    edge = ends[:, :, 0] * (triangles.max() + 1) + ends[:, :, 1]
    _, edge = np.unique(edge, return_inverse=True)
    edge = edge.reshape(triangles.shape)
    for _ in range(rounds):
        faces = np.bincount(edge[kept].ravel(), minlength=edge.max() + 1)
        kept &= ~((faces[edge] < 2).sum(axis=1) >= 2)
    return kept


def regions(layers, full, positions, landmarks):
    """The skin region of the reflectance loss and the smaller photometric region.

    Args:
      layers: paint_layers.Layers.  full: build.FullMesh.  positions: [N,3] mean, dm.  landmarks: [68].
    Returns:
      (skin [N] bool, front [N] bool).
    """
    x, y, z = positions.T
    marks = positions[landmarks]
    outside = (full.part == coarse_mesh.SKIN) & (full.depth == 0)
    nostril = np.min([np.linalg.norm((positions - marks[k]) * [1, 1, 0.7], axis=1) for k in (31, 32, 34, 35)], axis=0)
    near_eye = np.minimum(*[np.linalg.norm((positions - marks[eye].mean(axis=0)) * [0.75, 1.25, 0.5], axis=1)
                            for eye in (slice(36, 42), slice(42, 48))])
    skin = (outside & (layers.brows.mean(axis=0) < 0.03) & (layers.lips < 0.02) & (layers.lashes < 0.05)
            & (nostril > 0.06) & (near_eye > 0.115))
    brow_line = 0.55 - 0.1 * np.clip(np.abs(x) / 0.6, 0, 1) ** 2
    jaw_line = -0.80 + 0.6 * np.clip(np.abs(x) - 0.2, 0, 1)
    front = ~np.isin(full.part, (coarse_mesh.MOUTH, coarse_mesh.TEETH)) & (y < brow_line) & (y > jaw_line) & (z > -0.29)
    return skin, front & ~_near_rim(full.triangles, len(positions))


def _near_rim(triangles, count, rounds=4):
    """[N] bool: vertices on the mesh's rim and up to `rounds` triangles away from it."""
    ends = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    edges, faces = np.unique(ends, axis=0, return_counts=True)
    near = np.zeros(count, bool)
    near[edges[faces == 1]] = True
    for _ in range(rounds):
        near[triangles[near[triangles].any(axis=1)]] = True
    return near
