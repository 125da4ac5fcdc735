"""Finds the dense landmarks of the open model, and how far their detector strays, on synthetic heads.

    python -m tools.open_model.adapt --canonical canonical_face_model.obj [--source PACKAGE] [--units WHEEL]
        [--photos 600]

canonical_face_model.obj: MediaPipe's face of 468 vertices (Apache-2.0), where the points start: brought onto the mean
face by eyes, mouth and nose, each to the closest place of the skin. Then the network looks at photos of heads whose
vertices are known, and each point moves to where it is found on average. Writes dense_points.npz beside this file,
which the builder packs, and detection/face_mesh.npz: the noise by yaw, and the map to the 68. Takes about half an hour.
"""
import argparse
import os

import numpy as np
from scipy.spatial import cKDTree

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import ALIGN_SCALE
from Deep3DFaceReconstruction.detection import face_mesh
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.face_model import from_mat_dict, load_face_model, open_model
from Deep3DFaceReconstruction.meshes import registration
from Deep3DFaceReconstruction.meshes.closest_surface import closest_points
from Deep3DFaceReconstruction.meshes.obj import read_vertices
from Deep3DFaceReconstruction.photo.landmarks import flip_permutation
from Deep3DFaceReconstruction.system import assets
from tools.open_model import build, dense_points, face_units, source, standard_landmarks
from tools.open_model.heads import Heads

SEED = 1
# Points of the mesh at the model's eyes, mouth and nose (iBUG 29-67): the warp's anchors.
_ANCHORS = np.array([
    5, 4, 98, 97, 2, 326, 327, 33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380, 61, 39, 37, 0, 267, 269, 291,
    405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87])
_OUTLINE = np.array([
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109])
_LOWER_LIP = np.array([95, 88, 178, 87, 14, 317, 402, 318, 324, 96, 89, 179, 86, 15, 316, 403, 319, 325])
_UPPER_LIP = np.array([191, 80, 81, 82, 13, 312, 311, 310, 415, 183, 42, 41, 38, 12, 268, 271, 272, 407])
_LIPS_MEET = 0.909      # texture coordinate
_IRIS = 0.059           # dm, radius
_LEAST_LOGIT = 2.0
_TURNED = np.radians(45)
_YAW_BINS, _YAWS = ((-22, 22), (22, 48), (48, 80)), (0.0, 35.0, 60.0)
_FACTORS, _SPREAD, _NEIGHBOURS = 25, 200, 12


class Skin:
    """The mean face's skin, and where points lie on it."""

    def __init__(self, model, uv):
        self.mean = model.meanshape.astype(np.float64)
        self.triangles = model.triangles[(model.part == 0)[model.triangles].all(axis=1)]
        self._u = uv[:, 0]

    def places(self, points):
        """(vertices [468,3], weights [468,3]) closest to points [468,3]; the lips' edges keep to their own lip."""
        vertices, weights = self._closest(points, self.triangles)
        near = np.linalg.norm(self.mean[self.triangles].mean(axis=1) - points[[13, 14]].mean(axis=0), axis=1) < 0.45
        for rows, side in ((_LOWER_LIP, self._u > _LIPS_MEET), (_UPPER_LIP, self._u < _LIPS_MEET)):
            own = self.triangles[near & side[self.triangles].all(axis=1)]
            vertices[rows], weights[rows] = self._closest(points[rows], own)
        return vertices, weights

    def _closest(self, points, triangles):
        found = closest_points(points, self.mean, triangles)
        return triangles[found.triangle], found.weights

    def points(self, places):
        return np.einsum('kn,knc->kc', places[1], self.mean[places[0]])


def started(canonical, model, skin, features):
    """The places of the canonical face's vertices [468,3] warped onto the model's features [68] (vertices)."""
    goal = model.meanshape[features[29:]].astype(np.float64)
    scale, rotation, shift = registration.similarity(canonical[_ANCHORS], goal)
    moved = scale * canonical.dot(rotation) + shift
    warp = registration.smooth_warp(moved[_ANCHORS], goal, np.full(len(goal), 0.03))
    return skin.places(warp(moved))


