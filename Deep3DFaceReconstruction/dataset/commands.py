"""What preprocess_img.py and synthesize.py do, from options to exit code."""
import contextlib
import os
import sys

from tqdm import tqdm

from Deep3DFaceReconstruction.dataset import sample_files
from Deep3DFaceReconstruction.dataset.contact_sheet import write_contact_sheet
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


def preprocess(options):
    """Prepares all photos of a folder; returns the exit code."""
    from Deep3DFaceReconstruction.dataset import preparation
    from Deep3DFaceReconstruction.dataset.task_pool import task_pool

    found = photo_files.find_photos(options.img_path)
    if not found.paths and not found.unsupported:
        raise InputError('%s: expected images, found none' % options.img_path)
    names = photo_files.result_names(found.paths, recorded=sample_files.recorded_names(options.save_path, found.paths),
                                     reserved=[os.path.splitext(sample_files.CONTACT_SHEET)[0]])
    sample_files.refuse_foreign_files(options.save_path, names)
    preparer = preparation.Preparer(options.save_path, max_error=options.max_error, redo=options.redo)
    print('%d photos; landmarks by %s' % (len(names), preparer.landmark_source))
    with sample_files.set_opened(options.save_path), task_pool(options.jobs, options.scheduler) as pool:
        with _counted(len(names)) as bar:
            def show(row):
                bar.update()
                if row.status == preparation.FAILED:
                    bar.write(row.reason, file=sys.stderr)
                elif row.status == preparation.DOUBTFUL:
                    bar.write('%s: DOUBTFUL: %s' % (row.file, row.reason), file=sys.stderr)

            counts = preparation.prepare_all(pool, preparer, list(zip(found.paths, names)), show)
        write_contact_sheet(options.save_path, names)
    complaint = photo_files.unsupported_line(options.img_path, found.unsupported)
    if complaint:
        print(complaint, file=sys.stderr)
    doubtful = counts[preparation.DOUBTFUL]
    print('%s: %d done%s, %d kept from before, %d failed' % (
        options.save_path, counts[preparation.DONE] + doubtful,
        ' (%d of them doubtful)' % doubtful if doubtful else '', counts[preparation.KEPT], counts[preparation.FAILED]))
    return exit_codes.SOME_FAILED if counts[preparation.FAILED] or complaint else exit_codes.ALL_DONE


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
