"""From MakeHuman's assets to the compact open face model."""
import numpy as np

from Deep3DFaceReconstruction.conventions import EX_DIM, ID_DIM, TEX_DIM
from Deep3DFaceReconstruction.face_model import open_model
from Deep3DFaceReconstruction.meshes import registration, subdivision
from Deep3DFaceReconstruction.photo.landmarks import five_from_68
from tools.open_model import (
    albedo,
    coarse_mesh,
    contact,
    dense_points,
    expressions,
    eyeball,
    face_units,
    layout,
    paint_layers,
    people,
    standard_landmarks,
    topology,
)

SEED = 20190406
PEOPLE, EXPRESSIONS, PAINTED = 6000, 6000, 1000
PAINTED_COMPONENTS = 40
FILL_DEVIATION = 1.6      # of 255, for the first of the smooth components that fill up the albedo basis
LIP_GAP = -0.007      # dm, between the lips of the neutral face: they press a little into each other
OPENING_DAMPING = (0.45, 1.0, 1.0)  # of the standard deviations of mouth, right and left eye
_INNER_WEIGHT = 0.2       # importance of vertices inside mouth and sockets, against the skin's


class FullMesh:
    """The refined, cropped mesh of one coarse mesh.

    Attributes: triangles [F,3], matrix sparse [N,n], uv [N,2], part [N], depth [N] (ring number, interpolated),
    keep [32 Q] bool.
    """

    def __init__(self, mesh, keep=None):
        count = mesh.weights.shape[0]
        self.keep = np.ones(2 * len(mesh.quads) * 4 ** open_model.LEVELS, bool) if keep is None else keep
        self.triangles, self.matrix, used, smoothing = open_model.full_topology(mesh.quads, count, self.keep)
        quads, _ = subdivision.subdivide(mesh.quads, count, open_model.LEVELS)
        uv_quads, uv_matrix = subdivision.subdivide(mesh.quad_uvs, len(mesh.uvs), open_model.LEVELS,
                                                    subdivision.midpoint_split)
        uvs = uv_matrix.dot(mesh.uvs)
        children = 4 ** open_model.LEVELS
        part_of_quad = np.repeat(mesh.part, children)
        inner_of_quad = np.repeat((mesh.ring[mesh.quads] > 0).any(axis=1), children)
        uv, part = np.zeros((quads.max() + 1, 2)), np.zeros(quads.max() + 1, int)
        # On a seam the outer skin's coordinates win over the sockets', the mouth's and the eyes': it comes last.
        for number in range(len(open_model.PARTS))[::-1]:
            for inner in (True, False):
                mine = (part_of_quad == number) & (inner_of_quad == inner)
                uv[quads[mine]] = uvs[uv_quads[mine]]
                part[quads[mine]] = number
        self.uv, self.part = smoothing.dot(uv[used]), part[used]
        self.depth = self.matrix.dot(mesh.ring.astype(np.float64))
        self._used = used

    def row_of(self, coarse):
        """The full mesh's vertices that coarse vertices became; subdivision keeps their numbers."""
        return np.searchsorted(self._used, coarse)

    def set_eye_uv(self, positions):
        """Replace the eyes' texture coordinates by those of the angle from the gaze axis at `positions`."""
        for number in (coarse_mesh.RIGHT_EYE, coarse_mesh.LEFT_EYE):
            mine = self.part == number
            front = mine & (positions[:, 2] > np.median(positions[mine, 2]))
            center, _ = registration.sphere_fit(positions[front])
            away = positions[mine] - center
            away /= np.linalg.norm(away, axis=1, keepdims=True)
            theta = np.arccos(np.clip(away[:, 2], -1, 1))
            side = away[:, :2] / np.maximum(np.linalg.norm(away[:, :2], axis=1, keepdims=True), 1e-9)
            self.uv[mine] = eyeball.dome_uv(theta[:, None] * side, number)


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
    return coarse_mesh.CoarseMesh(local.reshape(-1, 4), mesh.quad_uvs[quads_kept], mesh.uvs, mesh.part[quads_kept],
                               mesh.weights[used], mesh.ring[used])


def _frame(mesh, full, shape):
    """The similarity that takes a coarse shape [n,3] to the standard five points."""
    fine = full.matrix.dot(shape)
    marks = fine[layout.landmark_vertices(full.uv, full.part, layout.LANDMARK_UV)]
    return registration.similarity(five_from_68(marks), layout.standard_five_points())


def _apply(frame, shape):
    scale, rotation, shift = frame
    return scale * shape.dot(rotation) + shift


