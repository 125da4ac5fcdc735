"""Building and loading the compiled ops: what is done when and where, and what is said when it cannot be."""
import os
import subprocess
import sys

import pytest

from mesh_renderer.kernels import build, library, places
from mesh_renderer.tf1 import tf
from tests import ROOT

VERSION = tf.__version__


@pytest.fixture
def read_only(monkeypatch, tmp_path):
    """A folder that cannot be written, whoever asks, and an empty user's cache. Returns (folder, cache)."""
    folder, cache = tmp_path / 'package', tmp_path / 'cache'
    folder.mkdir()
    really = os.access
    monkeypatch.setattr(os, 'access', lambda path, mode: str(path) != str(folder) and really(path, mode))
    monkeypatch.setenv('XDG_CACHE_HOME', str(cache))
    return str(folder), str(cache)


@pytest.fixture
def compiler(monkeypatch, tmp_path):
    """A compiler that only writes its name; `.calls()` says how often it ran."""
    path, log = tmp_path / 'bin' / 'mock-compiler', tmp_path / 'calls'
    path.parent.mkdir()
    path.write_text('#!/bin/sh\necho >>%s\nwhile [ "$1" != -o ]; do shift; done; echo library >"$2"\n' % log)
    path.chmod(0o755)
    monkeypatch.setenv('PATH', str(path.parent) + os.pathsep + os.environ['PATH'])
    monkeypatch.setenv('CXX', path.name)

    class Compiler:
        @staticmethod
        def calls():
            return len(log.read_text()) if log.exists() else 0

        steps = len(build.MATHS + build.OPS) + 1
    return Compiler


def test_the_library_of_the_installed_tensorflow_is_up_to_date():
    """As make leaves it, either way: a build that has nothing to do does nothing."""
    portable = not places.stamp_of(places.library_path(VERSION)).processor
    path, built = build.build(portable=portable)
    assert path == os.path.join(ROOT, 'mesh_renderer', 'kernels', 'mesh_renderer_tf%s.so' % VERSION)
    assert not built
    assert places.find(build.stamp()) == path


def test_it_is_compiled_once_beside_the_sources(compiler, tmp_path):
    folder = str(tmp_path / 'kernels')
    os.mkdir(folder)
    path, built = build.build(folder=folder)
    assert (path, built) == (os.path.join(folder, 'mesh_renderer_tf%s.so' % VERSION), True)
    assert sorted(os.listdir(folder)) == [places.LOCK, os.path.basename(path), os.path.basename(path) + '.stamp']
    assert build.build(folder=folder) == (path, False)
    assert compiler.calls() == compiler.steps
    assert build.build(folder=folder, force=True) == (path, True)
    assert build.build(folder=folder, portable=True) == (path, True)  # the stamp tells them apart
    assert places.stamp_of(path) == build.stamp(portable=True)


def test_where_the_package_cannot_be_written_the_users_cache_has_it(compiler, read_only):
    folder, cache = read_only
    path, built = build.build(folder=folder)
    assert built and path.startswith(os.path.join(cache, 'mesh_renderer') + os.sep)
    assert os.listdir(folder) == []
    assert build.build(folder=folder) == (path, False)
    assert compiler.calls() == compiler.steps
    assert places.find(build.stamp(), folder) == path


def test_a_library_of_other_sources_or_another_tensorflow_has_another_place(read_only):
    stamp = build.stamp()
    folders = {places.cache_folder(other) for other in (
        stamp, stamp._replace(sources='0'), stamp._replace(tensorflow='0'), stamp._replace(command='clang'),
        stamp._replace(processor='sse2'))}
    assert len(folders) == 5


def test_a_relative_cache_home_is_ignored(monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', 'relative')
    monkeypatch.setenv('HOME', '/home/somebody')
    assert places.cache_folder(build.stamp()).startswith('/home/somebody/.cache/mesh_renderer/')


def test_no_place_for_the_library(compiler, read_only, monkeypatch, tmp_path):
    (tmp_path / 'file').write_text('')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'file'))
    with pytest.raises(build.BuildError, match=r'/file/mesh_renderer/\w+: expected a folder that can be written, '
                                               r'got: Not a directory\. Set XDG_CACHE_HOME to one\.'):
        build.build(folder=read_only[0])


