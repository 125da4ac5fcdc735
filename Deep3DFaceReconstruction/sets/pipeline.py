"""What demo.py --sets does: photos -> crops -> coefficients of each -> shared ones -> decoder -> files.

Photos are read in a thread beside the main one, those of the next person too. A photo's failure is its own: the set
goes on without it.
"""
import contextlib
import functools
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from Deep3DFaceReconstruction.demo import job as jobs
from Deep3DFaceReconstruction.demo import pipeline, results
from Deep3DFaceReconstruction.demo.coefficient_sources import Answers
from Deep3DFaceReconstruction.demo.face_files import FaceFiles
from Deep3DFaceReconstruction.demo.prefetch import batches
from Deep3DFaceReconstruction.demo.reconstructor import Decoder
from Deep3DFaceReconstruction.errors import UserError, message_of, one_line
from Deep3DFaceReconstruction.face_model import load_face_model
from Deep3DFaceReconstruction.sets import work as works
from Deep3DFaceReconstruction.sets.merging import SHARED
from Deep3DFaceReconstruction.sets.set_files import PersonResult, SetFiles
from Deep3DFaceReconstruction.sets.strangers import StrangerFinder
from Deep3DFaceReconstruction.system import exit_codes

_DECODED = 8  # photos at a time


def run(options, set_options):
    """Reconstructs every person of a folder.

    Args:
      options: demo.options.DemoOptions.  set_options: options.SetOptions.
    Returns:
      The exit code, see system.exit_codes.
    """
    try:
        work = works.prepare(options, set_options)
    except (UserError, OSError) as error:
        print('demo.py: %s' % message_of(error), file=sys.stderr)
        return exit_codes.NOT_STARTED
    rows, end = [], None
    try:
        for row in _reconstruct_all(options, set_options, work):
            rows.append(row)
    except (UserError, OSError) as error:
        end = jobs.EarlyEnd(message_of(error), is_interrupt=False)
    except KeyboardInterrupt:
        end = jobs.EarlyEnd('stopped; --resume goes on from here', is_interrupt=True)
    return works.finish(work, rows, end)


def _reconstruct_all(options, set_options, work):
    """Yields the SetRow of each photo, person by person."""
    photos = [photo for person in work.people for photo in person.job.photos]
    with contextlib.closing(pipeline.read_ahead(options, photos, work.source.needs_landmarks)) as reads:
        studio = None
        for person in work.people:
            yield from works.kept_rows(person)
            if not person.job.photos:
                continue
            studio = studio or Studio(options, set_options, work)
            for row in studio.reconstruct(person, [next(reads).result() for _ in person.job.photos]):
                _tell(row)
                yield row


