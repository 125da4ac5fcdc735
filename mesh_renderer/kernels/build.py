"""Compiles the ops of mesh_renderer with g++ and the flags that the installed TensorFlow reports.

    python -m mesh_renderer.kernels.build              # for the machine it runs on
    python -m mesh_renderer.kernels.build --portable   # for any x86-64
    python -m mesh_renderer.kernels.build --force      # even where nothing changed

Writes mesh_renderer_tf<version>.so beside the sources, aside first and then renamed, so that libraries for
several TensorFlows stand side by side and a killed build leaves none half-written. A stamp beside the library
records what it was made of; while that does not change the library is kept.
"""
import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
MATHS = ('rasterize.cc', 'interpolate.cc', 'geometry.cc', 'vertex_normals.cc', 'harmonics.cc')
OPS = ('op_inputs.cc', 'rasterize_op.cc', 'interpolate_op.cc', 'geometry_op.cc', 'shading_op.cc')
HEADERS = ('triangle.h', 'rasterize.h', 'interpolate.h', 'geometry.h', 'vertex_normals.h', 'harmonics.h', 'op_inputs.h')
# TensorFlow 2.21 deprecates names that 1.15 has no other for: no warnings about those.
# Without -ffp-contract=off a fused multiply-add makes the two sides of a shared edge disagree: see triangle.h.
FLAGS = ('-shared', '-fPIC', '-O3', '-fno-math-errno', '-fno-trapping-math', '-ffp-contract=off', '-Wall',
         '-Wno-psabi', '-Wno-deprecated-declarations')


class BuildError(Exception):
    """The library cannot be built; the message says why and what to do."""


def library_path(version):
    """Where the library for TensorFlow `version` ('1.15.5') lies."""
    return os.path.join(FOLDER, f'mesh_renderer_tf{version}.so')


def _compile_flags(sysconfig, portable):
    flags = list(FLAGS) + list(sysconfig.get_compile_flags())
    if not any('-std=' in flag for flag in flags):
        flags.append('-std=c++11')
    if not portable:
        flags.append('-march=native')
    # TensorFlow's own headers are not ours to warn about.
    return [flag.replace('-I', '-isystem', 1) if flag.startswith('-I') else flag for flag in flags]


def _stamp(command, version):
    digest = hashlib.sha256()
    for name in MATHS + OPS + HEADERS:
        with open(os.path.join(FOLDER, name), 'rb') as source:
            digest.update(name.encode() + b'\0' + source.read() + b'\0')
    return 'tensorflow {}\nsources {}\n{}\n'.format(version, digest.hexdigest(), ' '.join(command))


def stamp_of(version):
    """What the library for TensorFlow `version` was made of, as recorded beside it; '' where there is none."""
    try:
        with open(library_path(version) + '.stamp') as stamp:
            return stamp.read()
    except OSError:
        return ''


def build(portable=False, force=False, compiler=None):
    """Builds the library for the TensorFlow that is installed here, where it is missing or out of date.

    Args:
        portable: for any x86-64 instead of for the machine it is built on.
        force: build even if nothing changed.
        compiler: the C++ compiler; $CXX or g++ by default.

    Returns:
        (path of the library, whether it was built now).

    Raises:
        BuildError: there is no compiler, or it fails.
    """
    from mesh_renderer.tf1 import tf

    compiler = compiler or os.environ.get('CXX', 'g++')
    library = library_path(tf.__version__)
    command = [compiler] + _compile_flags(tf.sysconfig, portable)
    stamp = _stamp(command + tf.sysconfig.get_link_flags(), tf.__version__)
    if not force and os.path.exists(library) and stamp_of(tf.__version__) == stamp:
        return library, False

    if shutil.which(compiler) is None:
        raise BuildError(f'No C++ compiler: {compiler!r} is not on the PATH. On Debian or Ubuntu: '
                         'apt install g++; then: make kernel')
    with tempfile.TemporaryDirectory(prefix='.build-', dir=FOLDER) as scratch:
        objects = []
        for name in MATHS + OPS:
            objects.append(os.path.join(scratch, name + '.o'))
            _run(command + ['-c', os.path.join(FOLDER, name), '-o', objects[-1]])
        fresh = os.path.join(scratch, 'library.so')
        _run(command + objects + ['-o', fresh] + tf.sysconfig.get_link_flags())
        fresh_stamp = os.path.join(scratch, 'stamp')
        with open(fresh_stamp, 'w') as out:
            out.write(stamp)
        stamp_path = library + '.stamp'
        # A library without its stamp is rebuilt; a stamp is never newer than its library.
        if os.path.exists(stamp_path):
            os.remove(stamp_path)
        os.replace(fresh, library)
        os.replace(fresh_stamp, stamp_path)
    return library, True


def _run(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        raise BuildError('{}\nThe compiler failed (exit status {}) on:\n{}'.format(
            result.stdout.strip(), result.returncode, ' '.join(command)))
    if result.stdout.strip():
        print(result.stdout.strip())


def main(argv=None):
    parser = argparse.ArgumentParser(description='Compile the renderer for the installed TensorFlow.')
    parser.add_argument('--portable', action='store_true', help='for any x86-64, not just this machine')
    parser.add_argument('--force', action='store_true', help='build even where nothing changed')
    options = parser.parse_args(argv)
    try:
        library, built = build(options.portable, options.force)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    print('{} {}'.format('built' if built else 'up to date:', library))
    return 0


if __name__ == '__main__':
    sys.exit(main())
