"""Building and loading the compiled ops: what is done when, and what is said when it cannot be."""
import os
import subprocess
import sys

import pytest

from mesh_renderer.kernels import build, library
from mesh_renderer.tf1 import tf
from tests import ROOT


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """Libraries are looked for in an empty folder, not beside the sources."""
    monkeypatch.setattr(build, 'library_path', lambda version: str(tmp_path / f'mesh_renderer_tf{version}.so'))
    return tmp_path


def test_the_library_of_the_installed_tensorflow_is_up_to_date():
    """As make leaves it, either way: a build that has nothing to do does nothing."""
    path, built = build.build(portable='-march=native' not in build.stamp_of(tf.__version__))
    assert path == os.path.join(ROOT, 'mesh_renderer', 'kernels', f'mesh_renderer_tf{tf.__version__}.so')
    assert not built


def test_no_compiler(elsewhere):
    with pytest.raises(build.BuildError, match="'no-such-compiler' is not on the PATH.*apt install g.*make kernel"):
        build.build(compiler='no-such-compiler')
    assert os.listdir(str(elsewhere)) == []


def test_a_compiler_that_fails_leaves_the_old_library(elsewhere, tmp_path):
    path = build.library_path(tf.__version__)
    with open(path, 'w') as old:
        old.write('old')
    compiler = tmp_path / 'failing-compiler'
    compiler.write_text('#!/bin/sh\necho what is wrong\nexit 3\n')
    compiler.chmod(0o755)
    with pytest.raises(build.BuildError, match=r'(?s)what is wrong.*exit status 3.*rasterize\.cc'):
        build.build(compiler=str(compiler))
    with open(path) as kept:
        assert kept.read() == 'old'


def test_nothing_built(elsewhere):
    with pytest.raises(library.LibraryError, match=r'not compiled .*\.so is missing\)\. Type: make kernel'):
        library.load(build.library_path(tf.__version__))


def test_built_for_another_tensorflow(elsewhere):
    (elsewhere / 'mesh_renderer_tf0.9.so').write_text('')
    with pytest.raises(library.LibraryError, match=r'there is mesh_renderer_tf0\.9\.so\). Type: make kernel'):
        library.load(build.library_path(tf.__version__))


def test_a_damaged_library(elsewhere):
    path = build.library_path(tf.__version__)
    with open(path, 'w') as damaged:
        damaged.write('no library')
    with pytest.raises(library.LibraryError, match='does not load into TensorFlow .*Type: make kernel') as caught:
        library.load(path)
    assert '\n' not in str(caught.value)


def test_importing_neither_loads_nor_needs_the_library():
    script = (f'import sys; sys.path.insert(0, {ROOT!r}); '
              'from mesh_renderer import camera_utils, geometry, mesh_renderer, rasterize_triangles, shading; '
              'from mesh_renderer.kernels import library; '
              'assert library.ops.cache_info().currsize == 0')
    subprocess.run([sys.executable, '-c', script], check=True)


@pytest.mark.slow
def test_the_kernels_are_clean_under_the_sanitizers():
    result = subprocess.run([sys.executable, '-m', 'mesh_renderer.kernels.check_memory'], cwd=ROOT,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, result.stdout
