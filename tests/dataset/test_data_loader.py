"""The loader: pairs by name, one reproducible stream, shards that add up, corrupt files named and passed over."""
import logging
import os

import numpy as np
import pytest
from PIL import Image

from Deep3DFaceReconstruction.dataset import data_loader, sample_files
from Deep3DFaceReconstruction.dataset.augmentation import DEFAULT_AUGMENTATION
from Deep3DFaceReconstruction.tf1 import tf


def write_set(folder, names):
    """A set whose every file tells its number: the first colour, landmark and mask value is NAME's."""
    for part in ('', 'lm_bin', 'mask'):
        os.makedirs(os.path.join(folder, part), exist_ok=True)
    for name in names:
        number = int(name.lstrip('x'))
        image = np.zeros((224, 224, 3), np.uint8)
        image[...] = [number, 50, 200]
        Image.fromarray(image).save(os.path.join(folder, name + '.png'), compress_level=1)
        Image.fromarray(np.full((224, 224, 3), number + 100, np.uint8)).save(
            os.path.join(folder, 'mask', name + '.png'), compress_level=1)
        (np.arange(136.0) + number).tofile(os.path.join(folder, 'lm_bin', name + '.bin'))
    return str(folder)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_set(str(tmp_path_factory.mktemp('set')), ['%d' % n for n in range(11)])


@pytest.fixture
def samples(folder):
    return data_loader.find_samples(folder)[0]


def numbers_of(batches):
    return [[int(os.path.basename(path.decode())[:-4]) for path in batch.names] for batch in batches]


def run(reader, count=None, feed=None, **options):
    """The batches that a dataset gives (the first `count`)."""
    with tf.Graph().as_default():
        start = tf.placeholder(tf.int64, []) if feed is not None else options.pop('start', 0)
        iterator = tf.data.make_initializable_iterator(data_loader.make_dataset(reader, start=start, **options))
        following = iterator.get_next()
        batches = []
        with tf.Session() as session:
            session.run(iterator.initializer, {start: feed} if feed is not None else None)
            try:
                while count is None or len(batches) < count:
                    batches.append(session.run(following))
            except tf.errors.OutOfRangeError:
                pass
        return batches


def test_a_batch_holds_what_the_files_hold_in_the_units_of_the_losses(samples):
    reader = data_loader.SampleReader(samples, shuffle=False)
    batch = run(reader, count=1, batch_size=3)[0]
    assert batch.images.shape == (3, 224, 224, 3) and batch.images.dtype == np.float32
    np.testing.assert_array_equal(batch.images[:, 7, 9], [[200, 50, n] for n in (0, 1, 10)])  # BGR, sorted by name
    np.testing.assert_array_equal(batch.landmarks[2], np.arange(136.0).reshape(68, 2) + 10)
    np.testing.assert_allclose(batch.attention[:, 0, 0, 0], np.array([100, 101, 110]) / 255.0, rtol=1e-6)
    assert batch.attention.shape == (3, 224, 224, 1)


def test_static_shapes(samples):
    reader = data_loader.SampleReader(samples)
    with tf.Graph().as_default():
        for repeat, size in ((True, 4), (False, None)):
            dataset = data_loader.make_dataset(reader, batch_size=4, repeat=repeat)
            batch = tf.data.make_initializable_iterator(dataset).get_next()
            assert isinstance(batch, data_loader.Batch)
            shapes = [tensor.shape.as_list() for tensor in batch]
            assert shapes == [[size, 224, 224, 3], [size, 68, 2], [size, 224, 224, 1], [size], [size, 257]]


def test_image_mask_and_landmarks_belong_together(samples):
    reader = data_loader.SampleReader(samples, seed=5)
    for batch, numbers in ((b, numbers_of([b])[0]) for b in run(reader, count=6, batch_size=4)):
        np.testing.assert_array_equal(batch.images[:, 0, 0, 2], numbers)
        np.testing.assert_array_equal(batch.landmarks[:, 0, 0], numbers)
        np.testing.assert_allclose(batch.attention[:, 5, 5, 0] * 255, np.array(numbers) + 100, rtol=1e-6)


