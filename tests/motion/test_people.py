"""The people of a clip, from views whose landmarks are known: which of nearly equal views is used changes nothing."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.motion import people
from Deep3DFaceReconstruction.motion.dlib_reader import DlibReader
from Deep3DFaceReconstruction.numpy_decoder import key_vertices, project, rotation_matrix


@pytest.fixture(scope='module')
def gallery(open_model):
    reader = DlibReader()
    return people.Gallery(open_model, reader, reader.on_model(open_model), 'dlib')


def test_a_view_counts_by_what_it_is_better_than_the_best_one_left_out():
    np.testing.assert_allclose(people.shares([5.0, 3.0, 2.0, 1.0, 0.5], 3), [4 / 7, 2 / 7, 1 / 7])
    np.testing.assert_allclose(people.shares([3.0, 1.0], 3), [0.75, 0.25])
    np.testing.assert_allclose(people.shares([2.0] * 5, 3), np.full(3, 1 / 3))


def _views(model):
    """More views than are used: a face that turns and speaks, all on grey; the two at the edge are equally good."""
    random, keys = np.random.RandomState(7), key_vertices(model)
    views = []
    for number, quality in enumerate(np.r_[np.linspace(30, 20, people.BEST), 20.0]):
        coeff = np.r_[0.5 * np.random.RandomState(8).randn(80), 0.4 * random.randn(64)]
        seen = project(keys.shape(coeff).dot(rotation_matrix(0.2 * random.randn(3))))
        views.append(people.View(number, np.full((224, 224, 3), 120, np.uint8), seen * [1, -1] + [0, 223], quality))
    return views


def test_rounding_does_not_change_a_person(gallery, open_model):
    views, random = _views(open_model), np.random.RandomState(9)
    noisy = [view._replace(points=view.points + 1e-9 * random.randn(68, 2)) for view in views]
    swapped = noisy[:-2] + [noisy[-1]._replace(quality=20.0 + 1e-9), noisy[-2]]
    person, again = (gallery.add(np.zeros(128), some, with_pixels=False) for some in (views, swapped))
    assert np.abs(person.identity).max() > 0.1
    np.testing.assert_allclose(again.identity, person.identity, atol=1e-6)
    np.testing.assert_allclose(again.appearance.albedo, person.appearance.albedo, atol=1e-3)
