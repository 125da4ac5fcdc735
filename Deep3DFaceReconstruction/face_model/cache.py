"""A face model's arrays, ready for use, in one file beside the model: mapped into memory, not read.

The file is a .npy of one record; each field is an array as the program uses it. It can be deleted at any time. It lies
in the user's cache where the model's folder cannot be written (a shared or read-only site-packages). Any
number of processes may read and write it at once: a writer writes a temporary file of its own and renames it, a
reader that finds a cache of another state of the source, or a broken one, does without.
"""
import contextlib
import hashlib
import os

import numpy as np

from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.files import atomic_write, remove_unfinished

SUFFIX = '.cache.npy'
_FORMAT = 1
_KEY = 'key'


def cache_path(source, kind=''):
    """Where a cache of the file `source` lies.

    Beside it, NAME.cache.npy for NAME.mat, or NAME.KIND.cache.npy, where it is there or can be written; else in the
    user's cache.
    """
    source = os.path.abspath(source)
    suffix = ('.' + kind if kind else '') + SUFFIX
    beside = os.path.splitext(source)[0] + suffix
    if os.path.exists(beside) or os.access(os.path.dirname(source), os.W_OK):
        return beside
    digest = hashlib.sha256(source.encode('utf-8', 'surrogateescape')).hexdigest()[:16]
    return os.path.join(assets.CACHE_DIR, digest + suffix)


def cached(source, reader_version, names, build, kind=''):
    """The arrays of a file: from its cache, or else built and left in the cache for the next time.

    A folder that cannot be written is not an error: then there is no cache.

    Args:
      source: the file; another size or time of change makes the cache stale.
      reader_version: a number; another one makes the cache stale.
      names: of the arrays; a cache of others is stale.
      build: function without arguments -> dict of those names: array, str or int, made from `source`.
      kind: tells apart several caches of one file.
    Returns:
      the dict; its arrays from the cache are read-only and mapped from the file.
    """
    try:
        status = os.stat(source)
    except OSError:
        return build()  # which says what is wrong
    key = 'format %d reader %d size %d time %d' % (_FORMAT, reader_version, status.st_size, status.st_mtime_ns)
    values = _read(cache_path(source, kind), key)
    if values is None or set(values) != set(names):
        values = build()
        # ValueError: NumPy has no records of more than 2 GiB.
        with contextlib.suppress(OSError, ValueError):
            _write(cache_path(source, kind), key, values)
    return values


def _read(path, key):
    """The dict, or None where the cache is missing, stale or broken."""
    try:
        record = np.load(path, mmap_mode='r', allow_pickle=False)
        if record.shape != (1,) or record.dtype.names is None or str(record[_KEY][0]) != key:
            return None
        values = {name: record[name][0] for name in record.dtype.names if name != _KEY}
    except Exception:  # NumPy raises a different type for every way in which a file can be bad.
        return None
    return {name: value.view(np.ndarray) if isinstance(value, np.memmap) else value.item()
            for name, value in values.items()}


def _write(path, key, values):
    arrays = [(name, np.asarray(value, np.int32 if isinstance(value, int) else None))
              for name, value in [(_KEY, key)] + sorted(values.items())]
    record = np.empty(1, [(name, array.dtype, array.shape) for name, array in arrays])
    for name, array in arrays:
        record[name][0] = array
    remove_unfinished(os.path.dirname(os.path.abspath(path)))
    with atomic_write(path) as temporary:
        with open(temporary, 'wb') as stream:
            np.save(stream, record, allow_pickle=False)
            stream.flush()
            os.fsync(stream.fileno())  # so that after a power cut the name never stands for half a file
