"""How fast does data come: photos to samples, the face model to samples, samples to batches?

    python benchmarks/data.py [--seconds 5] [--count 256]

Prints images per second, start-up left out, and the machine. Works in a scratch folder, on copies of the
public-domain portrait of an astronaut and on what it synthesises.
"""
import argparse
import logging
import os
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=5.0, help='how long each loader row is measured (default 5)')
    parser.add_argument('--count', type=int, default=256, help='synthetic pictures made and then read (default 256)')
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    from Deep3DFaceReconstruction.system.process import prepare_process
    prepare_process()
    from benchmarks.machine import describe_machine
    print(describe_machine())
    print('%-66s %10s' % ('', 'images/s'))
    folder = tempfile.mkdtemp(prefix='benchmark-data-')
    try:
        synthetic = os.path.join(folder, 'synthetic')
        show('synthesize.py, all effects, batch 16', measure_synthesis(synthetic, options.count))
        for threads in (1, 2):
            for augmented in (False, True):
                show('loader, batch 16, %d thread%s, augmentation %s' % (
                    threads, 's' if threads > 1 else '', 'on' if augmented else 'off'),
                     measure_loader(synthetic, threads, augmented, options.seconds))
        photos = make_photos(os.path.join(folder, 'photos'))
        for given in (True, False):
            for jobs in (1, 2):
                save = os.path.join(folder, 'set-%d-%d' % (given, jobs))
                show('preprocess_img.py, 512x512 photos, %s, --jobs %d' % (
                    'five points given' if given else 'faces detected', jobs),
                     measure_preprocessing(photos, save, given, jobs))
    finally:
        shutil.rmtree(folder)


def show(what, rate):
    print('%-66s %10.1f' % (what, rate), flush=True)


def measure_synthesis(folder, count):
    """Pictures per second of all batches but the first, which waits for TensorFlow to build itself."""
    from Deep3DFaceReconstruction.dataset import synthesis
    from Deep3DFaceReconstruction.face_model import load_face_model

    times = []
    scenes = synthesis.Scenes(load_face_model())
    synthesis.synthesize(folder, count, scenes, progress=lambda: times.append(time.perf_counter()))
    first = min(32, count // 2)
    return (len(times) - 1 - first) / (times[-1] - times[first])


def measure_loader(folder, threads, augmented, seconds):
    """Samples per second: the median over the batches of some seconds, the first ones left out."""
    from Deep3DFaceReconstruction.dataset.augmentation import DEFAULT_AUGMENTATION, NO_AUGMENTATION
    from Deep3DFaceReconstruction.dataset.data_loader import SampleReader, find_samples, make_dataset
    from Deep3DFaceReconstruction.tf1 import tf

    reader = SampleReader(find_samples(folder)[0],
                          augmentation=DEFAULT_AUGMENTATION if augmented else NO_AUGMENTATION)
    batch_size = 16
    with tf.Graph().as_default(), tf.Session() as session:
        iterator = tf.data.make_initializable_iterator(make_dataset(reader, batch_size, threads=threads))
        batch = iterator.get_next()
        session.run(iterator.initializer)
        for _ in range(5):
            session.run(batch)
        rates, end = [], time.perf_counter() + seconds
        # Four batches at a time, as what is prefetched would else be counted as made in no time.
        while time.perf_counter() < end:
            start = time.perf_counter()
            for _ in range(4):
                session.run(batch)
            rates.append(4 * batch_size / (time.perf_counter() - start))
    return statistics.median(rates)


def make_photos(folder, count=48):
    """A folder of copies of the public-domain portrait, and its five points."""
    import numpy as np
    from PIL import Image
    from skimage import data

    os.makedirs(folder)
    portrait = Image.fromarray(data.astronaut())
    for number in range(count):
        portrait.save(os.path.join(folder, '%03d.jpg' % number), quality=95)
        np.savetxt(os.path.join(folder, '%03d.txt' % number),
                   [[201, 104], [245, 105], [225, 127], [203, 139], [246, 141]])
    return folder


def measure_preprocessing(photos, save, given, jobs):
    """Photos per second from the first result on: start-up and the loading of models are left out."""
    from Deep3DFaceReconstruction.dataset import preparation, sample_files
    from Deep3DFaceReconstruction.dataset.task_pool import task_pool
    from Deep3DFaceReconstruction.photo.photo_files import landmark_path_for, list_images, result_names

    paths = list_images(photos)
    if not given:
        for path in paths:
            if os.path.exists(landmark_path_for(path)):
                os.remove(landmark_path_for(path))
    times = []
    photos = list(zip(paths, result_names(paths)))
    with sample_files.set_opened(save), task_pool(jobs) as pool:
        counts = preparation.prepare_all(pool, preparation.Preparer(save, network_path=None), photos,
                                          lambda row: times.append(time.perf_counter()))
    assert counts[preparation.DONE] == len(paths), counts
    # A worker's first photos wait for its models.
    first = 4 * jobs
    return (len(times) - 1 - first) / (times[-1] - times[first])


if __name__ == '__main__':
    main()
