"""Writing files so that nobody ever finds half of one."""
import contextlib
import os
import tempfile


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
    handle, aside = tempfile.mkstemp(prefix='.writing-', suffix='-' + name, dir=folder)
    os.close(handle)
    try:
        yield aside
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(aside, 0o666 & ~mask)  # mkstemp's files are private; give the mode that open() would have given
        os.replace(aside, path)
    except BaseException:
        if os.path.exists(aside):
            os.remove(aside)
        raise
