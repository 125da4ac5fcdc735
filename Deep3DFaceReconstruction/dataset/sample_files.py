"""The files of one training sample, and the folder that a training set is.

  NAME.png         [224, 224, 3] the aligned crop, with notes (see `read_notes`)
  lm/NAME.txt      68 lines `x y`, the landmarks for people
  lm_bin/NAME.bin  136 little-endian float64, the same 68 landmarks (col, 223 - row): y-up
  mask/NAME.png    [224, 224, 3] the skin attention, the same on the three channels
  coeff/NAME.npy   [257] float32, where the sample was made from known coefficients
  dense/NAME.npy   [468, 3] float32, where it shows a whole synthetic head: dense landmarks x, y (y-up), 1 if seen
  parts/NAME.png   [224, 224] uint8 palette, likewise: what each pixel shows, see scenes.labels.NAMES

Files belong together by NAME. NAME.png is written last and every file to a temporary name first: an image
that is there has its other files too, whenever a run was killed.
"""
import contextlib
import fcntl
import os
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from Deep3DFaceReconstruction.conventions import COEFF_DIM, IMAGE_SIZE, LANDMARK_COUNT
from Deep3DFaceReconstruction.errors import InputError, one_line
from Deep3DFaceReconstruction.system.files import PNG_COMPRESSION, atomic_write, remove_unfinished
from Deep3DFaceReconstruction.system.own_files import check_replaceable, is_own_image, marked_info

TEXT_DIR, LANDMARK_DIR, MASK_DIR, COEFF_DIR, DENSE_DIR, PARTS_DIR = 'lm', 'lm_bin', 'mask', 'coeff', 'dense', 'parts'
# These lie in a set's folder without being samples.
CONTACT_SHEET, REPORT = 'contact_sheet.png', 'report.csv'

_LANDMARK_BYTES = LANDMARK_COUNT * 2 * 8
_PNG_END = b'IEND\xaeB`\x82'
_LOCK = '.lock'

class DataError(InputError):
    """A training set cannot be used; the message is one line for the user."""


class Sample(NamedTuple):
    """One sample, known by the path of its image; the other paths follow from that."""

    image: str

    @property
    def name(self):
        """NAME."""
        return os.path.splitext(os.path.basename(self.image))[0]

    @property
    def text(self):
        """Path of lm/NAME.txt."""
        return self._beside(TEXT_DIR, '.txt')

    @property
    def landmarks(self):
        """Path of lm_bin/NAME.bin."""
        return self._beside(LANDMARK_DIR, '.bin')

    @property
    def mask(self):
        """Path of mask/NAME.png."""
        return self._beside(MASK_DIR, '.png')

    @property
    def coeff(self):
        """Path of coeff/NAME.npy."""
        return self._beside(COEFF_DIR, '.npy')

    @property
    def dense(self):
        """Path of dense/NAME.npy."""
        return self._beside(DENSE_DIR, '.npy')

    @property
    def parts(self):
        """Path of parts/NAME.png."""
        return self._beside(PARTS_DIR, '.png')

    @property
    def labels(self):
        """Paths of all files but the image."""
        return self.text, self.landmarks, self.mask, self.coeff, self.dense, self.parts

    def _beside(self, part, extension):
        return os.path.join(os.path.dirname(self.image), part, self.name + extension)


def sample_named(folder, name):
    """The Sample of that name in a set's folder."""
    return Sample(os.path.join(folder, name + '.png'))


def refuse_foreign_files(folder, names):
    """Sees that samples of these names would replace nothing but samples of an earlier run.

    Args:
      folder: the set's folder; it may be missing.
      names: NAME of each sample.
    Raises:
      InputError: names the file in the way.
    """
    if not os.path.isdir(folder):
        return
    # In a folder that this program has opened as a set, what lies in its parts is its own.
    is_set = os.path.exists(os.path.join(folder, _LOCK))
    for sample in (sample_named(folder, name) for name in names):
        check_replaceable(sample.image)
        for path in () if is_set else sample.labels:
            check_replaceable(path, lambda _: False)
    check_replaceable(os.path.join(folder, CONTACT_SHEET), lambda path: is_set or is_own_image(path))
    check_replaceable(os.path.join(folder, REPORT), lambda _: is_set)


def recorded_names(folder, paths):
    """{file name of a photo: NAME of the sample that an earlier run has made from it} of these photos."""
    names = {}
    for file in map(os.path.basename, paths):
        for name in (file.replace('.', '_'), os.path.splitext(file)[0]):
            sample = sample_named(folder, name)
            if file not in names and os.path.exists(sample.image):
                notes = read_notes(sample)
                if notes is not None and notes.get('source') == file:
                    names[file] = name
    return names


def remove_sample(sample, source):
    """Removes the files of a sample, where its image says that it was made from this source."""
    notes = read_notes(sample)
    if notes is None or notes.get('source') != source:
        return
    for path in (sample.image,) + sample.labels:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