class Studio:
    """What all people of a run share: networks, graphs, and what their files have in common.

    Args:
      options: demo.options.DemoOptions.  set_options: options.SetOptions.  work: work.Work, whose networks it loads.
    """

    def __init__(self, options, set_options, work):
        self._options = options
        self._source, self._merger = work.source, work.merger
        self._model = load_face_model(options.face_model)
        self._source.load(self._model)
        self._merger.load(self._model)
        self._decoder = Decoder(self._model)
        self._strangers = StrangerFinder(options.detector) if set_options.strangers == 'leave_out' else None
        self._files = FaceFiles(self._model, options)
        self._set_files = SetFiles(self._model, options.texture_size)
        print('face model %s, %s; coefficients by %s, merged by %s' % (
            self._model.name, self._model.path, self._source.description, self._merger.label))
        if self._strangers is not None and not self._strangers.is_able:
            print("photos of other people are not looked for: that needs dlib's face descriptor", file=sys.stderr)

    def reconstruct(self, person, reads):
        """The SetRows of a work.Person's photos, demo.pipeline.ReadPhotos of which are given; writes all files."""
        begin = time.time()
        crops = [read.crops[0] for read in reads if read.crops]
        coeff, deviation, crops, reasons, answer = self._coefficients(crops)
        share = (time.time() - begin) / max(len(crops), 1)
        faces, rows = [], []
        with ThreadPoolExecutor(max_workers=pipeline.WRITERS) as writers:
            decoded = self._decoded(crops, coeff, deviation)
            pending = []
            for read in reads:
                own = [next(decoded)] if read.crops else []
                faces.extend(own)
                labels = [self._label(reason) for reason in reasons[len(faces) - len(own):len(faces)]]
                own_rows = [results.result_row(face, label, read.seconds + share) for face, label in zip(own, labels)]
                write = functools.partial(self._files.write, photo_name=read.photo.name, face_results=own)
                pending.append(pipeline.Written(read, own_rows, writers.submit(person.job.folder.write, write)))
            for written in pending:
                rows.extend(pipeline.finished_rows(written, person.job))
        left_out = {face.crop.name: reason for face, reason in zip(faces, reasons) if reason}
        rows = self._with_set(person, answer, faces, left_out, rows)
        set_rows = [works.SetRow(person.name, left_out.get(row.name, ''), row) for row in rows]
        person.job.folder.write(lambda staging: self._files.finish(staging, rows, person.job.folder.path))
        return set_rows

    def _label(self, reason):
        return self._source.label if reason else '%s, %s' % (self._source.label, self._merger.label)

    def _coefficients(self, crops):
        """(coefficients [B,257], deviations, crops with what is doubtful, why each is left out, SetAnswer or None)."""
        if not crops:
            return np.zeros([0, 0]), np.zeros([0, 0]), [], [], None
        answers = [self._source(batch) for batch in batches(crops, self._source.batch_size)]
        answers = Answers(*(np.concatenate(parts) if isinstance(parts[0], np.ndarray) else sum(parts, [])
                            for parts in zip(*answers)))
        crops = [crop._replace(doubts=crop.doubts + more) for crop, more in zip(crops, answers.doubts)]
        reasons = [''] * len(crops) if self._strangers is None else self._strangers(crops)
        own = [place for place, reason in enumerate(reasons) if not reason]
        answer = self._merger([crops[place] for place in own], Answers(*(
            part[own] if isinstance(part, np.ndarray) else [part[place] for place in own] for part in answers)))
        coeff, deviation = answers.coeff.copy(), answers.deviation.copy()
        coeff[own] = answer.coeff
        deviation[np.ix_(own, SHARED)] = answer.deviation
        return coeff, deviation, crops, reasons, answer

    def _decoded(self, crops, coeff, deviation):
        """Yields the FaceResult of each crop."""
        for start in range(0, len(crops), _DECODED):
            part = slice(start, start + _DECODED)
            yield from self._decoder(crops[part], coeff[part], deviation[part])

    def _with_set(self, person, answer, faces, left_out, rows):
        """The rows of a person's photos, when the files of the set are written: all failed where those are."""
        folder = person.job.folder
        if answer is None:
            print('%s: expected a photo with a face, got none; no files of the set' % person.name, file=sys.stderr)
            return rows
        kept = [face for face in faces if face.crop.name not in left_out]
        result = PersonResult(person.name, answer, kept, sorted(left_out))
        try:
            outcome, names = folder.write(lambda staging: self._set_files.write(staging, result))
            folder.finish_photo(person.key, person.name, person.facts, sorted(left_out.items()), names)
            failures = outcome.failures
        except (UserError, OSError) as error:
            failures = {'set': one_line(error)}
        print('%s: %d photo%s merged, %d left out' % (person.name, len(kept), '' if len(kept) == 1 else 's',
                                                      len(left_out)))
        if not failures:
            return rows
        reason = '%s: %s of the set could not be written: %s' % (
            person.name, ', '.join(failures), '; '.join(sorted(set(failures.values()))))
        return [row._replace(status=results.FAILED, reason=row.reason or reason) for row in rows]


def _tell(row):
    print('%s: %s%s' % (row.set, results.summary_line(row.row), '; LEFT OUT: ' + row.left_out if row.left_out else ''),
          file=sys.stdout if row.row.status == results.OK and not row.left_out else sys.stderr)
