"""Whether TensorFlow sees a GPU, and if not, what stands between them.

Asks the NVIDIA driver itself (libcuda.so.1), before TensorFlow: a GPU that TensorFlow 1.15 does not know would keep it
busy for minutes. Meant for a child process.
"""
import ctypes
import glob
import os
import re
import tempfile
from typing import NamedTuple, Optional, Tuple

from Deep3DFaceReconstruction.doctor.catalogue import MISSING, OK, WRONG, Verdict

# CUDA 10, which TensorFlow 1.15 from PyPI is built with, knows no GPU from this compute capability on (Ampere and
# later). NVIDIA's containers have builds of 1.15 with later CUDAs.
TOO_NEW_FOR_CUDA_10 = (8, 0)

_NVIDIA, _DISPLAY = '0x10de', '0x03'  # vendor and first digits of the class of a PCI device
_VISIBLE = 'CUDA_VISIBLE_DEVICES'
_MAJOR, _MINOR = 75, 76  # cuda.h: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
_NO_DEVICE, _MISMATCH = 100, 803  # cuda.h: CUDA_ERROR_NO_DEVICE, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH
_NOT_LOADED = re.compile(r"Could not load dynamic library '([^']+)'")
_INSTALL_CUDA = "pip install 'tensorflow[and-cuda]==%s'"


class GpuFacts(NamedTuple):
    """What the system, the driver and TensorFlow say of GPUs."""
    hidden: Optional[str]        # the value of CUDA_VISIBLE_DEVICES where it hides all
    in_machine: int              # NVIDIA GPUs on the PCI bus
    driver: Optional[str]        # None where libcuda.so.1 loads, else why not
    status: int                  # what cuInit returned
    devices: Tuple               # ((name, (major, minor)), ...)
    tensorflow: str              # its version
    cuda: int                    # the major version of CUDA that TensorFlow 1 is built with
    cuda_build: bool             # whether TensorFlow is built with CUDA
    seen: int                    # how many GPUs it lists
    unloaded: Tuple[str, ...]    # libraries that it missed



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
    if _too_new(facts.cuda, facts.devices):
        return Verdict(WRONG, '%s: too new for TensorFlow 1.15, whose CUDA 10 ends before %d.%d' % (
            (gpus,) + TOO_NEW_FOR_CUDA_10), 'Use the current TensorFlow (make demo TF=2), or TensorFlow 1.15 in '
            "NVIDIA's container: see docs/gpu.md.")
    if not facts.seen:
        missed = ', '.join(facts.unloaded) or ('CUDA 10.0 and cuDNN 7' if old else 'CUDA and cuDNN')
        return Verdict(WRONG, '%s, but CUDA libraries are missing: %s' % (gpus, missed),
                       'Install CUDA 10.0 and cuDNN 7, or use the current TensorFlow (make demo TF=2).' if old else
                       'Type: %s.' % (_INSTALL_CUDA % version))
    return Verdict(OK, '%s, seen by TensorFlow' % gpus)


def _too_new(cuda, devices):
    return cuda == 10 and all(capability >= TOO_NEW_FOR_CUDA_10 for _, capability in devices)


def _cuda_of_tensorflow():
    """The major version of CUDA that TensorFlow 1.15 is built with; 0 where that is not known, as on current ones."""
    try:
        from tensorflow.python.platform import build_info
        return int(str(build_info.cuda_version_number).split('.')[0])
    except (ImportError, AttributeError, ValueError):
        return 0


def _gpu_facts():
    from Deep3DFaceReconstruction.tf1 import tf

    visible = os.environ.get(_VISIBLE)
    hidden = visible if visible is not None and visible.strip() in ('', '-1', 'NoDevFiles') else None
    driver, status, devices = _driver()
    facts = GpuFacts(hidden=hidden, in_machine=_nvidia_on_the_bus(), driver=driver, status=status, devices=devices,
                     tensorflow=tf.__version__, cuda=_cuda_of_tensorflow(),
                     cuda_build=tf.test.is_built_with_cuda(), seen=0, unloaded=())
    if hidden is not None or not devices or not facts.cuda_build or _too_new(facts.cuda, devices):
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