@contextlib.contextmanager
def set_opened(folder):
    """Makes a set's folder ready for writing and keeps other runs out until the block ends.

    What killed runs left half-written is removed.

    Raises:
      DataError: another run is writing there, or the folder cannot be written.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        lock = open(os.path.join(folder, _LOCK), 'a')  # nothing is ever written to it
    except OSError as error:
        raise DataError('%s: expected a folder that can be written, got: %s' % (folder, one_line(error)))
    with lock:
        try:
            # The system drops the lock of a process that dies.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError('%s: expected no other run that writes there, but one does' % folder)
        except OSError:
            pass  # a file system without locks
        for part in ('', TEXT_DIR, LANDMARK_DIR, MASK_DIR, COEFF_DIR, DENSE_DIR, PARTS_DIR):
            remove_unfinished(os.path.join(folder, part), older_than=0)
        yield


def write_sample(sample, image, landmarks, attention, notes, coeff=None):
    """Writes all files of a sample.

    Args:
      sample: Sample; folders are made where they are missing.
      image: [224,224,3] uint8 BGR.
      landmarks: [68,2] crop pixels, y-up.
      attention: [224,224] uint8, skin per pixel.
      notes: dict of str, kept inside NAME.png.
      coeff: [257], or None.
    Raises:
      OSError: a file cannot be written.
    """
    landmarks = np.asarray(landmarks, '<f8')
    if landmarks.shape != (LANDMARK_COUNT, 2) or not np.isfinite(landmarks).all():
        raise DataError('%s: expected 68 finite landmarks to write, got %s' % (sample.image, landmarks.shape))
    if coeff is not None:
        with atomic_write(sample.coeff) as path:
            np.save(path, np.asarray(coeff, np.float32))
    with atomic_write(sample.text) as path:
        np.savetxt(path, landmarks, fmt='%.6f')
    with atomic_write(sample.landmarks) as path:
        landmarks.tofile(path)
    mask = np.repeat(attention[..., np.newaxis], 3, axis=2)
    with atomic_write(sample.mask) as path:
        Image.fromarray(mask).save(path, format='PNG', compress_level=PNG_COMPRESSION)
    info = marked_info()
    for key, value in notes.items():
        info.add_itxt(key, value)
    with atomic_write(sample.image) as path:
        Image.fromarray(np.ascontiguousarray(image[..., ::-1])).save(
            path, format='PNG', compress_level=PNG_COMPRESSION, pnginfo=info)


def write_head_labels(sample, dense, parts, palette):
    """Writes what is known of a whole synthetic head; before write_sample, whose image says that all is there.

    Args:
      sample: Sample.
      dense: [468,3]: x, y, seen.
      parts: [224,224] uint8; palette: [K,3] uint8, RGB of each.
    Raises:
      OSError: a file cannot be written.
    """
    with atomic_write(sample.dense) as path, open(path, 'wb') as file:
        np.save(file, np.asarray(dense, np.float32))
    image = Image.fromarray(parts)
    image.putpalette(np.asarray(palette, np.uint8).tobytes())
    with atomic_write(sample.parts) as path:
        image.save(path, format='PNG', compress_level=PNG_COMPRESSION)


def read_notes(sample):
    """The notes inside NAME.png of a sample that is whole, else None.

    The beginning and the end of each file are looked at, not all that is between.
    """
    try:
        if os.path.getsize(sample.landmarks) != _LANDMARK_BYTES or os.path.getsize(sample.text) == 0:
            return None
        if not (_ends_well(sample.mask) and _ends_well(sample.image)):
            return None
        with Image.open(sample.image) as image:
            if image.size != (IMAGE_SIZE, IMAGE_SIZE):
                return None
            return {str(key): str(value) for key, value in image.info.items()}
    except (OSError, SyntaxError, ValueError):
        return None


def _ends_well(path):
    with open(path, 'rb') as file:
        file.seek(0, os.SEEK_END)
        file.seek(-min(len(_PNG_END), file.tell()), os.SEEK_END)
        return file.read() == _PNG_END


def read_sample(sample):
    """Reads one sample.

    Returns:
      image [224,224,3] uint8 BGR, landmarks [68,2] float32 y-up, attention [224,224,1] uint8.
    Raises:
      DataError: a file is missing, broken or of another size; names it.
    """
    image = _read_image(sample.image, cv2.IMREAD_COLOR)
    attention = _read_image(sample.mask, cv2.IMREAD_GRAYSCALE)
    content = _read_bytes(sample.landmarks)
    if len(content) != _LANDMARK_BYTES:
        raise DataError('%s: expected %d bytes (68 landmarks, float64), got %d'
                        % (sample.landmarks, _LANDMARK_BYTES, len(content)))
    landmarks = np.frombuffer(content, '<f8').reshape(LANDMARK_COUNT, 2).astype(np.float32)
    if not np.isfinite(landmarks).all():
        raise DataError('%s: expected finite landmarks, got NaN or infinity' % sample.landmarks)
    return image, landmarks, attention[..., np.newaxis]


def read_coeff(sample):
    """The coefficients [257] float32 that a sample was made from, or None where they are not known.

    Raises:
      DataError: the file is broken.
    """
    if not os.path.isfile(sample.coeff):
        return None
    try:
        coeff = np.load(sample.coeff)
    except (OSError, ValueError, EOFError) as error:
        raise DataError('%s: expected %d coefficients, got: %s' % (sample.coeff, COEFF_DIM, one_line(error)))
    if coeff.shape != (COEFF_DIM,) or coeff.dtype.kind != 'f' or not np.isfinite(coeff).all():
        raise DataError('%s: expected %d finite coefficients, got %s of %s'
                        % (sample.coeff, COEFF_DIM, list(coeff.shape), coeff.dtype))
    return coeff.astype(np.float32)


def _read_bytes(path):
    try:
        with open(path, 'rb') as file:
            return file.read()
    except OSError as error:
        raise DataError('%s: expected a readable file, got: %s' % (path, one_line(error)))


def _read_image(path, flags):
    content = _read_bytes(path)
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
    except cv2.error:
        image = None
    if image is None:
        raise DataError('%s: expected an image, got %d bytes that are not one' % (path, len(content)))
    if image.shape[:2] != (IMAGE_SIZE, IMAGE_SIZE):
        raise DataError('%s: expected %dx%d pixels, got %dx%d'
                        % (path, IMAGE_SIZE, IMAGE_SIZE, image.shape[1], image.shape[0]))
    return image
