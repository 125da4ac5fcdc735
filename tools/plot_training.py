"""Draws the losses of a training run over its steps: python tools/plot_training.py result/NAME

Reads the TensorBoard summaries below NAME/summary and writes NAME/curves.png: total loss, landmark error, photometric
error and identity, each for training and validation. Works while the run goes on; what a resumed run computed again is
drawn once.
"""
import argparse
import glob
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from Deep3DFaceReconstruction.system.process import prepare_process  # noqa: E402

prepare_process()

import numpy as np  # noqa: E402

from Deep3DFaceReconstruction.errors import InputError, message_of  # noqa: E402
from Deep3DFaceReconstruction.system.files import atomic_write  # noqa: E402
from Deep3DFaceReconstruction.tf1 import tf  # noqa: E402
from Deep3DFaceReconstruction.training.run_folder import SUMMARY  # noqa: E402

TITLES = {'train_error': 'total loss', 'landmark_px': 'landmark error, px', 'photo_error': 'photometric error',
          'id_sim_error': '1 - cosine of identity', 'regulation_error': 'coefficient prior',
          'reflect_error': 'reflectance'}
# A mean over so many summaries, and never more than a tenth of the run.
_SMOOTHING = 15


def read_scalars(folder):
    """{tag: (steps, values)} of all scalars in a folder of TensorBoard events, in order of the steps.

    Where a step was computed twice, because the run was killed and resumed, the later file counts.
    """
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, 'events.*')), key=os.path.getmtime):
        for event in _events(path):
            for value in event.summary.value:
                if value.HasField('simple_value'):
                    found.setdefault(value.tag, {})[event.step] = value.simple_value
    return {tag: tuple(map(list, zip(*sorted(values.items())))) for tag, values in found.items()}


def _events(path):
    try:
        yield from tf.train.summary_iterator(path)
    except tf.errors.DataLossError:  # the run is writing its last event, or was killed at it
        return


def draw_curves(train, val, path, tags=tuple(TITLES)):
    """Writes the PNG: a panel for each tag, two in a row.

    Args:
      train, val: {tag: (steps, values)} as read_scalars gives them.
      path: the PNG.
      tags: what to draw; those without numbers are left out.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tags = [tag for tag in tags if tag in train or tag in val]
    rows = (len(tags) + 1) // 2
    figure = Figure(figsize=(10, 3.2 * rows), constrained_layout=True)
    FigureCanvasAgg(figure)
    for number, tag in enumerate(tags):
        _draw(figure.add_subplot(rows, 2, number + 1), TITLES.get(tag, tag), train.get(tag), val.get(tag))
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format='png', dpi=100)


def _draw(axes, title, train, val):
    shown = []
    if train:
        steps, values = np.array(train[0]), np.array(train[1])
        axes.plot(steps, values, color='tab:blue', alpha=0.25, linewidth=0.8)
        axes.plot(*smooth(steps, values), color='tab:blue', label='training')
        shown.append(values)
    if val:
        axes.plot(val[0], val[1], 'o-', color='tab:orange', markersize=3, label='validation')
        shown.append(np.array(val[1]))
    finite = np.concatenate(shown)
    finite = finite[np.isfinite(finite)]
    if len(finite):
        # A first value far above the rest would flatten everything.
        axes.set_ylim(0, max(1.08 * np.percentile(finite, 98), 1e-9))
    axes.set(title=title, xlabel='step')
    axes.grid(alpha=0.3)
    axes.legend()


def smooth(steps, values):
    """(steps, values) as running means; values that are not finite are left out."""
    kept = np.isfinite(values)
    steps, values = np.asarray(steps)[kept], np.asarray(values)[kept]
    width = max(min(_SMOOTHING, len(values) // 10), 1)
    means = np.convolve(values, np.full(width, 1.0 / width), 'valid')
    first = (width - 1) // 2
    return steps[first:first + len(means)], means


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', metavar='result/NAME', help='the folder of the run')
    parser.add_argument('--output', default=None, metavar='PNG', help='by default NAME/curves.png')
    parser.add_argument('--tags', nargs='+', default=list(TITLES), metavar='TAG', help='scalars of the summaries')
    options = parser.parse_args(arguments)
    path = options.output or os.path.join(options.folder, 'curves.png')
    try:
        train, val = (read_scalars(os.path.join(options.folder, SUMMARY, name)) for name in ('train', 'val'))
        if not set(options.tags) & (set(train) | set(val)):
            raise InputError('%s: expected a training run whose %s/ holds %s, got none of them' % (
                options.folder, SUMMARY, ', '.join(options.tags)))
        draw_curves(train, val, path, options.tags)
    except (InputError, OSError) as error:
        print('plot_training.py: %s' % message_of(error), file=sys.stderr)
        return 2
    print(path)
    return 0


if __name__ == '__main__':
    sys.exit(main())
