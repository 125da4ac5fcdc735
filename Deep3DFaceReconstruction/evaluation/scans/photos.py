"""The photos of a dataset in one folder under the names of their results, frames of videos among them."""
import os
import shutil

import numpy as np

from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.evaluation.scans.datasets import VIDEO_ENDINGS
from Deep3DFaceReconstruction.photo.photo_files import list_images
from Deep3DFaceReconstruction.system.files import atomic_write

_JPEG_QUALITY = 95


def gather(samples, folder, count):
    """Puts the photos of all samples into one folder; what is there already is kept.

    Args:
      samples: [datasets.Sample].
      folder: made where missing.
      count: frames of a video at most, evenly spaced.
    Returns:
      {sample name: [names of its photos, without ending]}.
    Raises:
      InputError: a video cannot be read. OSError: the folder cannot be written.
    """
    os.makedirs(folder, exist_ok=True)
    return {sample.name: _gather_one(sample, folder, count) for sample in samples}


def _gather_one(sample, folder, count):
    if os.path.isdir(sample.photo):
        paths = list_images(sample.photo)
        return [_put(paths[k], folder, '%s-%04d' % (sample.name, k)) for k in _spread(len(paths), count)]
    if not sample.photo.lower().endswith(VIDEO_ENDINGS):
        return [_put(sample.photo, folder, sample.name)]
    kept = sorted(os.path.splitext(file)[0] for file in os.listdir(folder) if file.startswith(sample.name + '-'))
    return kept if len(kept) == count else _put_frames(sample, folder, count)


def _spread(total, count):
    """Numbers of `count` of `total` items at most, evenly spaced."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(int)).tolist() if total else []


def _put(path, folder, name):
    goal = os.path.join(folder, name + os.path.splitext(path)[1].lower())
    if not os.path.exists(goal):
        with atomic_write(goal) as temporary:
            shutil.copyfile(path, temporary)
    return name


def _put_frames(sample, folder, count):
    """Writes frames of a video as JPEG. Videos do not always know their length, so that it is read twice."""
    import cv2

    wanted, names = set(_spread(_length(sample.photo), count)), []
    video = cv2.VideoCapture(sample.photo)
    try:
        for number in range(max(wanted) + 1):
            good = video.grab()
            good, image = video.retrieve() if good and number in wanted else (False, None)
            if good:
                names.append('%s-%04d' % (sample.name, number))
                with atomic_write(os.path.join(folder, names[-1] + '.jpg')) as temporary:
                    cv2.imwrite(temporary, image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    finally:
        video.release()
    return names


def _length(path):
    """Frames of a video."""
    import cv2

    video, total = cv2.VideoCapture(path), 0
    try:
        while video.grab():
            total += 1
    finally:
        video.release()
    if not total:
        raise InputError('%s: expected a video, got none that OpenCV reads' % path)
    return total
