"""Checks of the machine: Python, TensorFlow, the renderer's kernel, the other packages; the GPU is in gpu_check.

`check_python` needs nothing but Python. The others import what they look at when they are called, and are meant for a
child process: a TensorFlow or a kernel that was built for another processor ends its process without a word.
"""
import glob
import importlib
import importlib.util
import os
import platform
import re
import shutil
import sys

from Deep3DFaceReconstruction.doctor.catalogue import MISSING, OK, WRONG, Verdict
from Deep3DFaceReconstruction.system import assets

# The environments that `make` sets up.
ENVIRONMENTS = ('.venv', '.venv-tf2', '.venv-system')
# {TensorFlow, as `make TF=` counts: the Pythons that `make` sets it up for}; 0: for which it sets up none, so that they
# need one of their own (TF=system). tools/find_python.sh has the same lists.
SUPPORTED_PYTHONS = {1: ((3, 7),), 2: ((3, 9), (3, 10), (3, 11), (3, 12), (3, 13)), 0: ((3, 8),)}
# What demo.py imports besides TensorFlow and dlib.
PACKAGES = ('numpy', 'scipy', 'PIL', 'cv2', 'tqdm')


def tensorflow_for(python):
    """Which TensorFlow a Python runs: 1 (1.15), 2 (current), 0 (one that it has already) or None.

    Args:
      python: (major, minor).
    """
    for tensorflow, pythons in SUPPORTED_PYTHONS.items():
        if python in pythons:
            return tensorflow
    return None


def check_python():
    """The Python that this runs on."""
    version = platform.python_version()
    fits = tensorflow_for(sys.version_info[:2])
    if fits == 0 and importlib.util.find_spec('tensorflow') is not None:
        return Verdict(OK, '%s, with a TensorFlow of its own (%s)' % (version, sys.prefix))
    if not fits:
        return Verdict(WRONG, '%s, which no TensorFlow of this program runs on (%s)' % (version, sys.prefix),
                       'Install Python 3.7 (for TensorFlow 1.15) or 3.9 to 3.13 (for the current one), then type: '
                       'make setup')
    words = {1: 'TensorFlow 1.15', 2: 'the current TensorFlow'}
    return Verdict(OK, '%s, for %s (%s)' % (version, words[fits], sys.prefix))


def other_environment():
    """Advice where `make` has set up an environment but this is another Python; else ''."""
    folders = [os.path.join(assets.ROOT, name) for name in ENVIRONMENTS]
    if os.path.realpath(sys.prefix) in map(os.path.realpath, folders):
        return ''
    pythons = [python for python in (os.path.join(folder, 'bin', 'python') for folder in folders)
               if os.path.exists(python)]
    if not pythons:
        return ''
    return 'This is not the Python that make has set up: try %s -m Deep3DFaceReconstruction.doctor.' % (
        os.path.relpath(pythons[0], assets.ROOT))


def check_tensorflow():
    """Whether TensorFlow is installed and imports."""
    if importlib.util.find_spec('tensorflow') is None:
        return Verdict(MISSING, 'not installed for %s' % sys.executable,
                       ' '.join(filter(None, [other_environment(), 'Type: make setup.'])))
    try:
        from Deep3DFaceReconstruction.tf1 import tf
    except Exception as error:  # what a half-installed TensorFlow raises on import is anybody's guess
        return Verdict(WRONG, 'installed, but does not import (%s)' % _last_line(error), _mend_import(error))
    version = tf.__version__
    if not re.match(r'1\.15\.|2\.', version):
        return Verdict(WRONG, '%s; expected 1.15 or 2' % version,
                       'Type: make setup, which makes an environment of its own for this program.')
    return Verdict(OK, version)


def _mend_import(error):
    if 'Descriptors cannot' in str(error) or 'protobuf' in str(error).lower():
        return "protobuf is too new for TensorFlow 1.15. Type: pip install 'protobuf<3.21', or: make setup."
    return 'Type: make setup, which installs the versions that go together.'


