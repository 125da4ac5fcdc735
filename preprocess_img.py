"""Raw photos -> a training set; the home of the published `POS` and `align_img`."""
import argparse
import os
import sys

from Deep3DFaceReconstruction.dataset import preparation, sample_files
from Deep3DFaceReconstruction.dataset.contact_sheet import write_contact_sheet
from Deep3DFaceReconstruction.dataset.task_pool import task_pool
from Deep3DFaceReconstruction.errors import InputError, UserError, message_of
from Deep3DFaceReconstruction.photo.alignment import POS, align_img
from Deep3DFaceReconstruction.photo.image_io import list_images, result_names
from Deep3DFaceReconstruction.photo.landmarks import standard_five_points
from Deep3DFaceReconstruction.system import assets
from Deep3DFaceReconstruction.system.arguments import positive
from Deep3DFaceReconstruction.system.process import prepare_process

__all__ = ['POS', 'align_img', 'standard_five_points']


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description='Turns photos into a training set: for a photo NAME.jpg the aligned crop SAVE/NAME.png, '
                    'its 68 landmarks SAVE/lm/NAME.txt and SAVE/lm_bin/NAME.bin, and its skin mask SAVE/mask/NAME.png. '
                    'NAME.txt beside a photo may give its five points (eyes, nose, mouth corners; one "x y" a line); '
                    'otherwise the largest face is detected. SAVE/report.csv says what became of each photo, '
                    'SAVE/contact_sheet.png shows it. A run that was stopped goes on where it was.',
        epilog='Exit code: 0 when every photo gave a sample, 1 when one failed (the others are still done), '
               '2 when nothing could be started.')
    parser.add_argument('--img_path', default=assets.INPUT_DIR, metavar='DIR', help='folder of photos')
    parser.add_argument('--save_path', default=os.path.join(assets.ROOT, 'processed_data'), metavar='SAVE',
                        help='folder of the training set')
    parser.add_argument('--jobs', type=positive, default=1, metavar='N', help='processes on this machine')
    parser.add_argument('--scheduler', metavar='ADDRESS',
                        help='work on the Dask cluster whose scheduler is at this address (tcp://host:8786) instead; '
                             'its machines need both folders under the same paths, and this program on PYTHONPATH')
    parser.add_argument('--max_error', type=float, default=preparation.DEFAULT_MAX_ERROR, metavar='PX',
                        help='refuse a photo whose 68 landmarks lie further than this from its five points, on average')
    parser.add_argument('--redo', action='store_true', help='make again what is there already')
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_arguments(arguments)
    prepare_process()  # the processes of --jobs inherit it; they work outside their main threads
    try:
        return run(options)
    except (UserError, OSError) as error:
        print(message_of(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('stopped; the same command goes on from here', file=sys.stderr)
        return 130


def run(options):
    """Prepares all photos; returns the exit code."""
    from tqdm import tqdm

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


if __name__ == '__main__':
    sys.exit(main())
