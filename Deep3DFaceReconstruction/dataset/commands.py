"""What preprocess_img.py and synthesize.py do, from options to exit code."""
import sys

from tqdm import tqdm

from Deep3DFaceReconstruction.dataset import sample_files
from Deep3DFaceReconstruction.dataset.contact_sheet import write_contact_sheet
from Deep3DFaceReconstruction.errors import InputError, UserError, message_of


def guarded(command, options):
    """Runs a command; what the user can put right, and Ctrl-C, end in one line.

    Args:
      command: function of the options that returns an exit code.
      options: of an argparse parser of `options`.
    Returns:
      The exit code.
    """
    try:
        return command(options)
    except (UserError, OSError) as error:
        print(message_of(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('stopped; the same command goes on from here', file=sys.stderr)
        return 130


def preprocess(options):
    """Prepares all photos of a folder; returns the exit code."""
    from Deep3DFaceReconstruction.dataset import preparation
    from Deep3DFaceReconstruction.dataset.task_pool import task_pool
    from Deep3DFaceReconstruction.photo.image_io import list_images, result_names

    paths = list_images(options.img_path)
    if not paths:
        raise InputError('%s: expected images, found none' % options.img_path)
    preparer = preparation.Preparer(options.save_path, max_error=options.max_error, redo=options.redo)
    print('%d photos; landmarks by %s' % (len(paths), preparer.landmark_source))
    with sample_files.set_opened(options.save_path), task_pool(options.jobs, options.scheduler) as pool:
        with tqdm(total=len(paths), unit='image', smoothing=0.05) as bar:
            def show(row):
                bar.update()
                if row.status == preparation.FAILED:
                    bar.write(row.reason, file=sys.stderr)

            counts = preparation.prepare_all(pool, preparer, paths, show)
        write_contact_sheet(options.save_path, result_names(paths))
    print('%s: %d done, %d kept from before, %d failed' % (
        options.save_path, counts[preparation.DONE], counts[preparation.KEPT], counts[preparation.FAILED]))
    return 1 if counts[preparation.FAILED] else 0


def synthesize(options):
    """Makes all images of a set; returns the exit code."""
    # TensorFlow takes seconds to load; a mistyped flag should not.
    from Deep3DFaceReconstruction.dataset import random_faces, synthesis
    from Deep3DFaceReconstruction.face_model import load_face_model

    base = random_faces.PLAIN_OPTIONS if options.plain else random_faces.DEFAULT_OPTIONS
    chosen = base._replace(max_yaw=options.max_yaw, max_pitch=options.max_pitch, max_roll=options.max_roll)
    scenes = synthesis.Scenes(load_face_model(options.face_model), options.seed, chosen)
    with tqdm(total=options.count, unit='image', smoothing=0.05) as bar:
        names = synthesis.synthesize(options.save_path, options.count, scenes, options.batch_size, bar.update)
    write_contact_sheet(options.save_path, names)
    print('%s: %d images' % (options.save_path, len(names)))
    return 0
