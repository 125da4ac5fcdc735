"""The plain scalar rasterizer of oracle.cc, compiled on first use, as a NumPy function."""
import ctypes
import functools
import os
import subprocess
import tempfile

import numpy as np

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'oracle.cc')


@functools.lru_cache(maxsize=None)
def _function():
    with tempfile.TemporaryDirectory() as folder:
        library = os.path.join(folder, 'oracle.so')
        subprocess.run(['g++', '-std=c++11', '-O3', '-ffp-contract=off', '-shared', '-fPIC', SOURCE, '-o', library],
                       check=True)
        function = ctypes.CDLL(library).oracle_rasterize
    floats = np.ctypeslib.ndpointer(np.float32, flags='C_CONTIGUOUS')
    ints = np.ctypeslib.ndpointer(np.int32, flags='C_CONTIGUOUS')
    function.argtypes = [floats, ints, ctypes.c_int64, ctypes.c_int, ctypes.c_int, ints, floats, floats]
    function.restype = None
    return function


def rasterize(vertices, triangles, width, height):
    """(ids [H,W] int32 with -1 for nothing, z [H,W], barycentrics [H,W,3]) of vertices [V,4], triangles [T,3]."""
    vertices = np.ascontiguousarray(vertices, np.float32)
    triangles = np.ascontiguousarray(triangles, np.int32)
    ids = np.empty([height, width], np.int32)
    z_buffer = np.empty([height, width], np.float32)
    barycentrics = np.empty([height, width, 3], np.float32)
    _function()(vertices, triangles, len(triangles), width, height, ids, z_buffer, barycentrics)
    return ids, z_buffer, barycentrics
