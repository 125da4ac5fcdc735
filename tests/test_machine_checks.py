"""Checks of the machine: each reason why something cannot be used has its own verdict."""
import os
import subprocess
import sys
import types

import pytest

from Deep3DFaceReconstruction import assets, machine_checks
from Deep3DFaceReconstruction.findings import MISSING, OK, WRONG
from Deep3DFaceReconstruction.machine_checks import GpuFacts, judge_gpu

V100 = ('Tesla V100', (7, 0))
H200 = ('NVIDIA H200', (9, 0))


def gpu(**changes):
    """A V100 that TensorFlow 1.15 sees, but for the changes."""
    facts = dict(hidden=None, in_machine=1, driver=None, status=0, devices=(V100,), tensorflow='1.15.5',
                 cuda_build=True, seen=1, unloaded=())
    return judge_gpu(GpuFacts(**dict(facts, **changes)))


@pytest.mark.parametrize('facts, state, found, advice', [
    ({}, OK, 'Tesla V100 (compute capability 7.0), seen by TensorFlow', ''),
    ({'hidden': ''}, MISSING, "hidden by CUDA_VISIBLE_DEVICES=''", 'unset CUDA_VISIBLE_DEVICES'),
    ({'hidden': '-1'}, MISSING, "hidden by CUDA_VISIBLE_DEVICES='-1'", 'unset CUDA_VISIBLE_DEVICES'),
    ({'in_machine': 0, 'driver': 'libcuda.so.1: cannot open', 'devices': ()}, MISSING,
     'no NVIDIA GPU in this machine', ''),
    ({'driver': 'libcuda.so.1: cannot open', 'devices': ()}, WRONG,
     'an NVIDIA GPU is in this machine, but its driver is not (libcuda.so.1: cannot open)', 'docker run --gpus all'),
    ({'status': 100, 'devices': ()}, MISSING, 'the NVIDIA driver finds no GPU', 'docker run --gpus all'),
    ({'devices': ()}, MISSING, 'the NVIDIA driver finds no GPU', 'docker run --gpus all'),
    ({'status': 803, 'devices': ()}, WRONG, 'the NVIDIA driver does not start (CUDA error 803)',
     'of different versions'),
    ({'status': 999, 'devices': ()}, WRONG, 'the NVIDIA driver does not start (CUDA error 999)', 'nvidia-smi'),
    ({'cuda_build': False, 'seen': 0}, WRONG, 'TensorFlow 1.15.5 is built without CUDA',
     'pip install tensorflow-gpu==1.15.5'),
    ({'cuda_build': False, 'seen': 0, 'tensorflow': '2.21.0'}, WRONG, 'TensorFlow 2.21.0 is built without CUDA',
     r"pip install 'tensorflow[and-cuda]==2.21.0'"),
    ({'devices': (H200,), 'seen': 0}, WRONG,
     'NVIDIA H200 (compute capability 9.0): too new for TensorFlow 1.15, whose CUDA 10 ends before 8.0', 'TF=2'),
    ({'devices': (H200, V100)}, OK, 'NVIDIA H200 (compute capability 9.0), Tesla V100', ''),
    ({'devices': (H200,), 'tensorflow': '2.21.0'}, OK, 'NVIDIA H200 (compute capability 9.0), seen', ''),
    ({'seen': 0, 'unloaded': ('libcudnn.so.7',)}, WRONG, 'CUDA libraries are missing: libcudnn.so.7',
     'Install CUDA 10.0 and cuDNN 7'),
    ({'seen': 0, 'tensorflow': '2.21.0'}, WRONG, 'CUDA libraries are missing: CUDA and cuDNN', '[and-cuda]==2.21.0'),
])
def test_each_reason_for_no_gpu_has_its_verdict(facts, state, found, advice):
    verdict = gpu(**facts)
    assert verdict.state == state and found in verdict.found and advice in verdict.advice


def test_the_gpu_of_this_machine_is_judged():
    """Tests hide it (conftest)."""
    assert machine_checks.check_gpu().found == "hidden by CUDA_VISIBLE_DEVICES=''"


def test_libraries_that_tensorflow_missed_are_read_from_its_log():
    with machine_checks._caught_stderr() as caught:
        os.write(2, b"W dso_loader.cc:59] Could not load dynamic library 'libcudnn.so.7'; dlerror: libcudnn.so.7: no\n")
    assert machine_checks._NOT_LOADED.findall(caught.text()) == ['libcudnn.so.7']


def test_a_driver_that_is_a_stub_is_asked(monkeypatch):
    def library(name):
        raise OSError('%s: cannot open shared object file' % name)
    monkeypatch.setattr(machine_checks.ctypes, 'CDLL', library)
    assert machine_checks._driver() == ('libcuda.so.1: cannot open shared object file', 0, ())
    monkeypatch.setattr(machine_checks.ctypes, 'CDLL', lambda name: types.SimpleNamespace(cuInit=lambda flags: 803))
    assert machine_checks._driver() == (None, 803, ())


