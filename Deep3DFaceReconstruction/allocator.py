"""Keeps the C library from giving every freed tensor back to the system.

TensorFlow on the CPU takes its tensors from malloc. By default glibc serves anything of some size with fresh
pages and returns them when freed, so that a step which makes and drops a hundred megabytes of vertices spends
a third of its time in the kernel, zeroing pages (measured: docs/performance.md). Programs call this once.
"""
import ctypes

# glibc's <malloc.h>
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_SETTINGS = ((_M_MMAP_THRESHOLD, 1 << 30), (_M_TRIM_THRESHOLD, (1 << 31) - 1), (_M_TOP_PAD, 64 << 20))


def keep_freed_memory():
    """Lets this process reuse freed memory up to 1 GiB a piece; elsewhere than on glibc it does nothing.

    Returns:
      Whether the C library took all settings.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    return mallopt is not None and all([mallopt(parameter, value) == 1 for parameter, value in _SETTINGS])
