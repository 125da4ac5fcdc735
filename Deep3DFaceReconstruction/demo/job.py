"""The beginning and the end of a run of demo.py: what there is to do, and summary.csv with the exit code."""
import os
import sys
from typing import Any, Dict, List, NamedTuple, Optional

from Deep3DFaceReconstruction.demo import results
from Deep3DFaceReconstruction.demo.coefficient_sources import choose_source
from Deep3DFaceReconstruction.demo.options import RESULT_OPTIONS
from Deep3DFaceReconstruction.errors import InputError, UserError, message_of, one_line
from Deep3DFaceReconstruction.exports.catalogue import SUFFIXES, VIEWER_PAGE
from Deep3DFaceReconstruction.photo import photo_files
from Deep3DFaceReconstruction.photo.image_kinds import IMAGE_EXTENSIONS, advice
from Deep3DFaceReconstruction.system import exit_codes
from Deep3DFaceReconstruction.system.files import check_writable, remove_unfinished
from Deep3DFaceReconstruction.system.result_folder import SUMMARY_NAME, ResultFolder, file_facts, photo_facts


class Photo(NamedTuple):
    """A photo to reconstruct: its path, the NAME of its results, and what they depend on."""

    path: str
    name: str
    facts: Dict[str, Any]


class EarlyEnd(NamedTuple):
    """Why a run ended before its last photo: a line, and whether it was Ctrl-C."""

    line: str
    is_interrupt: bool


class Job(NamedTuple):
    """What there is to do.

    Attributes:
      photos: to reconstruct, in order.
      source: the coefficient source, not loaded yet.
      folder: ResultFolder.
      order: paths of all photos, as summary.csv lists them.
      known_rows: {path: {name: SummaryRow}} of what needs no more work: kept results, and photos that cannot be read.
      unreadable: how many photos are of a kind that cannot be read; complaint: a line on them, or None.
    """

    photos: List[Photo]
    source: Any
    folder: ResultFolder
    order: List[str]
    known_rows: Dict[str, Dict[str, results.SummaryRow]]
    unreadable: int
    complaint: Optional[str]


def prepare(options, made_with=None, reserved=()):
    """Looks at both folders and at what an earlier run has left.

    Args:
      options: options.DemoOptions.
      made_with: what the results depend on besides the photo and these options, for JSON.
      reserved: names that no photo's results may have.
    Returns:
      Job.
    Raises:
      UserError: no photos, a file in the way, a folder that cannot be written, or no network where one is asked for.
    """
    found = photo_files.find_photos(options.input)
    if not found.paths and not found.unsupported:
        own = '; %d are results of this program' % found.own_results if found.own_results else ''
        raise InputError('%s: expected photos (%s), found none%s' % (options.input, ', '.join(IMAGE_EXTENSIONS), own))
    source = choose_source(options)
    check_writable(options.output)
    folder = ResultFolder(options.output)
    numbered = options.faces == 'all'
    names = photo_files.result_names(found.paths, numbered, folder.photo_names(), reserved)
    suffixes = [suffix for output in options.outputs for suffix in SUFFIXES[output]]
    folder.refuse_foreign_files(names, suffixes, numbered)
    if 'viewer' in options.outputs:
        folder.check(VIEWER_PAGE)
    remove_unfinished(options.output)

    made_with = dict(_made_with(options, source), **made_with or {})
    photos, known_rows = [], {}
    for path, name in zip(found.paths, names):
        photo = Photo(path, name, photo_facts(path, photo_files.landmark_path_for(path), made_with))
        kept = folder.finished(os.path.basename(path), photo.facts) if options.resume else None
        rows = [results.SummaryRow(*row) for row in kept or []]
        if rows and all(row.status != results.FAILED for row in rows):
            known_rows[path] = {row.name: row for row in rows}
        else:
            photos.append(photo)
    for path, kind in found.unsupported:
        reason = '%s: expected a photo that can be read, got %s; %s' % (path, kind, advice([kind]))
        known_rows[path] = {'': results.failure_row(path, '', 0.0, reason)}
    return Job(photos, source, folder, sorted(found.paths + [path for path, _ in found.unsupported]), known_rows,
               len(found.unsupported), photo_files.unsupported_line(options.input, found.unsupported))


def _made_with(options, source):
    """The options that results depend on, and the files of the model and the network."""
    own = {name: getattr(options, name) for name in RESULT_OPTIONS}
    files = [file_facts(path) for path in (options.face_model, source.path)]
    return dict(own, source=source.description, files=files)


def finish(job, rows, end=None, files=None):
    """Writes summary.csv and says how it went.

    Args:
      job: Job.
      rows: {path: {name: SummaryRow}} of what is done.
      end: EarlyEnd, or None where the run went through.
      files: face_files.FaceFiles, which also write what shows the whole run; None where nothing was to do.
    Returns:
      The exit code.
    """
    in_order = [row for path in job.order for row in rows.get(path, {}).values()]
    path = os.path.join(job.folder.path, SUMMARY_NAME)
    is_started = end is None or any(photo.path in rows for photo in job.photos)
    summary = '%s; %s' % (results.counts_line(in_order), path)
    try:
        if is_started:
            job.folder.write(lambda staging: results.write_summary(os.path.join(staging, SUMMARY_NAME), in_order))
            if files is not None:
                job.folder.write(lambda staging: files.finish(staging, in_order, job.folder.path))
    except UserError as error:
        end = EarlyEnd(message_of(error), is_interrupt=False)
    except OSError as error:
        end = EarlyEnd('%s: expected to write it, got: %s' % (path, one_line(error)), is_interrupt=False)
    if end is not None:
        print('demo.py: %s%s' % (end.line, '; ' + summary if is_started else ''), file=sys.stderr)
        if end.is_interrupt:
            return exit_codes.INTERRUPTED
        return exit_codes.SOME_FAILED if is_started else exit_codes.NOT_STARTED
    if job.complaint:
        print(job.complaint, file=sys.stderr)
    kept = len(job.order) - len(job.photos) - job.unreadable
    print('%d photos kept from before, %s' % (kept, summary) if kept else summary)
    failed = any(row.status == results.FAILED for row in in_order)
    return exit_codes.SOME_FAILED if failed else exit_codes.ALL_DONE
