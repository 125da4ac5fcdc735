"""From MakeHuman's assets to the compact open face model."""
import numpy as np

from BFM.open_model_builder import albedo, contact, expressions, layout, people, topology
from Deep3DFaceReconstruction import open_model, subdivision
from Deep3DFaceReconstruction.conventions import EX_DIM, ID_DIM, TEX_DIM

SEED = 20190406
PEOPLE, EXPRESSIONS, PAINTED = 6000, 6000, 1000
PAINTED_COMPONENTS = 40
FILL_DEVIATION = 1.6      # of 255, for the first of the smooth components that fill up the albedo basis
LIP_GAP = 0.004           # dm, between the lips of the mean face
_INNER_WEIGHT = 0.2       # importance of vertices inside mouth and sockets, against the skin's


class FullMesh:
    """The refined, cropped mesh of one coarse mesh.

    Attributes: quads [q,4], matrix sparse [N,n], triangles [F,3], uv [N,2], part [N], depth [N] (ring number,
    interpolated), keep [16 Q] bool.
    """

    def __init__(self, mesh, keep=None):
        count = mesh.weights.shape[0]
        self.keep = np.ones(len(mesh.quads) * 4 ** open_model.LEVELS, bool) if keep is None else keep
        self.quads, self.matrix = open_model.full_topology(mesh.quads, count, self.keep)
        self.triangles = subdivision.split_quads(self.quads)
        uv_quads, uv_matrix = subdivision.subdivide(mesh.quad_uvs, len(mesh.uvs), open_model.LEVELS,
                                                    subdivision.midpoint_split)
        uv_quads, uvs = uv_quads[self.keep], uv_matrix.dot(mesh.uvs)
        part = np.repeat(mesh.part, 4 ** open_model.LEVELS)[self.keep]
        self.uv, self.part = np.zeros((self.matrix.shape[0], 2)), np.zeros(self.matrix.shape[0], int)
        # On a seam the skin's coordinates win: it comes last.
        for number in range(len(open_model.PARTS))[::-1]:
            mine = part == number
            self.uv[self.quads[mine]] = uvs[uv_quads[mine]]
            self.part[self.quads[mine]] = number
        self.depth = self.matrix.dot(mesh.ring.astype(np.float64))

    def set_eye_uv(self, positions):
        """Replace the eyes' texture coordinates by those of the angle from the gaze axis at `positions`."""
        for number, name in ((2, 'right'), (3, 'left')):
            mine = self.part == number
            front = mine & (positions[:, 2] > np.median(positions[mine, 2]))
            center, _ = topology.sphere_fit(positions[front])
            away = positions[mine] - center
            away /= np.linalg.norm(away, axis=1, keepdims=True)
            theta = np.arccos(np.clip(away[:, 2], -1, 1))
            side = away[:, :2] / np.maximum(np.linalg.norm(away[:, :2], axis=1, keepdims=True), 1e-9)
            self.uv[mine] = topology.dome_uv(theta[:, None] * side, name)


def vertex_normals(positions, triangles):
    """[N,3] unit normals: the normalised sum of the unit normals of the triangles around."""
    a, b, c = (positions[triangles[:, k]] for k in range(3))
    face = np.cross(a - b, b - c)
    face /= np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-12)
    total = np.zeros_like(positions)
    for k in range(3):
        np.add.at(total, triangles[:, k], face)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def _restrict(mesh, quads_kept):
    """The coarse mesh with only the given quads [Q] bool and their vertices."""
    used, local = np.unique(mesh.quads[quads_kept], return_inverse=True)
    return topology.CoarseMesh(local.reshape(-1, 4), mesh.quad_uvs[quads_kept], mesh.uvs, mesh.part[quads_kept],
                               mesh.weights[used], mesh.ring[used])


def _frame(mesh, full, shape):
    """The similarity that takes a coarse shape [n,3] to the standard five points."""
    fine = full.matrix.dot(shape)
    marks = fine[layout.landmark_vertices(full.uv, full.part, layout.LANDMARK_UV)]
    return layout.similarity(layout.five_points(marks), layout.standard_five_points())


def _apply(frame, shape):
    scale, rotation, shift = frame
    return scale * shape.dot(rotation) + shift


def face_mesh(human, average):
    """The coarse mesh and its crop: (topology.CoarseMesh, FullMesh, frame of the average adult)."""
    eye = average[human.group_vertices('helper-l-eye')].mean(axis=0)
    center = average[human.quads].mean(axis=1) - [0, eye[1], eye[2]]
    around = (center[:, 1] > -1.4) & (center[:, 2] > -0.95) & (np.abs(center[:, 0]) < 1)
    mesh = topology.build(human, average, around)
    full = FullMesh(mesh)
    shape = mesh.weights.dot(average)
    frame = _frame(mesh, full, shape)
    fine = full.matrix.dot(_apply(frame, shape))
    inside = np.repeat(mesh.part != 0, 16) | np.repeat((mesh.ring[mesh.quads] > 0).any(axis=1), 16)
    keep = layout.largest_piece(full.quads, layout.crop(fine[full.quads].mean(axis=1)) | inside)
    needed = keep.reshape(-1, 16).any(axis=1)
    # One more row of coarse quads outside the crop, so that the crop's rim is smooth surface, not boundary.
    touched = np.zeros(len(shape), bool)
    touched[mesh.quads[needed]] = True
    ring = touched[mesh.quads].any(axis=1)
    mesh, keep = _restrict(mesh, ring), keep.reshape(-1, 16)[ring].ravel()
    return mesh, FullMesh(mesh, keep), frame


