"""The reconstruction of demo.py over processes or a Dask cluster, a photo at a time; the files are the same."""
import functools
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import Future
from typing import Any, List, NamedTuple, Optional

from Deep3DFaceReconstruction.dataset.task_pool import Worker, task_pool
from Deep3DFaceReconstruction.demo import job as jobs
from Deep3DFaceReconstruction.demo import pipeline, results
from Deep3DFaceReconstruction.demo.coefficient_sources import choose_source
from Deep3DFaceReconstruction.demo.face_files import FaceFiles
from Deep3DFaceReconstruction.demo.prefetch import batches
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.errors import AssetError, UserError, message_of, one_line
from Deep3DFaceReconstruction.exports.catalogue import Outcome
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.system.files import TEMPORARY_PREFIX


class MadePhoto(NamedTuple):
    """What a worker has made of a photo.

    Attributes:
      rows: the SummaryRow of each face, outcomes: what became of its files.
      folder: where they are, for the caller to move; None where there are none.
      seconds: that reading took.
      reason: why there is no face, or None.
    """

    rows: List[results.SummaryRow]
    outcomes: List[Outcome]
    folder: Optional[str]
    seconds: float
    reason: Optional[str]


class _Studio(NamedTuple):
    """What one process loads once."""

    finder: FaceFinder
    reconstruct: Any  # function of a list of FaceCrop -> list of FaceResult
    source: Any
    files: FaceFiles


class PhotoWorker(Worker):
    """Reconstructs photos.

    Args:
      settings: demo.options.DemoOptions, with paths that hold in every process.
    """

    def __init__(self, settings):
        super().__init__(settings)
        self._studio = None

    def __call__(self, photo):
        """Reconstructs a demo.job.Photo, and writes its files into a hidden folder below the output.

        Returns:
          MadePhoto.
        Raises:
          AssetError: a model is missing or unusable. OSError: the output folder cannot be written.
        """
        if self._studio is None:
            self._studio = self._opened()
        studio, begin = self._studio, time.time()
        read = pipeline.read_photo(self.settings, photo, studio.finder, studio.source.needs_landmarks)
        if not read.crops:
            return MadePhoto([], [], None, read.seconds, read.reason)
        faces = [face for batch in batches(read.crops, studio.source.batch_size)
                 for face in studio.reconstruct(batch)]
        share = (time.time() - begin) / len(faces)
        rows = [results.result_row(face, studio.source.label, share) for face in faces]
        folder = tempfile.mkdtemp(prefix=TEMPORARY_PREFIX + 'results-', dir=self.settings.output)
        return MadePhoto(rows, studio.files.write(folder, photo.name, faces), folder, read.seconds, None)

    def _opened(self):
        # TensorFlow loads only where photos are reconstructed.
        from Deep3DFaceReconstruction.demo.reconstructor import Decoder, reconstruct

        model = load_face_model(self.settings.face_model)
        source = choose_source(self.settings)
        source.load(model)
        return _Studio(FaceFinder(self.settings.detector),
                       functools.partial(reconstruct, source=source, decoder=Decoder(model)), source,
                       FaceFiles(model, self.settings))


def run(options, processes, scheduler):
    """As demo.pipeline.run, in several processes.

    Args:
      options: demo.options.DemoOptions.
      processes, scheduler: as of dataset.task_pool.
    Returns:
      The exit code, see system.exit_codes.
    Raises:
      UserError, OSError: the run cannot begin.
    """
    options = options._replace(**{name: os.path.abspath(value) for name, value in options._asdict().items()
                                  if name in ('input', 'output', 'face_model', 'pretrain_weights') and value})
    job = jobs.prepare(options)
    rows, end = dict(job.known_rows), None
    try:
        with task_pool(processes, scheduler) as pool:
            for photo, made in zip(job.photos, pool(PhotoWorker(options), job.photos) if job.photos else ()):
                rows[photo.path] = {row.name: row for row in _finished(job, photo, made)}
    except (UserError, OSError) as error:
        end = jobs.EarlyEnd(message_of(error), is_interrupt=False)
    except KeyboardInterrupt:
        end = jobs.EarlyEnd('stopped; the same command goes on from here', is_interrupt=True)
    files = FaceFiles(load_face_model(options.face_model), options) if 'viewer' in options.outputs else None
    return jobs.finish(job, rows, end, files)


def _finished(job, photo, made):
    """The SummaryRows of a photo, whose files are moved to where they belong; raises what stops every photo alike."""
    if isinstance(made, (OSError, AssetError)):
        raise made
    if isinstance(made, Exception):
        made = MadePhoto([], [], None, 0.0, '%s: %s: %s' % (photo.path, type(made).__name__, one_line(made)))

    def move(staging):
        for name in os.listdir(made.folder) if made.folder else ():
            os.replace(os.path.join(made.folder, name), os.path.join(staging, name))
        return made.outcomes

    moved = Future()
    try:
        moved.set_result(job.folder.write(move))
    except (UserError, OSError) as error:
        moved.set_exception(error)
    finally:
        if made.folder:
            shutil.rmtree(made.folder, ignore_errors=True)
    read = pipeline.ReadPhoto(photo, [], made.seconds, made.reason)
    rows = pipeline.finished_rows(pipeline.Written(read, made.rows, moved), job)
    for row in rows:
        print(results.summary_line(row), file=sys.stdout if row.status == results.OK else sys.stderr)
    return rows
