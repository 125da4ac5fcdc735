"""What demo.py does, in one way: photos -> crops -> batches -> coefficients -> decoder -> results.

One photo's failure is its own. Photos are read in a thread beside the main one, and files are written in two others
while the next batch is computed.
"""
import os
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import List, NamedTuple, Optional

from tqdm import tqdm

from Deep3DFaceReconstruction.demo import results
from Deep3DFaceReconstruction.demo.coefficient_sources import choose_source
from Deep3DFaceReconstruction.demo.prefetch import batches, prefetched
from Deep3DFaceReconstruction.errors import InputError, UserError, message_of, one_line
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.photo import image_io
from Deep3DFaceReconstruction.photo.crops import FaceCrop, crops_of_photo
from Deep3DFaceReconstruction.photo.face_finder import FaceFinder
from Deep3DFaceReconstruction.system.files import remove_unfinished

SUMMARY_NAME = 'summary.csv'
WRITERS = 2


class ReadPhoto(NamedTuple):
    """A photo with its faces ready for the network, or the reason why there are none."""

    image_path: str
    name: str
    crops: List[FaceCrop]
    seconds: float
    reason: Optional[str]


class Written(NamedTuple):
    """A photo whose faces are reconstructed; their files are being written."""

    photo: ReadPhoto
    rows: List[results.SummaryRow]
    outcomes: Future  # of a list of catalogue.Outcome, one for each row


def run(options):
    """Reconstructs every photo of a folder.

    Args:
      options: options.DemoOptions.
    Returns:
      The exit code: 0 when every photo gave its results, else 1.
    """
    try:
        image_paths = image_io.list_images(options.input)
        if not image_paths:
            raise InputError('%s: expected photos (%s), found none' % (
                options.input, ', '.join(image_io.IMAGE_EXTENSIONS)))
        check_writable(options.output)
        remove_unfinished(options.output)
        rows = list(_reconstruct_all(options, image_paths))
        summary_path = os.path.join(options.output, SUMMARY_NAME)
        results.write_summary(summary_path, rows)
    except (UserError, OSError) as error:
        print('demo.py: %s' % message_of(error), file=sys.stderr)
        return 1
    failed = sum(row.status == results.FAILED for row in rows)
    print('%d reconstructed, %d failed; %s' % (len(rows) - failed, failed, summary_path))
    return 1 if failed else 0


def check_writable(folder):
    """Makes the folder and sees that files can be made in it.

    Raises:
      InputError: neither can be done.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError('%s: expected a folder that can be written, got: %s' % (folder, one_line(error)))


def _reconstruct_all(options, image_paths):
    """Yields the SummaryRow of each face, in the order of the photos."""
    source = choose_source(options)
    photos = _photos(options, image_paths, source.needs_landmarks)
    model = load_face_model(options.face_model)
    # TensorFlow takes longer to load than most photos to read.
    from Deep3DFaceReconstruction.demo.face_files import FaceFiles
    from Deep3DFaceReconstruction.demo.reconstructor import Decoder

    source.load(model)
    decoder = Decoder(model)
    print('face model %s, %s; coefficients by %s' % (model.name, model.path, source.description))
    files = FaceFiles(model, options)

    with ThreadPoolExecutor(max_workers=WRITERS) as writers, \
            tqdm(total=len(image_paths), unit='photo', disable=not sys.stderr.isatty()) as progress:
        def write(photo, face_results):
            return writers.submit(files.write, options.output, photo.name, face_results)

        pending = []
        for batch in batches(photos, source.batch_size):
            # The files of one batch are written while the next one is computed.
            finished, pending = pending, _reconstruct(batch, source, decoder, write)
            yield from _report(finished, progress)
        yield from _report(pending, progress)


def _photos(options, image_paths, landmarks):
    """Starts reading; an iterator of ReadPhoto, in the order of the paths."""
    all_faces = options.faces == 'all'
    finder = FaceFinder()

    def read(path_and_name):
        path, name = path_and_name
        begin = time.time()
        try:
            crops, reason = crops_of_photo(path, name, finder, all_faces, landmarks), None
        except InputError as error:
            crops, reason = [], str(error)
        return ReadPhoto(path, name, crops, time.time() - begin, reason)

    names = image_io.result_names(image_paths, numbered=all_faces)
    futures = prefetched(read, zip(image_paths, names), ahead=2 * options.batch_size)
    return (future.result() for future in futures)


def _reconstruct(batch, source, decoder, write):
    """Reconstructs the faces of some photos and has their files written.

    Returns:
      list of Written.
    """
    begin = time.time()
    crops = [crop for photo in batch for crop in photo.crops]
    face_results = iter(decoder(crops, source(crops)) if crops else [])
    share = (time.time() - begin) / max(len(crops), 1)
    written = []
    for photo in batch:
        own = [next(face_results) for _ in photo.crops]
        rows = [results.result_row(result, source.label, photo.seconds / len(own) + share) for result in own]
        written.append(Written(photo, rows, write(photo, own)))
    return written


def _report(written, progress):
    """Waits for the files, prints a line for each face and yields its row."""
    for photo, rows, outcomes in written:
        if photo.reason:
            yield _told(results.failure_row(photo.image_path, photo.name, photo.seconds, photo.reason), progress)
        for row, outcome in zip(rows, outcomes.result()):
            yield _told(results.finished_row(row, outcome), progress)
        progress.update(1)


def _told(row, progress):
    with progress.external_write_mode():
        print(results.summary_line(row), file=sys.stderr if row.status == results.FAILED else sys.stdout)
    return row
