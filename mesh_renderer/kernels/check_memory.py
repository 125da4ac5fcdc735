"""Runs the TensorFlow-free kernels under AddressSanitizer and UndefinedBehaviorSanitizer.

    python -m mesh_renderer.kernels.check_memory

Needs g++ alone, no TensorFlow. Exits with 0 and one line if nothing was found, else with the sanitizer's report.
"""
import os
import subprocess
import sys
import tempfile

from mesh_renderer.kernels import build

# Division by zero is not an error here: the kernels' comparisons discard the infinities.
FLAGS = ('-g', '-O2', '-std=c++11', '-ffp-contract=off', '-Wall', '-Wno-psabi', '-fsanitize=address,undefined',
         '-fsanitize=float-cast-overflow', '-fno-sanitize-recover=all')


def main():
    compiler = os.environ.get('CXX', 'g++')
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, 'check_memory')
        sources = [os.path.join(build.FOLDER, name) for name in build.MATHS + ('check_memory.cc',)]
        # Both widths of a row segment: see cover.h.
        for machine in ((), ('-march=native',)):
            subprocess.run([compiler] + list(FLAGS + machine) + sources + ['-o', program], check=True)
            print(' '.join(('sanitized',) + machine), end=': ', flush=True)
            status = subprocess.run([program]).returncode
            if status != 0:
                return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
