"""Coefficients of samples: read where they are known, and moved with their images."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.dataset import sample_files
from Deep3DFaceReconstruction.dataset.augmentation import DEFAULT_AUGMENTATION
from Deep3DFaceReconstruction.dataset.data_loader import SampleReader, find_samples
from Deep3DFaceReconstruction.dataset.sample_files import DataError


@pytest.fixture
def samples(tmp_path):
    """Two samples; coefficients of the first one are known."""
    for name, coeff in (('a', np.linspace(-1, 1, 257)), ('b', None)):
        image = np.random.RandomState(0).randint(0, 255, [224, 224, 3]).astype(np.uint8)
        sample_files.write_sample(sample_files.sample_named(str(tmp_path), name), image, np.full([68, 2], 100.0),
                                  np.full([224, 224], 255, np.uint8), {}, coeff=coeff)
    return find_samples([str(tmp_path)])[0]


class Motion:
    """Stands in for supervision.label_motion.LabelMotion."""

    def __init__(self):
        self.asked = []

    def moved(self, coeff, mirrored, angle):
        self.asked.append((mirrored, angle))
        return coeff + np.float32(angle)


def test_known_and_unknown(samples):
    reader = SampleReader(samples, shuffle=False, motion=Motion())
    np.testing.assert_array_equal(reader.at(0)[4], np.linspace(-1, 1, 257).astype(np.float32))
    assert np.isnan(reader.at(1)[4]).all()
    assert reader.has_photos() and not SampleReader(samples[:1]).has_photos()
    assert np.isnan(SampleReader(samples, shuffle=False).at(0)[4]).all()


def test_augmentation_mirrors_and_turns_what_is_known(samples):
    motion = Motion()
    reader = SampleReader(samples, shuffle=False, augmentation=DEFAULT_AUGMENTATION, motion=motion)
    known = [reader.at(position) for position in range(0, 60, 2)]
    assert {mirrored for mirrored, _ in motion.asked} == {False, True}
    assert 0.2 < np.abs([angle for _, angle in motion.asked]).max() <= np.radians(15)
    for (_, landmarks, _, _, coeff), (mirrored, angle) in zip(known, motion.asked):
        np.testing.assert_allclose(coeff, np.linspace(-1, 1, 257) + angle, atol=1e-6)
        # All landmarks lie at (100, 100), 12 pixels to the left of the axis and below it.
        offset = np.array([12 if mirrored else -12, -12]) @ [[np.cos(angle), np.sin(angle)],
                                                             [-np.sin(angle), np.cos(angle)]]
        np.testing.assert_allclose(landmarks, np.tile(112 + offset, [68, 1]), atol=1e-4)


def test_augmentation_of_photos_is_as_without_coefficients(samples):
    readers = [SampleReader(samples, shuffle=False, augmentation=DEFAULT_AUGMENTATION, motion=motion)
               for motion in (Motion(), None)]
    for with_coeff, without in zip(*[reader.at(1)[:3] for reader in readers]):
        np.testing.assert_array_equal(with_coeff, without)


@pytest.mark.parametrize('wrong,got', [
    (np.zeros(256), r'\[256\] of float64'), (np.full(257, np.nan, np.float32), r'\[257\] of float32'),
    (np.zeros(257, int), r'\[257\] of int64')])
def test_broken_coefficients_are_named(samples, wrong, got):
    np.save(samples[0].coeff, wrong)
    with pytest.raises(DataError, match=r'a\.npy: expected 257 finite coefficients, got ' + got):
        sample_files.read_coeff(samples[0])


def test_a_file_of_another_kind(samples):
    with open(samples[0].coeff, 'wb') as stream:
        stream.write(b'no array')
    with pytest.raises(DataError, match=r'a\.npy: expected 257 coefficients, got: '):
        sample_files.read_coeff(samples[0])
