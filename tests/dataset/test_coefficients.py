"""Coefficients of samples: read where they are known, and images then change in their colours only."""
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


def test_known_and_unknown(samples):
    reader = SampleReader(samples, shuffle=False, with_coeff=True)
    np.testing.assert_array_equal(reader.at(0)[4], np.linspace(-1, 1, 257).astype(np.float32))
    assert np.isnan(reader.at(1)[4]).all()
    assert reader.has_photos() and not SampleReader(samples[:1]).has_photos()
    assert np.isnan(SampleReader(samples, shuffle=False).at(0)[4]).all()


def test_augmentation_does_not_move_what_the_coefficients_say(samples):
    reader = SampleReader(samples, shuffle=False, augmentation=DEFAULT_AUGMENTATION, with_coeff=True)
    known, photo = [[reader.at(position)[1] for position in places] for places in ((0, 2, 4), (1, 3, 5))]
    assert all((landmarks == 100).all() for landmarks in known)
    assert any((landmarks != 100).any() for landmarks in photo)


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
