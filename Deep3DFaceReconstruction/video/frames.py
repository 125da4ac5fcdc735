"""Clips as frames: a video file, a folder of images or a camera, one frame in memory at a time."""
import os
import queue
import threading
import time
from typing import NamedTuple, Optional

import cv2
import numpy as np

from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.photo import image_io, photo_files

FOLDER_FPS = 25.0
_DEFAULT_FPS = 30.0
# A file that says how many frames it has and gives less than this share of them is called truncated.
_WHOLE = 0.98


class Frame(NamedTuple):
    """One frame: its number from 0, seconds from the start of the clip, [H,W,3] uint8 RGB, upright."""

    number: int
    time: float
    rgb: np.ndarray


class Clip(NamedTuple):
    """What is known of a clip before its frames are read.

    Attributes:
      source: the file, the folder, or the camera's number as int.
      fps: frames per second; the mean where the rate varies.
      count: frames, as far as the file says; None of a camera.
      size: (width, height), upright.
    """

    source: object
    fps: float
    count: Optional[int]
    size: tuple

    @property
    def live(self):
        """Whether the clip is a camera, which waits for nobody and cannot be read twice."""
        return isinstance(self.source, int)


def open_clip(source):
    """A Clip, from a path or the number of a camera as text.

    Raises:
      InputError: there is no such file, folder or camera, or not one frame in it that can be read.
    """
    if os.path.isdir(source):
        paths = photo_files.list_images(source)
        if not paths:
            raise InputError('%s: expected images as frames, got none' % source)
        return Clip(source, FOLDER_FPS, len(paths), image_io.read_image(paths[0]).size)
    if source.isdigit() and not os.path.exists(source):
        source = int(source)
    elif not os.path.isfile(source):
        raise InputError('%s: expected a video file, a folder of frames or the number of a camera, got '
                         'nothing' % source)
    capture = _capture(source)
    try:
        fps, count = capture.get(cv2.CAP_PROP_FPS), int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        ok, first = capture.read()
    finally:
        capture.release()
    if not ok:
        raise InputError('%s: expected a video, got one without a frame that can be read' % _name(source))
    if not 1 <= fps <= 1000:
        fps = _DEFAULT_FPS
    return Clip(source, fps, None if isinstance(source, int) or count <= 0 else count, (first.shape[1], first.shape[0]))


def _name(source):
    return 'camera %d' % source if isinstance(source, int) else source


def _capture(source):
    capture = cv2.VideoCapture(source)
    if not capture.isOpened():
        capture.release()
        if isinstance(source, int):
            raise InputError('camera %d: expected a camera, found none that can be opened' % source)
        raise InputError('%s: expected a video, got a file that cannot be read as one (cut off, or not a '
                         'video)' % source)
    return capture


def read_frames(clip, first=0, wanted=None, warn=print):
    """Iterator of Frame, in order, from frame `first`.

    Args:
      clip: Clip.
      first: the number of the first frame to give.
      wanted: function of a frame's number -> whether to decode it; all by default.
      warn: called with one line when the clip ends before its time.
    """
    if not isinstance(clip.source, int) and os.path.isdir(clip.source):
        yield from _images(clip, first, wanted)
        return
    capture = _capture(clip.source)
    number, begin, last, step = 0, time.time(), 0.0, 1.0 / clip.fps
    try:
        while capture.grab():
            seconds = time.time() - begin if clip.live else capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
            if number:
                # OpenCV 4 does not know the times of the last frames: they go on as those before.
                seconds = seconds if seconds > last else last + step
                step, last = seconds - last, seconds
            if number >= first and (wanted is None or wanted(number)):
                ok, bgr = capture.retrieve()
                if not ok:
                    break
                yield Frame(number, seconds, _of_size(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), clip.size))
            number += 1
    finally:
        capture.release()
    # Of a clip whose rate varies, the count is the length times the mean rate.
    if clip.count and max(number, (last + step) * clip.fps) < _WHOLE * clip.count - 1:
        warn('%s: ends after %d of %d frames: cut off?' % (clip.source, number, clip.count))


def _images(clip, first, wanted):
    for number, path in enumerate(photo_files.list_images(clip.source)):
        if number >= first and (wanted is None or wanted(number)):
            yield Frame(number, number / clip.fps, _of_size(np.asarray(image_io.read_image(path)), clip.size))


def _of_size(rgb, size):
    """The frame, in the clip's size: frames of another size are scaled."""
    return rgb if (rgb.shape[1], rgb.shape[0]) == size else cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def in_background(items, ahead):
    """The items of an iterator, read in a thread up to `ahead` of them before they are asked for."""
    waiting = queue.Queue(ahead)
    stopping = threading.Event()

    def put(kind, value):
        while not stopping.is_set():
            try:
                waiting.put((kind, value), timeout=0.2)
                return True
            except queue.Full:
                pass
        return False

    def read():
        try:
            for item in items:
                if not put('item', item):
                    return
            put('end', None)
        except Exception as error:  # the consumer's to handle
            put('error', error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        while True:
            kind, value = waiting.get()
            if kind == 'error':
                raise value
            if kind == 'end':
                return
            yield value
    finally:
        stopping.set()
        thread.join()
