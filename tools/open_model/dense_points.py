"""The dense landmarks of the open model: where its surface has the points of Google's face mesh and irises.

`python -m tools.open_model.adapt` makes the file; the vertices are those of the full mesh.
"""
import os

import numpy as np

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'dense_points.npz')


def read(path=FILE):
    """The arrays of the compact file: dense_vertices [478,3] uint16 and dense_weights [478,3] float32."""
    with np.load(path) as data:
        return {'dense_vertices': data['vertices'], 'dense_weights': data['weights']}


def write(vertices, weights, path=FILE):
    np.savez_compressed(path, vertices=vertices.astype(np.uint16), weights=weights.astype(np.float32))
