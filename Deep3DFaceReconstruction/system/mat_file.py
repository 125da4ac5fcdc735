"""MATLAB 5 files (.mat): arrays into one, and out of one, each checked: shape, type, finiteness, range of indices."""
import os
from collections.abc import Mapping

import numpy as np
from scipy.io import loadmat, savemat, whosmat

from Deep3DFaceReconstruction.system import file_kinds
from Deep3DFaceReconstruction.system.files import atomic_write


def save_mat(path, arrays):
    """Writes a MATLAB 5 file of named arrays to a temporary file, then renames it.

    Args:
      path: the .mat file.
      arrays: dict of arrays and texts.
    Raises:
      OSError: it cannot be written.
    """
    with atomic_write(path) as temporary, open(temporary, 'wb') as file:  # savemat appends .mat to other names
        savemat(file, arrays)


def basis_columns(components, count=None):
    """Components [K,N,3] as a basis [3N,count] of a face model: xyz interleaved, one component a column.

    Args:
      components: [K,N,3].
      count: columns, those behind K zero; K where not given.
    """
    columns = np.zeros((components.shape[1] * 3, count or len(components)), components.dtype)
    columns[:, :len(components)] = components.reshape(len(components), -1).T
    return columns


class MatFile(Mapping):
    """The variables of a MATLAB 5 file by name; each is read when it is asked for, and not kept.

    Args:
      path: the file.
      error: the exception class to raise.
      what: what the file should be, for error messages, such as 'a face model'.
    Attributes:
      shapes: {name: tuple of int}.
    Raises:
      error: the file is missing, is visibly something else, or cannot be read.
    """

    def __init__(self, path, error, what):
        self._path, self._error, self._what = path, error, what
        if not os.path.lexists(path):
            raise error('%s: expected %s (.mat), got nothing' % (path, what))
        got = file_kinds.what_is(path, wanted=file_kinds.MATLAB5)
        if got is not None:
            raise error('%s: expected %s (.mat, MATLAB 5), got %s' % (path, what, got))
        self.shapes = {name: tuple(shape) for name, shape, _ in self._guarded(whosmat)}

    def __getitem__(self, name):
        if name not in self.shapes:
            raise KeyError(name)
        return self._guarded(loadmat, variable_names=[name])[name]

    def __iter__(self):
        return iter(self.shapes)

    def __len__(self):
        return len(self.shapes)

    def _guarded(self, reader, **arguments):
        try:
            return reader(self._path, **arguments)
        except Exception as error:  # SciPy raises a different type for every way in which a file can be bad.
            raise self._error('%s: expected %s (.mat, MATLAB 5), got one that cannot be read: %s' % (
                self._path, self._what, error))


class CheckedArrays:
    """Takes arrays out of a mapping; every error names the file, the key, what was expected and what the file has.

    Args:
      mat: dict or MatFile.
      path: named in error messages.
      error: the exception class to raise.
      what: what holds the arrays, such as 'a face model'.
    """

    def __init__(self, mat, path, error, what):
        self._mat, self._path, self._error, self._what = mat, path, error, what

    def __contains__(self, key):
        return key in self._mat

    def numbers(self, key, shape):
        """The array as stored, finite; `shape` has None for any size."""
        if key not in self._mat:
            raise self._error("%s: expected the key '%s' of %s, got only: %s" % (
                self._path, key, self._what, ', '.join(sorted(k for k in self._mat if not k.startswith('__')))
                or 'nothing'))
        array = np.asarray(self._mat[key])
        fits = array.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape))
        if not fits or array.dtype.kind not in 'fiub':
            raise self.wrong(key, 'numbers of shape [%s]' % ','.join('any' if n is None else str(n) for n in shape),
                             '%s of shape %s' % (array.dtype, list(array.shape)))
        if not np.isfinite(array).all():
            raise self.wrong(key, 'finite numbers', 'NaN or infinity')
        return array

    def floats(self, key, shape):
        """Contiguous float32."""
        array = self.numbers(key, shape)
        with np.errstate(over='ignore'):
            array = np.ascontiguousarray(array, np.float32)
        if not np.isfinite(array).all():
            raise self.wrong(key, 'numbers within the range of float32', 'larger ones')
        return array

    def indices(self, key, shape, limit):
        """int32 from 0; the file counts from 1 to `limit`."""
        array = self.numbers(key, shape)
        if array.size and (array.min() < 1 or array.max() > limit or (array != np.floor(array)).any()):
            raise self.wrong(key, 'whole numbers from 1 to %d' % limit, '%g to %g' % (array.min(), array.max()))
        return np.ascontiguousarray(array).astype(np.int32) - 1  # from 1 to 0

    def text(self, key, default):
        """An optional string."""
        array = np.asarray(self._mat[key]) if key in self._mat else np.array(default)
        if array.dtype.kind != 'U' or array.size > 1:
            raise self.wrong(key, 'one text', '%s of shape %s' % (array.dtype, list(array.shape)))
        return ''.join(array.ravel()).strip() or default

    def wrong(self, key, expected, got):
        """The exception that says so."""
        return self._error('%s: %s: expected %s, got %s' % (self._path, key, expected, got))