def build(human, log=print):
    """Compute the model.

    Args:
      human: source.MakeHuman.
      log: called with one line per step.
    Returns:
      The dict of arrays of the compact file (see open_model.load_open_model).
    """
    random = np.random.RandomState(SEED)
    crowd = people.Population(human)
    average = human.vertices + sum(weight * human.target(name)
                                   for name, weight in zip(crowd.targets, crowd.average()) if weight)
    mesh, full, frame = face_mesh(human, average)
    count = mesh.weights.shape[0]
    log('mesh: %d coarse vertices, %d quads; full mesh: %d vertices, %d triangles'
        % (count, len(mesh.quads), full.matrix.shape[0], len(full.triangles)))

    mean, identity, share = _identity(human, crowd, mesh, full, frame, random)
    log('identity: %d people, %d components hold %.2f %% of the variance' % (PEOPLE, ID_DIM, 100 * share))
    expression, share = _expression(human, mesh, mean, frame, random)
    log('expression: %d faces, %d components hold %.2f %% of the motion' % (EXPRESSIONS, EX_DIM, 100 * share))

    fine = full.matrix.dot(mean)
    full.set_eye_uv(fine)
    landmarks = layout.landmark_vertices(full.uv, full.part, layout.LANDMARK_UV)
    scale, rotation, shift = frame
    raw = (fine - shift).dot(rotation.T) / scale
    painted = albedo.layers(human, average, full.uv, full.part, full.depth, raw, fine,
                            vertex_normals(fine, full.triangles), landmarks)
    faces = albedo.paint(painted, PAINTED, random)
    tex_mean = faces.mean(axis=0)
    tex, held = people.principal_components(faces, PAINTED_COMPONENTS, np.ones(len(fine)), tex_mean)
    log('albedo: %d faces, %d components hold %.2f %% of the variance'
        % (PAINTED, PAINTED_COMPONENTS, 100 * held.sum()))
    fields, colors = albedo.smooth_fields(mesh.quads, count, TEX_DIM - PAINTED_COMPONENTS, random)
    falling = FILL_DEVIATION / np.sqrt(1 + 0.1 * np.arange(len(fields)))
    fill, fill_scale = open_model.pack(fields, np.int8)

    skin, front = layout.regions(painted, full, fine, landmarks)
    packed = {'quads': mesh.quads.astype(np.uint16), 'keep': np.packbits(full.keep),
              'mean': mean.astype(np.float32), 'tex_mean': np.rint(tex_mean).astype(np.uint8),
              'fill': fill, 'fill_color': (colors * (np.sqrt(3) * falling * fill_scale)[:, None]).astype(np.float32),
              'uv': np.rint(np.clip(full.uv, 0, 1) * 65535).astype(np.uint16), 'part': full.part.astype(np.uint8),
              'keypoints': landmarks.astype(np.uint16), 'skin': np.packbits(skin), 'front': np.packbits(front)}
    for name, components, dtype in (('id', identity, np.int16), ('ex', expression, np.int16), ('tex', tex, np.int8)):
        packed[name], packed[name + '_scale'] = open_model.pack(components, dtype)
    return packed


def _weight(mesh):
    return np.where(mesh.ring > 0, _INNER_WEIGHT, 1.0)


def _identity(human, crowd, mesh, full, frame, random):
    """(mean [n,3], components [80,n,3], share of variance) over random adults, in the model's frame."""
    base = mesh.weights.dot(human.vertices)
    moves = np.stack([mesh.weights.dot(human.target(name)) for name in crowd.targets]).reshape(
        len(crowd.targets), -1)
    shapes = crowd.draw(PEOPLE, random).dot(moves).reshape(PEOPLE, -1, 3) + base
    shapes = _apply(frame, shapes)
    anchor = np.where(mesh.ring > 0, 0.0, 1.0)
    reference = shapes.mean(axis=0)
    for _ in range(2):
        shapes = people.rigid_align(shapes, reference, anchor)
        reference = shapes.mean(axis=0)
    again = _frame(mesh, full, reference)
    shapes, reference = _apply(again, shapes), _apply(again, reference)

    lips = contact.Lips(mesh, reference)
    closing = LIP_GAP - fine_lip_gap(mesh, full, lips, reference)
    lips.move(shapes, np.broadcast_to(closing, (PEOPLE, len(closing))))
    for eye in (2, 3):
        contact.Lids(mesh, reference, eye).clear(shapes)
    lips.part(shapes, lips.gap(shapes).mean(axis=0) * 0.5 + 0.0)
    mean = shapes.mean(axis=0)
    components, share = people.principal_components(shapes, ID_DIM, _weight(mesh), mean)
    return mean, components, share.sum()


def fine_lip_gap(mesh, full, lips, shape):
    """[k] the gap between the lips on the full mesh, column by column, dm."""
    margin = full.matrix[_rows_of(full, lips)].dot(shape)
    half = len(margin) // 2
    return margin[:half, 1] - margin[half:, 1]


def _rows_of(full, lips):
    """The full mesh's vertices that descend from the lips' margin vertices."""
    columns = full.matrix.tocsc()
    return np.array([columns[:, vertex].toarray().ravel().argmax() for vertex in lips.margin])


def _expression(human, mesh, mean, frame, random):
    """(components [64,n,3], share of the motion) of random expressions of the mean face."""
    scale, rotation, _ = frame
    units = expressions.ExpressionUnits(human, mesh.weights, mean, scale * rotation)
    ethnicity = random.dirichlet(np.full(3, 0.8), EXPRESSIONS)
    shapes = units.displacements(units.draw(EXPRESSIONS, random), ethnicity) + mean
    lips = contact.Lips(mesh, mean)
    lips.part(shapes, lips.gap(mean[None])[0])
    for eye in (2, 3):
        contact.Lids(mesh, mean, eye).clear(shapes)
    components, share = people.principal_components(shapes, EX_DIM, _weight(mesh), mean)
    return components, share.sum()