def face_mesh(human, average, whole_head=False):
    """The coarse mesh and its crop: (coarse_mesh.CoarseMesh, FullMesh, frame of the average adult).

    whole_head: with ears, skull and some of the neck, as synthetic photos for detectors need them.
    """
    eye = average[human.group_vertices('helper-l-eye')].mean(axis=0)
    center = average[human.quads].mean(axis=1) - [0, eye[1], eye[2]]
    low, back, side = (-1.75, -2.6, 1.6) if whole_head else (-1.4, -0.95, 1)
    around = (center[:, 1] > low) & (center[:, 2] > back) & (np.abs(center[:, 0]) < side)
    mesh = topology.build(human, average, around)
    full = FullMesh(mesh)
    shape = mesh.weights.dot(average)
    frame = _frame(mesh, full, shape)
    fine = full.matrix.dot(_apply(frame, shape))
    children = 2 * 4 ** open_model.LEVELS
    inside = np.repeat((mesh.part != coarse_mesh.SKIN) | (mesh.ring[mesh.quads] > 0).any(axis=1), children)
    crop = layout.crop_head if whole_head else layout.crop
    keep = crop(fine[full.triangles].mean(axis=1)) | inside
    # What the crop cuts off goes; the teeth, pieces of their own, stay.
    keep = layout.without_ears(full.triangles, layout.largest_piece(full.triangles, keep))
    keep |= np.repeat(mesh.part == coarse_mesh.TEETH, children)
    needed = keep.reshape(-1, children).any(axis=1)
    # One more row of coarse quads outside the crop, so that the crop's rim is smooth surface, not boundary.
    touched = np.zeros(len(shape), bool)
    touched[mesh.quads[needed]] = True
    ring = touched[mesh.quads].any(axis=1)
    mesh, keep = _restrict(mesh, ring), keep.reshape(-1, children)[ring].ravel()
    return mesh, FullMesh(mesh, keep), frame


def build(human, units, log=print, whole_head=False):
    """Compute the model.

    Args:
      human: source.MakeHuman.
      units: [52,19158,3] the named shapes' displacements, see face_units.read.
      log: called with one line per step.
      whole_head: see face_mesh.
    Returns:
      The dict of arrays of the compact file (see open_model.load_open_model).
    """
    random = np.random.RandomState(SEED)
    crowd = people.Population(human)
    average = human.vertices + sum(weight * human.target(name)
                                   for name, weight in zip(crowd.targets, crowd.average()) if weight)
    mesh, full, frame = face_mesh(human, average, whole_head)
    count = mesh.weights.shape[0]
    log('mesh: %d coarse vertices, %d quads; full mesh: %d vertices, %d triangles'
        % (count, len(mesh.quads), full.matrix.shape[0], len(full.triangles)))

    mean, identity, share = _identity(human, crowd, mesh, full, frame, random)
    log('identity: %d people, %d components hold %.2f %% of the variance' % (PEOPLE, ID_DIM, 100 * share))
    expression, share = _expression(human, mesh, full, mean, frame, random)
    log('expression: %d faces, %d components hold %.2f %% of the motion' % (EXPRESSIONS, EX_DIM, 100 * share))

    fine = full.matrix.dot(mean)
    full.set_eye_uv(fine)
    landmarks = layout.landmark_vertices(full.uv, full.part, layout.LANDMARK_UV)
    painted = painted_layers(human, average, (mesh, full, frame), fine, landmarks)
    tex_mean, tex = _albedo(painted, random, log)
    fields, colors = albedo.smooth_fields(mesh.quads, count, TEX_DIM - PAINTED_COMPONENTS, random)
    falling = FILL_DEVIATION / np.sqrt(1 + 0.1 * np.arange(len(fields)))
    fill, fill_scale = open_model.pack(fields, np.int8)

    skin, front = layout.regions(painted, full, fine, landmarks)
    keypoints = standard_landmarks.find(fine, full.uv, full.part, full.depth, landmarks)
    packed = {'quads': mesh.quads.astype(np.uint16), 'keep': np.packbits(full.keep),
              'mean': mean.astype(np.float32), 'tex_mean': np.rint(tex_mean).astype(np.uint8),
              'fill': fill, 'fill_color': (colors * (np.sqrt(3) * falling * fill_scale)[:, None]).astype(np.float32),
              'uv': np.rint(np.clip(full.uv, 0, 1) * 65535).astype(np.uint16), 'part': full.part.astype(np.uint8),
              'keypoints': keypoints.astype(np.uint16), 'skin': np.packbits(skin), 'front': np.packbits(front)}
    for name, components, dtype in (('id', identity, np.int16), ('ex', expression, np.int16), ('tex', tex, np.int8)):
        packed[name], packed[name + '_scale'] = open_model.pack(components, dtype)
    packed.update(_named(units, mesh, full, mean, frame))
    packed.update(dense_points.read())
    return packed


