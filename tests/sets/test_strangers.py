"""Photos of another person: the largest group of like faces is the person."""
import numpy as np

from Deep3DFaceReconstruction.sets.strangers import StrangerFinder, reasons_of


def faces(*places):
    """Descriptors [B,128] near places on a line; two of one place are 0.14 apart."""
    descriptors = np.zeros([len(places), 128])
    descriptors[:, 0] = places
    descriptors[np.arange(len(places)), 1 + np.arange(len(places))] = 0.1
    return descriptors


def test_the_odd_one_is_left_out():
    reasons = reasons_of(faces(0, 1, 0, 0))
    assert reasons[0] == reasons[2] == reasons[3] == ''
    assert reasons[1] == 'looks like another person: distance 1.01 from the others, at most 0.58 expected'


def test_nobody_is_left_out_of_one_persons_photos():
    assert reasons_of(faces(0, 0.2, 0.1, 0)) == [''] * 4


def test_of_two_groups_of_one_size_the_first_photos_wins():
    assert [bool(reason) for reason in reasons_of(faces(0, 1, 1, 0))] == [False, True, True, False]


def test_without_dlib_nobody_is_a_stranger():
    finder = StrangerFinder('mediapipe')
    assert not finder.is_able and finder([None, None]) == ['', '']