def check_packages():
    """Whether the other packages that demo.py needs import."""
    versions, faults = [], []
    for name in PACKAGES:
        try:
            module = importlib.import_module(name)
            versions.append('%s %s' % (name, getattr(module, '__version__', '?')))
        except Exception as error:
            missing = isinstance(error, ImportError) and getattr(error, 'name', None) == name
            faults.append('%s (%s)' % (name, 'not installed' if missing else _last_line(error)))
    if faults:
        return Verdict(WRONG if versions else MISSING, 'not usable: ' + ', '.join(faults),
                       'Type: make setup, or: pip install -r %s.' % _requirements())
    return Verdict(OK, ', '.join(versions))


def check_dlib():
    """Whether dlib is installed and imports."""
    if importlib.util.find_spec('dlib') is None:
        return Verdict(MISSING, 'not installed', 'Type: make setup, or: pip install -r %s.' % _requirements())
    try:
        import dlib
    except Exception as error:
        return Verdict(WRONG, 'installed, but does not import (%s)' % _last_line(error),
                       'Type: pip install --force-reinstall dlib-bin.')
    return Verdict(OK, dlib.__version__)


def _requirements():
    return 'requirements.txt' if sys.version_info[:2] == (3, 7) else 'requirements-tf2.txt'


# The kernel.

def check_kernel(path=None):
    """Whether the renderer is compiled for the installed TensorFlow, loads and draws.

    Args:
      path: a library, only to be loaded; by default that of the installed TensorFlow.
    """
    from Deep3DFaceReconstruction.tf1 import tf
    from mesh_renderer.kernels import build, library, places

    version = tf.__version__
    library_path = path or places.find(build.stamp()) or places.library_path(version)
    others = [name for name in compiled_for() if name != version]
    also = '; also there: for %s' % ', '.join(others) if others else ''
    if not os.path.isfile(library_path):
        return Verdict(MISSING, 'not compiled for TensorFlow %s%s' % (version, also), compile_advice())
    try:
        if path:
            library.load(path)
        else:
            _draw_a_triangle()
    except library.LibraryError as error:
        words = str(error).replace(library_path, os.path.basename(library_path)).replace('. Type: make kernel', '')
        return Verdict(WRONG, ' '.join(words.split()), compile_advice(again=True))
    except Exception as error:  # whatever an op of another version raises
        return Verdict(WRONG, '%s loads but does not draw (%s)' % (os.path.basename(library_path), _last_line(error)),
                       compile_advice(again=True))
    return Verdict(OK, 'for TensorFlow %s, loads and draws%s' % (version, also))


def compiled_for():
    """The versions of TensorFlow that there is a compiled renderer for, as text."""
    from mesh_renderer.kernels import places

    pattern = places.library_path('*')
    before, after = pattern.split('*')
    return sorted(path[len(before):-len(after)] for path in glob.glob(glob.escape(before) + '*' + after))


def compile_advice(again=False):
    """How to compile the renderer here; `again`: even where nothing has changed since the last time."""
    command = 'make kernel'
    if again:
        python = sys.executable
        if python.startswith(assets.ROOT + os.sep):
            python = os.path.relpath(python, assets.ROOT)
        command = '%s -m mesh_renderer.kernels.build --force' % python
    compiler = os.environ.get('CXX', 'g++')
    if shutil.which(compiler) is None:
        return ('Install a C++ compiler (%s is not on the PATH; on Debian or Ubuntu: apt-get install g++), then '
                'type: %s.' % (compiler, command))
    return 'Type: %s.' % command


def _draw_a_triangle():
    import numpy as np

    from Deep3DFaceReconstruction.tf1 import tf
    from mesh_renderer.rasterize_triangles import rasterize_triangles

    corners = np.array([[-1, -1, 0, 1], [1, -1, 0, 1], [0, 1, 0, 1]], np.float32)
    with tf.Graph().as_default(), tf.Session(config=tf.ConfigProto(device_count={'GPU': 0})) as session:
        drawn = rasterize_triangles(tf.constant(corners), tf.constant([[0, 1, 2]]), 8, 8)
        if not session.run(drawn.barycentric_coordinates).any():
            raise ValueError('a triangle leaves no pixel')


def _last_line(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # TensorFlow appends advice to an ImportError: the cause is what names a library or a symbol.
    for line in lines:
        if re.search(r'(\.so\b|undefined symbol|Descriptors cannot|No module named|GLIBC)', line):
            return line
    return lines[-1] if lines else type(error).__name__
