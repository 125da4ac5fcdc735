"""Where the results of a clip go: the overlay video in parts, the tables, and the state from which a run resumes."""
import json
import os
import shutil

from Deep3DFaceReconstruction.errors import InputError
from Deep3DFaceReconstruction.motion.following import eye_state
from Deep3DFaceReconstruction.motion.frame_fit import EXPRESSION
from Deep3DFaceReconstruction.system.files import atomic_write
from Deep3DFaceReconstruction.video import trajectories, video_file
from Deep3DFaceReconstruction.video.overlay import Overlay

WORK = '.video'
STATE = 'state.json'
PART_FRAMES = 300
VIDEO, COEFFICIENTS, ARKIT, PLOT = 'overlay.mp4', 'coefficients.csv', 'arkit.csv', 'trajectories.png'


class Sink:
    """Takes frames in order, each with its faces, and writes them.

    Attributes: done: frames that are whole on the disk, from an earlier run and this one.
    """

    def __init__(self, options, clip, model, shapes, key):
        """Args: options: VideoOptions; clip: Clip; model: a FaceModel; shapes: exports.arkit.ShapeWeights, or None;
        key: text that tells whether an earlier run can be resumed."""
        self._options, self._clip, self._shapes = options, clip, shapes
        self.folder = os.path.join(options.output, WORK)
        self._key = key
        state = self._earlier() if options.resume else None
        if state is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            os.makedirs(self.folder)
            state = {'done': 0, 'slots': 0, 'parts': [], 'sizes': {}}
        self.done, self._slots, self._parts = state['done'], state['slots'], state['parts']
        self._tables = {}
        for name, columns in self._wanted_tables().items():
            self._tables[name] = trajectories.Table(os.path.join(self.folder, name), columns, state['sizes'].get(name))
        self._overlay = Overlay(model, options.style) if 'video' in options.outputs else None
        self._writer = None
        self._in_part = 0
        self._start = None
        self.people = set(state.get('people', ()))

    def _wanted_tables(self):
        wanted = {COEFFICIENTS: trajectories.COEFFICIENTS}
        if self._shapes is not None:
            wanted[ARKIT] = trajectories.KEY + self._shapes.names + trajectories.HEAD
        return wanted

    def _earlier(self):
        """The state of an earlier run, or None."""
        path = os.path.join(self.folder, STATE)
        if not os.path.isfile(path):
            return None
        with open(path, encoding='utf-8') as stream:
            state = json.load(stream)
        if state['key'] != self._key:
            raise InputError('%s: expected a run of the same clip with the same options to resume, got another one; '
                             'leave --resume away to begin anew' % path)
        return state

    def add(self, frame, faces):
        """Writes one frame.

        Args:
          frame: frames.Frame.
          faces: list of (track, Follower, row [103], measured), in any order.
        """
        if frame.number < self.done:
            return
        faces = sorted(faces, key=lambda face: face[1].person.number)
        rgb = frame.rgb.copy() if self._overlay is not None else None
        weights = self._shapes.weights([face[2][EXPRESSION] for face in faces], [
            eye_state(face[2]) for face in faces]) if self._shapes and faces else None
        for place, (track, follower, row, measured) in enumerate(faces):
            key = (frame.number, trajectories.time_code(frame.time), follower.person.number, track, int(measured))
            self.people.add(follower.person.number)
            self._tables[COEFFICIENTS].add(trajectories.coefficient_row(key, follower.camera, row))
            if weights is not None:
                self._tables[ARKIT].add(trajectories.arkit_row(key, weights[place], row))
            if rgb is not None:
                self._overlay.draw(rgb, follower.person, row, follower.camera)
        if rgb is not None:
            self._write(frame, rgb)
        self.done = frame.number + 1
        self._in_part += 1
        if self._in_part >= PART_FRAMES:
            self.checkpoint()

    def _write(self, frame, rgb):
        if self._writer is None:
            name = 'part_%05d.mp4' % len(self._parts)
            self._parts.append(name)
            self._writer = video_file.VideoWriter(os.path.join(self.folder, name), self._clip.size, self._clip.fps)
        # The file has a constant rate: a frame that lasts longer is written more often, one that is too short not.
        last = int(round(frame.time * self._clip.fps)) + 1
        if not self._slots:
            last = 1
        times = min(max(last - self._slots, 0), int(10 * self._clip.fps))
        self._writer.write(rgb, times)
        self._slots += times

    def checkpoint(self):
        """Everything so far is whole on the disk."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._in_part = 0
        state = {'key': self._key, 'done': self.done, 'slots': self._slots, 'parts': self._parts,
                 'people': sorted(self.people), 'sizes': {name: table.size() for name, table in self._tables.items()}}
        with atomic_write(os.path.join(self.folder, STATE)) as temporary:
            with open(temporary, 'w', encoding='utf-8') as stream:
                json.dump(state, stream)

    @property
    def table(self):
        """The path of the coefficients' table, until `clean`."""
        return os.path.join(self.folder, COEFFICIENTS)

    def clean(self):
        """Removes the folder of parts."""
        shutil.rmtree(self.folder)

    def finish(self, whole):
        """Writes the results of what is done, the `whole` clip or a part of it.

        Returns:
          list of paths.
        """
        self.checkpoint()
        for table in self._tables.values():
            table.close()
        outputs, written = self._options.outputs, []
        for name, output in ((COEFFICIENTS, 'coefficients'), (ARKIT, 'arkit')):
            if output in outputs and name in self._tables:
                written.append(os.path.join(self._options.output, name))
                with atomic_write(written[-1]) as temporary:
                    shutil.copyfile(os.path.join(self.folder, name), temporary)
        if self._overlay is not None and self._parts:
            written.append(os.path.join(self._options.output, VIDEO))
            source = self._clip.source
            video_file.join([os.path.join(self.folder, part) for part in self._parts], written[-1],
                            source if isinstance(source, str) and os.path.isfile(source) else None, whole)
        if 'plot' in outputs and self.people:
            written.append(os.path.join(self._options.output, PLOT))
            trajectories.plot(os.path.join(self.folder, ARKIT if ARKIT in self._tables else COEFFICIENTS), written[-1])
        return written

    def abort(self):
        """Leaves the folder of parts as the last checkpoint knows it."""
        if self._writer is not None:
            self._writer.abort()
        for table in self._tables.values():
            table.close()
