"""What demo.py does, in one way: photos -> crops -> batches -> coefficients -> decoder -> results.

One photo's failure is its own. Photos are read in a thread beside the main one, and files are written in two others
while the next batch is computed.
"""
import contextlib
import functools
import os
import signal
import sys
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import List, NamedTuple, Optional

from tqdm import tqdm

from Deep3DFaceReconstruction.demo import job as jobs
from Deep3DFaceReconstruction.demo import results
from Deep3DFaceReconstruction.demo.prefetch import batches, prefetched
from Deep3DFaceReconstruction.detection.face_finder import FaceFinder
from Deep3DFaceReconstruction.errors import InputError, UserError, message_of, one_line
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.photo.crops import FaceCrop, crops_of_photo
from Deep3DFaceReconstruction.system import exit_codes

WRITERS = 2


class ReadPhoto(NamedTuple):
    """A photo with its faces ready for the network, or the reason why there are none."""

    photo: jobs.Photo
    crops: List[FaceCrop]
    seconds: float
    reason: Optional[str]


class Written(NamedTuple):
    """A photo whose faces are reconstructed; their files are being written."""

    read: ReadPhoto
    rows: List[results.SummaryRow]
    outcomes: Future  # of (a list of catalogue.Outcome, one for each row; names of the files)


class RunPage:
    """Holds the FaceFiles of a run, which exist only once TensorFlow is loaded, for what is written in the end."""

    def __init__(self):
        self.files = None


def run(options):
    """Reconstructs every photo of a folder.

    Args:
      options: options.DemoOptions.
    Returns:
      The exit code, see system.exit_codes.
    """
    try:
        job = jobs.prepare(options)
    except (UserError, OSError) as error:
        print('demo.py: %s' % message_of(error), file=sys.stderr)
        return exit_codes.NOT_STARTED
    rows, end, page = dict(job.known_rows), None, RunPage()
    try:
        for photo, row in _reconstruct_all(options, job, page):
            rows.setdefault(photo.path, {})[row.name] = row
    except (UserError, OSError) as error:
        end = jobs.EarlyEnd(message_of(error), is_interrupt=False)
    except KeyboardInterrupt:
        end = jobs.EarlyEnd('stopped; --resume goes on from here', is_interrupt=True)
    return jobs.finish(job, rows, end, page.files)


def _reconstruct_all(options, job, page):
    """Yields (Photo, SummaryRow) of each face, in the order of the photos; when stopped, first of those done."""
    if not job.photos:
        return
    # Reading starts at once: TensorFlow takes longer to load than most photos to read.
    with contextlib.closing(read_ahead(options, job.photos, job.source.needs_landmarks)) as reads:
        model = load_face_model(options.face_model)
        from Deep3DFaceReconstruction.demo.face_files import FaceFiles
        from Deep3DFaceReconstruction.demo.reconstructor import Decoder

        job.source.load(model)
        decoder = Decoder(model)
        print('face model %s, %s; coefficients by %s' % (model.name, model.path, job.source.description))
        files = page.files = FaceFiles(model, options)
        yield from _reconstruct_batches(job, (read.result() for read in reads), decoder, files)


def _reconstruct_batches(job, reads, decoder, files):
    """As _reconstruct_all, of an iterator of ReadPhoto."""
    with ThreadPoolExecutor(max_workers=WRITERS) as writers, \
            tqdm(total=len(job.photos), unit='photo', disable=not sys.stderr.isatty()) as progress:
        def write(photo, face_results):
            return writers.submit(job.folder.write, functools.partial(
                files.write, photo_name=photo.name, face_results=face_results))

        pending = deque()
        try:
            for batch in batches(reads, job.source.batch_size):
                # The files of one batch are written while the next one is computed.
                written = _reconstruct(batch, job.source, decoder, write)
                yield from _report(pending, job, progress)
                pending.extend(written)
            yield from _report(pending, job, progress)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is being written takes a moment
            yield from _report(pending, job, progress)
            raise


def read_ahead(options, photos, landmarks):
    """Starts reading; a generator of futures of ReadPhoto, in the order of the photos.

    Args:
      options: options.DemoOptions.
      photos: list of job.Photo.
      landmarks: whether the 68 are wanted where the five points are given.
    """
    read = functools.partial(read_photo, options, finder=FaceFinder(options.detector), landmarks=landmarks)
    return prefetched(read, photos, ahead=2 * options.batch_size)


def read_photo(options, photo, finder, landmarks):
    """The ReadPhoto of a job.Photo.

    Args:
      options: options.DemoOptions.
      photo: job.Photo.
      finder: face_finder.FaceFinder.
      landmarks: as of read_ahead.
    """
    begin = time.time()
    try:
        crops, reason = crops_of_photo(photo.path, photo.name, finder, options.faces == 'all', landmarks), None
    except InputError as error:
        crops, reason = [], str(error)
    return ReadPhoto(photo, crops, time.time() - begin, reason)


def _reconstruct(batch, source, decoder, write):
    """Reconstructs the faces of some photos and has their files written.

    Returns:
      list of Written.
    """
    begin = time.time()
    crops = [crop for read in batch for crop in read.crops]
    from Deep3DFaceReconstruction.demo.reconstructor import reconstruct  # loads TensorFlow

    face_results = iter(reconstruct(crops, source, decoder) if crops else [])
    share = (time.time() - begin) / max(len(crops), 1)
    written = []
    for read in batch:
        own = [next(face_results) for _ in read.crops]
        rows = [results.result_row(result, source.label, read.seconds / len(own) + share) for result in own]
        written.append(Written(read, rows, write(read.photo, own)))
    return written


def _report(pending, job, progress):
    """Waits for the files of some photos, prints a line for each face and yields (Photo, SummaryRow)."""
    while pending:
        for row in finished_rows(pending[0], job):
            _tell(row, progress)
            yield pending[0].read.photo, row
        pending.popleft()
        progress.update(1)


def finished_rows(written, job):
    """Waits for the files of a photo and records them: the SummaryRow of each of its faces.

    Args:
      written: Written.  job: the Job it belongs to.
    """
    read, rows, outcomes = written
    photo = read.photo
    try:
        found, names = outcomes.result()
        rows = [results.finished_row(row, outcome) for row, outcome in zip(rows, found)]
        # A run before may have left files of this photo that are no longer what it gives.
        job.folder.finish_photo(os.path.basename(photo.path), photo.name, photo.facts, rows, names)
    except (OSError, InputError) as error:
        rows = [results.failure_row(photo.path, row.name, read.seconds, (
            '%s: its results could not be written: %s' % (photo.path, one_line(error)))) for row in rows]
    if read.reason:
        rows = [results.failure_row(photo.path, photo.name, read.seconds, read.reason)]
    return rows


def _tell(row, progress):
    with progress.external_write_mode():
        print(results.summary_line(row), file=sys.stdout if row.status == results.OK else sys.stderr)
