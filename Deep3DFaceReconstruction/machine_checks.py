"""Checks of the machine: Python, TensorFlow, the GPU, the renderer's kernel, the other packages.

`check_python` needs nothing but Python. The others import what they look at when they are called, and are meant for a
child process: a TensorFlow or a kernel that was built for another processor ends its process without a word.
"""
import ctypes
import glob
import importlib
import os
import platform
import re
import shutil
import sys
import tempfile
from collections import namedtuple

from Deep3DFaceReconstruction import assets
from Deep3DFaceReconstruction.findings import MISSING, OK, WRONG, Verdict

# The environments that `make` sets up.
ENVIRONMENTS = ('.venv', '.venv-tf2')
# What demo.py imports besides TensorFlow and dlib.
PACKAGES = ('numpy', 'scipy', 'PIL', 'cv2', 'tqdm')
# CUDA 10, which TensorFlow 1.15 is built with, knows no GPU from this compute capability on (Ampere and later).
TOO_NEW_FOR_TF1 = (8, 0)

_NVIDIA, _DISPLAY = '0x10de', '0x03'  # vendor and first digits of the class of a PCI device
_VISIBLE = 'CUDA_VISIBLE_DEVICES'
_MAJOR, _MINOR = 75, 76  # cuda.h: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
_NO_DEVICE, _MISMATCH = 100, 803  # cuda.h: CUDA_ERROR_NO_DEVICE, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH
_NOT_LOADED = re.compile(r"Could not load dynamic library '([^']+)'")
_INSTALL_CUDA = "pip install 'tensorflow[and-cuda]==%s'"


def tensorflow_for(python):
    """Which TensorFlow a Python runs, as `make TF=` counts: 1 (1.15), 2 (current) or None.

    Args:
      python: (major, minor).
    """
    if python == (3, 7):
        return 1
    return 2 if (3, 9) <= python <= (3, 13) else None


def check_python():
    """The Python that this runs on."""
    version = platform.python_version()
    fits = tensorflow_for(sys.version_info[:2])
    where = sys.prefix
    if fits is None:
        return Verdict(WRONG, '%s, which no TensorFlow of this program runs on (%s)' % (version, where),
                       'Install Python 3.7 (for TensorFlow 1.15) or 3.9 to 3.13 (for the current one), then type: '
                       'make setup')
    return Verdict(OK, '%s, for %s (%s)' % (version, ('TensorFlow 1.15', 'the current TensorFlow')[fits - 1], where))


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
    from mesh_renderer.kernels import build, library

    version = tf.__version__
    library_path = path or build.library_path(version)
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
    from mesh_renderer.kernels import build

    pattern = build.library_path('*')
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


# The GPU.

# hidden: the value of CUDA_VISIBLE_DEVICES where it hides all; in_machine: NVIDIA GPUs on the PCI bus; driver: None
# where libcuda.so.1 loads, else why not; status: what cuInit returned; devices: [(name, (major, minor)), ...];
# tensorflow: its version; cuda_build: whether it is built with CUDA; seen: how many GPUs it lists; unloaded: libraries
# that it missed.
GpuFacts = namedtuple('GpuFacts', 'hidden in_machine driver status devices tensorflow cuda_build seen unloaded')


def check_gpu():
    """Whether TensorFlow sees a GPU, or why not."""
    return judge_gpu(_gpu_facts())