def adapted(places, skin, photos, mirror):
    """The places moved to where the points are found on average, in three dimensions and alike on both sides."""
    chosen = [(p, m) for p, m in photos if m.logit > 8 and abs(p.angles[1]) < _TURNED]
    views = np.stack([numpy_decoder.rotation_matrix(p.angles)[:, :2] for p, _ in chosen])
    for _ in range(3):
        residual = np.stack([_residual(p, m, places) for p, m in chosen])
        move = np.stack([_mean_move(views, residual[:, k]) for k in range(468)])
        move = 0.5 * (move + move[mirror] * [-1, 1, 1])
        places = skin.places(skin.points(places) + move)
    return places


def _residual(photo, mesh, places):
    """[468,2] dm, y-up: where points are found less where they are."""
    true = np.einsum('kn,knc->kc', places[1], photo.places[places[0]])
    return (mesh.points - true) / photo.scale * [1, -1]


def _mean_move(views, residual):
    """[3] the robust mean of one point's residuals [P,2] seen through views [P,3,2]."""
    weight = np.ones(len(residual))
    for _ in range(5):
        system = np.einsum('p,pij,pkj->ik', weight, views, views) + 3 * np.eye(3)
        move = np.linalg.solve(system, np.einsum('p,pij,pj->i', weight, views, residual))
        rest = residual - np.einsum('pij,i->pj', views, move)
        weight = 1 / (1 + (rest ** 2).sum(axis=1) / 0.03 ** 2)
    return move


def noise(places, photos, mirror):
    """The noise_* of face_mesh.MeshData, from photos and their mirror images."""
    kept = [(p, m) for p, m in photos if m.logit > _LEAST_LOGIT]
    residual = np.stack([_residual(p, m, places) for p, m in kept]) * ALIGN_SCALE
    yaw = np.degrees([p.angles[1] for p, _ in kept])
    residual = np.concatenate([residual, residual[:, mirror] * [-1, 1]]).reshape(-1, 936)
    yaw = np.concatenate([yaw, -yaw])
    bias, factors, own = [], [], []
    for low, high in _YAW_BINS:
        rows = residual[(yaw >= low) & (yaw < high)]
        apart = ((rows - np.median(rows, axis=0)) ** 2).mean(axis=1)
        rows = rows[apart <= np.quantile(apart, 0.95)]
        covariance = np.cov(rows.T)
        values, vectors = np.linalg.eigh(covariance)
        part = vectors[:, :-_FACTORS - 1:-1] * np.sqrt(values[:-_FACTORS - 1:-1])
        bias.append(rows.mean(axis=0))
        factors.append(part)
        own.append(np.maximum(np.diag(covariance) - (part ** 2).sum(axis=1), 0.05))
    return {'noise_yaws': np.float32(_YAWS), 'noise_bias': np.float32(bias), 'noise_factors': np.float16(factors),
            'noise_own': np.float32(own)}


def landmark_map(model, points, photos, mirror):
    """landmark_points and landmark_weights of face_mesh.MeshData: ridge regression on neighbours, sums kept at one."""
    kept = [(p, m) for p, m in photos if m.logit > 4]
    flip = flip_permutation()
    mesh = np.stack([m.points / p.scale for p, m in kept])
    marks = np.stack([p.places[model.keypoints] / p.scale for p, _ in kept])
    mesh = np.concatenate([mesh, mesh[:, mirror] * [-1, 1]])
    marks = np.concatenate([marks, marks[:, flip] * [-1, 1]])
    goal = model.meanshape[model.keypoints].astype(np.float64)
    near = cKDTree(points).query(goal, k=_NEIGHBOURS)[1]
    weights = np.stack([_weights(points[near[k]], goal[k], mesh[:, near[k]], marks[:, k]) for k in range(len(goal))])
    return {'landmark_points': near.astype(np.uint16), 'landmark_weights': weights.astype(np.float32)}


def _weights(places, goal, seen, marks):
    """[K] weights of neighbours seen [P,K,2] for marks [P,2], near those that are right on the mean face."""
    affine = np.concatenate([places.T, np.ones((1, len(places)))])
    start = np.full(len(places), 1.0 / len(places))
    start = start + np.linalg.pinv(affine, rcond=0.05).dot(np.append(goal, 1) - affine.dot(start))
    center = seen.mean(axis=1, keepdims=True)
    design = (seen - center).transpose(0, 2, 1).reshape(-1, len(places))
    right = (marks - center[:, 0]).ravel() - design.dot(start)
    inverse = np.linalg.inv(design.T.dot(design) + 2e-6 * len(design) * np.eye(len(places)))
    weights = start + inverse.dot(design.T.dot(right))
    # About the neighbours' middle, as they were fitted, the rest to one does nothing.
    return weights + (1 - weights.sum()) / len(weights)


