"""Second-order spherical harmonics of a matte surface (Ramamoorthi & Hanrahan 2001), for NumPy and TensorFlow.

At a unit normal (x, y, z) the nine terms are the polynomials 1, y, z, x, xy, yz, 3zz - 1, xz, xx - yy times
CONSTANTS, in the published order and signs. kernels/harmonics.cc computes the same in C++.
"""
import math

import numpy as np

# a: the clamped cosine's factor of each band. c: the normalisation of each band's harmonics.
_A0, _A1, _A2 = math.pi, 2 * math.pi / math.sqrt(3.0), 2 * math.pi / math.sqrt(8.0)
_C0, _C1 = 1 / math.sqrt(4 * math.pi), math.sqrt(3.0) / math.sqrt(4 * math.pi)
_C2 = 3 * math.sqrt(5.0) / math.sqrt(12 * math.pi)

CONSTANTS = np.array([_A0 * _C0,
                      -_A1 * _C1, _A1 * _C1, -_A1 * _C1,
                      _A2 * _C2, -_A2 * _C2, _A2 * _C2 / (2 * math.sqrt(3.0)), -_A2 * _C2, _A2 * _C2 / 2])
CONSTANTS.flags.writeable = False


def polynomials(x, y, z, one):
    """The nine polynomials as a list.

    Args:
        x, y, z: coordinates of unit normals, NumPy arrays or tensors of one shape.
        one: 1 in the same shape.
    """
    return [one, y, z, x, x * y, y * z, 3.0 * z * z - 1.0, x * z, x * x - y * y]
