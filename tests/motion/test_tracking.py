"""Tracks begin, last, end, come back and break at cuts, with a reader whose faces are known."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.motion.tracking import Place, Tracker, follow


class _Reader:
    """Sees a face where it is told that there is one."""

    def __init__(self):
        self.faces = []        # centres
        self.detections = 0

    def detect(self, rgb):
        self.detections += 1
        return [Place(np.array(center, float), 100.0, 0.0) for center in self.faces]

    def read(self, rgb, place):
        near = [center for center in self.faces if np.abs(center - place.center).max() < 60]
        return None if not near else near[0] + np.array([[-20.0, 0], [20, 0], [0, 30]])

    def is_face(self, rgb, points):
        return True

    def place_of(self, points):
        return Place(points[:2].mean(axis=0), 100.0, 0.0)


def _photo(seed=0):
    return np.random.RandomState(seed).randint(0, 255, (6, 8, 3)).repeat(40, axis=0).repeat(40, axis=1).astype(np.uint8)


@pytest.fixture
def reader():
    return _Reader()


def test_a_face_is_one_track_as_long_as_it_is_seen(reader):
    tracker, photo = Tracker(reader), _photo()
    reader.faces = [np.array([100.0, 80.0])]
    numbers = set()
    for step in range(30):
        reader.faces = [np.array([100.0 + 2 * step, 80.0])]
        seen = tracker.update(photo)
        assert len(seen) == 1 and seen[0].fresh == (step == 0)
        np.testing.assert_allclose(seen[0].points[:2].mean(axis=0), reader.faces[0])
        numbers.add(seen[0].track)
    assert numbers == {0}
    assert reader.detections < 4


def test_a_short_loss_keeps_the_track_and_a_long_one_ends_it(reader):
    tracker, photo = Tracker(reader), _photo()
    here = [np.array([100.0, 80.0])]
    reader.faces = here
    tracker.update(photo)
    reader.faces = []
    assert [tracker.update(photo)[0].points for _ in range(5)] == [None] * 5
    reader.faces = here
    assert tracker.update(photo)[0].track == 0
    reader.faces = []
    seen = [tracker.update(photo) for _ in range(20)]
    assert seen[-1] == []
    reader.faces = here
    back = [tracker.update(photo) for _ in range(5)]
    assert back[-1][0].track == 1


def test_a_cut_ends_all_tracks_and_a_flash_does_not(reader):
    tracker = Tracker(reader)
    reader.faces = [np.array([100.0, 80.0])]
    photo = _photo() // 2
    assert tracker.update(photo)[0].track == 0
    assert tracker.update(photo + 60)[0].track == 0
    assert tracker.update(_photo(1))[0].track == 1


def test_faces_are_limited_and_the_largest_come_first(reader):
    reader.faces = [np.array([80.0, 80.0]), np.array([240.0, 150.0])]
    assert len(Tracker(reader, most=1).update(_photo())) == 1
    assert len(Tracker(reader, most=4).update(_photo())) == 2


def test_the_square_stays_until_the_face_has_left_its_middle():
    place = Place(np.array([100.0, 100.0]), 80.0, 0.0)
    assert follow(place, Place(np.array([103.0, 98.0]), 81.0, 0.0)) is place
    for moved in (Place(np.array([106.0, 100.0]), 80.0, 0.0), Place(np.array([100.0, 100.0]), 88.0, 0.0),
                  Place(np.array([100.0, 100.0]), 80.0, 20.0)):
        assert follow(place, moved) is moved


def test_faces_of_a_large_frame_are_looked_for_in_a_reduced_one(reader):
    sizes, detect = [], reader.detect

    def reduced(rgb):
        sizes.append(rgb.shape)
        return [place._replace(center=place.center / 3, side=place.side / 3) for place in detect(rgb)]
    reader.detect, reader.faces = reduced, [np.array([2000.0, 900.0])]
    seen = Tracker(reader).update(np.zeros((2160, 3840, 3), np.uint8))
    assert sizes == [(720, 1280, 3)]
    np.testing.assert_allclose(seen[0].points[:2].mean(axis=0), [2000, 900])