def painted_layers(human, average, face, fine, landmarks):
    """The paint_layers.Layers of the mean face.

    Args:
      face: (coarse mesh, FullMesh, frame) as face_mesh returns them.  fine: [N,3] the mean face.
    """
    mesh, full, (scale, rotation, shift) = face
    raw = (fine - shift).dot(rotation.T) / scale
    return paint_layers.layers(human, average, paint_layers.Surface(
        full.uv, full.part, full.depth, full.matrix.dot(topology.lid_rings(mesh)), raw, fine,
        vertex_normals(fine, full.triangles), landmarks))


def _albedo(layers, random, log):
    """(mean [N,3], components [40,N,3]) of random people's albedo, 0-255."""
    faces = albedo.paint(layers, PAINTED, random)
    mean = faces.mean(axis=0)
    components, held = people.principal_components(faces, PAINTED_COMPONENTS, np.ones(len(mean)), mean)
    log('albedo: %d faces, %d components hold %.2f %% of the variance'
        % (PAINTED, PAINTED_COMPONENTS, 100 * held.sum()))
    return mean, components


def _named(units, mesh, full, mean, frame):
    """The named shapes' arrays of the compact file."""
    scale, rotation, _ = frame
    return face_units.packed(*face_units.shapes(units, mesh, full, mean, scale * rotation))


def inner_weight(mesh):
    """[n] importance of the coarse vertices in the components."""
    return np.where(mesh.ring > 0, _INNER_WEIGHT, 1.0)


def people_shapes(human, crowd, mesh, frame, weights):
    """[S,n,3] coarse shapes of people with the weights [S,K] of a people.Population's targets, not aligned yet."""
    moves = np.stack([mesh.weights.dot(human.target(name)) for name in crowd.targets]).reshape(
        len(crowd.targets), -1)
    return _apply(frame, weights.dot(moves).reshape(len(weights), -1, 3) + mesh.weights.dot(human.vertices))


def _identity(human, crowd, mesh, full, frame, random):
    """(mean [n,3], components [80,n,3], share of variance) over random adults, in the model's frame."""
    shapes = people_shapes(human, crowd, mesh, frame, crowd.draw(PEOPLE, random))
    anchor = np.where(mesh.ring > 0, 0.0, 1.0)
    reference = shapes.mean(axis=0)
    for _ in range(2):
        shapes = people.rigid_align(shapes, reference, anchor)
        reference = shapes.mean(axis=0)
    again = _frame(mesh, full, reference)
    shapes, reference = _apply(again, shapes), _apply(again, reference)

    lips = contact.Lips(mesh, full, reference)
    for eye in (coarse_mesh.RIGHT_EYE, coarse_mesh.LEFT_EYE):
        contact.Lids(mesh, reference, eye).clear(shapes)
    # Whoever it is, the neutral mouth is closed: identity has no say in the gap between the lips.
    for _ in range(4):
        lips.move(shapes, LIP_GAP - lips.gap(shapes))
    mean = shapes.mean(axis=0)
    components, share = people.principal_components(shapes, ID_DIM, inner_weight(mesh), mean)
    return mean, components, share.sum()


def _expression(human, mesh, full, mean, frame, random):
    """(components [64,n,3], share of the motion) of random expressions of the mean face."""
    scale, rotation, _ = frame
    units = expressions.ExpressionUnits(human, mesh, mean, scale * rotation)
    ethnicity = random.dirichlet(np.full(3, 0.8), EXPRESSIONS)
    shapes = units.displacements(units.draw(EXPRESSIONS, random), ethnicity) + mean
    lips = contact.Lips(mesh, full, mean)
    lips.part(shapes, lips.gap(mean[None])[0])
    for eye in (coarse_mesh.RIGHT_EYE, coarse_mesh.LEFT_EYE):
        contact.Lids(mesh, mean, eye).clear(shapes)
    components, share = people.principal_components(shapes, EX_DIM, inner_weight(mesh), mean)
    return expressions.spread(components, _openings(full, components), OPENING_DAMPING), share.sum()


def _openings(full, components):
    """[3,K] how far components [K,n,3] open the mouth and the two eyes, dm."""
    marks = layout.landmark_vertices(full.uv, full.part, layout.LANDMARK_UV)
    height = np.stack([full.matrix[marks].dot(component[:, 1]) for component in components], axis=1)
    pairs = (((61, 62, 63), (65, 66, 67)), ((37, 38), (40, 41)), ((43, 44), (46, 47)))
    return np.stack([height[list(above)].mean(axis=0) - height[list(below)].mean(axis=0) for above, below in pairs])
