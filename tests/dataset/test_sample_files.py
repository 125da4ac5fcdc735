"""The files of a sample: what is written can be read, what is half there is seen, one run at a time."""
import os
import stat

import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.dataset import sample_files


@pytest.fixture
def content():
    random = np.random.RandomState(0)
    image = random.randint(0, 256, (224, 224, 3)).astype(np.uint8)
    attention = random.randint(0, 256, (224, 224)).astype(np.uint8)
    return image, random.uniform(0, 223, (68, 2)), attention


@pytest.fixture
def sample(tmp_path, content):
    sample = sample_files.sample_named(str(tmp_path), 'a.b')
    sample_files.write_sample(sample, *content, notes={'source': 'å.jpg'}, coeff=np.arange(257))
    return sample


def test_what_is_written_is_read_back(sample, content):
    image, landmarks, attention = sample_files.read_sample(sample)
    np.testing.assert_array_equal(image, content[0])
    np.testing.assert_array_equal(landmarks, content[1].astype(np.float32))
    np.testing.assert_array_equal(attention, content[2][..., np.newaxis])
    assert sample_files.read_notes(sample)['source'] == 'å.jpg'


def test_the_layout_is_the_published_one(sample, tmp_path, content):
    files = sorted(os.path.relpath(os.path.join(folder, name), str(tmp_path))
                   for folder, _, names in os.walk(str(tmp_path)) for name in names)
    assert files == ['a.b.png', 'coeff/a.b.npy', 'lm/a.b.txt', 'lm_bin/a.b.bin', 'mask/a.b.png']
    np.testing.assert_array_equal(np.fromfile(sample.landmarks, np.float64).reshape(68, 2), content[1])
    np.testing.assert_allclose(np.loadtxt(sample.text), content[1], atol=1e-6)
    np.testing.assert_array_equal(np.asarray(Image.open(sample.image)), content[0][..., ::-1])  # the file is RGB
    np.testing.assert_array_equal(np.asarray(Image.open(sample.mask)), np.stack([content[2]] * 3, axis=2))
    np.testing.assert_array_equal(np.load(sample.coeff), np.arange(257, dtype=np.float32))


@pytest.mark.parametrize('part', ['image', 'text', 'landmarks', 'mask'])
def test_a_sample_with_a_missing_or_cut_file_is_not_whole(sample, part):
    path = getattr(sample, part)
    with open(path, 'rb+') as file:
        file.truncate(os.path.getsize(path) - 5 if part != 'text' else 0)
    assert sample_files.read_notes(sample) is None
    os.remove(path)
    assert sample_files.read_notes(sample) is None


def test_landmarks_that_are_none_are_not_written(sample, content):
    image, landmarks, attention = content
    with pytest.raises(sample_files.DataError, match='expected 68 finite landmarks to write'):
        sample_files.write_sample(sample, image, landmarks * np.nan, attention, {})
    with pytest.raises(sample_files.DataError, match='expected 68 finite landmarks to write'):
        sample_files.write_sample(sample, image, landmarks[:5], attention, {})


def test_leftovers_are_removed_and_nothing_else(sample, tmp_path):
    for part in ('', 'mask', 'lm_bin'):
        (tmp_path / part / '.writing-0123456789ab-x').write_bytes(b'half')
    (tmp_path / '.writing-notes.txt').write_text('mine')
    with sample_files.set_opened(str(tmp_path)):
        pass
    assert not [name for _, _, names in os.walk(str(tmp_path)) for name in names if name.startswith('.writing-0')]
    assert (tmp_path / '.writing-notes.txt').read_text() == 'mine'
    assert sample_files.read_notes(sample) is not None


def test_a_second_run_is_kept_out(tmp_path):
    folder = str(tmp_path / 'new' / 'set')
    with sample_files.set_opened(folder):
        with pytest.raises(sample_files.DataError, match='set: expected no other run that writes there'):
            with sample_files.set_opened(folder):
                pass
    with sample_files.set_opened(folder):
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').write_bytes(b'')
    with pytest.raises(sample_files.DataError, match='file: expected a folder that can be written, got: File exists'):
        with sample_files.set_opened(str(tmp_path / 'file')):
            pass
    os.chmod(str(tmp_path), stat.S_IRUSR | stat.S_IXUSR)
    try:
        if os.access(str(tmp_path), os.W_OK):
            pytest.skip('this user may write everywhere')
        with pytest.raises(sample_files.DataError, match='got: Permission denied'):
            with sample_files.set_opened(str(tmp_path / 'set')):
                pass
    finally:
        os.chmod(str(tmp_path), stat.S_IRWXU)
