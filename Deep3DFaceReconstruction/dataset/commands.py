"""What preprocess_img.py and synthesize.py do, from options to exit code."""
import collections
import contextlib
import os
import sys
from typing import List, NamedTuple, Tuple

from tqdm import tqdm

from Deep3DFaceReconstruction.dataset import sample_files
from Deep3DFaceReconstruction.dataset.contact_sheet import write_contact_sheet
from Deep3DFaceReconstruction.dataset.people.photo_folders import FEWEST, find_people
from Deep3DFaceReconstruction.errors import InputError, UserError, message_of
from Deep3DFaceReconstruction.photo import photo_files
from Deep3DFaceReconstruction.system import exit_codes


def guarded(command, options):
    """Runs a command; what the user can put right, and Ctrl-C, end in one line.

    Args:
      command: function of the options that returns an exit code.
      options: of an argparse parser of `options`.
    Returns:
      The exit code, see system.exit_codes.
    """
    try:
        return command(options)
    except StoppedError as error:
        print(error, file=sys.stderr)
        return exit_codes.SOME_FAILED
    except (UserError, OSError) as error:
        print(message_of(error), file=sys.stderr)
        return exit_codes.NOT_STARTED
    except KeyboardInterrupt:
        print('stopped; the same command goes on from here', file=sys.stderr)
        return exit_codes.INTERRUPTED


@contextlib.contextmanager
def _counted(total):
    """Gives a progress bar; an error that stops all that is left says how much there is."""
    with tqdm(total=total, unit='image', smoothing=0.05) as bar:
        try:
            yield bar
        except (UserError, OSError) as error:
            if not bar.n:
                raise
            raise StoppedError('%s; stopped after %d of %d' % (message_of(error), bar.n, total))


class StoppedError(UserError):
    """Something ended a run when a part was done."""


class _Photos(NamedTuple):
    """What preprocess_img.py is to work on.

    Attributes:
      photos: list of (path, NAME of the sample, below the set's folder).
      people: the people's training sets below the set's folder.
      complaints: lines on what is wrong with the input.
    """

    photos: List[Tuple[str, str]]
    people: List[str]
    complaints: List[str]


def preprocess(options):
    """Prepares all photos of a folder, or of the people in it; returns the exit code."""
    from Deep3DFaceReconstruction.dataset import preparation
    from Deep3DFaceReconstruction.dataset.task_pool import task_pool

    found = _people_in(options) if options.sets else _photos_in(options.img_path, options.save_path)
    if not found.photos and not found.complaints:
        raise InputError('%s: expected images, found none' % options.img_path)
    preparer = preparation.Preparer(options.save_path, max_error=options.max_error, redo=options.redo)
    print('%d photos; landmarks by %s' % (len(found.photos), preparer.landmark_source))
    usable = collections.Counter()
    with contextlib.ExitStack() as stack:
        stack.enter_context(sample_files.set_opened(options.save_path))
        for folder in found.people:
            # The lock on the folder above keeps other runs out.
            with sample_files.set_opened(folder):
                pass
        pool = stack.enter_context(task_pool(options.jobs, options.scheduler))
        with _counted(len(found.photos)) as bar:
            def show(row):
                bar.update()
                usable[os.path.dirname(row.name)] += row.status != preparation.FAILED
                if row.status == preparation.FAILED:
                    bar.write(row.reason, file=sys.stderr)
                elif row.status == preparation.DOUBTFUL:
                    bar.write('%s: DOUBTFUL: %s' % (row.file, row.reason), file=sys.stderr)

            counts = preparation.prepare_all(pool, preparer, found.photos, show)
        write_contact_sheet(options.save_path, [name for _, name in found.photos])
    complaints = found.complaints + (_too_few(options.save_path, usable) if options.sets else [])
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    doubtful = counts[preparation.DOUBTFUL]
    print('%s: %d done%s, %d kept from before, %d failed' % (
        options.save_path, counts[preparation.DONE] + doubtful,
        ' (%d of them doubtful)' % doubtful if doubtful else '', counts[preparation.KEPT], counts[preparation.FAILED]))
    return exit_codes.SOME_FAILED if counts[preparation.FAILED] or complaints else exit_codes.ALL_DONE


def _photos_in(folder, save_path):
    """The _Photos of a folder; nothing that the program did not write is in their way."""
    found = photo_files.find_photos(folder)
    names = photo_files.result_names(found.paths, recorded=sample_files.recorded_names(save_path, found.paths),
                                     reserved=[os.path.splitext(sample_files.CONTACT_SHEET)[0]])
    sample_files.refuse_foreign_files(save_path, names)
    complaint = photo_files.unsupported_line(folder, found.unsupported)
    return _Photos(list(zip(found.paths, names)), [], [complaint] if complaint else [])


def _people_in(options):
    """The _Photos of the people's folders together."""
    people = find_people(options.img_path, options.save_path, hint='without --sets the photos of the folder itself are '
                                                                   'taken')
    for note in people.notes:
        print(note, file=sys.stderr)
    sample_files.refuse_foreign_files(options.save_path, [])
    parts = [_photos_in(person.path, person.output) for person in people.folders]
    photos = [(path, os.path.join(person.name, name)) for person, part in zip(people.folders, parts)
              for path, name in part.photos]
    complaints = list(people.empty) + [complaint for part in parts for complaint in part.complaints]
    return _Photos(photos, [person.output for person in people.folders], complaints)


def _too_few(save_path, usable):
    """Lines on the people, by {name: samples}, that train.py --sets passes over."""
    return ['%s: expected at least %d usable photos of a person, got %d; train.py --sets leaves this person out' % (
        os.path.join(save_path, name), FEWEST, number) for name, number in usable.items() if number < FEWEST]


def synthesize(options):
    """Makes all images of a set; returns the exit code."""
    # TensorFlow takes seconds to load; a mistyped flag should not.
    from Deep3DFaceReconstruction.dataset import random_faces, synthesis
    from Deep3DFaceReconstruction.face_model import load_face_model

    base = random_faces.PLAIN_OPTIONS if options.plain else random_faces.DEFAULT_OPTIONS
    chosen = base._replace(max_yaw=options.max_yaw, max_pitch=options.max_pitch, max_roll=options.max_roll,
                           heads=base.heads and not options.faces_only)
    views = options.views if options.sets else 1
    count = options.sets * views if options.sets else options.count
    scenes = synthesis.Scenes(load_face_model(options.face_model), options.seed, chosen, views)
    sample_files.refuse_foreign_files(options.save_path, synthesis.sample_names(count, views))
    with _counted(count) as bar:
        names = synthesis.synthesize(options.save_path, count, scenes, options.batch_size, bar.update,
                                     options.jobs)
    write_contact_sheet(options.save_path, names)
    print('%s: %d images%s' % (options.save_path, count, ' of %d people' % options.sets if options.sets else ''))
    return exit_codes.ALL_DONE