def test_every_epoch_is_the_whole_set_in_another_order(samples):
    reader = data_loader.SampleReader(samples, seed=1)
    stream = sum(numbers_of(run(reader, count=11, batch_size=3)), [])
    epochs = [stream[i:i + 11] for i in range(0, 33, 11)]
    assert all(sorted(epoch) == list(range(11)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    other = sum(numbers_of(run(data_loader.SampleReader(samples, seed=2), count=4, batch_size=3)), [])
    assert other[:11] != epochs[0]


@pytest.mark.parametrize('threads', [1, 2, 4])
def test_a_resumed_run_gets_the_batches_it_would_have_had(samples, threads):
    whole = run(data_loader.SampleReader(samples, seed=3), count=9, batch_size=4)
    resumed = run(data_loader.SampleReader(samples, seed=3), count=4, batch_size=4, feed=5, threads=threads)
    for expected, got in zip(whole[5:], resumed):
        np.testing.assert_array_equal(expected.names, got.names)
        np.testing.assert_array_equal(expected.images, got.images)


def test_augmentation_is_resumed_too(samples):
    def reader():
        return data_loader.SampleReader(samples, seed=3, augmentation=DEFAULT_AUGMENTATION)

    whole = run(reader(), count=4, batch_size=2)
    resumed = run(reader(), count=1, batch_size=2, start=3)
    np.testing.assert_array_equal(whole[3].images, resumed[0].images)
    np.testing.assert_array_equal(whole[3].landmarks, resumed[0].landmarks)


def test_shards_of_one_step_are_the_joint_batch(samples):
    joint = run(data_loader.SampleReader(samples, seed=4), count=5, batch_size=6)
    parts = [run(data_loader.SampleReader(samples, seed=4), count=5, batch_size=2, shard=(3, i)) for i in range(3)]
    for step in range(5):
        together = np.concatenate([part[step].images for part in parts])
        np.testing.assert_array_equal(joint[step].images, together)


def test_one_pass_gives_every_sample_once_with_a_smaller_last_batch(samples):
    reader = data_loader.SampleReader(samples, shuffle=False)
    batches = run(reader, batch_size=4, repeat=False)
    assert [len(batch.names) for batch in batches] == [4, 4, 3]
    assert sorted(sum(numbers_of(batches), [])) == list(range(11))


def test_one_pass_in_shards(samples):
    reader = data_loader.SampleReader(samples, shuffle=False)
    parts = [run(reader, batch_size=2, repeat=False, shard=(2, i)) for i in range(2)]
    assert sorted(sum(sum((numbers_of(part) for part in parts), []), [])) == list(range(11))


CORRUPTIONS = {
    'picture cut off': ('3.png', lambda data: data[:len(data) // 2], 'expected an image'),
    'picture empty': ('3.png', lambda data: b'', r'got 0 bytes'),
    'picture with a flipped byte': ('3.png', lambda data: data[:200] + bytes([data[200] ^ 255]) + data[201:],
                                    'expected an image'),
    'mask cut off': ('mask/3.png', lambda data: data[:60], 'expected an image'),
    'landmarks short': ('lm_bin/3.bin', lambda data: data[:1000], 'expected 1088 bytes .* got 1000'),
    'landmarks NaN': ('lm_bin/3.bin', lambda data: b'\xff' * 1088, 'expected finite landmarks'),
}


@pytest.mark.parametrize('case', sorted(CORRUPTIONS))
def test_a_corrupt_file_is_named_once_and_passed_over(tmp_path, caplog, case):
    path, change, message = CORRUPTIONS[case]
    folder = write_set(str(tmp_path), ['%d' % n for n in range(5)])
    with open(os.path.join(folder, path), 'rb+') as file:
        data = change(file.read())
        file.seek(0)
        file.truncate()
        file.write(data)
    reader = data_loader.SampleReader(data_loader.find_samples(folder)[0], shuffle=False)
    with caplog.at_level(logging.WARNING):
        stream = sum(numbers_of(run(reader, count=2, batch_size=5)), [])
    assert stream == [0, 1, 2, 4, 4] * 2  # the next one stands in; nobody else moves
    with pytest.raises(sample_files.DataError, match=r'%s: .*%s' % (path.replace('.', r'\.'), message)):
        sample_files.read_sample(data_loader.find_samples(folder)[0][3])
    assert list(reader.corrupt) == [os.path.join(folder, '3.png')]
    assert len([record for record in caplog.records if path in record.getMessage()]) == 1


def test_a_picture_of_another_size_is_corrupt(tmp_path):
    folder = write_set(str(tmp_path), ['1'])
    Image.new('RGB', (100, 80)).save(os.path.join(folder, '1.png'))
    with pytest.raises(sample_files.DataError, match=r'1\.png: expected 224x224 pixels, got 100x80'):
        sample_files.read_sample(data_loader.find_samples(folder)[0][0])


def test_a_set_that_is_corrupt_throughout_is_an_error(tmp_path):
    folder = write_set(str(tmp_path), ['1', '2'])
    for name in ('1', '2'):
        open(os.path.join(folder, 'mask', name + '.png'), 'wb').close()
    reader = data_loader.SampleReader(data_loader.find_samples(folder)[0])
    with pytest.raises(sample_files.DataError, match='all 2 are corrupt; the last: .*png'):
        reader.at(0)


def test_files_without_a_partner_are_reported_not_paired_with_another(tmp_path):
    folder = write_set(str(tmp_path), ['1', '2', '3'])
    os.remove(os.path.join(folder, 'mask', '2.png'))
    os.remove(os.path.join(folder, 'lm_bin', '3.bin'))
    Image.new('RGB', (9, 9)).save(os.path.join(folder, sample_files.CONTACT_SHEET))
    samples, problems = data_loader.find_samples(folder)
    assert [sample.name for sample in samples] == ['1']
    assert len(problems) == 2
    assert '2.png: expected landmarks and a mask' in problems[0] and 'mask/2.png' in problems[0]
    assert '3.png: expected' in problems[1] and 'lm_bin/3.bin' in problems[1]


def test_many_folders_and_list_files(tmp_path):
    first = write_set(str(tmp_path / 'first'), ['1', '2'])
    second = write_set(str(tmp_path / 'second'), ['2', '3'])
    (tmp_path / 'list.txt').write_text('# chosen by hand\nfirst/2.png\n\nsecond\n')
    samples, problems = data_loader.find_samples([first, second])
    assert [sample.name for sample in samples] == ['1', '2', '2', '3'] and not problems
    samples, problems = data_loader.find_samples(str(tmp_path / 'list.txt'))
    assert [os.path.relpath(s.image, str(tmp_path)) for s in samples] == ['first/2.png', 'second/2.png', 'second/3.png']
    assert samples[0].mask == os.path.join(first, 'mask', '2.png')
    samples, _ = data_loader.find_samples([first, first])
    assert len(samples) == 2


def test_a_list_with_a_byte_order_mark_and_paths_that_are_not_there(tmp_path):
    write_set(str(tmp_path / 'first'), ['1'])
    lines = ['\ufefffirst/1.png', 'first/2.png', 'third', '']
    (tmp_path / 'list.txt').write_bytes('\r\n'.join(lines).encode('utf-8'))
    samples, problems = data_loader.find_samples(str(tmp_path / 'list.txt'))
    assert [sample.name for sample in samples] == ['1']
    assert problems == ['%s: expected the image or folder that a list file names, found nothing' % (tmp_path / name)
                        for name in ('first/2.png', 'third')]
    (tmp_path / 'list.txt').write_bytes(b'caf\xe9.png')
    with pytest.raises(sample_files.DataError, match=r'list\.txt: expected a list of images, one a line, got: .*utf-8'):
        data_loader.find_samples(str(tmp_path / 'list.txt'))


def test_sources_that_are_none_are_named(tmp_path):
    with pytest.raises(sample_files.DataError, match='nowhere: expected a folder or a list file, got neither'):
        data_loader.find_samples(str(tmp_path / 'nowhere'))
    with pytest.raises(sample_files.DataError, match=r'expected a training set .*, found no sample$'):
        data_loader.find_samples(str(tmp_path))
    Image.new('RGB', (224, 224)).save(str(tmp_path / 'a.png'))
    with pytest.raises(sample_files.DataError, match=r'found no sample; first of 1 problems: .*a\.png'):
        data_loader.find_samples([str(tmp_path)])


@pytest.mark.parametrize('options', [{'batch_size': 0}, {'batch_size': 1, 'threads': 0},
                                     {'batch_size': 1, 'shard': (2, 2)}])
def test_wrong_sizes_are_refused(samples, options):
    with pytest.raises(sample_files.DataError, match='expected batch_size >= 1'):
        data_loader.make_dataset(data_loader.SampleReader(samples), **options)


def test_an_empty_reader_is_refused():
    with pytest.raises(sample_files.DataError, match='expected at least one sample'):
        data_loader.SampleReader([])
