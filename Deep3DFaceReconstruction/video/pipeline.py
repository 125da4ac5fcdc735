"""What video.py does, in one way: clip -> people -> tracks -> rows of each face, smoothed -> video and tables.

Frames are read in one thread and drawn in another; at most a second of them is in memory, whatever the clip.
"""
import collections
import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tqdm import tqdm

from Deep3DFaceReconstruction.conventions import EX_DIM, ID_DIM
from Deep3DFaceReconstruction.errors import FaceModelError, InputError, UserError, message_of
from Deep3DFaceReconstruction.exports.arkit import ShapeWeights
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.motion import people
from Deep3DFaceReconstruction.motion.eye_reader import EyeReader
from Deep3DFaceReconstruction.motion.following import Fitting, Follower
from Deep3DFaceReconstruction.motion.frame_fit import FrameFit
from Deep3DFaceReconstruction.motion.landmark_readers import choose_reader
from Deep3DFaceReconstruction.motion.tracking import Tracker
from Deep3DFaceReconstruction.system.files import atomic_write, remove_unfinished
from Deep3DFaceReconstruction.system.mat_file import save_mat
from Deep3DFaceReconstruction.video import animation
from Deep3DFaceReconstruction.video.frames import in_background, open_clip, read_frames
from Deep3DFaceReconstruction.video.sink import Sink

READ_AHEAD, DRAW_BEHIND = 8, 4
WARM_UP = 15            # frames before those that a resumed run writes
SAMPLES = 48            # frames of a clip in which people are looked for
PEOPLE = 'people.npz'


def run(options):
    """Does one clip.

    Args:
      options: options.VideoOptions.
    Returns:
      The exit code: 0 when the clip is done, 1 when it could not be, 130 after Ctrl-C.
    """
    try:
        with _Interruption() as interrupted:
            return _Run(options, interrupted).run()
    except (UserError, OSError) as error:
        print('video.py: %s' % message_of(error), file=sys.stderr)
        return 1


class _Interruption:
    """Ctrl-C as a question that the loop asks; a second Ctrl-C ends the program as usual."""

    def __enter__(self):
        self._asked = False
        self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def _handle(self, number, frame):
        self._asked = True
        signal.signal(signal.SIGINT, self._before)

    def __exit__(self, *error):
        signal.signal(signal.SIGINT, self._before)

    def __bool__(self):
        return self._asked


class _Job:
    """A frame on its way: its faces are known one by one."""

    def __init__(self, frame, tracks):
        self.frame, self.open, self.faces = frame, set(tracks), []


