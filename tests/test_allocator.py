"""The allocator's settings are taken by glibc."""
import platform

import pytest

from Deep3DFaceReconstruction import allocator


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='mallopt is glibc\'s')
def test_glibc_takes_the_settings():
    assert allocator.keep_freed_memory()
