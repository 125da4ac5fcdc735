"""The regions of a face: landmarks lie in theirs, both sides are alike, the inside of the mouth is behind the lips."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.surface import regions


@pytest.fixture(scope='module')
def found(open_model):
    return regions.build_regions(open_model)


def at(found, model, vertices, hidden=0.0):
    return regions.region_of(found, model.meanshape[vertices], np.full(len(vertices), hidden))


def test_landmarks(found, open_model):
    keypoints = open_model.keypoints
    assert (at(found, open_model, keypoints[17:27]) == regions.BROWS).all()
    assert (at(found, open_model, keypoints[28:31]) == regions.NOSE).all()
    assert (at(found, open_model, keypoints[4:13]) == regions.SKIN).all()
    for eye in (keypoints[36:42], keypoints[42:48]):
        middle = open_model.meanshape[eye].mean(axis=0, keepdims=True)
        assert regions.region_of(found, middle, np.zeros(1)) == regions.EYES
    lips = np.concatenate([keypoints[50:53], keypoints[56:59]])
    inner = (open_model.meanshape[lips] + open_model.meanshape[keypoints[60:68]].mean(axis=0)) / 2
    assert (regions.region_of(found, inner, np.zeros(len(inner))) == regions.LIPS).all()


def test_teeth_are_inside_the_mouth(found, open_model):
    from Deep3DFaceReconstruction.face_model.open_model import PARTS
    teeth = np.flatnonzero(open_model.part == PARTS.index('teeth'))
    assert found.hidden[teeth].mean() > 0.99
    inside = regions.region_of(found, open_model.meanshape[teeth], found.hidden[teeth])
    front = open_model.meanshape[teeth, 1] < open_model.meanshape[open_model.keypoints[33], 1]
    assert (inside[front] == regions.MOUTH).mean() > 0.95 and front.mean() > 0.5


def test_both_sides_are_alike(found, open_model):
    points = open_model.meanshape[found.hidden == 0]
    ours = regions.region_of(found, points, np.zeros(len(points)))
    mirrored = regions.region_of(found, points * [-1, 1, 1], np.zeros(len(points)))
    assert (ours == mirrored).mean() > 0.97


def test_below_the_jaw(found, open_model):
    chin, nose = open_model.meanshape[open_model.keypoints[[8, 30]]]
    below = regions.is_below_jaw(found, np.stack([chin - [0, 0.04, 0], chin + [0, 0.04, 0], nose]))
    np.testing.assert_array_equal(below, [True, False, False])


def test_palette_names_every_region():
    assert len(regions.PALETTE) == len(regions.NAMES) == regions.MOUTH + 1
