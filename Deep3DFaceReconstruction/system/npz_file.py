"""The .npz files that the repository carries, read with errors that say what to do."""
import os
import zipfile
import zlib
from typing import NamedTuple

import numpy as np


class NpzKind(NamedTuple):
    """A file of the repository.

    Attributes:
      what: what it is, for messages.
      remake: the command that makes it again.
      error: class of the errors.
    """

    what: str
    remake: str
    error: type


def read_npz(path, kind, keys, whole=False):
    """The arrays of a file as a dict.

    Args:
      path: the .npz file.
      kind: NpzKind.
      keys: the arrays that it must have.
      whole: whether the others are read too.
    Raises:
      kind.error: the file is missing, unreadable or incomplete.
    """
    if not os.path.isfile(path):
        raise kind.error('%s: expected %s, got nothing; restore it from git or type: %s' % (
            path, kind.what, kind.remake))
    try:
        with np.load(path, allow_pickle=False) as archive:
            data = {key: archive[key] for key in archive.files if whole or key in keys}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise kind.error('%s: expected %s, got one that cannot be read: %s' % (path, kind.what, error))
    missing = [key for key in keys if key not in data]
    if missing:
        raise kind.error('%s: expected %s, got a file without %s' % (path, kind.what, ', '.join(missing)))
    return data
