"""How many frames a second video.py does, by stage, on a made clip of one face at 640x480.

    python benchmarks/video.py [--frames N] [--clip FILE]

Prints the mean processor milliseconds of each stage, of all threads but the encoder's, and with both fits the whole
program's rate and processor milliseconds per frame, the encoder's included. Leave the machine alone meanwhile: other
programs lower the rate; the processor time hardly. --loop N runs the clip N times over in one process and prints the
memory after each.
"""
import argparse
import os
import resource
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

prepare_process()

import numpy as np  # noqa: E402

from Deep3DFaceReconstruction.face_model import load_face_model  # noqa: E402
from Deep3DFaceReconstruction.motion import people  # noqa: E402
from Deep3DFaceReconstruction.motion.eye_reader import EyeReader, TrackedEyes  # noqa: E402
from Deep3DFaceReconstruction.motion.following import (  # noqa: E402
    EYES,
    STATE,
    Fitting,
    Follower,
    coefficients_of,
)
from Deep3DFaceReconstruction.motion.frame_fit import FrameFit  # noqa: E402
from Deep3DFaceReconstruction.motion.landmark_readers import choose_reader  # noqa: E402
from Deep3DFaceReconstruction.motion.tracking import Tracker  # noqa: E402
from Deep3DFaceReconstruction.system import assets  # noqa: E402
from Deep3DFaceReconstruction.video import frames, pipeline, video_file  # noqa: E402
from Deep3DFaceReconstruction.video.options import parse_video  # noqa: E402
from Deep3DFaceReconstruction.video.overlay import Overlay  # noqa: E402
from tests.video.made_clip import made_clip  # noqa: E402


def stages(clip, model, detector):
    """{stage: mean processor milliseconds per frame}."""
    reader, times = choose_reader(detector), {}
    points = reader.on_model(model)
    fit, gallery = FrameFit(points), people.Gallery(model, reader, points, detector)
    tracker, overlay = Tracker(reader), Overlay(model)
    followers = {}

    def timed(name, function, *arguments):
        begin = time.process_time()
        result = function(*arguments)
        times.setdefault(name, []).append(1000 * (time.process_time() - begin))
        return result

    reading = frames.read_frames(clip)
    with tempfile.TemporaryDirectory() as folder:
        writer = video_file.VideoWriter(os.path.join(folder, 'a.mp4'), clip.size, clip.fps)
        while True:
            frame = timed('read', next, reading, None)
            if frame is None:
                break
            seen = timed('track and landmarks', tracker.update, frame.rgb)
            if not followers:
                person = gallery.whose(frame, seen[0].points)
                followers = {pixels: Follower(person, reader.five_points(seen[0].points), Fitting(
                    fit, gallery.photometric, pixels, smooth=False), clip.fps) for pixels in (False, True)}
                eyes = TrackedEyes(EyeReader(model, reader), clip.fps)
            timed('fit to landmarks', followers[False].step, frame, seen[0].points)
            row = timed('fit to landmarks and pixels', followers[True].step, frame, seen[0].points)[0][1]
            camera = followers[True].camera
            row[EYES] = timed('eyes', eyes.read, frame.rgb, seen[0].points, camera,
                              coefficients_of(person, row[STATE]))[0]
            rgb = frame.rgb.copy()
            timed('draw', overlay.draw, rgb, person, row, camera)
            timed('write', writer.write, rgb)
        writer.close()
    # What the first frames set up does not count.
    return {name: float(np.mean(values[5:])) for name, values in times.items()}


def _processor():
    """Seconds of this process and of those that it has waited for."""
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, (
        resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def rate(path, fit, count, detector):
    """(frames a second, processor milliseconds per frame) of the whole program, without looking for people."""
    with tempfile.TemporaryDirectory() as folder:
        options = parse_video(['--input', path, '--output', folder, '--fit', fit, '--detector', detector])
        seconds = {}
        frames_of = pipeline.read_frames

        def marked(*arguments, **named):
            for frame in frames_of(*arguments, **named):
                seconds.setdefault('first' if named.get('wanted') is None else 'scout', (
                    time.perf_counter(), _processor()))
                yield frame
        pipeline.read_frames = marked
        try:
            pipeline.run(options)
        finally:
            pipeline.read_frames = frames_of
        begin, used = seconds['first']
        return count / (time.perf_counter() - begin), 1000 * (_processor() - used) / count


def memory():
    """MiB of this process."""
    with open('/proc/self/statm') as stream:
        return int(stream.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2.0 ** 20


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--frames', type=int, default=300, help='of the made clip (default: %(default)s)')
    parser.add_argument('--clip', help='a clip to use instead')
    parser.add_argument('--detector', default='dlib', help='as of video.py (default: %(default)s)')
    parser.add_argument('--loop', type=int, default=0, metavar='N', help='run it N times over and print the memory')
    options = parser.parse_args(arguments)
    model = load_face_model(assets.OPEN_MODEL)
    with tempfile.TemporaryDirectory() as folder:
        path = options.clip or os.path.join(folder, 'made.mp4')
        if options.clip is None:
            writer = video_file.VideoWriter(path, (640, 480), 30.0)
            for frame in made_clip(model, options.frames).frames:
                writer.write(frame.rgb)
            writer.close()
        clip = frames.open_clip(path)
        for name, value in stages(clip, model, options.detector).items():
            print('%-30s %6.1f ms' % (name, value))
        for fit in ('landmarks', 'photometric'):
            print('%-30s %6.1f frames/s %6.1f ms' % (('video.py --fit ' + fit,) + rate(
                path, fit, clip.count, options.detector)))
        for turn in range(options.loop):
            rate(path, 'landmarks', clip.count, options.detector)
            print('turn %d: %.0f MiB' % (turn + 1, memory()))


if __name__ == '__main__':
    main()
