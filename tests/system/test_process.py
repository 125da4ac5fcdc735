"""Settings of the process."""
import platform

import pytest

from Deep3DFaceReconstruction.system import process


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='mallopt is glibc\'s')
def test_glibc_takes_the_settings():
    assert process.keep_freed_memory()