def judge_gpu(facts):
    """The verdict on GpuFacts: the first thing that stands between TensorFlow and a GPU."""
    version = facts.tensorflow
    old = version.startswith('1.')
    if facts.hidden is not None:
        return Verdict(MISSING, 'hidden by %s=%r' % (_VISIBLE, facts.hidden), 'Type: unset %s.' % _VISIBLE)
    if facts.driver is not None:
        if not facts.in_machine:
            return Verdict(MISSING, 'no NVIDIA GPU in this machine')
        return Verdict(WRONG, "an NVIDIA GPU is in this machine, but its driver is not (%s)" % facts.driver,
                       "Install NVIDIA's driver; in a container, start it with the GPU (docker run --gpus all).")
    if facts.status == _NO_DEVICE or (not facts.status and not facts.devices):
        return Verdict(MISSING, 'the NVIDIA driver finds no GPU in this machine',
                       'In a container, start it with the GPU (docker run --gpus all).')
    if facts.status:
        return Verdict(WRONG, 'the NVIDIA driver does not start (CUDA error %d)' % facts.status,
                       'Restart the machine: driver and its library are of different versions.'
                       if facts.status == _MISMATCH else 'See what nvidia-smi says; restart the machine.')
    gpus = ', '.join('%s (compute capability %d.%d)' % ((name,) + capability) for name, capability in facts.devices)
    if not facts.cuda_build:
        return Verdict(WRONG, '%s, but TensorFlow %s is built without CUDA' % (gpus, version),
                       'Type: %s.' % ('pip install tensorflow-gpu==1.15.5' if old else _INSTALL_CUDA % version))
    if old and all(capability >= TOO_NEW_FOR_TF1 for _, capability in facts.devices):
        return Verdict(WRONG, '%s: too new for TensorFlow 1.15, whose CUDA 10 ends before %d.%d' % (
            (gpus,) + TOO_NEW_FOR_TF1), 'Use the current TensorFlow: add TF=2 to make, as in: make demo TF=2.')
    if not facts.seen:
        missed = ', '.join(facts.unloaded) or ('CUDA 10.0 and cuDNN 7' if old else 'CUDA and cuDNN')
        return Verdict(WRONG, '%s, but CUDA libraries are missing: %s' % (gpus, missed),
                       'Install CUDA 10.0 and cuDNN 7, or use the current TensorFlow (make demo TF=2).' if old else
                       'Type: %s.' % (_INSTALL_CUDA % version))
    return Verdict(OK, '%s, seen by TensorFlow' % gpus)


def _gpu_facts():
    from Deep3DFaceReconstruction.tf1 import tf

    visible = os.environ.get(_VISIBLE)
    hidden = visible if visible is not None and visible.strip() in ('', '-1', 'NoDevFiles') else None
    driver, status, devices = _driver()
    facts = GpuFacts(hidden=hidden, in_machine=_nvidia_on_the_bus(), driver=driver, status=status, devices=devices,
                     tensorflow=tf.__version__, cuda_build=tf.test.is_built_with_cuda(), seen=0, unloaded=())
    too_new = tf.__version__.startswith('1.') and all(c >= TOO_NEW_FOR_TF1 for _, c in devices)
    if hidden is not None or not devices or not facts.cuda_build or too_new:
        return facts  # TensorFlow need not be asked
    with _caught_stderr() as caught:
        seen = len(tf.config.experimental.list_physical_devices('GPU'))
    return facts._replace(seen=seen, unloaded=tuple(sorted(set(_NOT_LOADED.findall(caught.text())))))


def _nvidia_on_the_bus():
    count = 0
    for device in glob.glob('/sys/bus/pci/devices/*'):
        try:
            with open(os.path.join(device, 'vendor')) as vendor, open(os.path.join(device, 'class')) as kind:
                count += vendor.read().strip() == _NVIDIA and kind.read().startswith(_DISPLAY)
        except OSError:
            continue
    return count


def _driver():
    """(None or why libcuda.so.1 does not load, status of cuInit, [(name, capability), ...])."""
    try:
        cuda = ctypes.CDLL('libcuda.so.1')
    except OSError as error:
        return str(error), 0, ()
    status = cuda.cuInit(0)
    count = ctypes.c_int(0)
    if status or cuda.cuDeviceGetCount(ctypes.byref(count)):
        return None, status, ()
    devices = []
    for i in range(count.value):
        name, numbers = ctypes.create_string_buffer(100), (ctypes.c_int * 2)()
        cuda.cuDeviceGetName(name, len(name), i)
        for at, attribute in enumerate((_MAJOR, _MINOR)):
            cuda.cuDeviceGetAttribute(ctypes.byref(numbers, at * ctypes.sizeof(ctypes.c_int)), attribute, i)
        devices.append((name.value.decode('utf-8', 'replace'), tuple(numbers)))
    return None, status, tuple(devices)


class _caught_stderr:
    """What C++ writes to standard error meanwhile; it is passed on at the end."""

    def __enter__(self):
        self._file = tempfile.TemporaryFile()
        self._before = os.dup(2)
        os.dup2(self._file.fileno(), 2)
        return self

    def __exit__(self, *_):
        os.dup2(self._before, 2)
        os.close(self._before)
        self._file.seek(0)
        self._text = self._file.read()
        self._file.close()
        os.write(2, self._text)

    def text(self):
        return self._text.decode('utf-8', 'replace')


def _last_line(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # TensorFlow appends advice to an ImportError: the cause is what names a library or a symbol.
    for line in lines:
        if re.search(r'(\.so\b|undefined symbol|Descriptors cannot|No module named|GLIBC)', line):
            return line
    return lines[-1] if lines else type(error).__name__
