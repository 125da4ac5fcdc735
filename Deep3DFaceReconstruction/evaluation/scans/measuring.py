"""One reconstruction, or the mean of several, measured against a scan; kept in a file, so that a run can go on."""
import json
import os
from typing import NamedTuple, Optional, Tuple

import numpy as np

from Deep3DFaceReconstruction import numpy_decoder
from Deep3DFaceReconstruction.conventions import MM_PER_DM
from Deep3DFaceReconstruction.dataset.task_pool import Worker
from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.evaluation import reconstructions
from Deep3DFaceReconstruction.evaluation.scans import alignment, datasets
from Deep3DFaceReconstruction.evaluation.scans.alignment import Mesh
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.meshes.registration import similarity
from Deep3DFaceReconstruction.photo.landmarks import five_from_68
from Deep3DFaceReconstruction.system.files import atomic_write

COLUMNS = ('plane_rmse_mm', 'plane_mean_mm', 'point_mean_mm', 'outside', 'scale')
_MOUTH, _NOSE_TIP = slice(48, 68), 2  # of the 68, of the five


class Task(NamedTuple):
    """What to measure.

    Attributes:
      name: of the row.
      group: setting or expression.
      kind: 'single' or 'pooled'.
      results: paths of the .mat files; the mean of their identities counts where there are several.
      scan: the mesh file.
    """
    name: str
    group: str
    kind: str
    results: Tuple[str, ...]
    scan: str


class Settings(NamedTuple):
    """What all tasks have in common; see datasets.Dataset. folder: where measurements are kept."""
    folder: str
    face_model: Optional[str]
    unit_mm: float
    radius: Optional[float]
    neutral: bool


class Measurer(Worker):
    """Function of a Task -> its row.

    Args:
      settings: Settings.
    """

    def __init__(self, settings):
        super().__init__(settings)
        self._model = None

    def __call__(self, task):
        """The row of a Task as a dict; what is wrong with its files is its reason.

        Raises:
          OSError: the folder cannot be written. AssetError: the face model is missing or wrong.
        """
        kept = self.kept(task)
        if kept is not None:
            return kept
        try:
            return self._measure(task)
        except InputError as error:
            return failed_row(task, str(error))

    def kept(self, task):
        """The row of an earlier run with the same settings and files that are not newer, or None."""
        path = measurement_path(self.settings.folder, task.name)
        try:
            with np.load(path) as arrays:
                same = str(arrays['key']) == self._key(task)
                row = json.loads(str(arrays['row']))
            made = os.path.getmtime(path)
            newer = any(os.path.getmtime(source) > made for source in task.results + (task.scan,))
        except (OSError, ValueError, KeyError):
            return None
        return row if same and not newer else None

    def _key(self, task):
        return json.dumps([list(self.settings[1:]), list(task)])

    def _measure(self, task):
        if self._model is None:
            self._model = load_face_model(self.settings.face_model)
        model = self._model
        face = Mesh(MM_PER_DM * self._shape(task, model), model.triangles)
        whole = datasets.read_scan(task.scan, self.settings.unit_mm)
        nose, initial = first_alignment(datasets.read_landmarks(task.scan, self.settings.unit_mm), whole,
                                        face.vertices[model.keypoints])
        scan = whole if self.settings.radius is None else alignment.crop(whole, nose, self.settings.radius)
        matrix = alignment.icp(scan.vertices, face, initial)
        found = alignment.distances(scan, Mesh(alignment.transform(matrix, face.vertices), face.triangles))
        row = dict(failed_row(task, ''), plane_rmse_mm=float(np.sqrt((found.plane ** 2).mean())),
                   plane_mean_mm=float(found.plane.mean()), point_mean_mm=float(found.point.mean()),
                   outside=found.outside, scale=alignment.scale_of(matrix))
        with atomic_write(measurement_path(self.settings.folder, task.name)) as temporary:
            np.savez(temporary, key=self._key(task), row=json.dumps(row), plane=found.plane.astype(np.float32),
                     triangles=scan.triangles.astype(np.int32),
                     vertices=alignment.transform(np.linalg.inv(matrix), scan.vertices).astype(np.float32))
        return row

    def _shape(self, task, model):
        """[N,3] float64, dm."""
        results = [reconstructions.read(path) for path in task.results]
        for result in results:
            if len(result.face_shape) != len(model.meanshape):
                raise InputError('%s: expected %d vertices as the face model has, got %d' % (
                    result.path, len(model.meanshape), len(result.face_shape)))
        if len(results) == 1 and not self.settings.neutral:
            return results[0].face_shape.astype(np.float64)
        coeff = np.mean([result.coeff for result in results], axis=0, dtype=np.float64)
        return (numpy_decoder.neutral_shape if self.settings.neutral else numpy_decoder.shape_of)(model, coeff)


def failed_row(task, reason):
    """A row without measurements."""
    return dict({'name': task.name, 'group': task.group, 'kind': task.kind, 'images': len(task.results)},
                **dict({column: float('nan') for column in COLUMNS}, reason=reason))


def measurement_path(folder, name):
    """Where a row is kept, with `plane` [M] mm, `vertices` [M,3] mm in the face's frame and `triangles` of the scan."""
    return os.path.join(folder, name + '.npz')


def first_alignment(landmarks, scan, key):
    """(nose tip [3] of the scan, matrix [4,4] that brings the reconstruction about onto the scan).

    Args:
      landmarks: what datasets.read_landmarks returns. With none, the scan must face along its z axis, upright, and its
        foremost vertex counts as the nose tip.
      scan: Mesh.
      key: [68,3] mm, the reconstruction's landmarks.
    """
    kind, points = landmarks
    five = five_from_68(key)
    if kind == 'five':
        return points[_NOSE_TIP], alignment.similarity_matrix(*similarity(five, points))
    if kind == 'eyes_mouth':
        matrix = alignment.similarity_matrix(*similarity(np.vstack([five[:2], key[_MOUTH].mean(axis=0)]), points))
        tip = alignment.transform(matrix, five[_NOSE_TIP:_NOSE_TIP + 1])
        return scan.vertices[np.linalg.norm(scan.vertices - tip, axis=1).argmin()], matrix
    nose = points[0] if kind == 'nose' else scan.vertices[scan.vertices[:, 2].argmax()]
    return nose, alignment.similarity_matrix(1.0, np.eye(3), nose - five[_NOSE_TIP])
