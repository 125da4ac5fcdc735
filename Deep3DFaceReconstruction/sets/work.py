"""The beginning and the end of a run on image sets: what there is to do, and summary.csv with the exit code."""
import os
import sys
from typing import Any, Dict, List, NamedTuple, Tuple

from Deep3DFaceReconstruction.dataset.people.photo_folders import find_people
from Deep3DFaceReconstruction.demo import job as jobs
from Deep3DFaceReconstruction.demo import results
from Deep3DFaceReconstruction.demo.coefficient_sources import choose_source
from Deep3DFaceReconstruction.errors import UserError, message_of, one_line
from Deep3DFaceReconstruction.photo import photo_files
from Deep3DFaceReconstruction.sets import merging
from Deep3DFaceReconstruction.sets.set_files import SUFFIXES
from Deep3DFaceReconstruction.system import exit_codes
from Deep3DFaceReconstruction.system.files import check_writable
from Deep3DFaceReconstruction.system.result_folder import SUMMARY_NAME, ResultFolder, file_facts

COLUMNS = ('set', 'left_out') + results.SummaryRow._fields


class Person(NamedTuple):
    """One person to reconstruct.

    Attributes:
      name: of the set.
      job: demo.job.Job of the photos; it has none where an earlier run's results are kept.
      facts: what the set's files depend on.
    """

    name: str
    job: jobs.Job
    facts: Dict[str, Any]

    @property
    def key(self):
        """What ResultFolder knows the set by; no photo's file name holds a slash."""
        return '/' + self.name


class SetRow(NamedTuple):
    """A line of summary.csv: SummaryRow of a photo, its set, and why it was left out of it, '' where it was not."""

    set: str
    left_out: str
    row: results.SummaryRow


class Work(NamedTuple):
    """What there is to do.

    Attributes:
      people: list of Person.
      source: the coefficient source, merger: of sets.merging; neither is loaded yet.
      folder: ResultFolder of summary.csv.
      complaints: lines on what is wrong with the input; notes: lines on what was passed over.
    """

    people: List[Person]
    source: Any
    merger: Any
    folder: ResultFolder
    complaints: Tuple[str, ...]
    notes: Tuple[str, ...]


def prepare(options, set_options):
    """Looks at the folders of the people and at what an earlier run has left.

    Args:
      options: demo.options.DemoOptions.  set_options: options.SetOptions.
    Raises:
      UserError: nobody to reconstruct, a file in the way, a folder that cannot be written, or a missing network.
    """
    source = choose_source(options)
    merger = merging.choose_merger(set_options, source)
    found = find_people(options.input, options.output, set_options.same_person,
                        '--same_person takes the photos of the folder itself')
    check_writable(options.output)
    made_with = {'merge': merger.label, 'strangers': set_options.strangers, 'network': file_facts(merger.path)}
    people = [_person(options, folder, made_with) for folder in found.folders]
    folder = ResultFolder(options.output)
    folder.check(SUMMARY_NAME)
    complaints = found.empty + tuple(person.job.complaint for person in people if person.job.complaint)
    return Work(people, source, merger, folder, complaints, found.notes)


def _person(options, folder, made_with):
    """The Person of a PersonFolder; without photos where all of an earlier run can be kept."""
    # A photo's results depend on the others of the set.
    members = [[file_facts(path), file_facts(photo_files.landmark_path_for(path))]
               for path in photo_files.find_photos(folder.path).paths]
    made_with = dict(made_with, members=members)
    options = options._replace(input=folder.path, output=folder.output)
    reserved = [folder.name, folder.name + '_mesh']
    job = jobs.prepare(options, made_with, reserved)
    for suffix in SUFFIXES:
        job.folder.check(folder.name + suffix)
    person = Person(folder.name, job, dict(made_with, texture_size=options.texture_size))
    if options.resume and (job.photos or job.folder.finished(person.key, person.facts) is None):
        return person._replace(job=jobs.prepare(options._replace(resume=False), made_with, reserved))
    return person


def kept_rows(person):
    """Lines of summary.csv of what needs no more work: photos of an earlier run, and those that cannot be read."""
    left_out = dict(person.job.folder.finished(person.key, person.facts) or [])
    return [SetRow(person.name, left_out.get(row.name, ''), row)
            for rows in person.job.known_rows.values() for row in rows.values()]


def finish(work, rows, end=None):
    """Writes summary.csv and says how it went.

    Args:
      work: Work.
      rows: list of SetRow.
      end: demo.job.EarlyEnd, or None where the run went through.
    Returns:
      The exit code.
    """
    path = os.path.join(work.folder.path, SUMMARY_NAME)
    lines = [(row.set, row.left_out) + row.row for row in rows]
    summary = '%s; %s' % (results.counts_line([row.row for row in rows]), path)
    try:
        work.folder.write(lambda staging: results.write_summary(os.path.join(staging, SUMMARY_NAME), lines, COLUMNS))
    except UserError as error:
        end = jobs.EarlyEnd(message_of(error), is_interrupt=False)
    except OSError as error:
        end = jobs.EarlyEnd('%s: expected to write it, got: %s' % (path, one_line(error)), is_interrupt=False)
    for line in work.complaints + work.notes:
        print(line, file=sys.stderr)
    if end is not None:
        print('demo.py: %s; %s' % (end.line, summary), file=sys.stderr)
        return exit_codes.INTERRUPTED if end.is_interrupt else exit_codes.SOME_FAILED
    print('%d set%s, %s' % (len(work.people), '' if len(work.people) == 1 else 's', summary))
    failed = bool(work.complaints) or any(row.row.status == results.FAILED for row in rows)
    return exit_codes.SOME_FAILED if failed else exit_codes.ALL_DONE