@pytest.mark.parametrize('change, fits', [
    ({}, True),
    ({'processor': ''}, True),                      # portable
    ({'command': 'clang -O2'}, True),               # whatever made it
    ({'processor': 'avx9 sse2'}, False),            # made on a processor that can do more
    ({'sources': '0'}, False),
    ({'tensorflow': '0.9'}, False)])
def test_which_libraries_run_here(read_only, change, fits):
    folder, _ = read_only
    path = places.library_path(VERSION, folder)
    with open(path + '.stamp', 'w') as out:
        out.write(build.stamp()._replace(**change).text())
    assert places.find(build.stamp(), folder) is None  # a stamp alone
    with open(path, 'w') as out:
        out.write('library')
    assert places.find(build.stamp(), folder) == (path if fits else None)


def test_several_processes_compile_once(compiler, tmp_path):
    folder = str(tmp_path / 'kernels')
    os.mkdir(folder)
    script = ('import sys; sys.path.insert(0, %r)\n'
              'from mesh_renderer.kernels import build\n'
              'print(build.build(folder=%r)[1])' % (ROOT, folder))
    running = [subprocess.Popen([sys.executable, '-c', script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                universal_newlines=True) for _ in range(3)]
    assert sorted(process.communicate()[0].strip() for process in running) == ['False', 'False', 'True']
    assert compiler.calls() == compiler.steps


def test_no_compiler(tmp_path):
    with pytest.raises(build.BuildError, match="'no-such-compiler' is not on the PATH.*apt install g.*make kernel"):
        build.build(compiler='no-such-compiler', folder=str(tmp_path))
    assert os.listdir(str(tmp_path)) == [places.LOCK]


def test_a_compiler_that_fails_leaves_the_old_library(tmp_path):
    folder = tmp_path / 'kernels'
    folder.mkdir()
    path = places.library_path(VERSION, str(folder))
    with open(path, 'w') as old:
        old.write('old')
    compiler = tmp_path / 'failing-compiler'
    compiler.write_text('#!/bin/sh\necho what is wrong\nexit 3\n')
    compiler.chmod(0o755)
    with pytest.raises(build.BuildError, match=r'(?s)what is wrong.*exit status 3.*project\.cc'):
        build.build(compiler=str(compiler), folder=str(folder))
    with open(path) as kept:
        assert kept.read() == 'old'


# Loading.

def load_anew():
    """What library.ops() does the first time; the real ops stay loaded."""
    return library.ops.__wrapped__()


def test_what_is_not_compiled_is_compiled_at_first_use(monkeypatch):
    compiled = []
    monkeypatch.setattr(places, 'find', lambda stamp: None)
    monkeypatch.setattr(build, 'build', lambda force: compiled.append(force) or ('here.so', True))
    monkeypatch.setattr(library, 'load', lambda path: path)
    monkeypatch.setattr(library, '_register_gradients', lambda module: None)
    assert load_anew() == 'here.so'
    assert compiled == [False]


def test_what_does_not_load_is_compiled_anew(monkeypatch, tmp_path):
    """As a library for another build of the same version of TensorFlow."""
    damaged = tmp_path / 'damaged.so'
    damaged.write_text('not a library')
    real = library.load
    monkeypatch.setattr(places, 'find', lambda stamp: str(damaged))
    monkeypatch.setattr(build, 'build', lambda force: (('anew.so' if force else 'as it was'), True))
    monkeypatch.setattr(library, 'load', lambda path: path if path == 'anew.so' else real(path))
    monkeypatch.setattr(library, '_register_gradients', lambda module: None)
    assert load_anew() == 'anew.so'


def test_what_cannot_be_compiled_is_said_in_one_line(monkeypatch):
    def build_fails(force):
        raise build.BuildError('many\nlines')
    monkeypatch.setattr(places, 'find', lambda stamp: None)
    monkeypatch.setattr(build, 'build', build_fails)
    with pytest.raises(library.LibraryError, match='^The renderer is not compiled for TensorFlow %s, and cannot be: '
                                                   'many lines$' % VERSION):
        load_anew()


def test_nothing_there(tmp_path):
    with pytest.raises(library.LibraryError, match=r'not compiled .*\.so is missing\)\. Type: make kernel'):
        library.load(places.library_path(VERSION, str(tmp_path)))


def test_a_damaged_library(tmp_path):
    path = tmp_path / 'damaged.so'
    path.write_text('not a library')
    with pytest.raises(library.LibraryError, match='does not load into TensorFlow .*Type: make kernel') as caught:
        library.load(str(path))
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
