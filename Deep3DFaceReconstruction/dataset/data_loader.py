"""Training samples from folders to batches.

Which sample stands at which place of the endless stream is a pure function of the seed, so a run goes on exactly where
it stopped, and workers share a stream without talking to each other. The files are those of `sample_files`.
"""
import logging
import os
from typing import Any, NamedTuple

import numpy as np

from Deep3DFaceReconstruction.conventions import COEFF_DIM, IMAGE_SIZE, LANDMARK_COUNT
from Deep3DFaceReconstruction.dataset.augmentation import NO_AUGMENTATION, augment, augment_labelled
from Deep3DFaceReconstruction.dataset.sample_files import CONTACT_SHEET, DataError, Sample, read_coeff, read_sample
from Deep3DFaceReconstruction.errors import one_line
from Deep3DFaceReconstruction.photo.photo_files import list_images
from Deep3DFaceReconstruction.tf1 import tf

_LOG = logging.getLogger(__name__)

_BATCHES_READY = 2
_UNKNOWN = np.full(COEFF_DIM, np.nan, np.float32)


class Batch(NamedTuple):
    """Tensors of a batch of samples.

    Attributes:
      images: [B,224,224,3] float32 BGR, 0-255.
      landmarks: [B,68,2] float32, pixels of the crop, y-up.
      attention: [B,224,224,1] float32, skin per pixel, 0-1.
      names: [B] string, the images' paths.
      coeff: [B,257] float32, the coefficients that a sample was made from; NaN where these are not known or not read.
    """

    images: Any
    landmarks: Any
    attention: Any
    names: Any
    coeff: Any = None


def find_samples(sources):
    """Finds the samples of one or several training sets.

    Args:
      sources: a path or a list of paths. Each is a training set's folder, or a text file (`.txt`) that lists images
        or folders, one a line, relative to itself; empty lines and lines that start with # are passed over.
    Returns:
      (samples, problems): [Sample] in the order of the sources, each folder sorted by name and no image twice; and
      [str], a line for every image that is not there, or has no landmarks or no mask.
    Raises:
      DataError: a source that is not there, or no sample at all.
    """
    sources = [sources] if isinstance(sources, str) else list(sources)
    samples, problems, seen, listings = [], [], set(), {}
    for image in (image for source in sources for image in _images_of(source)):
        if image in seen:
            continue
        seen.add(image)
        sample = Sample(image)
        missing = [path for path in (sample.landmarks, sample.mask) if not _exists(path, listings)]
        if not _exists(image, listings):
            problems.append('%s: expected the image or folder that a list file names, found nothing' % image)
        elif missing:
            problems.append('%s: expected landmarks and a mask of the same name, found no %s'
                            % (image, ' and no '.join(missing)))
        else:
            samples.append(sample)
    if not samples:
        raise DataError('%s: expected a training set (NAME.png, lm_bin/NAME.bin, mask/NAME.png), found no sample%s'
                        % (', '.join(sources), '; first of %d problems: %s' % (len(problems), problems[0])
                           if problems else ''))
    return samples, problems


