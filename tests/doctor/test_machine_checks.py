"""Checks of the machine: each reason why something cannot be used has its own verdict."""
import os
import re
import subprocess
import sys

import pytest

from Deep3DFaceReconstruction.doctor import machine_checks
from Deep3DFaceReconstruction.doctor.catalogue import MISSING, OK, WRONG
from Deep3DFaceReconstruction.system import assets


@pytest.mark.parametrize('python, tensorflow', [((3, 6), None), ((3, 7), 1), ((3, 8), 0), ((3, 9), 2), ((3, 13), 2),
                                                ((3, 14), None)])
def test_which_python_runs_which_tensorflow(python, tensorflow):
    assert machine_checks.tensorflow_for(python) == tensorflow


def test_make_agrees_on_which_python_runs_which_tensorflow():
    script = os.path.join(assets.ROOT, 'tools', 'find_python.sh')
    with open(script) as source:
        lists = re.findall(r"^pythons_(\d)='(.*)'$", source.read(), re.MULTILINE)
    assert {int(tensorflow): {tuple(map(int, word.split('.'))) for word in words.split()} for tensorflow, words in lists
            } == {tensorflow: set(pythons) for tensorflow, pythons in machine_checks.SUPPORTED_PYTHONS.items()}
    fits = machine_checks.tensorflow_for(sys.version_info[:2])
    output = subprocess.check_output(['sh', script, '' if fits else 'system', sys.executable], text=True)
    assert output.split()[0] == (str(fits) if fits else 'system')


def test_a_python_without_tensorflow_is_wrong(monkeypatch):
    assert machine_checks.check_python().state == OK
    monkeypatch.setattr(sys, 'version_info', (3, 8, 0, 'final', 0))
    assert machine_checks.check_python().found.startswith('3.') and machine_checks.check_python().state == OK
    monkeypatch.setattr(machine_checks.importlib.util, 'find_spec', lambda name: None)
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
    from mesh_renderer.kernels import places
    monkeypatch.setattr(places, 'find', lambda stamp: None)
    monkeypatch.setattr(places, 'library_path', lambda version: str(tmp_path / f'mesh_renderer_tf{version}.so'))
    (tmp_path / 'mesh_renderer_tf1.15.0.so').write_bytes(b'x')
    assert machine_checks.compiled_for() == ['1.15.0']
    verdict = machine_checks.check_kernel()
    assert verdict.state == MISSING and verdict.found.endswith('; also there: for 1.15.0')