def iris_places(model):
    """(vertices [10,3], weights [10,3]): centre and rim of the irises: the subject's right eye, then the left."""
    mean, result = model.meanshape.astype(np.float64), []
    for part in (2, 3):
        eye = np.flatnonzero(model.part == part)
        center, radius = registration.sphere_fit(mean[eye[mean[eye, 2] > np.median(mean[eye, 2])]])
        depth = np.sqrt(radius ** 2 - _IRIS ** 2)
        goal = center + np.array([[0, 0, radius], [_IRIS, 0, depth], [0, _IRIS, depth], [-_IRIS, 0, depth],
                                  [0, -_IRIS, depth]])
        triangles = model.triangles[(model.part == part)[model.triangles].all(axis=1)]
        found = closest_points(goal, mean, triangles)
        result.append((triangles[found.triangle], found.weights))
    return [np.concatenate(parts) for parts in zip(*result)]


def spread(canonical):
    """[200] points that cover the face evenly and alike on both sides, its outline left out: farthest points."""
    inner = np.setdiff1d(np.arange(len(canonical)), _OUTLINE)
    mirror = cKDTree(canonical).query(canonical * [-1, 1, 1])[1]
    chosen, apart = [4], np.linalg.norm(canonical[inner] - canonical[4], axis=1)
    while len(set(chosen)) < _SPREAD:
        point = inner[apart.argmax()]
        for each in {point, mirror[point]}:
            chosen.append(each)
            apart = np.minimum(apart, np.linalg.norm(canonical[inner] - canonical[each], axis=1))
    return np.unique(chosen)


def seen_photos(heads, count):
    """[(heads.Photo without its pixels, face_mesh.MeshFace), ...] of the photos in which a face is found."""
    finder, found = FaceFinder('mediapipe'), []
    for number in range(count):
        photo = heads.photo(SEED, number)
        faces = finder.detect(photo.rgb)
        if faces:
            found.append((photo._replace(rgb=None), faces[0].mesh))
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--canonical', required=True, help="MediaPipe's canonical_face_model.obj")
    parser.add_argument('--source', help='the package %s, unpacked or as .tgz' % source.PACKAGE)
    parser.add_argument('--units', metavar='WHEEL', help='the wheel of %s' % face_units.PACKAGE)
    parser.add_argument('--photos', type=int, default=600, help='synthetic photos (default: %(default)s)')
    parser.add_argument('--output', default=os.path.dirname(dense_points.FILE), help='folder for the two files')
    options = parser.parse_args(arguments)
    canonical = read_vertices(options.canonical)[:468]
    mirror = cKDTree(canonical).query(canonical * [-1, 1, 1])[1]
    with source.package_folder(options.source) as folder, face_units.wheel(options.units) as wheel:
        packed = build.build(source.MakeHuman(folder), face_units.read(wheel), whole_head=True)
    head_file = os.path.join(options.output, 'head.npz')
    np.savez(head_file, **packed)
    model, loaded = load_face_model(assets.OPEN_MODEL), open_model.load_open_model()
    photos = seen_photos(Heads(from_mat_dict(open_model.load_open_model(head_file), head_file), model), options.photos)
    os.remove(head_file)
    skin = Skin(model, loaded['uv'])
    features = standard_landmarks.features(loaded['uv'], model.part)
    places = adapted(started(canonical, model, skin, features), skin, photos, mirror)
    irises = iris_places(model)
    dense_points.write(*(np.concatenate(pair) for pair in zip(places, irises)),
                       path=os.path.join(options.output, os.path.basename(dense_points.FILE)))
    learned = dict(noise(places, photos, mirror), **landmark_map(model, skin.points(places), photos, mirror))
    np.savez_compressed(os.path.join(options.output, 'face_mesh.npz'), mirror=mirror.astype(np.uint16),
                        spread=spread(canonical).astype(np.uint16), **learned)
    print('%d of %d photos show a face; dense_points.npz and face_mesh.npz are in %s; the second belongs in %s' % (
        len(photos), options.photos, options.output, os.path.dirname(face_mesh.__file__)))


if __name__ == '__main__':
    main()
