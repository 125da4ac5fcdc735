"""Writing files so that nobody ever finds half of one."""
import contextlib
import os
import time
import uuid

# What a file is called, with more behind it, until it is whole.
ASIDE_PREFIX = '.writing-'


@contextlib.contextmanager
def written_aside(path):
    """Gives a temporary path in the folder of `path`; renames it to `path` when the block ends well.

    The temporary name keeps the ending of `path`, because many writers choose their format by it. On an error
    the temporary file is removed and `path` is left as it was. The folder is made where it is missing.

    Raises:
      OSError: the folder cannot be written.
    """
    folder, name = os.path.split(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    aside = os.path.join(folder, '%s%s-%s' % (ASIDE_PREFIX, uuid.uuid4().hex[:12], name))
    open(aside, 'xb').close()  # with the mode that the umask gives, unlike tempfile's private files
    try:
        yield aside
        os.replace(aside, path)
    except BaseException:
        if os.path.exists(aside):
            os.remove(aside)
        raise


def remove_unfinished(folder, older_than=0.0):
    """Removes what killed runs left of written_aside in a folder.

    Args:
      folder: may be missing.
      older_than: seconds; 0 only where no other run writes to the folder.
    """
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as entries:
        left = [entry.path for entry in entries if entry.name.startswith(ASIDE_PREFIX)]
    for path in left:
        with contextlib.suppress(FileNotFoundError):
            if time.time() - os.path.getmtime(path) >= older_than:
                os.remove(path)
