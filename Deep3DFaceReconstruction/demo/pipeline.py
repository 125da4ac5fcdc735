"""What demo.py does: a folder of photos -> meshes, pictures and a summary. One photo's failure is its own."""
import csv
import os
import sys
import tempfile
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

from tqdm import tqdm

from Deep3DFaceReconstruction.demo.prefetch import batches, prefetched
from Deep3DFaceReconstruction.errors import AssetError, InputError, UserError, message_of, one_line
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.photo import image_io
from Deep3DFaceReconstruction.photo.crops import crops_of_photo
from Deep3DFaceReconstruction.photo.face_finder import FaceFinder
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.files import remove_unfinished, written_aside

SUMMARY_NAME = 'summary.csv'
WRITERS = 2
# What another run into the same folder is writing just now is younger than this.
UNFINISHED_SECONDS = 600

SummaryRow = namedtuple('SummaryRow', [
    'image', 'name', 'status', 'faces_found', 'coefficients_from', 'landmark_error_px', 'landmarks_compared',
    'photometric_error', 'seconds', 'reason'])

# A photo with its faces ready for the network (crops: list of FaceCrop), or the reason why there are none.
ReadPhoto = namedtuple('ReadPhoto', ['image_path', 'name', 'crops', 'seconds', 'reason'])


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
        remove_unfinished(options.output, UNFINISHED_SECONDS)
        rows = list(_reconstruct_all(options, image_paths))
        summary_path = os.path.join(options.output, SUMMARY_NAME)
        write_summary(summary_path, rows)
    except (UserError, OSError) as error:
        print('demo.py: %s' % message_of(error), file=sys.stderr)
        return 1
    failed = sum(row.status != 'ok' for row in rows)
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


def network_path(options):
    """The file of the network to use, or None for fitting alone: the .pb, else --pretrain_weights.

    Raises:
      AssetError: --fit refine or never, and there is no network.
    """
    if options.fit == 'only':
        return None
    if options.use_pb and os.path.isfile(assets.FACE_RECON_PB):
        return assets.FACE_RECON_PB
    if options.pretrain_weights is None and options.fit in ('refine', 'never'):
        raise AssetError('--fit %s: expected a network in %s or --pretrain_weights CKPT, found neither' % (
            options.fit, assets.FACE_RECON_PB))
    return options.pretrain_weights


def _reconstruct_all(options, image_paths):
    """Yields the SummaryRow of each face, in the order of the photos."""
    network = network_path(options)
    finder = FaceFinder()

    def read(path_and_name):
        return _read_photo(path_and_name, finder, all_faces=options.faces == 'all',
                           landmarks=network is None or options.fit == 'refine')

    # Reading starts before TensorFlow is imported, which takes longer than most photos.
    names = image_io.result_names(image_paths, numbered=options.faces == 'all')
    photos = prefetched(read, zip(image_paths, names), ahead=2 * options.batch_size)
    model = load_face_model(options.face_model)
    from Deep3DFaceReconstruction.demo.reconstructor import Reconstructor, write_result

    reconstructor = Reconstructor(network, options, model)
    print(reconstructor.description)

    def write(result, name):
        write_result(result, os.path.join(options.output, name), reconstructor.faces_text)

    with ThreadPoolExecutor(max_workers=WRITERS) as writers, \
            tqdm(total=len(image_paths), unit='photo', disable=not sys.stderr.isatty()) as progress:
        pending = []
        for batch in batches((future.result() for future in photos), reconstructor.batch_size):
            # The files of one batch are written while the next one is computed.
            finished, pending = pending, _start(batch, reconstructor, writers, write)
            yield from _report(finished, progress)
        yield from _report(pending, progress)


def _read_photo(path_and_name, finder, all_faces, landmarks):
    path, name = path_and_name
    begin = time.time()
    try:
        crops, reason = crops_of_photo(path, name, finder, all_faces, landmarks), None
    except InputError as error:
        crops, reason = [], str(error)
    return ReadPhoto(path, name, crops, time.time() - begin, reason)


def _start(batch, reconstructor, writers, write):
    """Reconstructs the faces of some photos and has their files written.

    Returns:
      [(ReadPhoto, [(SummaryRow, future of the writing), ...]), ...]
    """
    begin = time.time()
    faces = [crop for photo in batch for crop in photo.crops]
    results = iter(reconstructor(faces) if faces else [])
    share = (time.time() - begin) / max(len(faces), 1)
    started = []
    for photo in batch:
        rows = []
        for crop in photo.crops:
            result = next(results)
            rows.append((SummaryRow(
                image=os.path.basename(photo.image_path), name=crop.name, status='ok', faces_found=crop.faces_found,
                coefficients_from=reconstructor.label, landmark_error_px='%.2f' % result.landmark_error,
                landmarks_compared=result.landmarks_compared, photometric_error='%.2f' % result.photometric_error,
                seconds='%.2f' % (photo.seconds / len(photo.crops) + share), reason=''),
                writers.submit(write, result, crop.name)))
        started.append((photo, rows))
    return started


def _report(started, progress):
    """Waits for the files, prints a line for each face and yields its row."""
    for photo, rows in started:
        if photo.reason:
            yield _told(failure_row(photo, photo.name, photo.reason), progress)
        for row, writing in rows:
            error = writing.exception()
            if isinstance(error, (OSError, ValueError)):
                row = failure_row(photo, row.name, '%s: its results could not be written: %s' % (
                    photo.image_path, one_line(error)))
            elif error is not None:
                raise error
            yield _told(row, progress)
        progress.update(1)


def _told(row, progress):
    with progress.external_write_mode():
        print(summary_line(row), file=sys.stdout if row.status == 'ok' else sys.stderr)
    return row


def failure_row(photo, name, reason):
    """The SummaryRow of a photo or a face that gave no results."""
    return SummaryRow(image=os.path.basename(photo.image_path), name=name, status='failed', faces_found='',
                      coefficients_from='', landmark_error_px='', landmarks_compared='', photometric_error='',
                      seconds='%.2f' % photo.seconds, reason=reason)


def summary_line(row):
    """A SummaryRow for people."""
    if row.status != 'ok':
        return row.reason
    found = ''
    if row.faces_found is not None:
        found = '%s face%s found, ' % (row.faces_found, '' if row.faces_found == 1 else 's')
    return '%s: %slandmark error %s px (%s points), photometric error %s of 255, %s s' % (
        row.name, found, row.landmark_error_px, row.landmarks_compared, row.photometric_error, row.seconds)


def write_summary(path, rows):
    """Writes summary.csv, one line a face; written aside, then renamed."""
    with written_aside(path) as aside:
        with open(aside, 'w', newline='') as stream:
            writer = csv.writer(stream)
            writer.writerow(SummaryRow._fields)
            writer.writerows(rows)
