"""Compiles the ops of mesh_renderer with g++ and the flags that the installed TensorFlow reports.

    python -m mesh_renderer.kernels.build              # for the machine it runs on
    python -m mesh_renderer.kernels.build --portable   # for any x86-64
    python -m mesh_renderer.kernels.build --force      # even where nothing changed

Writes mesh_renderer_tf<version>.so beside the sources, or into the user's cache where that folder cannot be written
(places.py): to a temporary folder first and then renamed, so that libraries for several TensorFlows stand side by side
and a killed build leaves none half-written. A stamp beside the library records what it was made of; while that does
not change the library is kept.
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from mesh_renderer.kernels import places
from mesh_renderer.kernels.options import build_parser

FOLDER = places.FOLDER
MATHS = ('project.cc', 'rasterize.cc', 'interpolate.cc', 'geometry.cc', 'vertex_normals.cc', 'harmonics.cc')
OPS = ('op_inputs.cc', 'rasterize_op.cc', 'interpolate_op.cc', 'geometry_op.cc', 'shading_op.cc')
HEADERS = ('triangle.h', 'cover.h', 'rasterize.h', 'interpolate.h', 'geometry.h', 'vertex_normals.h', 'harmonics.h',
           'op_inputs.h')
# TensorFlow 2.21 deprecates names that 1.15 has no other for: no warnings about those.
# Without -ffp-contract=off a fused multiply-add makes the two sides of a shared edge disagree: see triangle.h.
FLAGS = ('-shared', '-fPIC', '-O3', '-fno-math-errno', '-fno-trapping-math', '-ffp-contract=off', '-Wall',
         '-Wno-psabi', '-Wno-deprecated-declarations')
# Each compiler needs up to half a gigabyte.
MOST_AT_ONCE = 4


class BuildError(Exception):
    """The library cannot be built; the message says why and what to do."""


def _compile_flags(sysconfig, portable):
    flags = list(FLAGS) + list(sysconfig.get_compile_flags())
    if not any('-std=' in flag for flag in flags):
        flags.append('-std=c++14')  # TensorFlow 1.15, which does not say
    if not portable:
        flags.append('-march=native')
    # TensorFlow's own headers are not ours to warn about.
    return [flag.replace('-I', '-isystem', 1) if flag.startswith('-I') else flag for flag in flags]


def _compiler(name=None):
    return name or os.environ.get('CXX', 'g++')


def stamp(portable=False, compiler=None):
    """The places.Stamp of a library for the TensorFlow that is installed here."""
    from mesh_renderer.tf1 import tf

    digest = hashlib.sha256()
    for name in MATHS + OPS + HEADERS:
        with open(os.path.join(FOLDER, name), 'rb') as source:
            digest.update(name.encode() + b'\0' + source.read() + b'\0')
    command = [_compiler(compiler)] + _compile_flags(tf.sysconfig, portable) + tf.sysconfig.get_link_flags()
    # An environment that is moved or copied keeps its library.
    command = ' '.join(command).replace(tf.sysconfig.get_include(), 'INCLUDE').replace(tf.sysconfig.get_lib(), 'LIB')
    return places.Stamp(tf.__version__, digest.hexdigest(), '' if portable else places.processor_extensions(), command)


def build(portable=False, force=False, compiler=None, folder=FOLDER):
    """Builds the library for the TensorFlow that is installed here, where it is missing or out of date.

    Args:
        portable: for any x86-64 instead of for the machine it is built on.
        force: build even if nothing changed.
        compiler: the C++ compiler; $CXX or g++ by default.
        folder: for the library; where it cannot be written, the user's cache is taken.

    Returns:
        (path of the library, whether it was built now).

    Raises:
        BuildError: there is no compiler, it fails, or there is no place for the library.
    """
    wanted = stamp(portable, compiler)
    path = places.library_path(wanted.tensorflow, folder)
    if not force and _fits(path, wanted):
        return path, False
    path = places.target_path(wanted, folder)
    try:
        with places.locked(os.path.dirname(path)):
            if not force and _fits(path, wanted):
                return path, False
            _compile_all(path, wanted, portable, _compiler(compiler))
    except OSError as error:
        raise BuildError('%s: expected a folder that can be written, got: %s. Set XDG_CACHE_HOME to one.' % (
            os.path.dirname(path), error.strerror or error))
    return path, True


def _fits(path, wanted):
    return os.path.exists(path) and places.stamp_of(path) == wanted


def _compile_all(path, wanted, portable, compiler):
    from mesh_renderer.tf1 import tf

    if shutil.which(compiler) is None:
        raise BuildError(f'No C++ compiler: {compiler!r} is not on the PATH. On Debian or Ubuntu: '
                         'apt install g++; then: make kernel')
    print('mesh_renderer: compiling the renderer for TensorFlow %s, once (a minute or two)' % tf.__version__,
          file=sys.stderr)
    command = [compiler] + _compile_flags(tf.sysconfig, portable)
    with tempfile.TemporaryDirectory(prefix='.build-', dir=os.path.dirname(path)) as scratch:
        def compile_one(name):
            made = os.path.join(scratch, name + '.o')
            _run(command + ['-c', os.path.join(FOLDER, name), '-o', made])
            return made

        with ThreadPoolExecutor(min(MOST_AT_ONCE, os.cpu_count() or 1)) as pool:
            objects = list(pool.map(compile_one, MATHS + OPS))
        fresh = os.path.join(scratch, 'library.so')
        _run(command + objects + ['-o', fresh] + tf.sysconfig.get_link_flags())
        places.replace(path, fresh, wanted)


def _run(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        raise BuildError('{}\nThe compiler failed (exit status {}) on:\n{}'.format(
            result.stdout.strip(), result.returncode, ' '.join(command)))
    if result.stdout.strip():
        print(result.stdout.strip())


def main(argv=None):
    options = build_parser().parse_args(argv)
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')  # no advice about instruction sets
    try:
        library, built = build(options.portable, options.force)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    print('{} {}'.format('built' if built else 'up to date:', library))
    return 0


if __name__ == '__main__':
    sys.exit(main())