class SampleReader:
    """Reads the sample at any position of an endless, reproducible stream. Safe for many threads.

    One pass over the set is the positions below `len(reader)`.

    Args:
      samples: [Sample].
      seed: of the order and of the augmentation.
      shuffle: every epoch (pass over the set) has its own random order over the whole set; else in the given order.
      augmentation: Augmentation; off by default.
      motion: reads coefficients too, and moves them where augmentation moves an image (supervision.label_motion).
    """

    def __init__(self, samples, seed=0, shuffle=True, augmentation=NO_AUGMENTATION, motion=None):
        if not samples:
            raise DataError('expected at least one sample, got none')
        self._samples = list(samples)
        self._seed = seed
        self._shuffle = shuffle
        self._augmentation = augmentation
        self._motion = motion
        self._order = (None, None)
        self.corrupt = {}

    def has_photos(self):
        """Whether some samples have no coefficients."""
        listings = {}
        return not all(_exists(sample.coeff, listings) for sample in self._samples)

    def __len__(self):
        return len(self._samples)

    @property
    def all_corrupt(self):
        """Whether no sound sample is known to be left."""
        return len(self.corrupt) == len(self._samples)

    def at(self, position):
        """The sample at a position, 0 and up.

        A corrupt sample is named once in the log, noted in `corrupt`, and the next sound one of the set stands in for
        it, so that nobody else's position shifts.

        Returns:
          image [224,224,3] uint8 BGR, landmarks [68,2] float32 y-up, attention [224,224,1] uint8, path of the image,
          coefficients [257] float32 (NaN: see Batch).
        Raises:
          DataError: every sample of the set is corrupt.
        """
        position = int(position)
        for sample in self.candidates(position):
            if sample.image in self.corrupt:
                continue
            try:
                image, landmarks, attention = read_sample(sample)
                coeff = read_coeff(sample) if self._motion else None
            except DataError as error:
                self._note_corrupt(sample, error)
                continue
            augmentation, moved = self._augmentation, (image, landmarks, attention)
            if augmentation != NO_AUGMENTATION:
                random = np.random.RandomState([self._seed % 2 ** 32, position % 2 ** 32, position // 2 ** 32, 1])
                if coeff is None:
                    moved = augment(*moved, augmentation=augmentation, random=random)
                else:
                    moved, coeff = augment_labelled(moved, coeff, augmentation, random, self._motion)
            return (*moved, sample.image, _UNKNOWN if coeff is None else coeff)
        raise DataError('expected sound samples, but all %d are corrupt; the last: %s'
                        % (len(self.corrupt), list(self.corrupt.values())[-1]))

    def candidates(self, position):
        """Yields the sample of a position and then all that may stand in for it."""
        index = self.shuffled(position, len(self._samples))
        for offset in range(len(self._samples)):
            yield self._samples[(index + offset) % len(self._samples)]

    def shuffled(self, place, count):
        """Which of `count` things stands at a place of the stream, in the order of its epoch."""
        epoch, place = divmod(place, count)
        if not self._shuffle:
            return place
        # One assignment, so that another thread sees an epoch with its own order or none.
        known, order = self._order
        if known != epoch:
            order = np.random.RandomState([self._seed % 2 ** 32, epoch % 2 ** 32]).permutation(count)
            self._order = (epoch, order)
        return order[place]

    def _note_corrupt(self, sample, error):
        if sample.image not in self.corrupt:
            self.corrupt[sample.image] = str(error)
            _LOG.warning('skipped: %s', error)


def make_dataset(reader, batch_size, start=0, shard=(1, 0), repeat=True, threads=2):
    """Batches as a tf.data pipeline, to be built inside the graph that uses them.

    The pipeline calls back into this process: use an initializable iterator, on the worker's own CPU.

    Args:
      reader: SampleReader.
      batch_size: samples per batch, of this worker.
      start: batches that each worker has had before: an int, or an int64 scalar tensor that is read when the iterator
        is initialized.
      shard: (workers, index of this one). Batch s of worker i holds the positions from (s * workers + i) * batch_size:
        the workers' batches of one step are together the batch that one process alone would have had.
      repeat: endless, with full batches; else one pass, the last batch as small as it comes.
      threads: samples read at a time.
    Returns:
      tf.data.Dataset of Batch.
    Raises:
      DataError: sizes below 1 or a shard that is none.
    """
    workers, index = shard
    if batch_size < 1 or threads < 1 or not 0 <= index < workers:
        raise DataError('expected batch_size >= 1, threads >= 1 and 0 <= shard index < workers, got %d, %d and %s'
                        % (batch_size, threads, tuple(shard)))
    if repeat:
        batches = tf.data.Dataset.range(tf.cast(start, tf.int64), np.iinfo(np.int64).max // (workers * batch_size))
    else:
        joint = workers * batch_size
        batches = tf.data.Dataset.range(tf.cast(start, tf.int64), -(-len(reader) // joint))
    first = batches.map(lambda step: (step * workers + index) * batch_size)
    positions = first.flat_map(
        lambda position: tf.data.Dataset.range(position, position + batch_size))
    if not repeat:
        positions = positions.filter(lambda position: position < len(reader))
    samples = positions.map(_in_graph(reader), num_parallel_calls=threads)
    return samples.batch(batch_size, drop_remainder=repeat).map(_to_batch).prefetch(_BATCHES_READY)


def _in_graph(reader):
    """position -> tensors of the sample there."""
    def read(position):
        image, landmarks, attention, path, coeff = reader.at(position)
        return image, landmarks, attention, path.encode('utf-8', 'surrogateescape'), coeff

    def read_in_graph(position):
        types = [tf.uint8, tf.float32, tf.uint8, tf.string, tf.float32]
        image, landmarks, attention, path, coeff = tf.numpy_function(read, [position], types)
        image.set_shape([IMAGE_SIZE, IMAGE_SIZE, 3])
        landmarks.set_shape([LANDMARK_COUNT, 2])
        attention.set_shape([IMAGE_SIZE, IMAGE_SIZE, 1])
        path.set_shape([])
        coeff.set_shape([COEFF_DIM])
        return image, landmarks, attention, path, coeff

    # TensorFlow 1.15 would else rewrite the Python behind numpy_function as well, and get it wrong.
    return tf.autograph.experimental.do_not_convert(read_in_graph)


def _to_batch(images, landmarks, attention, names, coeff):
    return Batch(tf.cast(images, tf.float32), landmarks, tf.cast(attention, tf.float32) / 255.0, names, coeff)


def _images_of(source):
    if os.path.isdir(source):
        return _images_in(source)
    return [image for entry in listed(source)
            for image in (_images_in(entry) if os.path.isdir(entry) else [entry])]


def listed(source):
    """The paths that a list file names, see `find_samples`.

    Raises:
      DataError: it is not there or not text.
    """
    if not os.path.isfile(source):
        raise DataError('%s: expected a folder or a list file, got neither' % source)
    try:
        with open(source, encoding='utf-8-sig') as file:
            lines = [line.strip() for line in file]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError('%s: expected a list of images, one a line, got: %s' % (source, one_line(error)))
    base = os.path.dirname(os.path.abspath(source))
    return [os.path.join(base, line) for line in lines if line and not line.startswith('#')]


def _images_in(folder):
    # PNG alone: its checksums tell a broken file, where a truncated JPEG is an image with a grey part.
    return [path for path in list_images(folder)
            if path.lower().endswith('.png') and os.path.basename(path) != CONTACT_SHEET]


def _exists(path, listings):
    """os.path.exists, with one look at each folder: sets of many thousands of files lie on slow network disks too."""
    folder, name = os.path.split(path)
    if folder not in listings:
        listings[folder] = set(os.listdir(folder)) if os.path.isdir(folder) else set()
    return name in listings[folder]
