"""Writing files so that nobody ever finds half of one."""
import contextlib
import os
import re
import tempfile
import time
import uuid

from Deep3DFaceReconstruction.errors import InputError, one_line

# What a file is called, with more behind it, until it is whole.
TEMPORARY_PREFIX = '.writing-'
# No looser, as others may call their files alike.
_TEMPORARY_NAME = re.compile(re.escape(TEMPORARY_PREFIX) + '[0-9a-f]{12}-')
# A temporary file that is older was left by a run that was killed: no file takes that long to write.
UNFINISHED_SECONDS = 600.0

# zlib's fastest level, for every PNG: four times as fast as the default, the file a tenth larger.
PNG_COMPRESSION = 1


def check_writable(folder):
    """Makes a folder and checks that files can be written there.

    Raises:
      InputError: they cannot.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError('%s: expected a folder that can be written, got: %s' % (folder, one_line(error)))


@contextlib.contextmanager
def atomic_write(path):
    """Gives a temporary path in the folder of `path`; renames it to `path` when the block ends well.

    The temporary name keeps the ending of `path`, because many writers choose their format by it. On an error
    the temporary file is removed and `path` is left as it was. The folder is made where it is missing.

    Raises:
      OSError: the folder cannot be written.
    """
    folder, name = os.path.split(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    temporary = os.path.join(folder, '%s%s-%s' % (TEMPORARY_PREFIX, uuid.uuid4().hex[:12], name))
    open(temporary, 'xb').close()  # with the mode that the umask gives, unlike tempfile's private files
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise


def remove_unfinished(folder, older_than=UNFINISHED_SECONDS):
    """Removes the temporary files of `atomic_write` that killed runs left in a folder.

    Args:
      folder: may be missing.
      older_than: seconds; 0 only where no other run writes to the folder.
    """
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as entries:
        left = [entry.path for entry in entries if _TEMPORARY_NAME.match(entry.name)]
    for path in left:
        with contextlib.suppress(FileNotFoundError):
            if time.time() - os.path.getmtime(path) >= older_than:
                os.remove(path)