@pytest.mark.parametrize('python, tensorflow', [((3, 6), None), ((3, 7), 1), ((3, 8), None), ((3, 9), 2), ((3, 13), 2),
                                                ((3, 14), None)])
def test_which_python_runs_which_tensorflow(python, tensorflow):
    assert machine_checks.tensorflow_for(python) == tensorflow


def test_make_agrees_on_which_python_runs_which_tensorflow():
    script = os.path.join(assets.ROOT, 'tools', 'find_python.sh')
    output = subprocess.check_output(['sh', script, '', sys.executable], text=True)
    assert int(output.split()[0]) == machine_checks.tensorflow_for(sys.version_info[:2])


def test_a_python_without_tensorflow_is_wrong(monkeypatch):
    assert machine_checks.check_python().state == OK
    monkeypatch.setattr(sys, 'version_info', (3, 8, 0, 'final', 0))
    verdict = machine_checks.check_python()
    assert verdict.state == WRONG and 'Install Python 3.7' in verdict.advice


def test_tensorflow_that_does_not_import_says_why(monkeypatch):
    real = __import__

    def importing(name, *arguments, **keywords):
        if name.startswith('Deep3DFaceReconstruction.tf1'):
            raise TypeError('Descriptors cannot not be created directly.\nIf this call came from a _pb2.py file ...')
        return real(name, *arguments, **keywords)
    monkeypatch.setattr('builtins.__import__', importing)
    verdict = machine_checks.check_tensorflow()
    assert verdict.state == WRONG
    assert verdict.found == 'installed, but does not import (Descriptors cannot not be created directly.)'
    assert "pip install 'protobuf<3.21'" in verdict.advice


def test_no_tensorflow(monkeypatch):
    monkeypatch.setattr(machine_checks.importlib.util, 'find_spec', lambda name: None)
    assert machine_checks.check_tensorflow().state == MISSING
    assert machine_checks.check_dlib().state == MISSING


@pytest.mark.parametrize('version, state', [('1.14.0', WRONG), ('3.0.0', WRONG), ('2.21.0', OK), ('1.15.5', OK)])
def test_versions_of_tensorflow(monkeypatch, version, state):
    from Deep3DFaceReconstruction.tf1 import tf
    monkeypatch.setattr(tf, '__version__', version)
    assert machine_checks.check_tensorflow().state == state


def test_packages_that_do_not_import_are_named(monkeypatch, tmp_path):
    (tmp_path / 'broken_package.py').write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(machine_checks, 'PACKAGES', ('numpy', 'broken_package', 'no_such_package'))
    verdict = machine_checks.check_packages()
    assert verdict.state == WRONG
    assert verdict.found == ('not usable: broken_package (libGL.so.1: cannot open shared object file: No such file or '
                             'directory), no_such_package (not installed)')
    assert 'pip install -r requirements' in verdict.advice


# The kernel.

def test_the_kernel_loads_and_draws():
    from Deep3DFaceReconstruction.tf1 import tf
    assert machine_checks.check_kernel().found.startswith('for TensorFlow %s, loads and draws' % tf.__version__)


def test_a_kernel_that_is_missing_or_broken(tmp_path, monkeypatch):
    path = tmp_path / 'mesh_renderer_tf9.so'
    verdict = machine_checks.check_kernel(str(path))
    assert verdict.state == MISSING and verdict.found.startswith('not compiled for TensorFlow')
    assert verdict.advice == 'Type: make kernel.'
    path.write_bytes(b'\x7fELF no library')
    verdict = machine_checks.check_kernel(str(path))
    assert verdict.state == WRONG and verdict.found.startswith('mesh_renderer_tf9.so does not load into TensorFlow')
    assert 'make kernel' not in verdict.found  # which would leave it as it is
    assert verdict.advice.endswith(' -m mesh_renderer.kernels.build --force.')
    monkeypatch.setenv('CXX', 'no-such-compiler')
    assert 'no-such-compiler is not on the PATH' in machine_checks.check_kernel(str(path)).advice


def test_kernels_for_other_tensorflows_are_listed(tmp_path, monkeypatch):
    from mesh_renderer.kernels import build
    monkeypatch.setattr(build, 'library_path', lambda version: str(tmp_path / f'mesh_renderer_tf{version}.so'))
    (tmp_path / 'mesh_renderer_tf1.15.0.so').write_bytes(b'x')
    assert machine_checks.compiled_for() == ['1.15.0']
    verdict = machine_checks.check_kernel()
    assert verdict.state == MISSING and verdict.found.endswith('; also there: for 1.15.0')
