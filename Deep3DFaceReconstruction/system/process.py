"""Settings of the process that a script makes before it loads NumPy or TensorFlow: the first line of its main."""
import os

# glibc's <malloc.h>
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_MALLOC_SETTINGS = ((_M_MMAP_THRESHOLD, 1 << 30), (_M_TRIM_THRESHOLD, (1 << 31) - 1), (_M_TOP_PAD, 64 << 20))


def prepare_process(verbose=False):
    """Quiets TensorFlow, keeps NumPy's products in their own thread, and lets freed memory be reused.

    What the caller has set in the environment stays.

    Args:
      verbose: let TensorFlow talk.
    """
    if not verbose:
        os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
        import logging  # a fifth of the time of `demo.py -h`, which does not need it
        logging.getLogger('tensorflow').setLevel(logging.ERROR)
    # The OpenBLAS inside NumPy 1.18 can wait for its own threads for ever when a product is asked for outside the
    # main thread. The products here are small; TensorFlow brings its own threads.
    os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
    keep_freed_memory()


def keep_freed_memory():
    """Keeps the C library from giving every freed tensor back to the system, up to 1 GiB a piece.

    TensorFlow on the CPU takes its tensors from malloc. By default glibc serves anything of some size with fresh
    pages and returns them when freed, so that a step which makes and drops a hundred megabytes of vertices spends
    a third of its time in the kernel, zeroing pages (docs/performance.md).

    Returns:
      Whether the C library took all settings; False elsewhere than on glibc.
    """
    import ctypes
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    return mallopt is not None and all([mallopt(parameter, value) == 1 for parameter, value in _MALLOC_SETTINGS])
