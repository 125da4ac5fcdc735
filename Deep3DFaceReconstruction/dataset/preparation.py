"""From photos to a training set: crop, 68 landmarks and skin attention of each (`sample_files` has the layout)."""
import collections
import csv
import os
import threading
from typing import NamedTuple, Optional

import numpy as np

from Deep3DFaceReconstruction.conventions import IMAGE_SIZE
from Deep3DFaceReconstruction.dataset import sample_files
from Deep3DFaceReconstruction.dataset.options import DEFAULT_MAX_ERROR
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.errors import AssetError, InputError, LandmarkError
from Deep3DFaceReconstruction.photo.crops import crops_of_photo
from Deep3DFaceReconstruction.photo.landmarks import five_from_68, to_y_up
from Deep3DFaceReconstruction.photo.photo_files import landmark_path_for
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.files import atomic_write
from Deep3DFaceReconstruction.system.own_files import check_replaceable

DONE, DOUBTFUL, KEPT, FAILED = 'done', 'doubtful', 'kept', 'failed'


class Row(NamedTuple):
    """What became of one photo, a line of report.csv.

    Attributes:
      file: the photo; name: NAME of its sample, or PERSON/NAME.
      status: done; doubtful (done, but the reason says why it may not be a face, or not where the points are); kept (a
        former run's result is whole and newer than the photo); failed, for the reason given.
      face_size: side of the square of the photo that became the crop, in its pixels.
      landmark_error: mean distance, in crop pixels, of the five points that alignment had from those of the 68.
      landmarks_from: what found the 68, see FaceCrop: network, mesh or dlib.
    """

    file: str
    name: str
    status: str
    reason: str
    face_size: str
    landmark_error: str
    detector: str = ''
    score: str = ''
    landmarks_from: str = ''


# What the image of a sample keeps of its row.
_NOTED = ('reason', 'face_size', 'landmark_error', 'detector', 'score', 'landmarks_from')


class _Settings(NamedTuple):
    """What two copies of a preparer have in common. network_path: None for dlib's predictor."""

    save_path: str
    network_path: Optional[str]
    max_error: float
    redo: bool


class Preparer:
    """Makes the training sample of one photo; the same object serves many, from several threads or processes.

    Args:
      save_path: the set's folder.
      network_path: a frozen landmark network; where there is none, the 68 are those that the demo uses: of the face
        mesh, else dlib's.
      max_error: samples with a larger landmark error (crop pixels) are refused.
      redo: make again what is there already.
    """

    def __init__(self, save_path, network_path=assets.LANDMARK68_PB, max_error=DEFAULT_MAX_ERROR, redo=False):
        if network_path is not None and not os.path.exists(network_path):
            network_path = None
        self._settings = _Settings(os.path.abspath(save_path), network_path, max_error, redo)
        self._models = threading.local()

    # A copy in another process loads models of its own; copies with the same settings do the same.
    def __getstate__(self):
        return self._settings

    def __setstate__(self, settings):
        self._settings = settings
        self._models = threading.local()

    def __eq__(self, other):
        return isinstance(other, Preparer) and self._settings == other._settings

    __hash__ = None

    @property
    def save_path(self):
        """The set's folder."""
        return self._settings.save_path

    @property
    def landmark_source(self):
        """Path of the landmark network, or a word for what takes its place."""
        return self._settings.network_path or "the 468-point face mesh, else dlib's 68-point predictor"

    def __call__(self, photo):
        """Writes the sample of one photo, unless it is there already.

        Args:
          photo: (path, NAME of the sample).
        Returns:
          Row; what is wrong with a photo is in it.
        Raises:
          OSError: the set's folder cannot be written.
          AssetError: a model is missing or is not what it should be.
        """
        path, name = photo
        sample = sample_files.sample_named(self._settings.save_path, name)
        if not self._settings.redo:
            notes = finished(sample, path)
            if notes is not None:
                return Row(path, name, KEPT, *(notes.get(key, '') for key in _NOTED))
        try:
            return self._prepare(path, name, sample)
        except InputError as error:
            reason = str(error)
        except MemoryError:
            reason = '%s: expected an image that fits into memory' % path
        # What a former run has made of this photo is no longer what it gives.
        sample_files.remove_sample(sample, os.path.basename(path))
        return Row(path, name, FAILED, reason, '', '')

    def _prepare(self, path, name, sample):
        crop, = crops_of_photo(path, sample.name, self._finder(), landmarks=True, network=self._network())
        error = np.linalg.norm(five_from_68(to_y_up(crop.lm_68p)) - crop.lm_5p, axis=1).mean()
        if error > self._settings.max_error:
            raise LandmarkError('%s: expected 68 landmarks within %g pixels of the five, got %.1f'
                                % (path, self._settings.max_error, error))
        row = Row(path, name, DOUBTFUL if crop.doubts else DONE, '; '.join(crop.doubts),
                  '%.0f' % (IMAGE_SIZE / crop.trans_params[2]), '%.2f' % error, crop.detector,
                  '' if crop.score is None else '%.3g' % crop.score, crop.landmarks_from)
        check_replaceable(sample.image)
        notes = dict({key: getattr(row, key) for key in _NOTED}, source=os.path.basename(path))
        sample_files.write_sample(sample, crop.bgr, crop.lm_68p, crop.attention, notes)
        return row

    def _network(self):
        if self._settings.network_path is None:
            return None
        if not hasattr(self._models, 'network'):
            # TensorFlow is only needed, and only loaded, where somebody has put the network.
            from Deep3DFaceReconstruction.networks.landmark_network import LandmarkNetwork
            self._models.network = LandmarkNetwork(self._settings.network_path)
        return self._models.network

    def _finder(self):
        if not hasattr(self._models, 'finder'):
            self._models.finder = FaceFinder()
        return self._models.finder


def finished(sample, photo):
    """The notes of a sample that is whole, made from this photo and newer than it and its landmark file; else None."""
    notes = sample_files.read_notes(sample)
    if notes is None or notes.get('source') != os.path.basename(photo):
        return None
    if not {'face_size', 'landmark_error'} <= set(notes):
        return None
    made = os.path.getmtime(sample.image)
    sources = [path for path in (photo, landmark_path_for(photo)) if os.path.exists(path)]
    return notes if all(os.path.getmtime(path) <= made for path in sources) else None


def prepare_all(run, preparer, photos, progress=lambda row: None):
    """Prepares many photos and writes report.csv beside the samples.

    Args:
      run: what `task_pool` gives.
      preparer: Preparer.
      photos: [(path, NAME of the sample)]; the report keeps their order.
      progress: called with every Row.
    Returns:
      collections.Counter of the statuses.
    Raises:
      OSError, AssetError: what stops every photo alike.
    """
    counts = collections.Counter()
    report_path = os.path.join(preparer.save_path, sample_files.REPORT)
    with atomic_write(report_path) as temporary, open(temporary, 'w', newline='', encoding='utf-8') as file:
        report = csv.writer(file)
        report.writerow(Row._fields)
        for (path, name), row in zip(photos, run(preparer, photos)):
            if isinstance(row, (OSError, AssetError)):
                raise row
            if isinstance(row, Exception):
                row = Row(path, name, FAILED, '%s: %s: %s' % (path, type(row).__name__, row), '', '')
            report.writerow(row)
            counts[row.status] += 1
            progress(row)
    return counts
