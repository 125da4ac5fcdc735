"""Writing H.264: in parts that each can be played, joined at the end with the clip's own sound."""
import os
import subprocess

import imageio_ffmpeg

from Deep3DFaceReconstruction.errors import UserError
from Deep3DFaceReconstruction.system.files import atomic_write

QUALITY = 20  # x264's constant rate factor: smaller is better


class VideoError(UserError):
    """A video cannot be written."""


def _run(arguments, path):
    """Runs ffmpeg; raises VideoError with its last line."""
    done = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), '-hide_banner', '-loglevel', 'error', '-nostdin', '-y']
                          + arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode:
        raise VideoError('%s: expected to write a video here, but ffmpeg says: %s' % (
            path, _last_line(done.stderr)))


def _last_line(text):
    lines = text.decode('utf-8', 'replace').strip().splitlines()
    return lines[-1] if lines else 'nothing'


class VideoWriter:
    """One H.264 file of frames that come one by one; the file appears when it is closed."""

    def __init__(self, path, size, fps):
        """Args: path: .mp4; size: (width, height); fps: frames per second."""
        self._path, self._unfinished = path, path + '.unfinished'
        self._errors = open(path + '.log', 'w+b')
        # x264 wants even sides. A session of its own: Ctrl-C is the program's business, the encoder ends well.
        self._process = subprocess.Popen(
            [imageio_ffmpeg.get_ffmpeg_exe(), '-hide_banner', '-loglevel', 'error', '-y', '-f', 'rawvideo',
             '-pix_fmt', 'rgb24', '-s', '%dx%d' % size, '-r', '%.6f' % fps, '-i', '-',
             '-vf', 'pad=ceil(iw/2)*2:ceil(ih/2)*2', '-c:v', 'libx264', '-preset', 'veryfast', '-crf', str(QUALITY),
             '-pix_fmt', 'yuv420p', '-f', 'mp4', self._unfinished],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._errors, start_new_session=True)

    def write(self, rgb, times=1):
        """Adds a frame [H,W,3] uint8, `times` times.

        Raises:
          VideoError: the encoder gave up.
        """
        try:
            for _ in range(times):
                self._process.stdin.write(rgb.tobytes())
        except OSError:
            self._process.wait()
            raise VideoError('%s: expected to write a video here, but ffmpeg says: %s' % (self._path, self._reason()))

    def _reason(self):
        self._errors.seek(0)
        return _last_line(self._errors.read())

    def close(self):
        """Finishes the file and gives it its name."""
        self._process.stdin.close()
        code = self._process.wait()
        reason = self._reason()
        self._errors.close()
        os.remove(self._path + '.log')
        if code:
            raise VideoError('%s: expected to write a video here, but ffmpeg says: %s' % (self._path, reason))
        os.replace(self._unfinished, self._path)

    def abort(self):
        """Ends the encoder and leaves nothing."""
        self._process.kill()
        self._process.wait()
        self._errors.close()
        for path in (self._path + '.log', self._unfinished):
            if os.path.exists(path):
                os.remove(path)


def join(parts, path, sound_from=None, whole=True):
    """Writes PATH from parts of one video, with the sound of another file where it has some; nothing is re-encoded.

    Args:
      parts: paths, in order.  path: .mp4.  sound_from: a file, or None.  whole: False: the parts may end before the
        sound, which is then cut.

    Raises:
      VideoError: it cannot be written.
    """
    listing = path + '.parts'
    with open(listing, 'w', encoding='utf-8') as stream:
        for part in parts:
            stream.write("file '%s'\n" % os.path.abspath(part).replace("'", "'\\''"))
    video = ['-f', 'concat', '-safe', '0', '-i', listing]
    try:
        with atomic_write(path) as temporary:
            if sound_from is None:
                _run(video + ['-c', 'copy', temporary], path)
                return
            # Sound in a format that does not fit into .mp4 is encoded as AAC.
            for sound in ('copy', 'aac'):
                try:
                    _run(video + ['-i', sound_from, '-map', '0:v', '-map', '1:a?', '-c:v', 'copy', '-c:a', sound]
                         + ([] if whole else ['-shortest']) + [temporary], path)
                    return
                except VideoError:
                    if sound == 'aac':
                        raise
    finally:
        os.remove(listing)
