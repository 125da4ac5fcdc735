"""Choosing a Python, and an environment on top of a Python that has its own TensorFlow."""
import os
import shutil
import subprocess
import sys

import pytest

from mesh_renderer.tf1 import tf
from tests import ROOT
from tools import constraints

TF_NAME = 'tensorflow-gpu' if tf.__version__ == '1.15.5' else 'tensorflow'


def run(*command, **keywords):
    """(exit code, standard output, standard error)."""
    done = subprocess.run(command, capture_output=True, text=True, **keywords)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def find_python(tf_wanted, python):
    return run('sh', os.path.join(ROOT, 'tools', 'find_python.sh'), tf_wanted, python)


def test_a_python_is_taken_with_its_own_tensorflow():
    assert find_python('system', sys.executable) == (0, 'system ' + sys.executable, '')


def mock_python(folder, version, has_tensorflow=False):
    """A program that answers as a Python of this version does."""
    path = folder / ('python' + version)
    path.write_text('#!/bin/sh\ncase "$2" in *version_info*) echo %s;; *) exit %d;; esac\n' % (
        version, 0 if has_tensorflow else 1))
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize('version, has_tensorflow, wanted, expected', [
    ('3.8', True, 'system', 'system'), ('3.7', True, 'system', 'system'), ('3.13', True, 'system', 'system'),
    ('3.7', False, '', '1'), ('3.10', False, '', '2'), ('3.10', False, '2', '2')])
def test_which_tensorflow_for_which_python(tmp_path, version, has_tensorflow, wanted, expected):
    path = mock_python(tmp_path, version, has_tensorflow)
    assert find_python(wanted, path) == (0, '%s %s' % (expected, path), '')


@pytest.mark.parametrize('version, has_tensorflow, wanted, message', [
    ('3.8', False, 'system', 'expected a Python with a TensorFlow of its own, but %s has none'),
    ('3.8', True, '', 'PYTHON=%s is Python 3.8; expected 3.7 (TensorFlow 1.15) or one of 3.12 3.11 3.13 3.10 3.9 '
                      '(current TensorFlow); with a TensorFlow of its own, any takes TF=system'),
    ('3.6', True, 'system', 'PYTHON=%s is Python 3.6; expected one of 3.7 3.8 3.12'),
    ('3.9', False, '1', 'PYTHON=%s is Python 3.9, which cannot run TF=1'),
    ('3.9', False, 'three', 'TF=three: expected 1 (TensorFlow 1.15), 2 (current TensorFlow) or system')])
def test_a_python_that_does_not_fit(tmp_path, version, has_tensorflow, wanted, message):
    path = mock_python(tmp_path, version, has_tensorflow)
    code, output, error = find_python(wanted, path)
    assert (code, output) == (1, '')
    assert (message % path if '%s' in message else message) in error and '\n' not in error


def test_constraints_name_what_is_installed_but_not_the_installers():
    versions = constraints.installed()
    assert versions[TF_NAME] == tf.__version__
    lines = constraints.constraints({'numpy': '1.18.5', 'pip': '21.0', 'tensorflow': '1.15.5+nv23.3', 'odd': 'unknown'})
    assert lines == ['numpy==1.18.5', 'tensorflow==1.15.5+nv23.3']


@pytest.mark.slow
def test_an_environment_on_top_of_what_a_python_has(tmp_path):
    """Nothing that the Python has is installed again, and what does not fit beside it is refused."""
    (tmp_path / 'tools').mkdir()
    for name in ('setup.sh', 'constraints.py'):
        shutil.copy(os.path.join(ROOT, 'tools', name), str(tmp_path / 'tools'))
    requirements = tmp_path / 'requirements-any.txt'
    requirements.write_text('numpy\nscipy\n')
    for name in ('requirements-nodeps.txt', 'requirements-heif.txt'):
        (tmp_path / name).write_text('# none\n')

    def setup():
        return run('sh', 'tools/setup.sh', 'system ' + sys.executable, 'packages', cwd=str(tmp_path),
                   env=dict(os.environ, PIP_NO_INDEX='1'))

    code, output, error = setup()
    assert code == 0, error
    assert output.splitlines()[0] == 'setup: making .venv-system with ' + sys.executable
    python = str(tmp_path / '.venv-system' / 'bin' / 'python')
    program = 'import sys, numpy, tensorflow; print(sys.prefix); print(numpy.__file__); print(tensorflow.__version__)'
    code, output, error = run(python, '-c', program)
    assert code == 0, error
    import numpy
    assert output.splitlines()[-3:] == [str(tmp_path / '.venv-system'), numpy.__file__, tf.__version__]
    assert setup() == (0, '', '')  # nothing changed, nothing done

    requirements.write_text('numpy>=99\n')
    code, _, error = setup()
    assert code == 1 and 'setup: pip could not install requirements-any.txt' in error
    assert run(python, '-c', program)[0] == 0
