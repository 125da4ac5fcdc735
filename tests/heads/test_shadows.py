"""Shadow transfer: on scenes whose shadows are known."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.heads import shadows


def grid(size, height, count=64):
    """(vertices, triangles) of a level square about the origin."""
    line = np.linspace(-size, size, count)
    x, z = np.meshgrid(line, line, indexing='ij')
    vertices = np.stack([x.ravel(), np.full(x.size, height), z.ravel()], axis=1)
    a = (np.arange(count - 1)[:, None] * count + np.arange(count - 1)).ravel()
    corners = [[a, a + 1, a + count], [a + 1, a + count + 1, a + count]]
    return vertices, np.concatenate([np.stack(each, axis=1) for each in corners])


@pytest.mark.slow
def test_a_roof_shades_what_lies_under_it():
    floor, triangles = grid(1.0, 0.0)
    roof, roof_triangles = grid(0.5, 0.3)
    coefficients = shadows.transfer(np.concatenate([floor, roof]),
                                    np.concatenate([triangles, roof_triangles + len(floor)])) * np.float32(shadows.UNIT)
    above = shadows.reached(coefficients, [0, 1.0, 0])
    middle = np.linalg.norm(floor, axis=1) < 0.25
    rim = np.abs(floor[:, 0]) > 0.9
    assert above[:len(floor)][middle].max() < 0.3 < 0.7 < above[:len(floor)][rim].min()
    assert above[len(floor):].min() > 0.8