class _Run:
    """One run of video.py."""

    def __init__(self, options, interrupted):
        _check_folder(options)
        self._options, self._interrupted = options, interrupted
        self._clip = open_clip(options.input)
        self._model = load_face_model(options.face_model)
        self._reader = choose_reader(options.detector)
        points = self._reader.on_model(self._model)
        self._gallery = people.Gallery(self._model, self._reader, points, options.detector)
        self._fitting = Fitting(FrameFit(points), self._gallery.photometric, options.fit == 'photometric',
                                not options.no_smoothing, EyeReader.of(self._model, self._reader))
        self._followers, self._jobs = {}, collections.deque()
        self._measured, self._shapes = {}, self._shape_weights()

    def run(self):
        """The exit code."""
        options, clip = self._options, self._clip
        sink = Sink(options, clip, self._model, self._shapes if 'arkit' in options.outputs else None,
                    _key(options, clip))
        self._know_people(sink)
        whole = False
        try:
            with ThreadPoolExecutor(1) as drawer:
                whole = self._frames(sink, _Behind(drawer, sink.add))
            written = sink.finish(whole)
        except BaseException:
            sink.abort()
            raise
        written += self._save_people(sink)
        if whole:
            sink.clean()
        self._say(sink, whole, written)
        return 0 if whole else 130

    def _shape_weights(self):
        if not {'arkit', 'glb'}.intersection(self._options.outputs):
            return None
        try:
            return ShapeWeights(self._model)
        except FaceModelError as error:
            if 'arkit' in self._options.outputs:
                print('no arkit.csv: %s' % error, file=sys.stderr)
            return None

    def _know_people(self, sink):
        """Finds the people of the clip, or reads them from an earlier run."""
        path = os.path.join(sink.folder, PEOPLE)
        gallery = self._gallery
        if os.path.isfile(path):
            with np.load(path) as data:
                for k in range(len(data['identity'])):
                    person = gallery.person(k + 1, data['descriptor'][k], data['identity'][k], data['texture'][k],
                                            data['strays'][k])
                    gallery.people.append(person._replace(
                        appearance=person.appearance._replace(albedo=data['observed'][k])))
        elif not self._clip.live:
            with tqdm(desc='looking for people', unit='frame', file=sys.stdout, leave=False) as progress:
                stride = max(1, (self._clip.count or SAMPLES) // SAMPLES)
                gallery.scout(read_frames(self._clip, wanted=lambda number: number % stride == 0,
                                          warn=lambda line: None), progress.update)
            self._keep_people(path)
        for person in gallery.people:
            print('person %d' % person.number)

    def _keep_people(self, path):
        known = self._gallery.people
        with atomic_write(path) as temporary, open(temporary, 'wb') as stream:
            np.savez(stream, descriptor=np.array([p.descriptor for p in known]),
                     identity=np.array([p.identity for p in known]).reshape(-1, ID_DIM),
                     texture=np.array([p.texture for p in known]), strays=np.array(
                         [p.strays for p in known]), observed=np.array(
                         [p.appearance.albedo for p in known]))

    def _frames(self, sink, behind):
        """Whether all frames are done."""
        options, clip = self._options, self._clip
        tracker = Tracker(self._reader, options.faces)
        known = len(self._gallery.people)
        first = max(0, sink.done - WARM_UP)
        total = min([count for count in (clip.count, options.frames) if count], default=None)
        with tqdm(total=total, initial=first, unit='frame', file=sys.stdout) as progress:
            for frame in in_background(read_frames(clip, first, warn=progress.write), READ_AHEAD):
                if self._interrupted or (options.frames and frame.number >= options.frames):
                    break
                self._advance(frame, tracker.update(frame.rgb))
                self._emit(behind)
                progress.update(1)
                if len(self._gallery.people) > known and not clip.live:
                    known = len(self._gallery.people)
                    self._keep_people(os.path.join(sink.folder, PEOPLE))
        for track in list(self._followers):
            self._end(track)
        self._emit(behind)
        behind.wait()
        return not self._interrupted

    def _advance(self, frame, seen):
        for track in set(self._followers) - {face.track for face in seen}:
            self._end(track)
        for face in seen:
            if face.track not in self._followers:
                if face.points is None:
                    continue
                person = self._gallery.whose(frame, face.points)
                self._followers[face.track] = Follower(
                    person, self._reader.five_points(face.points), self._fitting, self._clip.fps, self._clip.live)
        self._jobs.append(_Job(frame, [face.track for face in seen if face.track in self._followers]))
        for face in seen:
            if face.track in self._followers:
                self._measured[frame.number, face.track] = face.points is not None
                self._take(face.track, self._followers[face.track].step(frame, face.points))

    def _end(self, track):
        self._take(track, self._followers[track].finish())
        del self._followers[track]

    def _take(self, track, results):
        """Puts the rows of a track into their frames."""
        if not results:
            return
        begin = self._jobs[0].frame.number
        for number, row in results:
            job = self._jobs[number - begin]
            job.open.discard(track)
            measured = self._measured.pop((number, track))
            if row is not None:
                job.faces.append((track, self._followers[track], row, measured))

    def _emit(self, behind):
        while self._jobs and not self._jobs[0].open:
            job = self._jobs.popleft()
            behind.put(job.frame, job.faces)

    def _save_people(self, sink):
        """person_N.mat: what stays the same in the whole clip; person_N.glb: the animated face."""
        written, people_seen = [], [person for person in self._gallery.people if person.number in sink.people]
        with_glb = people_seen and 'glb' in self._options.outputs
        writer = animation.AnimationWriter(self._model, self._shapes) if with_glb else None
        for person in people_seen:
            path = os.path.join(self._options.output, 'person_%d.mat' % person.number)
            save_mat(path, {'id': person.identity[None], 'tex': person.texture[None],
                            'face_shape': person.shape, 'face_texture': person.albedo,
                            'ex_dim': np.array([[EX_DIM]])})
            written.append(path)
            if writer is not None:
                written.append(path[:-len('.mat')] + '.glb')
                writer.write(written[-1], person, *animation.read_rows(sink.table, person.number))
        return written

    def _say(self, sink, whole, written):
        print('%d frames, %d %s%s' % (sink.done, len(sink.people), 'person' if len(sink.people) == 1 else 'people',
                                      '' if whole else '; stopped: --resume goes on'))
        if not sink.people:
            print('no face was found in %s' % self._options.input)
        for path in written:
            print('wrote %s' % path)


class _Behind:
    """Calls a function in another thread, in order, at most DRAW_BEHIND calls behind."""

    def __init__(self, executor, function):
        self._executor, self._function = executor, function
        self._waiting = collections.deque()

    def put(self, *arguments):
        """Calls function(*arguments) soon; raises what an earlier call raised."""
        self._waiting.append(self._executor.submit(self._function, *arguments))
        while len(self._waiting) > DRAW_BEHIND:
            self._waiting.popleft().result()

    def wait(self):
        """Until everything is done."""
        while self._waiting:
            self._waiting.popleft().result()


def _check_folder(options):
    """The output folder is there, and is not the folder of the frames."""
    os.makedirs(options.output, exist_ok=True)
    if os.path.exists(options.input):
        folder = options.input if os.path.isdir(options.input) else os.path.dirname(os.path.abspath(options.input))
        mine = os.path.join(options.output, 'overlay.mp4')
        if os.path.isdir(options.input) and os.path.samefile(options.input, options.output):
            raise InputError('%s: expected another folder for the results than that of the frames' % options.output)
        if os.path.isfile(options.input) and os.path.exists(mine) and os.path.samefile(options.input, mine):
            raise InputError('%s: expected another clip than the result in %s' % (options.input, folder))
    remove_unfinished(options.output)


def _key(options, clip):
    """What must be the same for a run to be resumed."""
    status = os.stat(clip.source) if isinstance(clip.source, str) else None
    return json.dumps([str(clip.source), clip.size, status.st_size if status else None,
                       int(status.st_mtime) if status else None, options.face_model, options.fit, options.detector,
                       options.style, options.outputs, options.faces, options.no_smoothing])
