"""One animated .glb per person: morph weights and head pose over time."""
import csv

import numpy as np
from scipy.spatial.transform import Rotation

from Deep3DFaceReconstruction.exports.camera_file import METRES_PER_UNIT
from Deep3DFaceReconstruction.exports.glb import Animation, atlas_mesh, write_glb
from Deep3DFaceReconstruction.exports.morph_targets import morph_targets
from Deep3DFaceReconstruction.meshes.normals import vertex_normals
from Deep3DFaceReconstruction.motion.following import ROW_DIM, eye_state
from Deep3DFaceReconstruction.motion.frame_fit import ANGLES, EXPRESSION, TRANSLATION
from Deep3DFaceReconstruction.numpy_decoder import rotation_matrix
from Deep3DFaceReconstruction.surface.face_atlas import face_atlas
from Deep3DFaceReconstruction.surface.rasterizer import rasterize_texture
from Deep3DFaceReconstruction.surface.texture_fill import spread
from Deep3DFaceReconstruction.system.png import encode_png
from Deep3DFaceReconstruction.video.trajectories import CAMERA, KEY, seconds_of

MOST_KEYS = 20000        # of a person; a longer clip keeps every second frame, every third, ...
TEXTURE = 1024           # pixels


def read_rows(table, person, most=MOST_KEYS):
    """(times [T] seconds, rows [T,103]) of a person in a coefficients.csv, at most `most` of them, evenly spread."""
    def rows():
        with open(table, newline='', encoding='utf-8') as stream:
            reader = csv.reader(stream)
            next(reader)
            for row in reader:
                if row[KEY.index('person')] == str(person):
                    yield row
    stride = max(1, -(-sum(1 for _ in rows()) // most))
    first = len(KEY) + len(CAMERA)
    kept = [row for place, row in enumerate(rows()) if place % stride == 0]
    times = np.array([seconds_of(row[KEY.index('time')]) for row in kept])
    values = np.array([row[first:] for row in kept], np.float64).reshape(-1, ROW_DIM)
    # Two tracks of one person in one frame would be a mistake: the first counts.
    rising = np.concatenate([[True], np.diff(np.maximum.accumulate(times)) > 0]) if len(times) else []
    return times[rising], values[rising]


class AnimationWriter:
    """Writes the animated faces of a clip's people.

    Args:
      model: a FaceModel.
      shapes: its exports.arkit.ShapeWeights; None where it has no named shapes.
    """

    def __init__(self, model, shapes):
        self._triangles, self._shapes = model.triangles, shapes
        self._atlas, self._targets = face_atlas(model), morph_targets(model)

    def write(self, path, person, times, rows):
        """Writes a .glb file.

        Args:
          path: the file.  person: motion.people.Person.
          times: [T] seconds.  rows: [T,103], see motion.following.
        """
        weights, targets = self._weights(rows), self._targets
        turned = np.swapaxes(rotation_matrix(rows[:, ANGLES]), 1, 2)  # for column vectors
        animation = Animation(times - times[0], weights, Rotation.from_matrix(turned).as_quat(),
                              METRES_PER_UNIT * rows[:, TRANSLATION])
        normals = vertex_normals(person.shape, self._triangles)
        mesh = atlas_mesh(self._atlas, person.shape, normals, _texture(person, self._atlas),
                          (targets.names, targets.moves), weights=weights[0], animation=animation)
        write_glb(path, mesh, 'person %d' % person.number)

    def _weights(self, rows):
        """[T,K] of the morph targets, with gaze and closed lids where they have names."""
        if self._shapes is None:
            return np.array([self._targets.weights(row[EXPRESSION]) for row in rows])
        return self._shapes.weights(rows[:, EXPRESSION], [eye_state(row) for row in rows])


def _texture(person, atlas):
    """The person's albedo as bytes of a PNG file in the model's atlas."""
    drawn = rasterize_texture(atlas.uv, person.albedo[atlas.vertices], atlas.triangles, TEXTURE)
    filled = spread(drawn[1], drawn[0] >= 0)
    return encode_png(np.rint(np.clip(filled, 0, 255)).astype(np.uint8))
