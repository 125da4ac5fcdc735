"""Each reason why TensorFlow sees no GPU has its own verdict."""
import os
import types

import pytest

from Deep3DFaceReconstruction.doctor import gpu_check
from Deep3DFaceReconstruction.doctor.catalogue import MISSING, OK, WRONG
from Deep3DFaceReconstruction.doctor.gpu_check import GpuFacts, judge_gpu

V100 = ('Tesla V100', (7, 0))
H200 = ('NVIDIA H200', (9, 0))


def gpu(**changes):
    """A V100 that TensorFlow 1.15 sees, but for the changes."""
    facts = dict(hidden=None, in_machine=1, driver=None, status=0, devices=(V100,), tensorflow='1.15.5',
                 cuda=10, cuda_build=True, seen=1, unloaded=())
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
    ({'devices': (H200,), 'cuda': 12}, OK, 'NVIDIA H200 (compute capability 9.0), seen', ''),  # NVIDIA's container
    ({'devices': (H200,), 'tensorflow': '2.21.0', 'cuda': 0}, OK, 'NVIDIA H200 (compute capability 9.0), seen', ''),
    ({'seen': 0, 'unloaded': ('libcudnn.so.7',)}, WRONG, 'CUDA libraries are missing: libcudnn.so.7',
     'Install CUDA 10.0 and cuDNN 7'),
    ({'seen': 0, 'tensorflow': '2.21.0'}, WRONG, 'CUDA libraries are missing: CUDA and cuDNN', '[and-cuda]==2.21.0'),
])
def test_each_reason_for_no_gpu_has_its_verdict(facts, state, found, advice):
    verdict = gpu(**facts)
    assert verdict.state == state and found in verdict.found and advice in verdict.advice


def test_the_gpu_of_this_machine_is_judged():
    """Tests hide it (conftest)."""
    assert gpu_check.check_gpu().found == "hidden by CUDA_VISIBLE_DEVICES=''"


def test_the_cuda_of_the_installed_tensorflow():
    """As in tensorflow-gpu 1.15.5 from PyPI; current ones do not say it here."""
    from Deep3DFaceReconstruction.tf1 import tf
    assert gpu_check._cuda_of_tensorflow() == (10 if tf.__version__ == '1.15.5' else 0)


def test_libraries_that_tensorflow_missed_are_read_from_its_log():
    with gpu_check._caught_stderr() as caught:
        os.write(2, b"W dso_loader.cc:59] Could not load dynamic library 'libcudnn.so.7'; dlerror: libcudnn.so.7: no\n")
    assert gpu_check._NOT_LOADED.findall(caught.text()) == ['libcudnn.so.7']


def test_a_driver_that_is_a_stub_is_asked(monkeypatch):
    def library(name):
        raise OSError('%s: cannot open shared object file' % name)
    monkeypatch.setattr(gpu_check.ctypes, 'CDLL', library)
    assert gpu_check._driver() == ('libcuda.so.1: cannot open shared object file', 0, ())
    monkeypatch.setattr(gpu_check.ctypes, 'CDLL', lambda name: types.SimpleNamespace(cuInit=lambda flags: 803))
    assert gpu_check._driver() == (None, 803, ())
